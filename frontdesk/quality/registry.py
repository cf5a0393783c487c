"""The sections of docs/quality.md, in their order. One line a section."""

from frontdesk.quality import extraction, intents, retrieval, sentiment
from frontdesk.quality.sheet import Section

SECTIONS: tuple[Section, ...] = (intents.SECTION, sentiment.SECTION, extraction.SECTION, retrieval.SECTION)

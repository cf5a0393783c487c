"""Text cut to what a channel carries, where a reader would pause. Pure."""

import re

_PAUSES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…])\s"), re.compile(r"\s"))


def split(text: str, limit: int) -> list[str]:
    """The text as parts of at most `limit` characters, none empty: cut between paragraphs, else lines, else
    sentences, else words; within a word only when it alone is too long."""
    parts, rest = list[str](), text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [part for part in [*parts, rest] if part]


def _cut(text: str, limit: int) -> int:
    for pause in _PAUSES:
        borders = [found.start() for found in pause.finditer(text, 0, limit + 1)]
        if borders and borders[-1] > limit // 2:
            return borders[-1]
    return limit


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them "…" when something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"

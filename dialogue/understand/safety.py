"""What must reach a person at once: somebody in danger, a threat, the law. Seen by its phrases, because the one
sentence that matters most is the one that no example has."""

import re
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from dialogue.understand.concepts import plain

PHRASES = Path(__file__).with_name("safety.yaml")
INTENTS = {
    "self_harm": "emergency",
    "medical": "emergency",
    "danger": "emergency",
    "threat": "threat",
    "legal": "legal",
}


def safety(text: str) -> str:
    """A key of INTENTS, the gravest; "" when there is nothing."""
    said = plain(text.casefold().replace("’", "'").replace("`", "'"))
    return next((kind for kind, phrases in _phrases().items() if phrases.search(said)), "")


@cache
def _phrases() -> dict[str, re.Pattern[str]]:
    kinds = YAML(typ="safe", pure=True).load(PHRASES.read_text(encoding="utf-8"))
    return {kind: re.compile("|".join(f"(?:{one})" for one in phrases)) for kind, phrases in kinds.items()}

"""Words that nobody sees."""

import re

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_FEW = 3
"""A word joiner here and there is a typesetter's; more are somebody's who hides something."""


def unseen(text: str) -> tuple[str, str]:
    """The text without characters that take no room, and what they spelt or were, "" when they were harmless."""
    found = _UNSEEN.findall(text)
    if not found:
        return text, ""
    spelt = "".join(chr(ord(c) - 0xE0000) for run in _TAGS.findall(text) for c in run)
    harmless = not spelt and sum(c != "\u00ad" for c in found) <= _FEW
    shown = spelt or f"{len(found)} characters without width"
    return _UNSEEN.sub("", text), "" if harmless else shown

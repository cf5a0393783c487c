"""What may be a password: long enough and not one of those that everybody tries. No rules of composition.

Source: NIST SP 800-63B-4, 3.1.1.2: length, a list of common ones, words of the context; all of Unicode, spaces too.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

LEAST, MOST, FIGURES = 10, 256, 16
"""Characters, after normalising; of one that is only figures, at least so many."""

_WORDS: list[str] = json.loads(Path(__file__).with_name("common_passwords.json").read_text(encoding="utf-8"))
"""What people build passwords from that are found in every list of leaked ones."""
_LEET = str.maketrans("013457@$!|", "oieastasil")


def normal(password: str) -> str:
    """The same for every keyboard that types it: NFC."""
    return unicodedata.normalize("NFC", password)


def weakness(password: str, context: Iterable[str] = ()) -> str | None:
    """Why it may not be one, or None. `context` are words that an attacker knows: the e-mail address, the name."""
    told = normal(password)
    if len(told) < LEAST:
        return f"it is shorter than {LEAST} characters; a few words of your own are easy to remember"
    if len(told) > MOST:
        return f"it is longer than {MOST} characters"
    if "\0" in told or any("\ud800" <= char <= "\udfff" for char in told):
        return "it holds a character that cannot be typed"
    if _is_run(told.casefold()) or len(set(told.casefold())) < 4:
        return "it is a run or a repetition of a few characters; such are tried first"
    if told.isdigit() and len(told) < FIGURES:
        return f"figures only are quickly tried out; write words, or at least {FIGURES} figures"
    if _core(told) in _known(context):
        return "it is one of those that are tried first; choose something that only you would think of"
    return None


def _known(context: Iterable[str]) -> frozenset[str]:
    words = {_core(word) for one in context for word in (one, *re.split(r"[\s@._+-]+", one))}
    return _CORES | {word for word in words if len(word) >= 4}


def _core(word: str) -> str:
    """What is left when the figures and signs that people append are taken away, and figures that stand for letters
    are read as such; a word written twice is that word."""
    letters = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", word.casefold())
    plain = re.sub(r"[\W\d_]+", "", letters.translate(_LEET))
    half = len(plain) // 2
    return plain[:half] if half >= 3 and plain == plain[:half] * 2 else plain


_CORES = frozenset(_core(word) for word in _WORDS)


def _is_run(told: str) -> bool:
    """1234567890, abcdefghij, 9876543210: every step is the same."""
    steps = {ord(after) - ord(before) for before, after in pairwise(told)}
    return len(steps) == 1 or (told.isdigit() and steps <= {1, -9}) or (told.isdigit() and steps <= {-1, 9})

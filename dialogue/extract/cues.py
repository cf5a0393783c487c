"""Which words speak for which field: its name, its description, the admin's synonyms, and their everyday kin."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from dialogue.vocabulary import stem
from domain.fields import Field_, FieldType
from domain.fields.options import plain, singular

FILE = Path(__file__).with_name("lexicon.yaml")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_FAMILY = dict.fromkeys(
    (FieldType.INTEGER, FieldType.DECIMAL, FieldType.PERCENT, FieldType.RATING, FieldType.DURATION), "count"
) | dict.fromkeys((FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PERSON_NAME, FieldType.ADDRESS), "words")
"""Types whose fields compete for the same words of a message."""
_BOUNDARY = re.compile(r"[.!?;\n]\s|\n")
Key = tuple[str, str, tuple[str, ...], str]
_JOINED = tuple(
    (re.compile(pattern), whole)
    for pattern, whole in (
        (r"\b(?:check|chek)(?:ing|s)?[- ]in\b", "checkin"),
        (r"\b(?:check|chek)(?:ing|s)?[- ]?out\b", "checkout"),
        (r"\bpick(?:ing|ed|s)?(?:[- ]| (?:it|them|him|her|me|us|this|that|the \w+|my \w+) )up\b", "pickup"),
        (
            r"\bdrop(?:ping|ped|s)?(?:[- ]| (?:it|if|them|him|her|me|us|this|that|the \w+|my \w+) )off\b",
            "dropoff",
        ),
        (r"\b(?:bring|give|take|hand)(?:ing|s)? (?:(?:it|them|this|that|the \w+) )?back\b", "dropoff"),
        (r"\bset(?:ting)?[- ]up\b", "setup"),
        (r"\bwi-?fi\b", "wifi"),
        (r"\bnon-?stop\b", "nonstop"),
        (r"\bbed[- ]?rooms?\b", "bedroom"),
        (r"\bbath[- ]?rooms?\b", "bathroom"),
    )
)
"""What is written as two words and means one thing."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Stems that speak for a field: `own` for no other field of the schema, `all` perhaps for others too;
    `said` without kin."""

    own: frozenset[str]
    all: frozenset[str]
    said: frozenset[str]
    words: str
    """Name and description as one plain text, for patterns."""


@cache
def lexicon() -> Any:
    return YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


@cache
def _stop() -> frozenset[str]:
    return frozenset(lexicon()["stop"].split())


@cache
def _kin() -> Mapping[str, frozenset[str]]:
    kin: dict[str, frozenset[str]] = {}
    for line in lexicon()["kin"]:
        group = frozenset(root(word) for word in line.split())
        for one in group:
            kin[one] = kin.get(one, frozenset()) | group
    return kin


@lru_cache(maxsize=5_000)
def stems(text: str) -> tuple[str, ...]:
    """The telling words, in order."""
    words = _WORD.findall(joined(text))
    return tuple(root(word) for word in words if word not in _stop() and len(word) > 1)


@lru_cache(maxsize=20_000)
def root(word: str) -> str:
    """Singular and plural, and the forms of a verb, as one: rider and riders, smoke and smoking."""
    return stem(singular(word))


def joined(text: str) -> str:
    """Plain, with "check-in", "pick the car up" and the like as one word."""
    said = plain(text).replace("_", " ")
    for pattern, whole in _JOINED:
        said = pattern.sub(whole, said)
    return said


def signs(fields: Sequence[Field_]) -> Mapping[str, Signs]:
    return _signs(tuple((f.name, f.description, f.cues, _FAMILY.get(f.type, f.type)) for f in fields))


@lru_cache(maxsize=500)
def _signs(keys: tuple[Key, ...]) -> Mapping[str, Signs]:
    """A word of several fields tells nothing of which one, unless it is in the name of one and in no other of
    that family. Of yes-or-no fields only what no other field of any kind has tells anything."""
    said = {name: frozenset(stems(f"{name} {about} {' '.join(cues)}")) for name, about, cues, _ in keys}
    shared = Counter(one for words in said.values() for one in words)
    family = {name: kind for name, _, _, kind in keys}
    found = {}
    for name, about, cues, kind in keys:
        flag = kind == FieldType.BOOLEAN
        rivals = [other for other in said if other != name and (flag or family[other] == kind)]
        others = frozenset().union(*(said[other] for other in rivals))
        named = frozenset() if flag else frozenset(stems(f"{name} {' '.join(cues)}"))
        own = frozenset(one for one in said[name] - others if shared[one] == 1 or one in named)
        text = joined(f"{name.replace('_', ' ')} {about}")
        found[name] = Signs(_widened(own) - others, _widened(said[name]), said[name], text)
    return found


def _widened(words: frozenset[str]) -> frozenset[str]:
    return words.union(*(_kin().get(one, frozenset()) for one in words))


def before(text: str, start: int, reach: int = 30) -> str:
    """What stands before a place, in its sentence; `reach` characters, whole words."""
    said = text[max(0, start - reach) : start]
    if start > reach:
        said = said.partition(" ")[2] if not text[start - reach - 1].isspace() else said
    return _BOUNDARY.split(said)[-1]


def after(text: str, end: int, reach: int = 22) -> str:
    said = text[end : end + reach]
    return _BOUNDARY.split(said)[0]


def fit(signs: Signs, words: str) -> float:
    """How much a stretch of text speaks for a field: its own words count one each, shared ones a third."""
    said = set(stems(words))
    own = len(said & signs.own)
    return own + 0.35 * len(said & (signs.all - signs.own))

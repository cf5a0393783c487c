"""Small words: those that say nothing of the matter, which kind of question a word belongs to, word endings."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from dialogue.understand.concepts import plain

FILE = Path(__file__).with_name("question_words.yaml")
MOST_VARIANTS = 8
_HYPHEN = re.compile(r"([^\W\d_]+)-([^\W\d_]+)")
"""pre-approval" is "preapproval" to many."""
_PLAN = re.compile(r"(\d{3})[a-z]")
"""401k" is written "401(k)", which is read as "401" and "k"."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def content(text: str) -> list[str]:
    """The words that carry the meaning, in order, without accents and case."""
    words = _words(text)
    little = _little().get(_spoken(words)) or _stop()
    return [word for word in words if word not in little and len(word) > 1]


def terms(text: str) -> frozenset[str]:
    """The same, bent to one form."""
    whole = _HYPHEN.findall(plain(text.casefold()))
    return frozenset(stem(word) for word in content(f"{text} {' '.join(a + b for a, b in whole)}"))


def speaks(text: str) -> str:
    """The language whose little words the text has more of; "" when none has."""
    return _spoken(_words(text))


def _spoken(words: Sequence[str]) -> str:
    counts = {language: sum(word in little for word in words) for language, little in _little().items()}
    best = max(counts, key=lambda language: counts[language])
    return best if list(counts.values()).count(counts[best]) == 1 else ""


def kind_words(intent: str) -> frozenset[str]:
    """Words that only say which kind of question it is: the intent says that already."""
    return frozenset(_file()["kinds"].get(intent, "").split())


def topic(intent: str, language: str) -> str:
    """What a question of this kind is about that names nothing itself."""
    topics: Mapping[str, Mapping[str, str]] = _file()["topics"]
    return topics.get(language, topics["en"]).get(intent, "")


def variants(words: Sequence[str]) -> list[str]:
    """The words, and what else they may be called or how else they may be written: another word of a group,
    two words as one ("care credit" is CareCredit)."""
    said = [" ".join(words)]
    for place, word in enumerate(words):
        others = [other for group in _groups() if word in group for other in group if other != word]
        said += [" ".join([*words[:place], other, *words[place + 1 :]]) for other in others]
        if plan := _PLAN.fullmatch(word):
            said.append(" ".join([*words[:place], plan[1], *words[place + 1 :]]))
        if place:
            said.append(" ".join([*words[: place - 1], words[place - 1] + word, *words[place + 1 :]]))
    return said[:MOST_VARIANTS]


@cache
def _groups() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group.split()) for group in _file()["synonyms"])


def _words(text: str) -> list[str]:
    return _WORD.findall(plain(text.casefold()).replace("’", "'"))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Without its grammatical ending, longest first; crude, and the same for question and passage."""
    fitting = (end for end in _file()["endings"].split() if word.endswith(end))
    stem = next((word[: -len(end)] for end in fitting if len(word) - len(end) >= 3), word)
    return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else stem


@cache
def _file() -> Any:
    return YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


@cache
def _little() -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in _file()["stop"].items()}


@cache
def _stop() -> frozenset[str]:
    return frozenset().union(*_little().values())

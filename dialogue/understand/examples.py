"""What the classifier learns from: our own example sentences and the workspace's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from dialogue.vocabulary import content

BUILT_IN = Path(__file__).with_name("examples.yaml")


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    intent: str
    language: str
    """Empty for a workspace's own examples: they do not vote on the language."""


@cache
def built_in() -> tuple[Example, ...]:
    intents = YAML(typ="safe", pure=True).load(BUILT_IN.read_text(encoding="utf-8"))
    return tuple(
        Example(line.strip(), intent, language)
        for intent, languages in intents.items()
        for language, lines in languages.items()
        for line in lines.splitlines()
        if line.strip()
    )


@cache
def _words_of(language: str) -> frozenset[str]:
    said = (
        re.findall(r"[^\W\d_]{2,}", one.text.casefold()) for one in built_in() if one.language == language
    )
    return frozenset(word for words in said for word in words)


def in_both_languages(text: str) -> bool:
    """Every word of it is said in both, as "Delta Dental" is: it does not tell the language."""
    words = re.findall(r"[^\W\d_]{2,}", text.casefold())
    return all(word in _words_of("en") and word in _words_of("es") for word in words)


@cache
def words_of(intent: str) -> frozenset[str]:
    """What the examples of an intent are about."""
    said = (content(example.text) for example in built_in() if example.intent == intent)
    return frozenset(word for words in said for word in words)


class Examples(tuple[Example, ...]):
    """Hashed once: they are looked up with every message."""

    @cached_property
    def _hash(self) -> int:
        return tuple.__hash__(self)

    def __hash__(self) -> int:
        return self._hash


def with_own(intents: Mapping[str, Sequence[str]]) -> Examples:
    """Our examples and the workspace's; what a business says about its own words wins over ours."""
    return _with_own(tuple((intent, tuple(texts)) for intent, texts in sorted(intents.items())))


@lru_cache(maxsize=64)
def _with_own(intents: tuple[tuple[str, tuple[str, ...]], ...]) -> Examples:
    own = tuple(Example(text, intent, "") for intent, texts in intents for text in texts)
    taken = {example.text.casefold() for example in own}
    return Examples((*(one for one in built_in() if one.text.casefold() not in taken), *own))

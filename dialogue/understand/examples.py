"""What the classifier learns from: our own example sentences and the workspace's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

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


def with_own(intents: Mapping[str, Sequence[str]]) -> tuple[Example, ...]:
    """Our examples and the workspace's; what a business says about its own words wins over ours."""
    own = tuple(Example(text, intent, "") for intent, texts in sorted(intents.items()) for text in texts)
    taken = {example.text.casefold() for example in own}
    return tuple(example for example in built_in() if example.text.casefold() not in taken) + own

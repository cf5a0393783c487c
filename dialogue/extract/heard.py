"""What an extraction looks at, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.entities import Entity
from domain.fields import Field_, Here


@dataclass(frozen=True, slots=True)
class Heard:
    """What the customer wrote, and what it may be an answer to. `asked` names the fields that our last message
    asked for; `last` is that message."""

    text: str
    fields: tuple[Field_, ...]
    here: Here
    entities: tuple[Entity, ...] = ()
    asked: frozenset[str] = frozenset()
    last: str = ""
    known: Mapping[str, Any] = field(default_factory=dict)
    """The fields' present values: the day of "Tuesday" stays when "at 3" comes after it."""


class How(StrEnum):
    SAID = "said"
    MEANT = "meant"  # by words that are not the option's own: they may be another field's value as well
    ANSWERED = "answered"  # what is left of the answer to our question


@dataclass(frozen=True, slots=True)
class Found:
    """A canonical value for a field. `words` is exactly `text[start:start + len(words)]`."""

    name: str
    value: Any
    confidence: float
    words: str
    start: int
    how: How = How.SAID

    @property
    def end(self) -> int:
        return self.start + len(self.words)

"""How a table of (kind, pattern, builder) rows reads a message: each row takes what no earlier row took."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from domain.entities.base import Kind, Value
from domain.entities.reading import Reading


@dataclass(frozen=True, slots=True)
class Scene:
    """What a builder may know beside the words: the local time and the country (ISO 3166, two letters)."""

    now: datetime
    country: str = "US"

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def month_first(self) -> bool:
        return self.country == "US"


Match = re.Match[str]
Build = Callable[[Match, Scene], Value | None]


@dataclass(frozen=True, slots=True)
class Row:
    """`kind` None: these words are no entity, and nobody may read them as one. A group `x` in the pattern is
    what the entity spans; without it, the whole match. A builder that raises ValueError or OverflowError
    (31 June) found nothing."""

    kind: Kind | None
    pattern: re.Pattern[str]
    build: Build


@dataclass(frozen=True, slots=True)
class Found:
    """An entity before it is carried back to the original; offsets are the reading's."""

    kind: Kind
    value: Value
    start: int
    end: int


def row(kind: Kind, pattern: str, build: Build) -> Row:
    return Row(kind, re.compile(pattern), build)


def nothing(pattern: str) -> Row:
    return Row(None, re.compile(pattern), lambda m, scene: "")


def claim(rows: Iterable[Row], reading: Reading, scene: Scene) -> tuple[list[Found], Reading]:
    """What the rows found, and the reading with all of it masked."""
    found: list[Found] = []
    for each in rows:
        taken: list[tuple[int, int]] = []
        for m in each.pattern.finditer(reading.text):
            value = _built(each, m, scene)
            if value is None:
                continue
            start, end = m.span("x") if "x" in m.re.groupindex else m.span()
            taken.append((start, end))
            if each.kind:
                found.append(Found(each.kind, value, start, end))
        if taken:
            reading = reading.without(taken)
    return found, reading


def _built(row: Row, m: Match, scene: Scene) -> Value | None:
    try:
        return row.build(m, scene)
    except (ValueError, OverflowError):
        return None


def group(m: Match, name: str) -> str:
    """A named group, "" when the pattern has none or it took no part."""
    return (m[name] or "") if name in m.re.groupindex else ""

"""What a schema would take from a text: for an admin who tries out a schema before customers do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dialogue.extract import Heard
from dialogue.extract.counting import extract_counting
from dialogue.vocabulary import speaks
from domain.entities import find_entities
from domain.fields import Here, show
from domain.workspace import Schema

LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Sampled:
    """`words` are the text's own, from `start` on; `confidence` is 0..1; `shown` is how a customer would read it."""

    name: str
    value: Any
    shown: str
    confidence: float
    words: str
    start: int
    how: str


def sample(schema: Schema, text: str, now: datetime, asked: frozenset[str] = frozenset()) -> list[Sampled]:
    """`asked` names the fields that the text answers. Nothing is stored; `now` is aware, in the workspace's zone."""
    text = text[:LONGEST]
    fields = tuple(f for f in schema.fields if f.extract)
    here = Here(now, speaks(text) or "en")
    found = extract_counting(Heard(text, fields, here, find_entities(text, now), asked), schema)
    by_name = {f.name: f for f in fields}
    return [
        Sampled(
            one.name,
            one.value,
            show(one.value, by_name[one.name], here),
            one.confidence,
            one.words,
            one.start,
            one.how,
        )
        for one in found
    ]

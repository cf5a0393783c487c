"""How many of the values that a message gives are put into the right fields, and how often a turn is wholly right."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from rapidfuzz import fuzz

from dialogue.context import fill_context
from domain.entities import find_entities
from domain.fields import FieldType
from domain.turn import Author, Conversation, Line, SetField, Turn, Understanding
from domain.workspace import Field_, Identity, Profile, Schema
from frontdesk.quality.figures import Stopwatch, f1, share
from frontdesk.quality.labelled import BadFile
from frontdesk.quality.sheet import Section

TYPES = {"number": "integer", "name": "text"} | {one.value: one.value for one in FieldType}
"""The types of public sets beside our own."""
OPEN = frozenset({"name", "text", "long_text", "address", "person_name"})
ALIKE = 85
"""Of 100: how much an open value, which nobody writes the same way twice, must look like the labelled one."""
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Row:
    turn: Turn
    asked: frozenset[str]
    types: Mapping[str, str]
    gold: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class OfType:
    precision: float | None
    recall: float | None
    f1: float
    n: int


@dataclass(frozen=True, slots=True)
class Found:
    """A value counts when its field and the value are right. `exact_turns`: every value right and none too many.
    All are shares, 0..1. A field that the customer does not care about wants no value."""

    precision: float | None
    recall: float | None
    f1: float
    exact_turns: float
    by_type: dict[str, OfType]
    p50_ms: float
    p99_ms: float
    n: int

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def read(file: Path) -> list[Row]:
    """JSON lines {text, history, system_asked, fields, now, gold}. Raise BadFile. .gz is unpacked."""
    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8") as lines:
            rows = [_row(file, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadFile(f"{file} cannot be read: {error}") from error
    if not rows:
        raise BadFile(f"{file} holds no row")
    return rows


def _row(file: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
        types = {name: str(about["type"]) for name, about in row["fields"].items()}
        return Row(_turn(row), frozenset(row.get("system_asked", ())), types, row.get("gold", {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else repr(error)
        shape = '{"text": …, "history": […], "system_asked": […], "fields": {…}, "now": …, "gold": {…}}'
        raise BadFile(f"{file}, line {number}: {said}; write {shape}") from error


def _turn(row: Mapping[str, Any]) -> Turn:
    """A turn in a business whose only schema has the row's fields. A time without a zone is the business's."""
    now = datetime.fromisoformat(row["now"])
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    schema = Schema(name="row", fields=tuple(_field(name, about) for name, about in row["fields"].items()))
    profile = Profile(workspace=Identity(slug="row", name="Row"), schemas=(schema,))
    history = [
        Line(n, Author.CONTACT if one["speaker"].upper() == "USER" else Author.AI, one["text"], now)
        for n, one in enumerate(row.get("history", ()), start=1)
    ]
    burst = Line(len(history) + 1, Author.CONTACT, row["text"], now)
    conversation = Conversation(NOBODY, NOBODY, NOBODY, NOBODY, "twilio_sms", 1)
    return Turn(conversation, profile, (burst,), now, tuple(history))


def _field(name: str, about: Mapping[str, Any]) -> Field_:
    """`values` are the options of a choice and the bounds of a number; a choice without any is a text."""
    values = [str(value) for value in about.get("values", ())]
    type = TYPES.get(about["type"], "")
    if type in ("choice", "multi_choice") and not values:
        type = "text"
    bounds = _bounds(values) if type == "integer" else {}
    options = tuple(values) if type in ("choice", "multi_choice") else ()
    return Field_.model_validate(
        {"name": name, "type": type or about["type"], "description": about.get("description", "")}
        | {"options": options, "extract": True}
        | bounds
    )


def _bounds(values: Sequence[str]) -> dict[str, int]:
    numbers = [int(value) for value in values if value.lstrip("-").isdigit()]
    return {"minimum": min(numbers), "maximum": max(numbers)} if numbers else {}


def measure(rows: Iterable[Row]) -> Found:
    """What `dialogue.context.fill_context`, the stage of a live turn, puts into an empty context. What the message
    wants is given (it tells something), so that intents are not measured with it."""
    watch = Stopwatch()
    right, said, wanted = Counter[str](), Counter[str](), Counter[str]()
    turns = exact = 0
    for row in rows:
        found = watch.time(lambda row=row: _fill(row))  # type: ignore[misc]
        gold = {name: one for name, one in row.gold.items() if one["value"] != "dontcare"}
        hits = {name for name, one in gold.items() if name in found and _same(found[name], one)}
        said.update(row.types[name] for name in found)
        wanted.update(str(one["type"]) for one in gold.values())
        right.update(str(gold[name]["type"]) for name in hits)
        turns += 1
        exact += hits == set(gold) and set(found) <= set(row.gold)
    return Found(
        share(right.total(), said.total()),
        share(right.total(), wanted.total()),
        f1(right.total(), said.total(), wanted.total()),
        share(exact, turns) or 0.0,
        {kind: _of_type(right[kind], said[kind], wanted[kind]) for kind in sorted(said | wanted)},
        watch.percentile(0.5),
        watch.percentile(0.99),
        turns,
    )


def _of_type(right: int, said: int, wanted: int) -> OfType:
    return OfType(share(right, said), share(right, wanted), f1(right, said, wanted), wanted)


def _fill(row: Row) -> dict[str, Any]:
    entities = find_entities(row.turn.text, row.turn.now)
    understood = Understanding("give_information", 1.0, entities=entities)
    filled = fill_context(replace(row.turn, understood=understood), row.asked)
    return {effect.name: effect.value for effect in filled.effects if isinstance(effect, SetField)}


def _same(found: Any, gold: Mapping[str, Any]) -> bool:
    """After normalising: numbers and sums as numbers, open words as people compare them, the rest to the letter."""
    value = gold["value"]
    if gold["type"] in OPEN:
        labelled = (str(one) for one in (value, gold.get("surface", value)))
        return any(fuzz.token_sort_ratio(str(found).lower(), one.lower()) >= ALIKE for one in labelled)
    number, other = _number(found), _number(value)
    if number is not None and other is not None:
        return number == other
    return bool(found == value) or str(found) == str(value)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, Mapping):
        value = value.get("amount")
    if isinstance(value, bool):
        return None
    try:
        return round(Decimal(str(value)), 4)
    except InvalidOperation:
        return None


SETS = (
    ("SGD, 500 turns of 13 services", "sgd_dev_500.jsonl"),
    ("SGD, 200 turns of 12 services", "sgd_dev_200_unseen_services.jsonl"),
)


def _rows(data: Path) -> Iterator[Sequence[object]]:
    for name, file in SETS:
        path = data / "sgd_typed" / file
        if path.exists():
            found = measure(read(path))
            yield (
                name,
                "all",
                found.n,
                found.precision,
                found.recall,
                found.f1,
                found.exact_turns,
                found.p50_ms,
            )
            for kind, one in found.by_type.items():
                yield name, kind, one.n, one.precision, one.recall, one.f1, "", ""


SECTION = Section(
    "extraction",
    "Extraction",
    "Each row is one message into the fields of its service, which nothing was told of but their names, types, "
    "descriptions and values: `frontdesk eval extraction`. The rules were written while their mistakes on both of "
    "these sets were read, so a business of another kind will see less; ADR 23 has the figures of sets that were "
    "not read. *Exact* is the share of turns with every value right and none too many. No embedder, no model.",
    ("set", "type", "values", "precision", "recall", "F1", "exact", "p50 ms"),
    _rows,
)

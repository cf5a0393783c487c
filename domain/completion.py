"""What a schema still needs: which fields count, which are filled, and which is asked for next. Pure, and the same in
whatever order the fields stand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from domain.rules.conditions import Facts, When, fields_of, holds
from domain.workspace import Field_, Schema

_MOMENTS = frozenset({"changed", "changed_to"})
"""What happens is no state: a field does not come and go with it."""


@dataclass(frozen=True, slots=True)
class Completion:
    """`share` of the required fields that count is filled, 0 to 1 (1: none is required); `missing` are the others, in
    the order of asking; `hidden` do not count now; `next` is what may be asked for at once."""

    share: float
    missing: tuple[str, ...]
    hidden: frozenset[str]
    next: str | None


def answered(field: Field_, value: Any) -> bool:
    """A moment of which only the day or only the time was said is not."""
    if value is None or value in ("", []):
        return False
    return field.type != "datetime" or "T" in str(value)


def reckon(schema: Schema, values: Mapping[str, Any], now: datetime) -> Completion:
    """`values` are JSON values by field; `now` is aware."""
    gone = hidden(schema, values, now)
    needed = [field for field in schema.fields if field.required and field.name not in gone]
    lacking = in_order(schema, [f for f in needed if not answered(f, values.get(f.name))], values, now)
    waiting = askable(schema, lacking, values, now)
    share = 1 - len(lacking) / len(needed) if needed else 1.0
    return Completion(share, tuple(f.name for f in lacking), gone, waiting[0].name if waiting else None)


def hidden(schema: Schema, values: Mapping[str, Any], now: datetime) -> frozenset[str]:
    """Fields whose `visible_when` does not hold. It looks at no value of a field that is hidden itself."""
    if not any(field.visible_when for field in schema.fields):
        return frozenset()
    by_name, known = {field.name: field for field in schema.fields}, dict[str, bool]()

    def is_shown(name: str) -> bool:
        if name not in known:
            known[name] = True  # a circle, which is refused where schemas are made, shows all of its fields
            known[name] = _holds(by_name[name])
        return known[name]

    def _holds(field: Field_) -> bool:
        if not field.visible_when:
            return True
        when = _when(field)
        seen = {name: values.get(name) for name in _looked_at(when) if name in by_name and is_shown(name)}
        return holds(when, Facts(seen, now))

    return frozenset(name for name in by_name if not is_shown(name))


def askable(
    schema: Schema, fields: Iterable[Field_], values: Mapping[str, Any], now: datetime
) -> list[Field_]:
    """Those of `fields` that count; one that requires others gives way to them, whether or not they are required
    themselves. A requirement that is hidden holds up nothing."""
    gone, by_name = hidden(schema, values, now), {field.name: field for field in schema.fields}

    def first(field: Field_, asked: frozenset[str]) -> Field_ | None:
        needs = [by_name[n] for n in field.requires if n in by_name and n not in gone]
        unmet = [need for need in needs if not answered(need, values.get(need.name))]
        if not unmet:
            return field
        ways = (first(need, asked | {field.name}) for need in unmet if need.name not in asked)
        return next((way for way in ways if way is not None), None)

    found = (first(field, frozenset()) for field in fields if field.name not in gone)
    return list({field.name: field for field in found if field is not None}.values())


def in_order(
    schema: Schema, fields: Sequence[Field_], values: Mapping[str, Any], now: datetime
) -> list[Field_]:
    """What is asked first comes first: by the first of `ask_first` that holds, then by priority, then as written."""
    facts = Facts(dict(values), now)
    first = [
        name for one in schema.ask_first if holds(When.model_validate(one.when), facts) for name in one.fields
    ]
    rank = {name: n for n, name in reversed(list(enumerate(first)))}
    place = {field.name: n for n, field in enumerate(schema.fields)}
    return sorted(fields, key=lambda f: (rank.get(f.name, len(first)), f.priority, place.get(f.name, 0)))


def complaints(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """(path below the schema, what is wrong and what would be right, the value)."""
    names = [field.name for field in schema.fields]
    there = f"there are {', '.join(names) or 'none'}"
    for n, field in enumerate(schema.fields):
        for k, need in enumerate(field.requires):
            if need not in names:
                yield (
                    ("fields", n, "requires", k),
                    f"there is no field {need!r} in this schema; {there}",
                    need,
                )
        if field.visible_when:
            yield from _conditions(("fields", n, "visible_when"), field.visible_when, names)
    for n, one in enumerate(schema.ask_first):
        yield from _conditions(("ask_first", n, "when"), one.when, names)
        for k, name in enumerate(one.fields):
            if name not in names:
                yield (
                    ("ask_first", n, "fields", k),
                    f"there is no field {name!r} in this schema; {there}",
                    name,
                )
    yield from _circles(schema)


def _conditions(where: tuple[str | int, ...], given: Any, names: list[str]) -> Iterator[Any]:
    try:
        when = When.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            yield (*where, *one["loc"]), str(one["msg"]).removeprefix("Value error, "), one["input"]
        return
    for name in sorted(_looked_at(when)):
        if name not in names:
            said = f"there is no field {name!r} in this schema, and it looks at nothing else; there are {', '.join(names)}"
            yield where, said, given
    if _MOMENTS & _operators(when):
        yield where, "changed and changed_to are no state; write eq, in or is_set", given


def _circles(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """A field that waits for itself, by what it requires or by when it is there, would never be asked for."""
    by_name = {field.name: field for field in schema.fields}
    waits = {name: _waits_for(field) & by_name.keys() for name, field in by_name.items()}
    told = set[frozenset[str]]()
    for n, field in enumerate(schema.fields):
        way = _way(field.name, field.name, waits)
        if way and frozenset(way) not in told:
            told.add(frozenset(way))
            key = "requires" if field.requires and way[0] in field.requires else "visible_when"
            said = f"{' waits for '.join((field.name, *way))}: take one of them out, or nobody is ever asked"
            yield ("fields", n, key), said, field.name


def _way(start: str, to: str, waits: Mapping[str, Iterable[str]]) -> list[str]:
    """From `start` to `to`, the shortest way; empty when there is none."""
    ways = [[name] for name in sorted(waits[start])]
    seen = set[str]()
    while ways:
        way = ways.pop(0)
        if way[-1] == to:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, name] for name in sorted(waits[way[-1]])]
    return []


def _waits_for(field: Field_) -> set[str]:
    try:
        looked = _looked_at(_when(field)) if field.visible_when else frozenset[str]()
    except ValidationError:  # said already
        looked = frozenset()
    return {*field.requires, *looked}


def _looked_at(when: When) -> frozenset[str]:
    return frozenset(name.removeprefix("context.") for name in fields_of(when))


def _operators(when: When) -> set[str]:
    inner = [*(when.all or ()), *(when.any or ()), *((when.not_,) if when.not_ else ())]
    return {when.op or ""}.union(*map(_operators, inner))


def _when(field: Field_) -> When:
    return _read(_Conditions(field))


class _Conditions:
    """The same field is the same conditions: it is frozen, and held here so that its address is nobody else's."""

    __slots__ = ("field",)

    def __init__(self, field: Field_) -> None:
        self.field = field

    def __hash__(self) -> int:
        return id(self.field)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Conditions) and self.field is other.field


@lru_cache(maxsize=2_000)
def _read(one: _Conditions) -> When:
    return When.model_validate(one.field.visible_when)

"""Counted things, sums of money, shares and ratings, each to the field it is said for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from dialogue.extract.cues import Signs, after, before, fit, stems
from dialogue.extract.heard import Found, Heard
from domain.entities import Entity, Kind
from domain.fields import Complaint, Field_, FieldType, accept
from domain.fields.money import value_of
from domain.fields.numbers import written

COUNTS = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.PERCENT, FieldType.RATING})
_PEOPLE = re.compile(
    r"\b(?:guests?|people|persons?|adults?|passengers?|riders?|travell?ers?|party|group|diners?|attendees|seats?|tickets?"
    r"|size|participants?|personas|pasajeros|comensales)\b"
)
_ALONE = re.compile(
    r"\b(?:(?:just|only) (?:for )?(?:me|myself|one)|by myself|for myself|alone|(?:a )?single (?:person|ticket|seat|adult|passenger)"
    r"|solo yo|para mi solo|para uno)\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"\b(?:(?:me and my|my|i and my) (?:wife|husband|friend|partner|girlfriend|boyfriend|mom|mother|dad|father|son|daughter"
    r"|sister|brother|spouse)(?: and (?:i|me|myself))|me and my (?:wife|husband|friend|partner|girlfriend|boyfriend|mom|mother"
    r"|dad|father|son|daughter|sister|brother|spouse)|(?:the )?(?:both|two) of us|a couple\b(?! of))\b",
    re.IGNORECASE,
)
_ONE_THING = re.compile(r"\b(?:a|an|un|una|single|another) (?:single |extra )?(?P<thing>[^\W\d_]{3,})", re.IGNORECASE)
_FOR_SO_MANY = re.compile(r"\b(?:for|para|of|somos|us|be|with|table|party|group)\W+(?:the |a |group of |party of )?$", re.I)
_CHANGES = re.compile(
    r"\b(?:actually|instead|change|make (?:it|that)|meant|mean|rather|no|nope|sorry|wait|update|correct|mejor|cambi\w+)\b", re.I
)
_OF_NAME = re.compile(r"(?:#|no\.? ?|apt\.? ?|suite |unit |room |highway |route |flight )$", re.I)
_WITHIN_DURATION = re.compile(r"\d+(?:\.\d+)?")
_UNITS = {"day": 86_400, "night": 86_400, "dia": 86_400, "noche": 86_400, "week": 604_800, "semana": 604_800}
_UNITS |= {"hour": 3_600, "hora": 3_600, "minut": 60, "month": 2_592_000, "year": 31_536_000}


@dataclass(frozen=True, slots=True)
class Count:
    value: Decimal
    text: str
    start: int
    seconds: int = 0
    """Its length when it counts days or hours."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    found = _sums(heard, signs)
    taken = {(one.start, one.end) for one in found}
    counts = [one for one in _counts(heard) if (one.start, one.end) not in taken]
    return found + _counted(heard, signs, counts)


def _sums(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    fields = [f for f in heard.fields if f.type is FieldType.MONEY]
    said = [e for e in heard.entities if e.kind in (Kind.MONEY, Kind.MONEY_RANGE)]
    sure: dict[str, tuple[float, Found]] = {}
    for field in fields:
        candidates: list[tuple[Any, Entity, float]] = [(value_of(e.value), e, 0.95) for e in said]
        wanted = field.name in heard.asked
        for e in () if said else (e for e in heard.entities if e.kind is Kind.NUMBER):
            if wanted or (fit(signs[field.name], before(heard.text, e.start)) >= 1 and Decimal(str(e.value)) >= 20):
                candidates.append((accept(float(str(e.value)), field, heard.here), e, 0.8))
        for value, e, confidence in candidates:
            score = _near(heard, signs[field.name], e.start, e.end) + 3 * wanted
            if not isinstance(value, Complaint) and (field.name not in sure or score > sure[field.name][0]):
                sure[field.name] = score, Found(field.name, value, confidence, e.text, e.start)
    best: dict[int, str] = {}
    for name, (score, one) in sure.items():
        if one.start not in best or score > sure[best[one.start]][0]:
            best[one.start] = name
    return [sure[name][1] for name in best.values()]


def _near(heard: Heard, signs: Signs, start: int, end: int) -> float:
    return fit(signs, before(heard.text, start)) + 1.2 * fit(signs, after(heard.text, end))


def _counts(heard: Heard) -> Iterator[Count]:
    for e in heard.entities:
        if e.kind is Kind.NUMBER and isinstance(e.value, Decimal):
            if not _OF_NAME.search(heard.text[: e.start]):
                yield Count(e.value, e.text, e.start)
        elif e.kind is Kind.DURATION and isinstance(e.value, timedelta):
            seconds = round(e.value.total_seconds())
            unit = next((size for one in stems(e.text) for u, size in _UNITS.items() if one.startswith(u)), 0)
            if unit and seconds % unit == 0:
                yield Count(Decimal(seconds // unit), e.text, e.start, seconds)


def _counted(heard: Heard, signs: dict[str, Signs], counts: list[Count]) -> list[Found]:
    fields = [f for f in heard.fields if f.type in COUNTS]
    scored = []
    for n, count in enumerate(counts):
        for f in fields:
            value = _valued(count, f, signs[f.name], heard)
            score = _score(heard, f, signs[f.name], count, fields)
            if not isinstance(value, Complaint) and score > 0:
                scored.append((score, -n, f.name, value, count))
    found: dict[str, Found] = {}
    used: set[int] = set()
    for score, n, name, value, count in sorted(scored, key=lambda one: one[:2], reverse=True):
        if name not in found and n not in used:
            used.add(n)
            found[name] = Found(name, value, 0.9 if score >= 2 else 0.75, count.text, count.start)
    return [*found.values(), *_unsaid(heard, signs, [f for f in fields if f.name not in found], used)]


def _valued(count: Count, field: Field_, signs: Signs, heard: Heard) -> Any:
    if count.seconds:
        unit = next((size for one in signs.said for u, size in _UNITS.items() if one.startswith(u)), 0)
        if not unit or field.type is not FieldType.INTEGER:
            return Complaint("another_unit", "")
        return accept(count.seconds // unit, field, heard.here) if count.seconds % unit == 0 else Complaint("", "")
    return accept(written(count.value), field, heard.here)


def _score(heard: Heard, field: Field_, signs: Signs, count: Count, fields: list[Field_]) -> float:
    """Above 0 only when something speaks for the field: the thing counted, the question, "for two"."""
    left, right = before(heard.text, count.start, 24), after(heard.text, count.end, 26)
    wanted = field.name in heard.asked
    score = 3.0 * wanted
    if count.seconds:
        return score + 2.5
    score += _thing(signs, right, heard, field) + 0.8 * fit(signs, " ".join(left.split()[-3:]))
    people = _counts_people(signs) and not [f for f in fields if f is not field and f.name in heard.asked]
    if people and _FOR_SO_MANY.search(left) and not stems(right)[:1]:
        score += 1
    if not score and not heard.asked:
        score += _in_place_of(heard, field, signs, fields, right)
    if wanted and score == 3.0 and _thing_of_another(heard, field, fields, right):
        return 0.0
    return score


def _thing(signs: Signs, right: str, heard: Heard, field: Field_) -> float:
    """What is counted stands within three words: "3 bed rooms", "two star hotel"."""
    for place, one in enumerate(stems(right)[:3]):
        if one in signs.own or (one in signs.all and place == 0 and _alone_with(one, signs, heard, field)):
            return 2.5 - 0.6 * place
        if one in signs.all:
            return 1.0 - 0.3 * place
    return 0.0


def _alone_with(one: str, signs: Signs, heard: Heard, field: Field_) -> bool:
    return one in signs.said


def _thing_of_another(heard: Heard, field: Field_, fields: list[Field_], right: str) -> bool:
    return False


def _counts_people(signs: Signs) -> bool:
    return bool(_PEOPLE.search(signs.words))


def _in_place_of(heard: Heard, field: Field_, signs: Signs, fields: list[Field_], right: str) -> float:
    """ "Actually, make it 4": the one number field that our last message spoke of."""
    if not _CHANGES.search(heard.text) or stems(right)[:1]:
        return 0.0
    spoken = [f for f in fields if _spoken_of(heard.last, f, heard)]
    return 1.0 if spoken == [field] else 0.0


def _spoken_of(last: str, field: Field_, heard: Heard) -> bool:
    from dialogue.extract.cues import signs

    said = stems(last)
    return bool(set(said) & signs(heard.fields)[field.name].all)


def _unsaid(heard: Heard, signs: dict[str, Signs], fields: list[Field_], used: set[int]) -> Iterator[Found]:
    """Counts without a number: "just me", "me and my wife", "a room"."""
    for f in fields:
        if f.type is not FieldType.INTEGER:
            continue
        people = _counts_people(signs[f.name])
        for pattern, n in ((_ALONE, 1), (_PAIR, 2)):
            m = pattern.search(heard.text) if people else None
            if m and not isinstance(accept(n, f, heard.here), Complaint):
                yield Found(f.name, n, 0.8, m[0], m.start())
                break
        else:
            if f.name in heard.asked and (m := _one_of(heard, signs[f.name])):
                yield Found(f.name, 1, 0.75, m[0], m.start())


def _one_of(heard: Heard, signs: Signs) -> "re.Match[str] | None":
    return next((m for m in _ONE_THING.finditer(heard.text) if set(stems(m["thing"])) & signs.all), None)

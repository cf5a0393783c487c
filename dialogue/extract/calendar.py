"""Days, times, moments, spans of days and lengths of time, each to the field it is said for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from dialogue.extract.cues import Signs, after, before, fit
from dialogue.extract.heard import Found, Heard
from domain.entities import DateRange, Entity, Kind, TimeRange
from domain.fields import Field_, FieldType
from domain.fields.date import day_of
from domain.fields.datetime import join

_EARLY = re.compile(r"check.?in|start|pick|\bfrom\b|depart|outbound|leav|begin|first|arrival date|onward")
_LATE = re.compile(r"check.?out|\bend|return|drop|until|inbound|\bto\b(?! (?:find|visit|set|book))|last|finish|deadline")
_SAYS_EARLY = re.compile(
    r"(?:from|starting|start|beginning|leaving|depart\w*|check(?:ing)?.?in|arriv\w+|pick\w*.?up|desde|a partir de)"
    r"\W+(?:\w+\W+){0,2}$"
)
_SAYS_LATE = re.compile(
    r"(?:to|until|til|till|through|thru|return\w*|check(?:ing)?.?out|drop\w*.?off|ending|back|up to|-|hasta)"
    r"\W+(?:\w+\W+){0,2}$"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    value: Any
    entity: Entity
    role: int = 0
    """1 for the end of a span, -1 for its start."""


def read(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    days, clocks = list(_days(heard)), list(_clocks(heard))
    found = _assign(heard, signs, FieldType.DATE, days)
    found += _assign(heard, signs, FieldType.TIME, clocks)
    found += _moments(heard, signs, days, clocks)
    found += _assign(heard, signs, FieldType.DATE_RANGE, list(_ranges(heard, days)))
    found += _assign(heard, signs, FieldType.DURATION, list(_durations(heard)))
    return found


def _of(heard: Heard, *kinds: Kind) -> list[Entity]:
    return [entity for entity in heard.entities if entity.kind in kinds]


def _days(heard: Heard) -> Iterator[Candidate]:
    wants_spans = any(f.type is FieldType.DATE_RANGE for f in heard.fields)
    for entity in _of(heard, Kind.DATE, Kind.DATETIME, Kind.TIME_RANGE, Kind.DATE_RANGE):
        if isinstance(entity.value, DateRange):
            if not wants_spans and re.search(r"\d", entity.text):
                yield Candidate(entity.value.start.isoformat(), entity, -1)
                yield Candidate(entity.value.end.isoformat(), entity, 1)
        elif (day := day_of(entity.value)) is not None:
            yield Candidate(day.isoformat(), entity)


def _clocks(heard: Heard) -> Iterator[Candidate]:
    for entity in _of(heard, Kind.TIME, Kind.DATETIME, Kind.TIME_RANGE):
        value = entity.value.time() if isinstance(entity.value, datetime) else entity.value
        if isinstance(value, time):
            yield Candidate(value.isoformat("minutes"), entity)
        elif isinstance(value, TimeRange) and re.search(r"\d", entity.text):
            yield Candidate(value.start.isoformat("minutes"), entity, -1)
            yield Candidate(value.end.isoformat("minutes"), entity, 1)


def _ranges(heard: Heard, days: list[Candidate]) -> Iterator[Candidate]:
    spans = [e for e in _of(heard, Kind.DATE_RANGE) if isinstance(e.value, DateRange)]
    for e in spans:
        assert isinstance(e.value, DateRange)
        yield Candidate({"start": e.value.start.isoformat(), "end": e.value.end.isoformat()}, e)
    if not spans:
        for each in days:
            yield Candidate({"start": each.value, "end": each.value}, each.entity)


def _durations(heard: Heard) -> Iterator[Candidate]:
    for entity in _of(heard, Kind.DURATION):
        if isinstance(entity.value, timedelta):
            yield Candidate(round(entity.value.total_seconds()), entity)


def _moments(heard: Heard, signs: dict[str, Signs], days: list[Candidate], clocks: list[Candidate]) -> list[Found]:
    """A whole moment if the message, or the message and what is known already, makes one; else the part."""
    fields = [f for f in heard.fields if f.type is FieldType.DATETIME]
    if not fields:
        return []
    whole = [Candidate(e.value.isoformat(), e) for e in _of(heard, Kind.DATETIME) if isinstance(e.value, datetime)]
    if whole:
        return _assign(heard, signs, FieldType.DATETIME, whole)
    said = _assign(heard, signs, FieldType.DATETIME, days or clocks)
    return [_completed(one, heard, clocks if days else []) for one in said]


def _completed(found: Found, heard: Heard, clocks: list[Candidate]) -> Found:
    known, value = str(heard.known.get(found.name) or ""), found.value
    day, _, clock = known.partition("T")
    if ":" in value:
        value = join(day, value, heard.here) if day and ":" not in day else value
    elif clocks:
        value = join(value, clocks[0].value, heard.here)
    elif clock or ":" in day:
        value = join(value, (clock or day)[:5], heard.here)
    return Found(found.name, value, found.confidence, found.words, found.start)


def _assign(heard: Heard, signs: dict[str, Signs], type: FieldType, candidates: list[Candidate]) -> list[Found]:
    """Each value to one field, best fit first; of equals the first value to the first field."""
    fields = [f for f in heard.fields if f.type is type]
    scored = [
        (_score(heard, signs[f.name], f, each, len(fields)), -n, -m, f, each)
        for n, each in enumerate(candidates)
        for m, f in enumerate(fields)
    ]
    found: dict[str, Found] = {}
    used: set[int] = set()
    for score, n, _, field, each in sorted(scored, key=lambda one: one[:3], reverse=True):
        if field.name in found or n in used or score < -0.5:
            continue
        used.add(n)
        e = each.entity
        sure = 0.95 if len(fields) == len(candidates) == 1 or score >= 1 else 0.75
        found[field.name] = Found(field.name, each.value, sure, e.text, e.start)
    return list(found.values())


def _score(heard: Heard, signs: Signs, field: Field_, each: Candidate, fields: int) -> float:
    left = before(heard.text.lower(), each.entity.start, 32)
    right = after(heard.text.lower(), each.entity.end, 20)
    early, late = bool(_EARLY.search(signs.words)), bool(_LATE.search(signs.words))
    score = fit(signs, left) + fit(signs, right) + 3 * (field.name in heard.asked)
    if fields > 1:
        ends = each.role > 0 or (not each.role and _SAYS_LATE.search(left))
        starts = each.role < 0 or (not each.role and _SAYS_EARLY.search(left))
        score += 1.5 * bool(early and starts) + 2.5 * bool(late and ends) + 0.2 * early
        score -= bool(late and not ends) + 1.5 * bool(early and not late and ends)
    return score



"""Days, times, moments, spans of days and lengths of time, each to the field it is said for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from dialogue.extract.cues import Signs, after, before, fit, joined
from dialogue.extract.heard import Found, Heard
from dialogue.extract.polarity import corrects
from domain.entities import DateRange, Entity, Kind, TimeRange, parse_time
from domain.fields import Field_, FieldType
from domain.fields.date import day_of
from domain.fields.datetime import join

_EARLY = re.compile(r"checkin|start|pickup|\bfrom\b|depart|outbound|leav|begin|first|arrival date|onward")
_LATE = re.compile(
    r"checkout|\bend|return|dropoff|until|inbound|\bto\b(?! (?:find|visit|set|book))|last|finish|deadline"
)
_UP_TO = r"\W+(?:\w+\W+){0,3}$"
_SAYS_EARLY = re.compile(
    rf"\b(?:from|start\w*|beginning|leav\w+|depart\w*|checkin|pick(?:up)?|desde|a partir de"
    rf"|llega\w*){_UP_TO}"
)
_SAYS_LATE = re.compile(
    rf"\b(?:return\w*|checkout|drop(?:off)?|ending|end|back|regres\w+|salida|salgo){_UP_TO}"
)
_BY = re.compile(r"\b(?:by|before|no later than|antes de)\W+(?:the )?$")
_UNTIL = re.compile(
    r"(?:\b(?:to|until|unitl|untill|til|till|through|thru|up to|hasta|al)|-)\W+(?:the |el )?$"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    value: Any
    entity: Entity
    role: int = 0
    """1 for the end of a span, -1 for its start."""


def read(heard: Heard, signs: dict[str, Signs]) -> list[Found]:
    days, clocks = list(_days(heard)), list(_clocks(heard)) or _bare_hour(heard)
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


def _bare_hour(heard: Heard) -> list[Candidate]:
    """ "3", in answer to "what time?"."""
    asked = [
        f for f in heard.fields if f.name in heard.asked and f.type in (FieldType.TIME, FieldType.DATETIME)
    ]
    at = parse_time(heard.text, heard.here.now) if asked and len(heard.text) < 60 else None
    words = heard.text.strip()
    if at is None or not words:
        return []
    start = heard.text.index(words)
    return [Candidate(at.isoformat("minutes"), Entity(Kind.TIME, at, words, start, start + len(words)))]


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


def _moments(
    heard: Heard, signs: dict[str, Signs], days: list[Candidate], clocks: list[Candidate]
) -> list[Found]:
    """A whole moment if the message, or the message and what is known already, makes one; else the part."""
    fields = [f for f in heard.fields if f.type is FieldType.DATETIME]
    if not fields:
        return []
    whole = [
        Candidate(e.value.isoformat(), e) for e in _of(heard, Kind.DATETIME) if isinstance(e.value, datetime)
    ]
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


def _assign(
    heard: Heard, signs: dict[str, Signs], type: FieldType, candidates: list[Candidate]
) -> list[Found]:
    """Each value to one field, best fit first; of equals the first value to the first field."""
    fields = [f for f in heard.fields if f.type is type]
    late, rivals = corrects(heard.text) and len(fields) == 1, {f.name: signs[f.name] for f in fields}
    scored = [
        (_score(heard, rivals, f, each), n if late else -n, -m, f, each)
        for n, each in enumerate(candidates)
        for m, f in enumerate(fields)
    ]
    found: dict[str, Found] = {}
    used: set[int] = set()
    for score, n, _, field, each in sorted(scored, key=lambda one: one[:3], reverse=True):
        if field.name in found or n in used or score < -0.5:
            continue
        used.add(n)
        sure = 0.95 if len(fields) == len(candidates) == 1 or score >= 1 else 0.75
        found[field.name] = _found(field, each, sure)
    rest = [each for n, each in enumerate(candidates) if -n not in used and n not in used]
    return [*found.values(), *_the_other_end(fields, signs, found, rest)]


def _found(field: Field_, each: Candidate, sure: float) -> Found:
    return Found(field.name, each.value, sure, each.entity.text, each.entity.start)


def _the_other_end(
    fields: list[Field_], signs: dict[str, Signs], found: dict[str, Found], rest: list[Candidate]
) -> Iterator[Found]:
    """Of two days the later one ends what the earlier one begins, whatever stands before it."""
    left = [f for f in fields if f.name not in found]
    if (
        len(fields) == 2
        and len(found) == len(rest) == len(left) == 1
        and _LATE.search(signs[left[0].name].words)
    ):
        begun = next(iter(found.values()))
        if rest[0].entity.start > begun.start and rest[0].value > begun.value:
            yield _found(left[0], rest[0], 0.7)


def _score(heard: Heard, rivals: dict[str, Signs], field: Field_, each: Candidate) -> float:
    signs, fields = rivals[field.name], len(rivals)
    left = joined(before(heard.text, each.entity.start, 40))
    right = joined(after(heard.text, each.entity.end, 20))
    early, late = bool(_EARLY.search(signs.words)), bool(_LATE.search(signs.words))
    score = fit(signs, left) + fit(signs, right)
    named_other = not score and any(fit(one, left) >= 1 for name, one in rivals.items() if name != field.name)
    score += (0.5 if named_other else 3) * (field.name in heard.asked)
    if fields > 1:
        score += _BY.search(left) is not None and "arriv" in signs.words
        ends = each.role > 0 or (not each.role and (_SAYS_LATE.search(left) or _UNTIL.search(left)))
        starts = each.role < 0 or (not each.role and _SAYS_EARLY.search(left))
        if starts and ends and not each.role:
            starts, ends = _nearer(left)
        score += 1.5 * bool(early and starts) + 2.5 * bool(late and ends) + 0.2 * early
        score -= bool(late and not ends) + 1.5 * bool(early and not late and ends)
    return score


def _nearer(left: str) -> tuple[bool, bool]:
    """Of "check-in" and "check-out" the one that stands nearer; "to" and "until" only count where neither is."""
    early, late = _SAYS_EARLY.search(left), _SAYS_LATE.search(left)
    if early and late:
        return early.start() > late.start(), late.start() > early.start()
    vague = early is not None and early[0].startswith(("from", "start", "beginning", "desde"))
    return early is not None and not vague, vague

"""Joins neighbours: a day and a time become a moment, two days a span of days, two times a span of hours."""

import re
from datetime import UTC, date, datetime, time, timedelta

from domain.entities import days
from domain.entities.base import DateRange, Kind, TimeRange
from domain.entities.grammar import Found, Scene
from domain.entities.reading import Reading
from domain.entities.times import at_minute, minutes, span
from domain.entities.words import DAY_PARTS

_AT = re.compile(
    r"(?:[ ,]|[^\x00-\x7f])*(?:(?:at|on|by|around|about|@|the|of|for|in|from|del?|el|al?|eso|sobre|para|por|las?|-) ?){0,3}"
)
_TO = re.compile(r",? ?(?:to|-|through|thru|until|till|til|al?|hasta)(?: the| el| las?)? ?")
_AND = re.compile(r" (?:and|y)(?: the| el| las?)? ")
_BETWEEN = re.compile(r"\b(?:between|from|entre|desde)(?: the| el| las?)? $")
_HALF_SAID = re.compile(
    r"\b[ap]\.? ?m\b|[ap]m\b|morning|afternoon|evening|night|noon|manana|tarde|noche|^0|^1[3-9]|^2\d"
)
_PARTS = frozenset(TimeRange(*part) for part in DAY_PARTS.values())
_WEEK_OF = re.compile(r"\b(?:the )?(?:week (?:of|starting)|semana del?)(?: the| el)? $")


def join(found: list[Found], reading: Reading, scene: Scene) -> list[Found]:
    """`found` in the order of the text."""
    joined: list[Found] = []
    for each in (_week_of(one, reading) for one in found):
        while joined and (both := _pair(joined[-1], each, reading, scene)):
            joined.pop()
            each = both
        joined.append(each)
    return joined


def _week_of(found: Found, reading: Reading) -> Found:
    """ "the week of the 5th": Monday to Sunday around that day."""
    before = _WEEK_OF.search(reading.text, max(0, found.start - 30), found.start)
    if found.kind is not Kind.DATE or before is None or not isinstance(found.value, date):
        return found
    start = days.monday(found.value)
    return Found(Kind.DATE_RANGE, DateRange(start, start + timedelta(days=6)), before.start(), found.end)


def _pair(left: Found, right: Found, reading: Reading, scene: Scene) -> Found | None:
    gap = reading.text[left.end : right.start]
    kinds = {left.kind, right.kind}
    value: datetime | time | DateRange | TimeRange | None = None
    if left.kind == right.kind and left.kind in (Kind.DATE, Kind.TIME) and _spans(left, gap, reading):
        value = _range(left, right, reading)
    elif kinds & {Kind.TIME, Kind.DATETIME} and _AT.fullmatch(gap):
        value = _in_part(left, right, reading) or _moment(left, right, reading, scene)
    if value is None:
        return None
    return Found(_kind(value), value, left.start, right.end)


def _in_part(left: Found, right: Found, reading: Reading) -> datetime | time | None:
    """A time beside a part of the day: one time, and the half of the day the part says."""
    at, part = (left, right) if isinstance(right.value, TimeRange) else (right, left)
    if not isinstance(part.value, TimeRange) or part.value.on or part.value not in _PARTS:
        return None
    if (
        isinstance(at.value, datetime)
        and at is left
        and part.value.start <= at.value.time() <= part.value.end
    ):
        return at.value
    return _within(at, part.value, reading) if isinstance(at.value, time) else None


def _within(at: Found, part: TimeRange, reading: Reading) -> time:
    """A time nobody gave a half to, moved into that part of the day if it can be."""
    assert isinstance(at.value, time)
    other = at_minute(minutes(at.value) + 720)
    bare = not _HALF_SAID.search(reading.text[at.start : at.end])
    return (
        other
        if bare and part.start <= other <= part.end and not part.start <= at.value <= part.end
        else at.value
    )


def _kind(value: datetime | time | DateRange | TimeRange) -> Kind:
    kinds = {DateRange: Kind.DATE_RANGE, TimeRange: Kind.TIME_RANGE, time: Kind.TIME}
    return kinds.get(type(value), Kind.DATETIME)


def _spans(left: Found, gap: str, reading: Reading) -> bool:
    """ "X to Y", or "between X and Y"; "and" alone is a list."""
    if _TO.fullmatch(gap):
        return True
    before = reading.text[max(0, left.start - 20) : left.start]
    return bool(_AND.fullmatch(gap) and _BETWEEN.search(before))


def _range(left: Found, right: Found, reading: Reading) -> DateRange | TimeRange | None:
    start, end = left.value, right.value
    if isinstance(start, time) and isinstance(end, time):
        bare = [not _HALF_SAID.search(reading.text[each.start : each.end]) for each in (left, right)]
        return span(start, end, *bare)
    if isinstance(start, date) and isinstance(end, date):
        if end < start and (start - end).days <= 7:
            end += timedelta(days=7)
        return DateRange(start, end) if start < end else None
    return None


def _moment(left: Found, right: Found, reading: Reading, scene: Scene) -> datetime | None:
    """None when the clocks jump over that time: the day and the time then stay two entities."""
    said, clock = (left, right) if isinstance(right.value, time) else (right, left)
    day, at = said.value, clock.value
    if not isinstance(at, time):
        return None
    if isinstance(day, TimeRange) and day.on:
        return moment(day.on, _within(clock, day, reading), scene.now)
    if not isinstance(day, date) or isinstance(day, datetime):
        return None
    return moment(day, at, scene.now)


def moment(day: date, at: time, now: datetime) -> datetime | None:
    """That clock time in the zone of `now`, the first where it comes twice, None where it does not exist."""
    there = datetime.combine(day, at, now.tzinfo)
    try:
        back = there.astimezone(UTC).astimezone(now.tzinfo)
    except OverflowError:
        return None
    return there if back.replace(tzinfo=None) == there.replace(tzinfo=None) else None

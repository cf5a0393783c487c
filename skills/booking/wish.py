"""When a customer wants it: days and clock times from their words, kept and changed from message to message."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.booking import Opening, Window, moment
from domain.entities import DateRange, Entity, Kind, TimeRange
from domain.skill import Heard

AROUND = timedelta(days=14)
"""So far ahead is looked for something near a day that has nothing left."""
MOST_DAYS = 62
_AFTER = re.compile(
    r"\b(?:after|past|from|later than|not before|despu[eé]s de(?: las?)?|desde(?: las?)?)\s*$", re.I
)
_BEFORE = re.compile(r"\b(?:before|by|until|no later than|antes de(?: las?)?|hasta(?: las?)?)\s*$", re.I)
_NOT = re.compile(r"\b(?:not|except|but|no|menos|excepto)\s+(?:on\s+|el\s+)?$", re.I)
_SOON = re.compile(
    r"\b(?:asap|as soon as (?:possible|you can)|(?:first|next|earliest|soonest)\s+(?:available|opening|one|slot|time|free)?"
    r"|any ?time|whenever|cuanto antes|lo antes posible|primera? (?:cita|hora|disponible)|cualquier (?:hora|d[ií]a))\b",
    re.I,
)
_EARLIER = re.compile(r"\b(?:earlier|sooner|before that|m[aá]s temprano|antes)\b", re.I)
_LATER = re.compile(r"\b(?:later|after that|m[aá]s tarde|despu[eé]s)\b", re.I)
_PUT_OFF = re.compile(
    r"\b(?:see|talk|tell|write|call|text|get back|reply|answer|decide|know|hablamos|luego|aviso|escribo)\b.*"
    r"\b(?:later|m[aá]s tarde|despu[eé]s)\b",
    re.I,
)
_OTHER = re.compile(
    r"\b(?:other|others|else|another|different|more|none of (?:those|these)|neither|otr[ao]s?|ningun[ao]|diferente"
    r"|m[aá]s)\b",
    re.I,
)
_ORDINAL = re.compile(
    r"\b(?:the\s+|la\s+|el\s+)?(?:(first|1st|primer[ao]?)|(second|2nd|segund[ao]?)|(third|3rd|tercer[ao]?)"
    r"|(last|[uú]ltim[ao]))(?:\s+(?:one|option|slot|time|opci[oó]n|hora))?\b(?!\s+(?:available|opening|visit|time here))",
    re.I,
)
_BARE_NUMBER = re.compile(r"^\W*(?:option|number|opci[oó]n|#)?\s*([1-3])\W*$", re.I)


@dataclass(frozen=True, slots=True)
class Wish:
    """`days` are the days asked for, none is any; `at` a clock time, `part` a stretch of the day."""

    days: tuple[date, ...] = ()
    at: time | None = None
    part: tuple[time, time] | None = None
    soon: bool = False

    def __bool__(self) -> bool:
        return bool(self.days or self.at or self.part or self.soon)

    @property
    def exact(self) -> bool:
        return len(self.days) == 1 and self.at is not None

    def as_json(self) -> dict[str, Any]:
        part = [one.isoformat("minutes") for one in self.part] if self.part else None
        at = self.at.isoformat("minutes") if self.at else None
        return {"days": [day.isoformat() for day in self.days], "at": at, "part": part, "soon": self.soon}


def from_json(kept: Mapping[str, Any] | None) -> Wish:
    if not kept:
        return Wish()
    part = tuple(time.fromisoformat(one) for one in kept["part"]) if kept["part"] else None
    at = time.fromisoformat(kept["at"]) if kept["at"] else None
    days = tuple(date.fromisoformat(day) for day in kept["days"])
    return Wish(days, at, (part[0], part[1]) if part else None, kept["soon"])


def read(heard: Heard) -> Wish:
    """What this message alone says of it."""
    days: list[date] = []
    at: time | None = None
    part: tuple[time, time] | None = None
    for entity in heard.entities:
        if _denied(heard.text, entity):
            continue
        for day in _days(entity):
            if day not in days:
                days.append(day)
        clock = _clock(entity)
        if isinstance(clock, time):
            at, part = _bounded(heard.text, entity, clock, at, part)
        elif clock is not None:
            part = clock
    return Wish(
        tuple(days[:MOST_DAYS]), at, part, not (days or at or part) and bool(_SOON.search(heard.text))
    )


def merged(before: Wish, now: Wish) -> Wish:
    """A new day keeps the time that was asked for, a new time the day."""
    if not now:
        return before
    if now.soon:
        return now
    clock = bool(now.at or now.part)
    return Wish(
        now.days or before.days,
        now.at if clock else before.at,
        now.part if clock else before.part,
    )


def window(wish: Wish, now: datetime, horizon: timedelta) -> Window:
    """Where to look for what fits the wish."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    earliest, latest = wish.part or (time.min, time.max)
    if wish.at:
        earliest = latest = wish.at
    if not wish.days:
        return Window(now, now + horizon, earliest, latest)
    first, last = min(wish.days), max(wish.days)
    start = datetime.combine(first, time.min, zone)
    return Window(start, datetime.combine(last + timedelta(days=1), time.min, zone), earliest, latest)


def around(wish: Wish, now: datetime) -> Window:
    """The same day at any time, and the days after it."""
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    first = max(min(wish.days), now.date()) if wish.days else now.date()
    start = datetime.combine(first, time.min, zone)
    return Window(max(start - timedelta(days=1), now), start + AROUND)


def wanted(wish: Wish, zone: ZoneInfo) -> datetime | None:
    """The moment that is meant, or the middle of the time that is: to be near to it is good."""
    if not wish.days:
        return None
    clock = wish.at or (wish.part[0] if wish.part else None)
    if clock is None:
        return None
    skipped = datetime.combine(wish.days[0], clock, zone).astimezone(UTC)  # near to it is what comes next
    return moment(wish.days[0], clock, zone) or skipped


def fits(wish: Wish, opening: Opening, zone: ZoneInfo) -> bool:
    local = opening.start.astimezone(zone)
    if wish.days and local.date() not in wish.days:
        return False
    if wish.at and local.time() != wish.at:
        return False
    return wish.part is None or wish.part[0] <= local.time() < wish.part[1]


def picked(heard: Heard, offers: Sequence[Opening], zone: ZoneInfo) -> Opening | None:
    """Which of the offers this message takes: by its place, or by a day or time that only one of them has."""
    place = _place(heard.text)
    if place is not None and offers and (place == -1 or place < len(offers)):
        return offers[place]
    wish = read(heard)
    if wish.days or wish.at:
        matching = [one for one in offers if fits(wish, one, zone)]
        if len(matching) == 1:
            return matching[0]
    if len(offers) == 1 and heard.affirms and not wish:
        return offers[0]
    return None


def elsewhen(text: str) -> bool:
    """They ask for earlier or later times, and do not say good-bye."""
    return (earlier(text) or later(text)) and not _PUT_OFF.search(text)


def earlier(text: str) -> bool:
    return bool(_EARLIER.search(text))


def later(text: str) -> bool:
    return bool(_LATER.search(text))


def others(text: str) -> bool:
    return bool(_OTHER.search(text))


def _place(text: str) -> int | None:
    if found := _ORDINAL.search(text):
        return (0, 1, 2, -1)[next(n for n, group in enumerate(found.groups()) if group)]
    found = _BARE_NUMBER.match(text)
    return int(found[1]) - 1 if found else None


def _days(entity: Entity) -> list[date]:
    match entity.value:
        case datetime():
            return [entity.value.date()]
        case date():
            return [entity.value]
        case DateRange(start, end):
            return [start + timedelta(days=n) for n in range(min((end - start).days + 1, MOST_DAYS))]
        case TimeRange(on=day) if day is not None:
            return [day]
    return []


def _clock(entity: Entity) -> time | tuple[time, time] | None:
    match entity.value:
        case datetime() if entity.kind is Kind.DATETIME:
            return entity.value.time()
        case time():
            return entity.value
        case TimeRange(start, end):
            return (start, end if end > start else time.max)
    return None


def _bounded(
    text: str, entity: Entity, clock: time, at: time | None, part: tuple[time, time] | None
) -> tuple[time | None, tuple[time, time] | None]:
    """ "after 3" and "before noon" are stretches, not moments."""
    said = text[: entity.start]
    if _AFTER.search(said):
        return at, (clock, part[1] if part else time.max)
    if _BEFORE.search(said):
        return at, (part[0] if part else time.min, clock)
    return clock, part


def _denied(text: str, entity: Entity) -> bool:
    return bool(_NOT.search(text[: entity.start]))

"""When a text nobody asked for may reach a person: the law's hours at the place where they live."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.purpose import UNASKED, Purpose
from domain.zones import SOMEWHERE

NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""No hour is lawful in all of these zones: a person must say where the recipient lives."""

_AHEAD: Final = timedelta(days=9)
"""How far to look: hours repeat weekly, and zones disagree by at most a day."""

Hours = tuple[time, time] | None
"""From, until (excluded); None is a day without any."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One jurisdiction's hours, Monday first; `ordinary` are those of a day without an exception."""

    ordinary: Hours
    days: tuple[Hours, ...]


def quiet_until(
    now: datetime, zones: tuple[str, ...], region: str | None, purpose: Purpose
) -> datetime | None:
    """None when sending is allowed now; else the first instant (UTC) at which it is allowed in every zone the
    person may be in; `NEVER` when there is none. Only what nobody asked for has quiet hours: answers,
    a person's own words and confirmations of keywords are exempt (47 CFR 64.1200(c)(1): solicitations).

    `region` narrows the hours ("US-TX"; see `zones.region_for`); everywhere else the federal ones are kept.
    No zones: no telephone rings, so no hours.
    """
    if purpose not in UNASKED or not zones:
        return None
    places = _places(zones)
    instant = now.astimezone(UTC)
    while instant - now < _AHEAD:
        latest = max(_allowed_from(instant, place, region, purpose) for place in places)
        if latest == instant:
            return None if instant == now else instant
        instant = latest
    return NEVER


def hours(region: str | None, day: date, purpose: Purpose) -> Hours:
    """The hours of one day. A day on which a state forbids soliciting altogether (Sunday in Alabama) is an
    ordinary day for a reminder: a Sunday reminder of a Monday appointment must not come too late."""
    rule = _REGIONS.get(region or "", _FEDERAL)
    chosen = rule.days[day.weekday()]
    return rule.ordinary if chosen is None and purpose is Purpose.NOTICE else chosen


def _allowed_from(instant: datetime, place: ZoneInfo, region: str | None, purpose: Purpose) -> datetime:
    """`instant` itself when it is allowed there; else the next opening, or a far one when there is none.
    Openings are read on the wall clock and turned back into UTC, so days of 23 or 25 hours do not matter."""
    local = instant.astimezone(place)
    for ahead in range(_AHEAD.days):
        day = local.date() + timedelta(days=ahead)
        open_ = hours(region, day, purpose)
        if open_ is None:
            continue
        opens = datetime.combine(day, open_[0], place).astimezone(UTC)
        closes = datetime.combine(day, open_[1], place).astimezone(UTC)
        if instant < closes:
            return max(instant, opens)
    return instant + _AHEAD


def _places(zones: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    """A name that is no zone may be any: all of the United States is added."""
    known = tuple(place for place in map(_zone, zones) if place)
    return known if len(known) == len(zones) else known + tuple(map(ZoneInfo, SOMEWHERE))


@cache
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _hours(pair: list[str] | None) -> Hours:
    return None if pair is None else (time.fromisoformat(pair[0]), time.fromisoformat(pair[1]))


def _rule(raw: dict[str, Any]) -> Rule:
    days, every = raw.get("days", {}), raw["every"]
    return Rule(_hours(every), tuple(_hours(days.get(day, every)) for day in _DAYS))


_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TABLE: Final = json.loads(files("domain").joinpath("quiet_hours.json").read_text(encoding="utf-8"))
_FEDERAL: Final = _rule(_TABLE["federal"])
_REGIONS: Final = {region: _rule(raw) for region, raw in _TABLE["regions"].items()}

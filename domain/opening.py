"""When a business is open: pure, and right on the nights on which clocks change. Moments are aware, in its own zone."""

from datetime import UTC, date, datetime, time, timedelta

from domain.workspace import Hours, Span

AHEAD = 60
"""Days that are looked at: a business may be closed for weeks."""


def known(hours: Hours) -> bool:
    return any(hours.days)


def spans_on(hours: Hours, day: date) -> tuple[Span, ...]:
    """Of that very day: its own, else its weekday's."""
    own = hours.exceptions.get(day)
    return hours.days[day.weekday()] if own is None else own


def closing(hours: Hours, now: datetime) -> time | None:
    """When it closes, if it is open."""
    spans = spans_on(hours, now.date())
    return next((closes for opens, closes in spans if opens <= now.time() < closes), None)


def is_open(hours: Hours, now: datetime) -> bool:
    return closing(hours, now) is not None


def next_opening(hours: Hours, after: datetime) -> datetime | None:
    """The first opening later than that; None when there is none soon."""
    for days in range(AHEAD):
        day = after.date() + timedelta(days=days)
        for opens, _ in sorted(spans_on(hours, day)):
            moment = at(day, opens, after)
            if moment.astimezone(UTC) > after.astimezone(UTC):
                return moment
    return None


def at(day: date, clock: time, like: datetime) -> datetime:
    """That clock time of that day in the zone of `like`; one that the clocks skip is as much later as they skip."""
    there = datetime.combine(day, clock, like.tzinfo)
    return there.astimezone(UTC).astimezone(like.tzinfo)

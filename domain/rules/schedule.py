"""When a rule on a schedule is due: a clock time on some days, as people there read their clocks. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.rules.rule import Rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def next_due(rule: Rule, zone: str, after: datetime) -> datetime:
    """The first moment later than `after` (aware), in UTC. A time that the clocks skip is as much later as they are
    put forward; one that comes twice is the first of the two."""
    assert rule.at is not None
    there, at = ZoneInfo(zone), time.fromisoformat(rule.at)
    day = after.astimezone(there).date()
    while True:
        due = datetime.combine(day, at, there).astimezone(UTC)
        if due > after and (not rule.days or _DAYS[day.weekday()] in rule.days):
            return due
        day += timedelta(days=1)


def plan(rule: Rule, zone: str) -> str:
    """The same text as long as it is due at the same times."""
    return f"{rule.at} {','.join(rule.days) or 'daily'} {zone}"

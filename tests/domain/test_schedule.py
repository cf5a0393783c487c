"""When rules on a schedule are due: days, zones, and the two nights on which clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.rules import Rule
from domain.rules.schedule import next_due

CASES = [
    # at, days, zone, after, due (UTC)
    ("09:00", [], "America/Chicago", "2026-11-21T14:00Z", "2026-11-21T15:00Z"),
    ("09:00", [], "America/Chicago", "2026-11-21T15:00Z", "2026-11-22T15:00Z"),  # never twice at one time
    ("09:00", ["mon"], "America/Chicago", "2026-11-21T15:00Z", "2026-11-23T15:00Z"),
    ("09:00", ["sat"], "America/Chicago", "2026-11-21T15:00:01Z", "2026-11-28T15:00Z"),  # a whole week on
    ("00:00", ["sun"], "Pacific/Auckland", "2026-11-21T10:59Z", "2026-11-21T11:00Z"),  # Sunday there, Saturday here
    ("09:00", [], "America/Chicago", "2026-03-07T15:00Z", "2026-03-08T14:00Z"),  # an hour earlier from today on
    ("02:30", [], "America/Chicago", "2026-03-08T00:00Z", "2026-03-08T08:30Z"),  # skipped: 03:30 on the wall
    ("02:30", [], "America/Chicago", "2026-03-08T08:30Z", "2026-03-09T07:30Z"),
    ("01:30", [], "America/Chicago", "2026-11-01T00:00Z", "2026-11-01T06:30Z"),  # twice: the first
    ("01:30", [], "America/Chicago", "2026-11-01T06:30Z", "2026-11-02T07:30Z"),  # and only the first
    ("23:59", [], "Asia/Kolkata", "2026-12-31T18:29:30Z", "2027-01-01T18:29Z"),
]  # fmt: skip


def rule(at: str, days: list[str]) -> Rule:
    return Rule.model_validate(
        {"name": "r", "on": "schedule", "at": at, "days": days, "then": [{"stop": True}]}
    )


@pytest.mark.parametrize(("at", "days", "zone", "after", "due"), CASES)
def test_next_due(at: str, days: list[str], zone: str, after: str, due: str) -> None:
    found = next_due(rule(at, days), zone, datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(due)
    assert found.tzinfo is UTC


def test_a_year_has_as_many_as_it_has_days() -> None:
    """Whatever the clocks do."""
    for zone in ("America/Chicago", "Europe/Madrid", "Australia/Lord_Howe", "America/Santiago"):
        for at in ("00:00", "01:30", "02:30", "03:00"):
            now, times = datetime(2026, 1, 1, 12, tzinfo=UTC), 0
            while (due := next_due(rule(at, []), zone, now)) <= datetime(2027, 1, 1, 12, tzinfo=UTC):
                assert timedelta(hours=22) < due - now <= timedelta(hours=26) or times == 0, (zone, at, due)
                now, times = due, times + 1
            assert times == 365, (zone, at)

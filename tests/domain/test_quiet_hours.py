"""Quiet hours in one zone and in several, on the days that have 23 and 25 hours, against a slow second opinion."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import quiet_hours
from domain.purpose import Purpose
from domain.quiet_hours import NEVER, hours, quiet_until

NY, CHICAGO, LA = "America/New_York", "America/Chicago", "America/Los_Angeles"
REGIONS = sorted(json.loads(files("domain").joinpath("quiet_hours.json").read_text())["regions"])


def at(local: str, zone: str = CHICAGO) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("region", "now", "until"),
    [
        # 2026-11-23 is a Monday
        (None, "2026-11-23T07:59:59", "2026-11-23T08:00"),
        (None, "2026-11-23T08:00", None),
        (None, "2026-11-23T20:59:59", None),
        (None, "2026-11-23T21:00", "2026-11-24T08:00"),
        ("US-IL", "2026-11-23T20:30", None),
        ("MX", "2026-11-23T20:30", None),
        ("US-FL", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("US-OK", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("US-MD", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("US-MS", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("US-NJ", "2026-11-23T20:00", "2026-11-24T08:00"),
        ("US-CT", "2026-11-23T08:30", "2026-11-23T09:00"),
        ("US-CT", "2026-11-23T20:00", "2026-11-24T09:00"),
        ("US-TX", "2026-11-23T08:30", "2026-11-23T09:00"),
        ("US-TX", "2026-11-23T20:59", None),
        ("US-TX", "2026-11-21T21:00", "2026-11-22T12:00"),  # Saturday night → Sunday noon
        ("US-TX", "2026-11-22T11:59", "2026-11-22T12:00"),
        ("US-RI", "2026-11-20T18:00", "2026-11-21T10:00"),  # Friday evening → Saturday ten
        ("US-RI", "2026-11-21T17:00", "2026-11-23T09:00"),  # no Sunday
        ("US-AL", "2026-11-22T12:00", "2026-11-23T08:00"),
        ("US-SD", "2026-11-21T12:00", "2026-11-23T09:00"),
    ],
)
def test_hours_of_a_state(region: str | None, now: str, until: str | None) -> None:
    expected = at(until) if until else None
    assert quiet_until(at(now), (CHICAGO,), region, Purpose.MARKETING) == expected


def test_a_reminder_may_come_on_a_day_without_soliciting() -> None:
    sunday = at("2026-11-22T12:00")
    assert quiet_until(sunday, (CHICAGO,), "US-AL", Purpose.NOTICE) is None
    assert quiet_until(at("2026-11-22T20:30"), (CHICAGO,), "US-AL", Purpose.NOTICE) == at("2026-11-23T08:00")
    assert quiet_until(at("2026-11-22T10:00"), (CHICAGO,), "US-TX", Purpose.NOTICE) == at("2026-11-22T12:00")


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.HUMAN, Purpose.CONFIRMATION])
def test_what_was_asked_for_has_no_hours(purpose: Purpose) -> None:
    assert quiet_until(at("2026-11-23T03:00"), (CHICAGO,), "US-TX", purpose) is None


def test_several_zones_must_all_allow() -> None:
    both = (NY, LA)
    assert quiet_until(at("2026-11-23T09:00", NY), both, None, Purpose.NOTICE) == at("2026-11-23T08:00", LA)
    assert quiet_until(at("2026-11-23T19:00", LA), both, None, Purpose.NOTICE) == at("2026-11-24T08:00", LA)
    assert quiet_until(at("2026-11-23T12:00", LA), both, None, Purpose.NOTICE) is None


def test_no_common_hour_is_never() -> None:
    around = ("Europe/London", "Asia/Kolkata", "Pacific/Pago_Pago")
    assert quiet_until(at("2026-11-23T12:00"), around, None, Purpose.NOTICE) == NEVER


def test_a_name_that_is_no_zone_could_be_any() -> None:
    now = at("2026-11-23T08:30", NY)
    assert quiet_until(now, (NY,), None, Purpose.NOTICE) is None
    assert quiet_until(now, (NY, "Mars/Base"), None, Purpose.NOTICE) == at(
        "2026-11-23T08:00", "Pacific/Honolulu"
    )


@pytest.mark.parametrize(
    ("night", "morning", "slept"),
    [
        ("2026-03-07T21:00", "2026-03-08T08:00", timedelta(hours=10)),  # clocks go forward
        ("2026-10-31T21:00", "2026-11-01T08:00", timedelta(hours=12)),  # and back
        ("2026-06-01T21:00", "2026-06-02T08:00", timedelta(hours=11)),
    ],
)
def test_the_nights_when_clocks_change(night: str, morning: str, slept: timedelta) -> None:
    now = at(night, NY)
    until = quiet_until(now, (NY,), None, Purpose.NOTICE)
    assert until == at(morning, NY)
    assert until is not None
    assert until - now.astimezone(UTC) == slept


def test_the_table_holds_together() -> None:
    for region in REGIONS:
        week = [
            hours(region, datetime(2026, 11, 23 + day, tzinfo=UTC).date(), Purpose.MARKETING)
            for day in range(7)
        ]
        federal = hours(None, datetime(2026, 11, 23, tzinfo=UTC).date(), Purpose.MARKETING)
        assert federal is not None
        assert sum(day is not None for day in week) >= 5, region
        assert all(day is None or federal[0] <= day[0] < day[1] <= federal[1] for day in week), region
        assert region.startswith("US-")


# The minutes around which something changes: fifteen-minute steps see every opening and closing in the table,
# and every offset in use is a multiple of fifteen minutes.
STEP = timedelta(minutes=15)


def slowly(now: datetime, zones: tuple[str, ...], region: str | None, purpose: Purpose) -> datetime | None:
    """The same question answered by trying: the first quarter of an hour at which every zone allows."""
    for n in range(9 * 96):
        instant = now + n * STEP
        if all(_allowed(instant.astimezone(ZoneInfo(zone)), region, purpose) for zone in zones):
            return instant if n else None
    return NEVER


def _allowed(local: datetime, region: str | None, purpose: Purpose) -> bool:
    open_ = hours(region, local.date(), purpose)
    return open_ is not None and open_[0] <= local.time() < open_[1]


QUARTERS = st.integers(0, 6 * 365 * 96).map(lambda n: datetime(2025, 1, 1, tzinfo=UTC) + n * STEP)
CHANGES = st.sampled_from(
    ["2026-03-08", "2026-11-01", "2026-03-29", "2026-10-25", "2027-04-04", "2027-10-03"]
)
NEAR_CHANGE = st.builds(
    lambda day, n: datetime.fromisoformat(day).replace(tzinfo=UTC) + n * STEP, CHANGES, st.integers(-96, 192)
)
ZONE = st.sampled_from(sorted(available_timezones() - {"localtime"}))


@settings(deadline=None)
@given(
    QUARTERS | NEAR_CHANGE,
    st.lists(ZONE, min_size=1, max_size=3).map(tuple),
    st.sampled_from([None, *REGIONS]),
    st.sampled_from([Purpose.NOTICE, Purpose.MARKETING]),
)
@example(datetime(2026, 11, 1, 4, tzinfo=UTC), (NY, CHICAGO, LA), "US-TX", Purpose.MARKETING)
def test_agrees_with_trying(
    now: datetime, zones: tuple[str, ...], region: str | None, purpose: Purpose
) -> None:
    found = quiet_until(now, zones, region, purpose)
    tried = slowly(now, zones, region, purpose)
    if NEVER in (found, tried):
        assert found == tried
    else:
        assert found == tried
        assert found is None or found > now


def test_the_module_reads_its_table_once() -> None:
    assert quiet_hours._REGIONS.keys() == set(REGIONS)

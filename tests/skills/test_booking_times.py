"""What is free: every opening fits the doors, the clock and what is taken, in any zone and on days of 23 and 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.booking import EVERYBODY, BookingSettings, Busy, Window, moment, nearest, openings
from domain.workspace import Hours

ZONES = [
    ZoneInfo(name)
    for name in ("America/Chicago", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC")
]
HOURS = Hours.model_validate({"mon-sun": "00:00-23:59"})
CHICAGO = ZONES[0]


def settings(**changes: object) -> BookingSettings:
    service = {"name": "cleaning", "minutes": 45, "buffer": 10}
    return BookingSettings.model_validate({"services": [service], "notice": "0s", **changes})


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    minutes=st.integers(5, 300),
    every=st.sampled_from([5, 15, 30, 60]),
    taken=st.lists(st.tuples(st.integers(0, 1500), st.integers(5, 300)), max_size=6),
)
def test_whatever_is_offered_can_be_had(
    zone: ZoneInfo, day: date, minutes: int, every: int, taken: list[tuple[int, int]]
) -> None:
    start = datetime.combine(day, time.min, zone).astimezone(UTC)
    busy = [
        Busy(EVERYBODY, 0, start + timedelta(minutes=at), start + timedelta(minutes=at + length))
        for at, length in taken
    ]
    hours = Hours.model_validate(
        {"mon-fri": "08:00-12:00, 13:00-17:00", "sat": "01:00-04:00", "sun": "00:30-05:30"}
    )
    service = settings(services=[{"name": "x", "minutes": minutes, "buffer": 10}], every=every)
    window = Window(start, start + timedelta(days=2))
    found = list(openings(service, hours, zone, service.services[0], busy, window, start))
    assert found == sorted(found, key=lambda one: one.start)
    assert len({one.start for one in found}) == len(found)
    for one in found:
        assert one.end - one.start == timedelta(minutes=minutes)
        blocked = one.end + timedelta(minutes=10)
        assert all(blocked <= b.start or b.end <= one.start for b in busy)
        local, shut = one.start.astimezone(zone), one.end.astimezone(zone)
        doors = hours.days[local.weekday()]
        assert any(
            opens <= local.time() and shut.time() <= closes
            for opens, closes in doors
            if shut.date() == local.date()
        )
        assert moment(local.date(), local.time().replace(tzinfo=None), zone) == one.start


@pytest.mark.parametrize(
    ("day", "first_to_third"),
    [
        (date(2026, 3, 8), ["01:30", "03:00", "03:30"]),  # the clock jumps from two to three
        (date(2026, 11, 1), ["01:30", "02:00", "02:30"]),  # an hour comes twice and is offered once
    ],
)
def test_a_day_of_23_or_25_hours(day: date, first_to_third: list[str]) -> None:
    rules = settings(services=[{"name": "x", "minutes": 30}], every=30)
    start = datetime.combine(day, time(1, 30), CHICAGO)
    window = Window(start, start + timedelta(hours=6))
    found = islice(openings(rules, HOURS, CHICAGO, rules.services[0], [], window, start.astimezone(UTC)), 3)
    assert [one.start.astimezone(CHICAGO).strftime("%H:%M") for one in found] == first_to_third


def test_holidays_staff_hours_notice_and_capacity() -> None:
    rules = settings(
        services=[{"name": "tour", "minutes": 60, "capacity": 2, "staff": ["Ann", "Bo"]}],
        staff=[{"name": "Ann", "hours": {"mon": "09:00-10:00"}}, {"name": "Bo"}],
        exceptions=[{"date": "2026-11-24"}, {"date": "2026-11-23", "hours": "14:00-15:00", "staff": ["Bo"]}],
        notice="2h",
        every=60,
    )
    now = datetime(2026, 11, 23, 6, 30, tzinfo=CHICAGO)
    window = Window(now, now + timedelta(days=2))
    hours = Hours.model_validate({"mon-sun": "08:00-17:00"})
    nine = datetime(2026, 11, 23, 9, 0, tzinfo=CHICAGO).astimezone(UTC)
    one_seat = [Busy("Ann", 0, nine, nine + timedelta(hours=1))]
    found = [
        (o.start.astimezone(CHICAGO).hour, o.resource, o.seat)
        for o in openings(rules, hours, CHICAGO, rules.services[0], one_seat, window, now)
    ]
    assert found == [(9, "Ann", 1), (14, "Bo", 0)]


def test_the_nearest_are_told_in_the_order_of_the_clock() -> None:
    rules = settings(services=[{"name": "x", "minutes": 60}], every=60)
    now = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    hours = Hours.model_validate({"mon": "08:00-17:00"})
    found = list(
        openings(
            rules, hours, ZoneInfo("UTC"), rules.services[0], [], Window(now, now + timedelta(days=1)), now
        )
    )
    assert [one.start.hour for one in nearest(found, now.replace(hour=11))] == [10, 11, 12]
    assert [one.start.hour for one in nearest(found, None)] == [8, 9, 10]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"services": []}, "at least 1"),
        ({"services": [{"name": "A", "minutes": 30}, {"name": "a", "minutes": 30}]}, "same name"),
        ({"services": [{"name": "A", "minutes": 30, "staff": ["Zed"]}]}, "Zed is not listed"),
        ({"exceptions": [{"date": "2026-12-25", "hours": "later"}]}, "no opening hours"),
        ({"services": [{"name": "A", "minutes": 0}]}, "greater than or equal to 5"),
    ],
)
def test_wrong_settings_say_what_is_wrong(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(**changes)

"""When the business is open, said."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from dialogue import hours
from domain.workspace import Hours

ZONE = ZoneInfo("America/Chicago")
SHOP = Hours.model_validate({"mon-thu": "08:00-12:00, 13:00-17:00", "fri": "08:00-14:00", "sat": "closed"})
NEVER = Hours()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "closes"),
    [(at(23, 8), time(12)), (at(23, 7, 59), None), (at(23, 12), None), (at(23, 13), time(17)), (at(23, 17), None),
     (at(27, 13, 59), time(14)), (at(28, 10), None)],
)  # fmt: skip
def test_open(now: datetime, closes: time | None) -> None:
    assert hours.closing(SHOP, now) == closes


@pytest.mark.parametrize(
    ("after", "opens"),
    [
        (at(23, 7), at(23, 8)),
        (at(23, 12), at(23, 13)),
        (at(23, 18), at(24, 8)),
        (at(27, 15), at(30, 8)),
        (at(28, 9), at(30, 8)),
    ],
)
def test_next_opening(after: datetime, opens: datetime) -> None:
    assert hours.next_opening(SHOP, after) == opens


def test_never_open() -> None:
    assert hours.next_opening(NEVER, at(23, 9)) is None
    assert not hours.known(NEVER)
    assert hours.describe(NEVER, at(23, 9), None, "en")


@pytest.mark.parametrize(
    ("now", "day", "language", "said"),
    [
        (at(23, 9), None, "en", "Hours: Mon-Thu 8:00 AM-12:00 PM and 1:00 PM-5:00 PM, Fri 8:00 AM-2:00 PM, Sat-Sun closed. "
         "We are open now until 12:00 PM."),
        (at(27, 15), date(2026, 11, 28), "en", "We are closed on Saturday; next open Monday at 8:00 AM."),
        (at(23, 9), date(2026, 11, 24), "en", "On Tuesday we are open 8:00 AM-12:00 PM and 1:00 PM-5:00 PM."),
        (at(23, 9), date(2026, 11, 23), "en", "We are open now until 12:00 PM."),
        (at(23, 9), date(2026, 11, 28), "es", "El sábado está cerrado; abrimos el lunes a las 8:00 a.m."),
    ],
)  # fmt: skip
def test_describes(now: datetime, day: date | None, language: str, said: str) -> None:
    assert hours.describe(SHOP, now, day, language) == said

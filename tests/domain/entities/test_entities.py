"""What is found in a message, as a table of cases; and what must hold for every message."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import entities
from domain.entities import DateRange, Entity, Kind, Money, MoneyRange, TimeRange, Value, find_entities
from domain.entities.reading import LIMIT, read

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 11, 10, 0, tzinfo=NEW_YORK)  # a Wednesday; the clocks changed last Sunday
CASES = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))


def shown(value: Value) -> str:
    """As the table writes it. A datetime is a date, so the order of the questions counts."""
    match value:
        case datetime():
            return value.isoformat(timespec="minutes")
        case date():
            return value.isoformat()
        case time():
            return value.strftime("%H:%M")
        case timedelta():
            return f"{value.total_seconds() / 60:g} min"
        case Money(amount, currency):
            return f"{amount:f} {currency}"
        case MoneyRange(low, high) | DateRange(low, high):
            return f"{shown(low)} .. {shown(high)}"
        case TimeRange(start, end, on):
            return f"{shown(start)} .. {shown(end)}" + (f" on {on}" if on else "")
        case Decimal():
            return f"{value:f}"
    return value


def as_row(entity: Entity) -> dict[str, str]:
    return {"kind": entity.kind.value, "text": entity.text, "value": shown(entity.value)}


@pytest.mark.parametrize("case", CASES, ids=[case["text"] for case in CASES])
def test_a_message_holds_these_entities(case: dict[str, Any]) -> None:
    now = datetime.fromisoformat(case["now"]) if "now" in case else NOW
    found = find_entities(case["text"], now, country=case.get("country", "US"))
    assert [as_row(entity) for entity in found] == case["entities"]


def test_every_kind_has_a_case() -> None:
    assert {entity["kind"] for case in CASES for entity in case["entities"]} == set(Kind)


PIECES = (
    "next last this at by from to between and the of in on 3 5th 12 2026 2:30 pm am noon half past quarter monday sat "
    "march may mañana las de la tarde tomorrow week month k $ 450 , . - / : + ( ) ' @ ann@x.com 512 5550100 five "
    "twenty hundred thousand million a one oh double my name is I'm Ann SMITH here 📅 ٣ ７ \0 \u202e \u0301 é İ ß ﬃ ½ ²"
)
WORDS = st.sampled_from(PIECES.split(" "))
MESSAGES = st.one_of(
    st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join), st.lists(WORDS).map("".join)
)
MOMENTS = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(2199, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from(
        [NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Apia")]
    ),
)


@given(text=MESSAGES, now=MOMENTS, country=st.sampled_from(["US", "GB", "MX", "DE", "ZZ", ""]))
@example("in 9999 months", NOW, "US")
@example("31.31.31 99/99/99 25:61", NOW, "US")
@example("²½٣", NOW, "US")
def test_entities_are_exact_ordered_and_apart(text: str, now: datetime, country: str) -> None:
    found = find_entities(text, now, country=country)
    for entity in found:
        assert entity.text == text[entity.start : entity.end] != ""
    for left, right in pairwise(found):
        assert left.end <= right.start


@given(text=MESSAGES, now=MOMENTS)
def test_days_are_within_two_centuries(text: str, now: datetime) -> None:
    for entity in find_entities(text, now):
        for day in days_in(entity.value):
            assert abs(day.year - now.year) <= 200


def days_in(value: Value) -> list[date]:
    if isinstance(value, DateRange):
        assert value.start <= value.end
        return [value.start, value.end]
    return [value] if isinstance(value, date) else []


@given(text=MESSAGES, now=MOMENTS)
def test_a_moment_exists_on_the_clock_of_the_zone(text: str, now: datetime) -> None:
    for entity in find_entities(text, now):
        if entity.kind is Kind.DATETIME:
            at = entity.value
            assert isinstance(at, datetime)
            assert at.tzinfo is now.tzinfo
            there_and_back = at.astimezone(ZoneInfo("UTC")).astimezone(now.tzinfo)
            assert there_and_back.replace(tzinfo=None) == at.replace(tzinfo=None)


FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y", "%d %B %Y", "%b %d %Y", "%A, %B %d, %Y", "%d-%b-%Y")


@given(day=st.dates(date(1927, 1, 1), date(2125, 12, 31)), form=st.sampled_from(FORMATS))
def test_a_date_written_out_is_read_back(day: date, form: str) -> None:
    assert entities.parse_date(day.strftime(form), NOW) == day


@given(at=st.times(), form=st.sampled_from(("%I:%M %p", "%I:%M%p", "%H:%M", "%I.%M pm", "at %I:%M %p")))
def test_a_time_written_out_is_read_back(at: time, form: str) -> None:
    at = at.replace(second=0, microsecond=0)
    if form == "%H:%M" and at.hour in range(1, 8):
        form = "0%-H:%M"  # two digits: 24-hour writing
    if form.endswith("pm"):
        at = at.replace(hour=at.hour % 12 + 12)
    assert entities.parse_time(at.strftime(form), NOW) == at


@given(cents=st.integers(0, 10**12))
def test_an_amount_written_out_is_read_back(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert entities.parse_money(f"${amount:,.2f}") == Money(amount, "USD")


@given(n=st.integers(0, 10**9))
def test_a_number_written_out_is_read_back(n: int) -> None:
    assert entities.parse_number(f"{n:,}") == n


@pytest.mark.parametrize(
    "unit", ["9", "a", "next ", "1 ", "1,", "$1", "(", "a@", "a.", "3:", "at 3 ", "\0", "five ", "- "]
)
@pytest.mark.parametrize("end", ["", "!", "@", " pm"])
def test_ten_thousand_hostile_characters_come_back(unit: str, end: str) -> None:
    text = (unit * 10_000)[:10_000] + end
    for entity in find_entities(text, NOW):
        assert entity.text == text[entity.start : entity.end]


def test_only_the_beginning_of_a_long_message_is_read() -> None:
    assert find_entities("x" * (LIMIT + 1) + " tomorrow", NOW) == ()


@given(text=st.text(max_size=100))
def test_every_character_of_a_reading_knows_its_origin(text: str) -> None:
    reading = read(text)
    assert len(reading.text) == len(reading.starts) == len(reading.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(reading.starts, reading.ends, strict=True))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tomorrow", date(2026, 3, 12)),
        ("on the 5th, please", date(2026, 4, 5)),
        ("tonight", date(2026, 3, 11)),
        ("tomorrow at 3", date(2026, 3, 12)),
        ("tomorrow or Friday", None),
        ("I do not know", None),
        ("3", None),
    ],
)
def test_parse_date(text: str, value: date | None) -> None:
    assert entities.parse_date(text, NOW) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", time(15)),
        ("9", time(9)),
        ("3 45", time(15, 45)),
        ("1030", time(10, 30)),
        ("at noon", time(12)),
        ("a las 4", time(16)),
        ("tomorrow at 3", time(15)),
        ("3 or 4", None),
        ("Tuesday", None),
    ],
)
def test_parse_time(text: str, value: time | None) -> None:
    assert entities.parse_time(text, NOW) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("about $450", Money(Decimal(450), "USD")),
        ("450", Money(Decimal(450), "USD")),
        ("450k", Money(Decimal(450_000), "USD")),
        ("twelve hundred", Money(Decimal(1200), "USD")),
        ("a lot", None),
        ("$1 or $2", None),
    ],
)
def test_parse_money(text: str, value: Money | None) -> None:
    assert entities.parse_money(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("22", 22), ("twenty-two", 22), ("five thousand", 5000), ("tomorrow", None), ("2 or 3", None)],
)
def test_parse_number(text: str, value: int | None) -> None:
    assert entities.parse_number(text) == value


@pytest.mark.parametrize(
    ("text", "country", "value"),
    [
        ("my number is (512) 555-0100", "US", "+15125550100"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("020 7946 0958", "US", None),
        ("five one two five five five oh one double oh", "US", "+15125550100"),
        ("call me", "US", None),
    ],
)
def test_parse_phone(text: str, country: str, value: str | None) -> None:
    assert entities.parse_phone(text, country) == value

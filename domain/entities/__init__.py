"""Typed entities in what people write: dates, times, money, numbers, telephones, addresses and names."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal

from domain.entities import dates, datetimes, durations, emails, money, names, numbers, phones, spanish, times
from domain.entities.base import DateRange, Entity, Kind, Money, MoneyRange, TimeRange, Value
from domain.entities.grammar import Found, Row, Scene, claim
from domain.entities.reading import Reading, read

__all__ = [
    "DateRange",
    "Entity",
    "Kind",
    "Money",
    "MoneyRange",
    "TimeRange",
    "Value",
    "find_entities",
    "parse_date",
    "parse_money",
    "parse_number",
    "parse_phone",
    "parse_time",
]

_CALENDAR = (*durations.FIRST, *spanish.DATES, *dates.ROWS, *spanish.TIMES, *times.ROWS)
_AMOUNTS = (*durations.ROWS, *numbers.ROWS)
_NEVER = datetime(2000, 1, 1)  # noqa: DTZ001  for what no clock changes
_EDGES = " \t\r\n.,;:!?"
_FILLERS = re.compile(
    r"(?:\b(?:at|on|by|in|the|for|around|about|approximately|maybe|please|ok|okay|yes|sure|it's|it is|is|my|"
    r"number|phone|an?|of|up to|max|let's say|say|"
    r"el|la|las|los|para|por|favor|al?|del?|sobre|un[oa]s|mas o menos)\b"
    r"|[\s.,;:!?()'\"~-])+"
)


def find_entities(text: str, now: datetime, *, country: str = "US") -> tuple[Entity, ...]:
    """In the order of the text, never overlapping. `now` is aware, in the workspace's zone; `country` (ISO
    3166) decides which telephone numbers are national, what a dollar is and whether 3/5 is in March or in May."""
    reading = read(text)
    return tuple(_entities(_find(reading, Scene(now, country)), reading))


def _find(reading: Reading, scene: Scene) -> list[Found]:
    """Each finder reads what those before it left: an address is no date, a date is no number."""
    addresses, rest = claim(emails.ROWS, reading, scene)
    telephones = phones.find(rest, scene.country)
    rest = rest.without((each.start, each.end) for each in telephones)
    named = names.find(rest)
    rest = rest.without((each.start, each.end) for each in named)
    sums, rest = claim(money.ROWS, rest, scene)
    calendar, rest = claim(_CALENDAR, rest, scene)
    amounts, rest = claim(_AMOUNTS, rest, scene)
    found = sorted((*addresses, *telephones, *named, *sums, *calendar, *amounts), key=lambda each: each.start)
    return datetimes.join(found, reading, scene)


def _entities(found: Iterable[Found], reading: Reading) -> Iterator[Entity]:
    for each in found:
        start, end = reading.span(each.start, each.end)
        yield Entity(each.kind, each.value, reading.original[start:end], start, end)


def _whole(found: list[Found], reading: Reading) -> Value | None:
    """The one thing the text consists of, but for words that say nothing."""
    if len(found) != 1:
        return None
    around = reading.text[: found[0].start] + " " + reading.text[found[0].end :]
    return found[0].value if _FILLERS.fullmatch(around) else None


def _calendar(text: str, scene: Scene, extra: Iterable[Row] = ()) -> Value | None:
    reading = read(text.strip(_EDGES))
    found, _ = claim((*extra, *_CALENDAR), reading, scene)
    found.sort(key=lambda each: each.start)
    return _whole(datetimes.join(found, reading, scene), reading)


def _amount(text: str, rows: Iterable[Row], country: str = "US") -> Value | None:
    reading = read(text.strip(_EDGES))
    return _whole(claim(rows, reading, Scene(_NEVER, country))[0], reading)


def parse_date(text: str, now: datetime, *, country: str = "US") -> date | None:
    """A day alone; the day of a moment, and of "tonight"."""
    value = _calendar(text, Scene(now, country))
    if isinstance(value, TimeRange):
        return value.on
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def parse_time(text: str, now: datetime) -> time | None:
    """Also "3" and "3 45", which answer "what time?"."""
    value = _calendar(text, Scene(now), times.WHOLE)
    if isinstance(value, datetime):
        return value.time()
    return value if isinstance(value, time) else None


def parse_money(text: str, *, country: str = "US") -> Money | None:
    """A bare number answers "how much?" too."""
    value = _amount(text, (*money.ROWS, *numbers.ROWS), country)
    if isinstance(value, Decimal):
        return Money(value, money.home_currency(country))
    return value if isinstance(value, Money) else None


def parse_number(text: str) -> Decimal | None:
    value = _amount(text, numbers.ROWS)
    return value if isinstance(value, Decimal) else None


def parse_phone(text: str, country: str) -> str | None:
    reading = read(text.strip(_EDGES))
    value = _whole(phones.find(reading, country), reading)
    return value if isinstance(value, str) else None

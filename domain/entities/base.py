"""What an entity is: its kind, its typed value, and the exact words it was read from."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DATE_RANGE = "date_range"
    TIME_RANGE = "time_range"
    DURATION = "duration"
    MONEY = "money"
    MONEY_RANGE = "money_range"
    NUMBER = "number"
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class DateRange:
    """Both days included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Local clock times; an `end` before `start` lies on the next day. `on` is the day when one word said
    both ("tonight", "this afternoon"), else the day is an entity of its own."""

    start: time
    end: time
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is the ISO 4217 code."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class MoneyRange:
    low: Money
    high: Money


Value = date | time | datetime | DateRange | TimeRange | timedelta | Money | MoneyRange | Decimal | str


@dataclass(frozen=True, slots=True)
class Entity:
    """`text` is exactly `message[start:end]`. The type of `value` follows from `kind`: date, time (naive, to
    the minute), datetime (aware), DateRange, TimeRange, timedelta, Money, MoneyRange, Decimal, and str for a
    telephone number (E.164), an e-mail address (lower case) and a name."""

    kind: Kind
    value: Value
    text: str
    start: int
    end: int

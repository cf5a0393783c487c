"""Values as they compare: "450000", 450000, {amount: "450000", currency: USD} and "$450k" said by a customer are one
number; dates and moments by time, words without regard to case."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any


def empty(value: Any) -> bool:
    return value is None or value in ("", [], (), {})


def same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return _boolean(one) is not None and _boolean(one) is _boolean(other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if one is None or other is None:
        return one is None and other is None
    pair = comparable(one, other)
    return pair is not None and bool(pair[0] == pair[1])


def comparable(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Both as one type, or None when they have none in common: then no order holds between them."""
    if type(one) is int and type(other) is int:
        return one, other
    if empty(one) or empty(other):
        return None
    if isinstance(one, str) and isinstance(other, str) and not (_figures(one) and _figures(other)):
        return one.casefold(), other.casefold()
    for read in (_number, _moment, _clock):
        a, b = read(one), read(other)
        if a is not None and b is not None:
            return a, b
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold(), other.casefold()
    return None


def _figures(words: str) -> bool:
    """Whether it could be a number, a moment or a time at all."""
    first = words.lstrip()[:1]
    return first in "0123456789$€£+-." or first.isdigit()


def texts(value: Any) -> list[str]:
    """Its words, casefolded: of a list each."""
    held = value if isinstance(value, list | tuple) else [value]
    return [str(one).casefold() for one in held if not empty(one)]


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "false": False, "no": False}.get(str(value).casefold())


def _number(value: Any) -> Decimal | None:
    if type(value) is int:
        return Decimal(value)
    if isinstance(value, str):
        return _written_number(value)
    if isinstance(value, Mapping):
        return _number(value.get("amount"))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def _written_number(words: str) -> Decimal | None:
    if not any(char.isdigit() for char in words):
        return None
    try:
        read = Decimal(words.strip().lstrip("$€£").replace(",", ""))
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def _moment(value: Any) -> datetime | None:
    """A day is its first moment; what has no zone counts as UTC."""
    if isinstance(value, str):
        if len(value) < 10 or value[4:5] != "-":
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _clock(value: Any) -> time | None:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or ":" not in value or len(value) > 8:
        return None
    try:
        return time.fromisoformat(value.zfill(5))
    except ValueError:
        return None

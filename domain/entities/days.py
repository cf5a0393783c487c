"""Date arithmetic as people mean it: a day without a year lies ahead, "next Tuesday" is in the next week."""

import calendar
from datetime import date, timedelta

FARTHEST = 200
"""Years from today beyond which nothing is a date."""


def near(day: date, today: date) -> date:
    if abs(day.year - today.year) > FARTHEST:
        raise ValueError("too far away to be meant")
    return day


def shift(day: date, n: int, unit: str) -> date:
    """`n` days, weeks, fortnights, months or years on; the 31st becomes the last day of a shorter month."""
    if unit in ("month", "year"):
        return _months(day, n * (12 if unit == "year" else 1))
    return day + timedelta(days=n * {"day": 1, "week": 7, "fortnight": 14}[unit])


def _months(day: date, n: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def weekday(today: date, k: int, which: str = "") -> date:
    """Monday is 0. Bare: the next one, never today. "this": today counts. "next": in the next calendar week.
    "last": the one before today."""
    if which == "next":
        return monday(today, 1) + timedelta(days=k)
    if which == "last":
        return today - timedelta(days=(today.weekday() - k - 1) % 7 + 1)
    ahead = (k - today.weekday()) % 7
    return today + timedelta(days=ahead if which == "this" else ahead or 7)


def monday(today: date, weeks: int = 0) -> date:
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)


def ahead(today: date, month: int, day: int) -> date:
    """The next such day, today included; 29 February may be years off."""
    for year in range(today.year, today.year + 9):
        if day <= calendar.monthrange(year, month)[1] and (found := date(year, month, day)) >= today:
            return found
    raise ValueError("no such day")


def day_of_month(today: date, day: int, k: int | None = None) -> date:
    """The next such day of a month, on weekday `k` if one was said ("Friday the 13th")."""
    for months in range(14):
        first = _months(today.replace(day=1), months)
        if day <= month_end(first).day:
            found = first.replace(day=day)
            if found >= today and (k is None or found.weekday() == k):
                return found
    raise ValueError("no such day")


def nth_weekday(first: date, nth: int, k: int) -> date:
    """The nth weekday `k` of the month that begins on `first`; -1 is the last one."""
    if nth < 0:
        end = month_end(first)
        return end - timedelta(days=(end.weekday() - k) % 7)
    found = first + timedelta(days=(k - first.weekday()) % 7 + 7 * (nth - 1))
    if found.month != first.month:
        raise ValueError("no such day")
    return found


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def full_year(digits: str) -> int:
    year = int(digits.replace(" ", "").strip("'"))
    if len(digits.strip("'")) > 2:
        return year
    return year + (2000 if year < 70 else 1900)

"""How long something takes: "45 minutes", "an hour and a half", "2 semanas"."""

from datetime import timedelta

from domain.entities.base import Kind
from domain.entities.grammar import Match, Row, Scene, group, row

_DAYS = {"day": 1, "night": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_DIAS = {"dia": "day", "noche": "night", "semana": "week", "mes": "month", "ano": "year"}
_CLOCK = {
    "hour": 3600,
    "hora": 3600,
    "hr": 3600,
    "h": 3600,
    "minute": 60,
    "minuto": 60,
    "min": 60,
    "second": 1,
    "segundo": 1,
    "sec": 1,
}
_FEW = {"half": 0.5, "half an": 0.5, "media": 0.5, "a few": 3, "few": 3, "couple": 2, "a couple": 2}


def _seconds(unit: str) -> int:
    """One of them; a month counts thirty days and a year 365."""
    if unit in _CLOCK:
        return _CLOCK[unit]
    return 86_400 * _DAYS[_DIAS.get(unit, unit)]


def _duration(m: Match, scene: Scene) -> timedelta:
    said = m["n"]
    n = _FEW.get(said) or (float(said) if said[0].isdigit() else 1)
    n += 0.5 if group(m, "half") else 0
    rest = int(group(m, "n2") or 0) * _seconds(m["unit2"]) if group(m, "n2") else 0
    return timedelta(seconds=round(n * _seconds(m["unit"])) + rest)


_N = r"(?P<n>\d{1,4}(?:\.\d{1,2})?|half an|half|a few|few|(?:a )?couple|an?|one|media|una?)"
_UNIT = (
    r"(?P<unit>second|sec|minute|min|hour|hr|h|day|night|fortnight|week|month|year"
    r"|segundo|minuto|hora|dia|noche|semana|mes|ano)(?:e?s)?\b"
)
_REST = r"(?:,? (?:and |y )?(?P<n2>\d\d?) ?(?P<unit2>minute|min|hour|day|minuto|hora)s?\b)?"

FIRST: tuple[Row, ...] = (  # read before clock times, which know "16h"
    row(
        Kind.DURATION,
        r"(?<![\d:.,/])\b(?P<n>\d\d?) ?h(?:r|rs)? ?(?P<n2>[0-5]?\d) ?m(?:in|ins)?\b(?P<unit>)(?P<unit2>)",
        lambda m, scene: timedelta(hours=int(m["n"]), minutes=int(m["n2"])),
    ),  # 1h 30m
)
ROWS: tuple[Row, ...] = (
    row(
        Kind.DURATION,
        rf"(?<![\d:.,/$])\b{_N} ?-? ?(?:more |full |whole )?{_UNIT}(?P<half> and a half| y media)?{_REST}",
        _duration,
    ),  # an hour and a half
)

"""Spanish dates, clock times and parts of the day, written without accents as the reading folds them."""

from datetime import date, time, timedelta

from domain.entities import days
from domain.entities.base import DateRange, Kind, TimeRange
from domain.entities.dates import period, weekend
from domain.entities.grammar import Build, Match, Row, Scene, group, nothing, row
from domain.entities.times import at_minute, clock, minutes, moved, span
from domain.entities.words import DAY_PARTS, DIAS, FIESTAS, MESES, PARTES, pattern_of

WD, MON = pattern_of(DIAS), pattern_of(MESES)
_UNITS = {"dia": "day", "semana": "week", "quincena": "fortnight", "mes": "month", "ano": "year"}
_WAY = {"proxim": 1, "siguiente": 1, "que viene": 1, "pasad": -1, "ultim": -1, "anterior": -1}


def _way(said: str) -> int:
    return next((way for stem, way in _WAY.items() if stem in said), 0)


def _count(words: str) -> int:
    return int(words) if words.isdigit() else 2 if words == "un par de" else 1


def _on(offset: int) -> Build:
    return lambda m, scene: scene.today + timedelta(days=offset)


def _day(m: Match, scene: Scene) -> date:
    day, month = (1 if m["d"].startswith("primero") else int(m["d"])), MESES[m["mon"]]
    if year := group(m, "y"):
        return days.near(date(days.full_year(year), month, day), scene.today)
    return days.ahead(scene.today, month, day)


def _days(m: Match, scene: Scene) -> DateRange:
    end = _day(m, scene)
    start = end.replace(day=int(m["d1"]))
    if start > end:
        raise ValueError("backwards")
    return DateRange(start, end)


def _weekday(m: Match, scene: Scene) -> date:
    """ "el próximo martes" is simply the next one; "de la próxima semana" says the week."""
    way = _way(group(m, "way") + group(m, "after"))
    which = "last" if way < 0 else "this" if group(m, "way").startswith("este") else ""
    if group(m, "week"):
        return days.monday(scene.today, _way(m["week"])) + timedelta(days=DIAS[m["wd"]])
    return days.weekday(scene.today, DIAS[m["wd"]], which)


def _later(m: Match, scene: Scene) -> date:
    return days.near(days.shift(scene.today, _count(m["n"]), _UNITS[m["unit"]]), scene.today)


def _ago(m: Match, scene: Scene) -> date:
    return days.near(days.shift(scene.today, -_count(m["n"]), _UNITS[m["unit"]]), scene.today)


def _period(m: Match, scene: Scene) -> DateRange:
    return period(_UNITS[m["unit"]], _way(m[0]), scene.today)


def _weekend(m: Match, scene: Scene) -> DateRange:
    return weekend(scene.today, {1: "next", 0: "", -1: "last"}[_way(m[0])])


def _ordinal(m: Match, scene: Scene) -> date:
    said = group(m, "wd")
    return days.day_of_month(scene.today, int(m["d"]), DIAS[said] if said else None)


def _month(m: Match, scene: Scene) -> DateRange:
    first = days.ahead(scene.today, MESES[m["mon"]], days.month_end(date(2024, MESES[m["mon"]], 1)).day)
    return DateRange(first.replace(day=1), days.month_end(first))


def _clock(m: Match, scene: Scene) -> time:
    """ "las dos y media", "las 3 menos cuarto de la tarde"."""
    fractions = {"media": 30, "cuarto": 15}
    part = group(m, "part")
    half = group(m, "ap") or {"mediodia": "noon", **PARTES}.get(part, "")
    at = clock(_hour(m["h"]), int(group(m, "mi") or 0), half)
    extra, less = group(m, "plus"), group(m, "less")
    by = fractions.get(extra or less) or int(extra or less or 0)
    return at_minute(minutes(at) + (-by if less else by))


def _hour(said: str) -> int:
    return 1 if said == "una" else int(said)


def _span(m: Match, scene: Scene) -> TimeRange:
    half = group(m, "ap") or PARTES.get(group(m, "part"), "")
    start = clock(_hour(m["h1"]), int(group(m, "mi1") or 0), half)
    return span(start, _clock(m, scene), True, not half)


def _named(m: Match, scene: Scene) -> time:
    return time(0) if "noche" in m[0] else time(12)


def _soon(m: Match, scene: Scene) -> date:
    sign = -1 if m[0].startswith("hace") else 1
    n = 0.5 if m["n"] == "media" else _count(m["n"])
    unit = 60 if m["unit"].startswith("hora") else 1
    return moved(scene, sign * timedelta(minutes=n * unit + (30 if group(m, "half") else 0)))


def _part(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS[PARTES[m["part"]]])


def _today_part(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS[PARTES[m["part"]]], on=scene.today)


def _last_night(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS["night"], on=scene.today - timedelta(days=1))


_YEAR = r"(?: (?:de |del )?(?P<y>(?:19|20|21)\d\d)\b)?"
_N = r"(?P<n>\d{1,3}|una?|un par de)"
_UNIT = r"(?P<unit>dia|semana|quincena|mes|ano)(?:e?s)?\b"
_DAY_ENDS = r"(?![:.,]?\d| ?%| (?!a |de este|por|en|y |o |me |si )[a-z])"
_THIS = r"(?P<way>(?:este|proximo|pasado|ultimo|el proximo|el pasado|el) )?"
_AFTER = r"(?P<after> (?:proximo|que viene|siguiente|pasado|anterior))?"
_WEEK = r"(?P<week> de (?:la proxima semana|la semana (?:que viene|siguiente|pasada)|esta semana))?"
D, R, T, TR = Kind.DATE, Kind.DATE_RANGE, Kind.TIME, Kind.TIME_RANGE

DATES: tuple[Row, ...] = (
    nothing(rf"\b(?:todos los|cada) (?:{WD}|dias?|semanas?|mes(?:es)?)\b"),  # todos los martes
    nothing(r"\b(?:buenos dias|buenas tardes|buenas noches|buen dia)\b"),
    row(
        R, rf"\b(?P<d1>\d\d?) (?:al|a|y|hasta el) (?P<d>\d\d?) de (?P<mon>{MON})\b{_YEAR}", _days
    ),  # del 3 al 5 de mayo
    row(
        D, rf"\b(?:(?:{WD}),? )?(?P<d>\d\d?|primero)(?:ro|o)? (?:de )?(?P<mon>{MON})\b{_YEAR}", _day
    ),  # 3 de diciembre
    row(D, r"\bpasado manana\b", _on(2)),
    row(D, r"\b(?:antes de ayer|anteayer|antier)\b", _on(-2)),
    row(D, r"(?<!la )(?<!esta )(?<!por la )\bmanana\b(?! temprano)", _on(1)),  # mañana
    row(D, r"\bmanana(?= temprano)", _on(1)),
    row(D, r"\bhoy\b", _on(0)),
    row(D, r"\bayer\b", _on(-1)),
    row(D, rf"\b{_THIS}(?P<wd>{WD}) (?P<d>[12]?\d|3[01])\b(?! ?[ap]\.? ?m\b|:)", _ordinal),  # el martes 14
    row(D, rf"\b{_THIS}(?P<wd>{WD})\b{_WEEK}{_AFTER}", _weekday),  # el próximo martes
    row(D, rf"\b(?:dentro de|en) {_N} {_UNIT}", _later),  # en dos semanas
    row(D, rf"\bhace {_N} {_UNIT}", _ago),  # hace 3 días
    row(
        R,
        r"\b(?:este |el proximo |proximo |el |el pasado )?fin de semana(?: que viene| pasado| proximo)?\b",
        _weekend,
    ),
    row(
        R, r"\b(?:la |el )?(?:proxim[oa]|siguiente|pasad[oa]) (?P<unit>semana|mes|ano)\b", _period
    ),  # la próxima semana
    row(R, r"\b(?:la |el )?(?P<unit>semana|mes|ano) (?:que viene|siguiente|pasad[oa]|proxim[oa])\b", _period),
    row(R, r"\best[ea] (?P<unit>semana|mes|ano)\b", _period),  # este mes
    row(D, rf"\b(?:{pattern_of(FIESTAS)})\b", lambda m, scene: days.ahead(scene.today, *FIESTAS[m[0]])),
    row(
        D,
        rf"\bel (?:dia )?(?P<x>(?P<d>[12]?\d|3[01]))\b{_DAY_ENDS}",
        _ordinal,
    ),  # el 5
    row(D, r"\bdia (?P<x>(?P<d>[12]?\d|3[01]))\b(?![:.,]?\d)", _ordinal),  # día 5
    row(R, rf"\b(?:en|para|durante|hasta|desde|de) (?P<x>(?P<mon>{MON}))\b", _month),  # en marzo
)

_PART = r"(?:,? (?:de|por|en) la (?P<part>manana|tarde|noche|madrugada)\b|(?P<noon> del mediodia\b))"
_AP = r"(?P<ap>[ap])\.? ?m\b\.?"
_TO = r"(?:y|a|hasta)"
_PLUS = r"(?: y (?P<plus>media|cuarto|[1-5]?\d)\b| menos (?P<less>cuarto|[1-5]?\d)\b)?"
_LAS = r"\b(?:a )?(?:las?|eso de las?|sobre las?) "
_H1 = r"(?P<h1>2[0-4]|[01]?\d|una)(?::(?P<mi1>[0-5]\d))?"
_HOUR = r"(?P<h>2[0-4]|[01]?\d|una)(?:[:.](?P<mi>[0-5]\d))?"

TIMES: tuple[Row, ...] = (
    row(
        Kind.DATETIME,
        r"\b(?:dentro de|en|hace) (?P<n>\d{1,3}|una?|media) (?P<unit>horas?|minutos?)\b(?P<half> y media)?",
        _soon,
    ),  # en media hora
    row(
        TR,
        rf"\b(?:entre|de|desde) (?:las? )?(?P<x>{_H1} {_TO} (?:las? )?{_HOUR}(?: ?{_AP}|{_PART}))",
        _span,
    ),  # de 2 a 4 de la tarde
    row(
        TR,
        rf"\b(?:entre|de|desde) las? (?P<x>{_H1} {_TO} (?:las? )?{_HOUR})\b",
        _span,
    ),  # entre las 2 y las 4
    row(
        T, rf"{_LAS}(?P<x>{_HOUR}{_PLUS}(?:(?: en punto)?{_PART}| ?{_AP})?)(?!\d)", _clock
    ),  # las 3 de la tarde
    row(T, rf"\b(?P<x>{_HOUR}{_PLUS}{_PART})", _clock),  # 3 de la tarde
    row(T, r"\b(?:al |el )?(?P<x>mediodia|medianoche|medio dia|media noche)\b", _named),
    row(TR, r"\besta (?P<part>manana|tarde|noche)\b", _today_part),  # esta tarde
    row(TR, r"\banoche\b", _last_night),
    row(TR, r"\b(?:por|en|de|a) la (?P<x>(?P<part>manana|tarde|noche))\b", _part),  # por la tarde
)

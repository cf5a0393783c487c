"""English dates and spans of days."""

from datetime import date, timedelta

from domain.entities import days
from domain.entities.base import DateRange, Kind
from domain.entities.grammar import Build, Match, Row, Scene, group, nothing, row
from domain.entities.words import DOUBTFUL_DAYS, FLOATING, HOLIDAYS, MONTHS, WEEKDAYS, pattern_of

WD = pattern_of(WEEKDAYS)
MON = pattern_of(MONTHS)
ORD = r"(?:st|nd|rd|th|eth)"
YEAR = r"(?:,? ?(?:of |in )?(?P<y>(?:19|20|21) ?\d\d|'\d\d)(?![\d:]))?"
UNIT = r"(?P<unit>day|week|fortnight|month|year)s?"
COUNT = r"(?P<n>\d{1,4}|an?|a few|few|several|one|the)"
WHICH = r"(?P<which>this|next|coming|upcoming|following|last|past|previous)"
TO = r"(?:to|-|through|thru|until|till|til|and)"
DAY_WD = rf"(?:(?:{WD})\.?,? (?:the )?)?"
_COUNTED = r"[ -](?:people|persons?|guests|adults|nights|days|hours|rooms)"
NOT_DAY = rf"(?![:.]?\d| ?[ap]\.? ?m\b| o'? ?clock| ?%|{_COUNTED})"
# after a bare "5th": whatever may follow a day, never the thing that is counted ("5th street", "1st floor")
_THING = (
    r"(?! ?-? ?(?:\d|streets?\b|st\b|ave|floor|time|ones?\b|option|thing|birthday|party|grade|place|person"
    r"|row|class|half|quarter|century|edition|attempt|try|visit|appointment"
    r"|bedroom|bath|unit|step|degree|street|generation"
    r"|choice|year|week|day|month|house|home|listing|property|avenue|road|drive|lane|amendment|base|gen))"
)
_AFTER_SPELLED = r"(?=$|[.,;!?\0]| (?:at|to|and|or|until|till|through|in the|please|works|would|is fine)\b)"

_WAY = {"next": 1, "following": 1, "coming": 1, "upcoming": 1, "last": -1, "past": -1, "previous": -1}
_PLAIN = {"following": "next", "past": "last", "previous": "last", "coming": "this", "upcoming": ""}


def count(words: str) -> int:
    return {"few": 3, "a few": 3, "several": 3}.get(words) or (int(words) if words.isdigit() else 1)


def _month_day(m: Match, scene: Scene) -> date:
    day, month, year = int(m["d"]), MONTHS[m["mon"]], group(m, "y")
    if year:
        return days.near(date(days.full_year(year), month, day), scene.today)
    return days.ahead(scene.today, month, day)


def _iso(m: Match, scene: Scene) -> date:
    return days.near(date(int(m["y"]), int(m["mon"]), int(m["d"])), scene.today)


def _numeric(m: Match, scene: Scene) -> date:
    """The country says which comes first, unless only one order exists."""
    first, second = int(m["a"]), int(m["b"])
    month_first = second > 12 or (scene.month_first and first <= 12)
    month, day = (first, second) if month_first else (second, first)
    if year := group(m, "y"):
        return days.near(date(days.full_year(year), month, day), scene.today)
    return days.ahead(scene.today, month, day)


def _of_month(m: Match, scene: Scene) -> date:
    return days.shift(scene.today.replace(day=1), _WAY.get(m["which"], 0), "month").replace(day=int(m["d"]))


def _from(m: Match, scene: Scene) -> date:
    """So many units after a day that is itself relative."""
    anchors = {"today": 0, "now": 0, "tomorrow": 1, "yesterday": -1}
    anchor = m["from"]
    base = scene.today + timedelta(days=anchors[anchor]) if anchor in anchors else _bare(anchor, scene)
    return days.near(days.shift(base, count(m["n"]), m["unit"]), scene.today)


def _bare(name: str, scene: Scene) -> date:
    return days.weekday(scene.today, WEEKDAYS[name])


def _weekday(m: Match, scene: Scene) -> date:
    which = group(m, "which")
    return days.weekday(scene.today, WEEKDAYS[m["wd"]], _PLAIN.get(which, which))


def _weekday_in(m: Match, scene: Scene) -> date:
    return _bare(m["wd"], scene) + timedelta(weeks=count(group(m, "n") or "1"))


def _weekday_of_week(m: Match, scene: Scene) -> date:
    return days.monday(scene.today, _WAY.get(m["which"], 0)) + timedelta(days=WEEKDAYS[m["wd"]])


def _on(offset: int) -> Build:
    return lambda m, scene: scene.today + timedelta(days=offset)


def _later(m: Match, scene: Scene) -> date:
    return days.near(days.shift(scene.today, count(m["n"]), m["unit"]), scene.today)


def _ago(m: Match, scene: Scene) -> date:
    return days.near(days.shift(scene.today, -count(m["n"]), m["unit"]), scene.today)


def _stretch(m: Match, scene: Scene) -> DateRange:
    """ "the last 3 weeks", "the next few days": up to or from today."""
    way = _WAY[m["which"]]
    other = days.near(days.shift(scene.today, way * count(m["n"]), m["unit"]), scene.today)
    return DateRange(*sorted((scene.today, other)))


def _period(m: Match, scene: Scene) -> DateRange:
    """This, the next or the last whole week, month, quarter or year."""
    return period(m["unit"], _WAY.get(m["which"], 0), scene.today)


def period(unit: str, way: int, today: date) -> DateRange:
    if unit == "week":
        start = days.monday(today, way)
        return DateRange(start, start + timedelta(days=6))
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
    start = days.shift(first, way * months, "month")
    return DateRange(start, days.shift(start, months, "month") - timedelta(days=1))


def _weekend(m: Match, scene: Scene) -> DateRange:
    return weekend(scene.today, group(m, "which"))


def weekend(today: date, which: str = "") -> DateRange:
    """Saturday and Sunday of this week; "next" is a week later; on a Sunday, "this" began yesterday."""
    saturday = days.monday(today, _WAY.get(which, 0) if which != "coming" else 0) + timedelta(days=5)
    return DateRange(saturday, saturday + timedelta(days=1))


def _end_of(m: Match, scene: Scene) -> date:
    """The last working day of a week, the last day of anything else."""
    span = period(m["unit"], _WAY.get(group(m, "which"), 0), scene.today)
    return span.end - timedelta(days=2) if m["unit"] == "week" else span.end


def _month(m: Match, scene: Scene) -> DateRange:
    """The whole month: this one or the next of that name, or of the year said."""
    month, year = MONTHS[m["mon"]], group(m, "y")
    today = scene.today
    first = date(days.full_year(year) if year else today.year + (month < today.month), month, 1)
    if group(m, "that"):
        first = date(today.year + _WAY.get(m["that"], 0), month, 1)
    if group(m, "which") == "next" and month == today.month:
        first = date(today.year + 1, month, 1)
    if group(m, "which") == "last":
        first = date(today.year - (month >= today.month), month, 1)
    days.near(first, today)
    return DateRange(first, days.month_end(first))


def _month_days(m: Match, scene: Scene) -> DateRange:
    """ "Dec 3 to 5": one month for both ends."""
    end = _month_day(m, scene)
    start = end.replace(day=int(m["d1"]))
    if start > end:
        raise ValueError("backwards")
    return DateRange(start, end)


def _holiday(m: Match, scene: Scene) -> date:
    """The next one, or the one of the year said."""
    name, said, today = m["name"], group(m, "y"), scene.today
    years = [days.full_year(said)] if said else [today.year, today.year + 1]
    dates = [_holiday_in(name, year) for year in years]
    return days.near(next((each for each in dates if said or each >= today), dates[-1]), today)


def _holiday_in(name: str, year: int) -> date:
    if name in HOLIDAYS:
        return date(year, *HOLIDAYS[name])
    month, nth, k, offset = FLOATING[name]
    return days.nth_weekday(date(year, month, 1), nth, k) + timedelta(days=offset)


def _nth(m: Match, scene: Scene) -> date:
    """ "the first Tuesday of October", "the last Friday of the month": ahead, unless the past is said."""
    nth = -1 if m["nth"] == "last" else int(m["nth"].rstrip("ethsndr"))
    k, month, year = WEEKDAYS[m["wd"]], group(m, "mon"), group(m, "y")
    if not month:
        first = days.shift(scene.today.replace(day=1), _WAY.get(group(m, "which"), 0), "month")
        return days.nth_weekday(first, nth, k)
    first = date(days.full_year(year) if year else scene.today.year, MONTHS[month], 1)
    found = days.near(days.nth_weekday(first, nth, k), scene.today)
    return (
        found
        if year or found >= scene.today
        else days.nth_weekday(first.replace(year=first.year + 1), nth, k)
    )


def _ordinal(m: Match, scene: Scene) -> date:
    said = group(m, "wd")
    return days.day_of_month(scene.today, int(m["d"]), WEEKDAYS[said] if said else None)


def _year(m: Match, scene: Scene) -> DateRange:
    year = days.near(date(int(m["y"]), 1, 1), scene.today).year
    return DateRange(date(year, 1, 1), date(year, 12, 31))


D, R = Kind.DATE, Kind.DATE_RANGE
_WD, _MON, _DAY = rf"(?P<wd>{WD})", rf"(?P<mon>{MON})\b\.?", rf"(?P<d>\d{{1,2}}){ORD}?"
_DAY1 = rf"(?P<d1>\d{{1,2}}){ORD}?"
_A, _B, _YY = r"(?<![\d/.$-])(?P<a>\d{1,2})", r"(?P<b>\d{1,2})", r"(?P<y>\d{4}|\d\d)(?![\d/-])"
_WHICH = r"(?P<which>this|current|next|following|last|previous|coming)"
_NTH = rf"(?P<nth>[1-5]{ORD}|last)"
_DOUBTFUL = pattern_of(DOUBTFUL_DAYS)
_CLEAR = pattern_of({name: k for name, k in WEEKDAYS.items() if name not in DOUBTFUL_DAYS})
_LEAD = r"(?:^|\b(?:on|for|by|until|till|from|before|after|or|this|next|last|coming) |[,;/-] ?)"
_IN = r"\b(?:in|of|until|till|by|since|for|during|from|before|after|through|early|late|mid)"
_NO_ORDINAL = rf"(?!,? (?:the )?\d{{1,2}}{ORD})"
_NO_CLOCK = r"(?![:,.]?\d| ?[ap]\.? ?m\b| (?:dollars|people))"
_UNITS = r"(?P<unit>week|month|quarter|year)"

ROWS: tuple[Row, ...] = (
    nothing(rf"\b\d{{1,2}}{ORD} (?:day )?of (?:each|every|any) month\b"),  # the 4th of each month
    nothing(rf"\b(?:every|each|all) (?:other )?(?:{WD}|day|week|month)s?\b"),  # every Tuesday
    nothing(r"\b24/7\b"),
    row(D, r"(?<![\d/.-])(?P<y>\d{4})([/.-])(?P<mon>\d\d?)\2(?P<d>\d\d?)(?![\d/-])", _iso),  # 2026-03-05
    row(
        R, rf"\b{_MON} (?:the )?{_DAY1},? ?{TO} ?(?:the )?{_DAY}\b{NOT_DAY}{YEAR}", _month_days
    ),  # Dec 3 to 5
    row(
        R, rf"\b{_DAY1} ?{TO} ?(?:the )?{_DAY} (?:of )?{_MON}{YEAR}", _month_days
    ),  # the 3rd to the 5th of May
    row(D, rf"\b{DAY_WD}(?P<d>\d\d?)[-/ ]{_MON}[-/ ](?P<y>\d{{4}}|\d\d)\b(?!:)", _month_day),  # 31-Oct-74
    row(D, rf"\b{DAY_WD}{_DAY}[ -/]?(?:day of |of )?{_MON}{YEAR}", _month_day),  # 5th of March 2026
    row(D, rf"\b{DAY_WD}{_MON},?[ -]?(?:the )?{_DAY}\b{NOT_DAY}{YEAR}", _month_day),  # Thursday, March 5th
    row(D, rf"(?:\b{DAY_WD})?{_A}( ?[/.-] ?){_B}\2{_YY}", _numeric),  # 3/5/2026
    row(
        D,
        rf"\b{_DAY},? (?:day )?(?:of |in )?(?:the )?{_WHICH} month\b",
        _of_month,
    ),  # the 5th of this month
    row(
        D, rf"\b(?P<which>this|next|last) month,? (?:on )?(?:the )?(?P<d>\d\d?){ORD}\b", _of_month
    ),  # next month on the 5th
    row(D, rf"\b{_NTH} {_WD} (?:of|in) {_MON}{YEAR}", _nth),  # the first Tuesday of October
    row(
        D, rf"\b{_NTH} {_WD} (?:of|in) (?:the )?(?:(?P<which>this|next|last|following) )?month\b", _nth
    ),  # the last Friday of the month
    row(D, rf"\b{_WD}s?,? (?P<d>1[3-9]|2\d|3[01])\b{NOT_DAY}", _ordinal),  # Tuesday 14
    row(D, r"\b(?:the )?day after tomorrow\b", _on(2)),
    row(D, r"\b(?:the )?day before yesterday\b", _on(-2)),
    row(
        D, rf"\b{COUNT} {UNIT} (?:from|after) (?P<from>today|now|tomorrow|yesterday|{WD})\b", _from
    ),  # a week from Tuesday
    row(D, rf"\b(?P<n>a|1|\d\d?) (?P<unit>week)s? (?:on )?(?P<from>{_CLEAR})\b", _from),  # a week on Tuesday
    row(D, rf"\b{_WD} (?:in|after) {COUNT} weeks?(?:'s?)?(?: time)?\b", _weekday_in),  # Wednesday in a week
    row(D, rf"\b{_WD} (?:after next|week)\b", _weekday_in),  # Tuesday week
    row(
        D,
        rf"\b{_WD}s? (?:of |in )?(?:the )?(?P<which>this|next|following|last|coming) week\b",
        _weekday_of_week,
    ),  # Tuesday next week
    row(
        D, rf"\b(?P<which>this|next|following|last|coming) week(?:'s)?,? (?:on )?{_WD}\b", _weekday_of_week
    ),  # next week Tuesday
    row(R, rf"\b(?P<mon>{MON}) (?:of )?(?P<that>this|next|last) year\b", _month),  # November last year
    row(D, r"\b(?:tomorrow|2morrow)\b", _on(1)),
    row(D, r"\b(?:today|2day)\b", _on(0)),
    row(D, r"\byesterday\b", _on(-1)),
    row(
        R, rf"\b(?P<which>next|last|past|coming|following) (?P<n>\d{{1,3}}|few|couple of) {UNIT}\b", _stretch
    ),  # the last 3 weeks
    row(
        D,
        rf"\b(?:in|within) (?:about |the next |another )?{COUNT} {UNIT}\b(?:'s?)?(?: time\b)?(?! ago| of\b)",
        _later,
    ),  # in 2 weeks
    row(
        D, rf"\b{COUNT} {UNIT} (?:away )?(?:from (?:now|today)|later|hence|ahead)\b", _later
    ),  # 3 days from now
    row(D, rf"\b{COUNT} {UNIT} (?:ago|back|earlier)\b", _ago),  # 3 days ago
    row(D, rf"\b(?:{WHICH} )?(?P<wd>{_CLEAR})\b\.?{_NO_ORDINAL}", _weekday),  # next Tuesday
    row(D, rf"\b{WHICH} (?P<wd>{_DOUBTFUL})\b(?!')", _weekday),  # this Sat
    row(D, rf"{_LEAD}(?P<x>(?P<wd>{_DOUBTFUL}))\b\.?(?!'){_NO_ORDINAL}", _weekday),  # on Sat
    row(D, rf"\bend of (?:the |(?P<which>this|next) )?{_UNITS}\b", _end_of),  # the end of the month
    row(R, r"\b(?:(?P<which>this|next|coming|following|last|past) )?weekend\b", _weekend),  # this weekend
    row(
        R, rf"\b(?P<which>this|current|next|following|coming|last|past|previous) {_UNITS}\b", _period
    ),  # next week
    row(D, rf"\b(?P<name>{pattern_of(HOLIDAYS)}|{pattern_of(FLOATING)})\b{YEAR}", _holiday),  # Christmas Eve
    row(D, rf"(?:\b{DAY_WD})?{_A}/{_B}(?![\d/%-]|\.\d)", _numeric),  # 3/5
    row(D, rf"\b(?:{_WD}\.?,? (?:the )?)?(?P<d>\d\d?)(?:st|nd|rd|th)\b{_THING}", _ordinal),  # Friday the 13th
    row(D, rf"(?:{_WD},? |\b(?:the|on) )(?P<x>(?P<d>\d\d?)eth)\b{_AFTER_SPELLED}", _ordinal),  # the fifth
    row(R, rf"\b(?P<mon>{MON}),? (?:of )?(?P<y>(?:19|20|21)\d\d)\b(?!:)", _month),  # March 2026
    row(R, rf"\b(?P<which>next|this|last) (?P<mon>{MON})\b", _month),  # next March
    row(R, rf"{_IN} (?P<x>(?P<mon>{MON}))\b", _month),  # in March
    row(
        R,
        rf"\b(?:in|since|until|till|during|from|for|of|year) (?P<x>(?P<y>(?:19|20)\d\d))\b{_NO_CLOCK}",
        _year,
    ),  # in 2025
)

"""English clock times, parts of the day and spans of hours."""

from datetime import UTC, datetime, time, timedelta

from domain.entities.base import Kind, TimeRange
from domain.entities.dates import MON
from domain.entities.grammar import Match, Row, Scene, group, nothing, row
from domain.entities.words import DAY_PARTS

AFTERNOON = range(1, 8)
"""The bare hour policy: people who write to a business and say "at 3", "half past two" or "5:30" mean the
afternoon; from 8 to 12 an hour is as said. "05:30" and "17:30" are 24-hour writing and are as said too."""


def clock(hour: int, minute: int = 0, half: str = "") -> time:
    """`half`: "a", "p", a part of the day, "24" when the writing is 24-hour, or "" when nothing was said."""
    if hour == 24 or (hour == 12 and half in ("a", "morning", "midnight")):
        hour = 0
    elif half in ("p", "afternoon", "evening", "noon") and hour < 12:
        hour += 12
    elif half in ("night", "tonight"):
        hour = 0 if hour == 12 else hour + 12 if 5 <= hour < 12 else hour
    elif not half and hour in AFTERNOON:
        hour += 12
    return time(hour, minute)


def minutes(at: time) -> int:
    return 60 * at.hour + at.minute


def at_minute(n: int) -> time:
    return time(*divmod(n % 1440, 60))


def moved(scene: Scene, by: timedelta) -> datetime:
    """Now and so many minutes, on the clock of the zone: real minutes also across a change of the clocks."""
    there = scene.now.astimezone(UTC) + by
    return there.astimezone(scene.now.tzinfo).replace(second=0, microsecond=0)


def _half(m: Match) -> str:
    """Which half of the day was said, "24" for 24-hour writing ("05:30", "5h"), "" for nothing."""
    said = group(m, "ap") or group(m, "part") or group(m, "day") or group(m, "night")
    day_long = m["h"].startswith("0") or "mi24" in m.re.groupindex
    return said or ("24" if day_long else "")


def _clock(m: Match, scene: Scene) -> time:
    minute = group(m, "mi").lstrip("oh ") or "0"
    return clock(int(m["h"]), int(minute.replace(" ", "")), _half(m))


def _half_past(m: Match, scene: Scene) -> time:
    return clock(int(m["h"]), 30, _half(m))


def _past_to(m: Match, scene: Scene) -> time:
    """ "20 to 2", "half past 11 in the morning", "quarter to noon"."""
    named = {"noon": 12, "midday": 12, "midnight": 24}
    fraction = {"half": 30, "quarter": 15, "a quarter": 15}
    by = fraction.get(m["by"]) or int(m["by"])
    hour = m["h"]
    half = _half(m) if hour not in named else "24"
    whole = clock(named.get(hour) or int(hour), 0, half)
    if by > 59:
        raise ValueError("not minutes")
    return at_minute(minutes(whole) + (by if m["way"] in ("past", "after") else -by))


def span(start: time, end: time, start_bare: bool, end_bare: bool) -> TimeRange:
    """An hour nobody gave a half to takes the one that puts the start before the end: "10-2pm", "7 to 9"."""
    if start >= end and start_bare and start.hour >= 12:
        start = at_minute(minutes(start) - 720)
    if start >= end and end_bare and end.hour < 12:
        end = at_minute(minutes(end) + 720)
    return TimeRange(start, end)


def _span(m: Match, scene: Scene) -> TimeRange:
    first, last = group(m, "ap1"), group(m, "ap") or group(m, "part")
    end = clock(int(m["h"]), int(group(m, "mi") or 0), last)
    start = clock(int(m["h1"]), int(group(m, "mi1") or 0), first or last)
    return span(start, end, not first, not last)


def _later(m: Match, scene: Scene) -> datetime:
    return moved(scene, _amount(m))


def _ago(m: Match, scene: Scene) -> datetime:
    return moved(scene, -_amount(m))


def _amount(m: Match) -> timedelta:
    words = {
        "half an": 0.5,
        "a": 1,
        "an": 1,
        "one": 1,
        "few": 3,
        "a few": 3,
        "couple": 2,
        "a couple": 2,
        "a quarter of an": 0.25,
    }
    n = words.get(m["n"]) or float(m["n"])
    extra = 30 if group(m, "half") else int(group(m, "more") or 0)
    hours = m["unit"].startswith("h")
    return timedelta(minutes=round(n * 60 if hours else n) + extra)


def _named(m: Match, scene: Scene) -> time:
    return time(0) if "night" in m["x"] else time(12)


def _part(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS[group(m, "part") or "night"])


def _today(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS[m["day"] or "night"], on=scene.today)


def _last_night(m: Match, scene: Scene) -> TimeRange:
    return TimeRange(*DAY_PARTS["night"], on=scene.today - timedelta(days=1))


AP = r"(?P<ap>[ap])(?:\.? ?m\b\.?|(?<=\d[ap])\b)"
PARTS = r"morning|afternoon|evening|night"
_IN_PART = rf",? (?:in the |at |of the |during the |on the |the |in )?(?P<part>{PARTS}|noon|midnight)\b"
_THIS_PART = (
    rf"(?=,? (?:this (?P<day>{PARTS})|(?:for )?(?P<night>tonight))\b)"  # also says the day: left to be read
)
PART = rf"(?:{_IN_PART}|{_THIS_PART})"
H, MI = r"(?P<h>2[0-4]|[01]?\d)", r"(?P<mi>[0-5]\d)"
_WORDED_MI = r"(?P<mi>[0-5]\d|(?:oh?|0) ?\d)"
_CLOCK = r" ?o[ \"']{0,3}clock\b"
_FREE = r"(?<![\d:/.,$€£#-])\b"
_AT = r"(?:\b(?:at|around|by|about|before|after|until|till|since|approximately|than) |@ ?)"
_TO = r" ?(?:to|-|and|until|till|til|through) ?"
_ANY_CLOCK = r"(?:\0|half|(?:a )?quarter|noon|mid|\d\d?(?::\d| ?[ap]\.? ?m\b| (?:past|to|after|before) ))"
_ISH = r"(?: ?-?ish\b)?(?: sharp)?"
# what may follow a bare hour: the end, a pause, or a word that goes on about the appointment, never a thing
_GOES_ON = (
    r"on|in the|for|with|and|or|to|please|pls|this|next|the|would|work|works|is|if|instead|"
    r"then|but|thanks?|"
    r"today|tomorrow|tonight|onwards?|because|so|until|till|i|we|you|that|will|could|can|ok|okay|at|now|as|when|"
    r"maybe|from|it|fine|good|of|sorry|actually|no|wait|also|plz|thx|ty|tho|though|lol|right|do|does|are|my"
)
DONE = rf"(?=$|[.,;!?)](?!\d)| ?\0| ?-(?! ?\d)| ?[^\x00-\x7f]| (?:{_GOES_ON})\b)"
_H1 = r"(?P<h1>2[0-4]|[01]?\d)(?::(?P<mi1>[0-5]\d))?(?: ?(?P<ap1>[ap])\.? ?m\b\.?)?"
_H2 = rf"{H}(?::{MI})?"
_NOT_MONTH = rf"(?! ?(?:st|nd|rd|th)?,? (?:of )?(?:{MON})\b)"

_N = r"(?P<n>half an|a quarter of an|an?|one|\d{1,3}(?:\.\d)?|(?:a )?few|(?:a )?couple)"
_HM = r"(?P<unit>hours?|minutes?|min|hr|h)\b(?P<half> and a half)?(?: and (?P<more>\d\d?) minutes?\b)?"
_BY = r"(?P<by>half|(?:a )?quarter|[1-5]?\d)(?: min(?:ute)?s?)?"
_TO_BY = r"(?P<by>half|(?:a )?quarter|[1-5]?[05]|1[1-9]|2\d)(?: min(?:ute)?s?)?"
_HALF = rf"(?:(?:{_CLOCK})? ?{AP}|(?:{_CLOCK})?{PART}|{_CLOCK})"
_HOUR = rf"(?P<h>2[0-4]|[01]?\d|noon|midday|midnight)(?![:/.]?\d|th|st|nd|rd){_HALF}?(?!\w)"
_MAYBE_AT = r"(?:at |around |by |about |@ ?)?"
_HM_DONE = rf"{H}(?:[: ]{MI})?(?: ?{AP}|{_CLOCK}|{DONE})"
_TODAY_PART = rf"(?:this (?P<day>{PARTS})|(?P<night>tonight))"
_NIGHT = r"(?:\b(?:at|by|during the|of the|in the|any|for)|\0) (?P<x>(?P<part>night))s?\b"
T, R, DT = Kind.TIME, Kind.TIME_RANGE, Kind.DATETIME

ROWS: tuple[Row, ...] = (
    nothing(
        r"\bgood (?:morning|afternoon|evening|night)\b|^(?:morning|afternoon|evening)(?=[,.!])"
    ),  # a greeting
    row(DT, rf"\b(?:in|within) (?:about |another )?{_N} ?{_HM}(?:'s? time)?", _later),  # in 20 minutes
    row(DT, rf"\b{_N} {_HM} (?:from now|later)\b", _later),  # 2 hours from now
    row(DT, rf"\b{_N} {_HM} (?:ago|back)\b", _ago),  # half an hour ago
    row(R, rf"\b(?:from|between) (?P<x>{_H1}{_TO}{_H2}(?: ?{AP}|{PART}))", _span),  # from 2 to 4pm
    row(R, rf"\b(?:from|between) (?P<x>{_H1}{_TO}{_H2}\b){_NOT_MONTH}{DONE}", _span),  # between 2 and 4
    row(
        R, rf"\b(?:open|free|available|work|any ?time|hours) (?P<x>{_H1} (?:to|-) {_H2}\b){DONE}", _span
    ),  # work 9 to 5
    row(T, rf"{_FREE}{_BY} (?P<way>past|after) {_HOUR}", _past_to),  # half past 11 in the morning
    row(R, rf"{_FREE}(?<!at )(?<!by )(?P<h1>5|10) to {H} ?{AP}", _span),  # 5 to 6pm
    row(T, rf"{_FREE}{_TO_BY} (?P<way>to|before|till|til|of) {_HOUR}{_NOT_MONTH}", _past_to),  # 20 to 2
    row(R, rf"{_FREE}{_H1}{_TO}{_H2}(?: ?{AP}|{PART})", _span),  # 2-4pm
    row(T, rf"\bhalf {H}\b(?: ?{AP}|{PART}|{DONE})", _half_past),  # half three
    row(T, rf"\b(?P<part>{PARTS}),? {_MAYBE_AT}{_HM_DONE}", _clock),  # evening 5
    row(T, rf"\b{_TODAY_PART},? {_MAYBE_AT}(?P<x>{_HM_DONE})", _clock),  # tonight at 8
    row(T, rf"{_FREE}{H}[:h]{MI}(?::[0-5]\d)?(?![\d:])(?: ?{AP}|{PART})?", _clock),  # 5:30
    row(T, rf"{_FREE}(?P<h>[01]\d|2[0-4]|[89])(?P<mi24>)h\b", _clock),  # 16h
    row(T, rf"{_FREE}{H}\.{MI}(?: ?{AP}|{PART})", _clock),  # 5.30 pm
    row(T, rf"{_AT}(?P<x>{H}\.{MI}){DONE}", _clock),  # at 5.30
    row(T, rf"{_FREE}{H} {_WORDED_MI}(?: ?{AP}|{PART})", _clock),  # 9 05 in the morning
    row(T, rf"{_FREE}{H} ?{AP}", _clock),  # 5 p.m., 5p
    row(T, rf"{_FREE}(?P<h>[01]?\d|2[0-3]){MI} ?(?:{AP}|hrs?\b)", _clock),  # 1430 hrs
    row(T, rf"{_FREE}(?P<h>[01]\d|2[0-3]){MI} hours\b", _clock),  # 0900 hours
    row(T, rf"{_FREE}{H}{_CLOCK}(?: ?{AP}|{PART})?", _clock),  # 5 o'clock in the evening
    row(T, rf"{_FREE}(?![1-7] night\b){H}{_ISH}{PART}", _clock),  # 9 in the morning
    row(T, r"\b(?P<x>(?:12 )?(?:noon|midday|mid ?night)(?:ish)?)\b", _named),
    row(T, rf"(?<!\d ){_FREE}{H} (?P<mi>[0-5][05]|oh? ?\d){DONE}", _clock),  # five thirty
    row(T, rf"{_AT}(?P<x>{H} {MI})\b(?! ?\d){DONE}", _clock),  # at 5 37
    row(
        T, rf"\b(?:from|between) (?P<x>{H})(?= ?(?:and|to|until|till|-) ?{_ANY_CLOCK})", _clock
    ),  # between 9 and noon
    row(T, rf"\bfrom (?P<x>{H}\b)(?! (?:and|to)\b)(?![\d%:/-]|[.,]\d){DONE}", _clock),  # from 3 on
    row(T, rf"{_AT}(?P<x>{H}\b{_ISH})(?![\d%:/-]|[.,]\d){DONE}", _clock),  # at 3
    row(T, rf"{_FREE}{H} ?-?ish\b", _clock),  # 3ish
    row(T, rf"\b(?:at|by|@) ?(?P<x>(?P<h>0?[1-9]|1\d|2[0-3]){MI})\b(?![:/.,]\d){DONE}", _clock),  # at 1030
    row(
        T, rf"{_FREE}(?P<x>{H}(?::{MI})?)(?= \0+ (?:in the )?(?P<day>{PARTS})\b)", _clock
    ),  # 9 tomorrow morning
    row(R, rf"\0,? (?P<x>{_H1}{_TO}{_H2}\b){DONE}", _span),  # Monday 9 to 5
    row(T, rf"\0,? (?P<x>(?P<h>0?[1-9]|1[0-2])\b)(?![\d%:/-]|[.,]\d){DONE}", _clock),  # tomorrow 3
    row(R, rf"\b{_TODAY_PART}\b", _today),  # this afternoon
    row(R, r"\blast night\b", _last_night),
    row(R, r"\b(?P<part>morning|afternoon|evening|lunchtime)s?\b", _part),  # in the morning
    row(R, _NIGHT, _part),  # at night
)

WHOLE: tuple[Row, ...] = (
    row(T, rf"^{H}$", _clock),  # 3
    row(T, rf"^{H}[ .]{MI}$", _clock),  # 3 45
    row(T, rf"^(?!(?:19|20)\d\d$)(?P<h>[01]?\d|2[0-3]){MI}$", _clock),  # 345
)
"""What is a time only when it is all there is, in answer to "what time?"."""

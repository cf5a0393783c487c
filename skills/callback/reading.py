"""What a message says about a call: when, on which number, and that none is wanted after all. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta

from domain import opening
from domain.entities import DateRange, Kind, TimeRange
from domain.skill import Heard
from domain.workspace import Hours

_CALL = re.compile(r"\b(?:call(?:s|ed|ing|back)?|ring|phone|number|llam\w+|tel[eé]fono|n[uú]mero)\b", re.I)
_NO_CALL = re.compile(
    r"\b(?:cancel|call off|forget|drop|skip|scratch|never ?mind)\b.{0,30}\bcall"
    r"|\b(?:no|don'?t|do not|needn'?t) (?:need to |need (?:a|the|that) |have to |want (?:a|the|that) )?call(?:back)?\b"
    r"|\bno (?:call|callback)(?: is)? (?:needed|necessary)|\bno need (?:to|for (?:a|the)) call"
    r"|\b(?:cancel\w*|anul\w*|olvid\w*)\b.{0,30}\bllamada|\bno (?:hace falta|es necesario) que (?:me )?llam\w+"
    r"|\bya no (?:hace falta|quiero|necesito)\b.{0,20}\bllam\w+|\bya no me llam\w+",
    re.I,
)
_OTHERWISE = re.compile(r"\b(?:appointments?|book(?:ing)?|reserv\w+|citas?|visit|showing)\b", re.I)

_WISH = re.compile(
    r"\?|^\W*(?:can|could|may|i (?:want|need|would)|i'd|quiero|quisiera|necesito|puedo)\b", re.I
)
_PLAIN = re.compile(
    r"an?|about|and|at|be|best|better|can|could|do|does|fine|for|good|hour|i|ideal|if|in|is|it|later|let|like|make|me|more|my"
    r"|of|ok|okay|on|or|please|possible|prefer|suits|than|thanks|that|the|then|there|thing|time|to|too|us|we|what|will|works?"
    r"|would|you|your|al|de|el|es|las?|mejor|para|podr[ií]a|por|pued[eo]|que|quiero|ser[aáií]a?|si|y"
)
_AMENDS = re.compile(
    r"\b(?:actually|instead|rather|prefer|better|(?:make|change|move|push|switch) (?:it|that|the call)"
    r"|let'?s (?:say|do|make)|mejor|prefiero|c[aá]mbi\w+|en vez|que sea|p[oó]ng\w+|m[uú]ev\w+)\b",
    re.I,
)
MORE = 2


def about_calls(text: str) -> bool:
    return bool(_CALL.search(text))


def wants_none(text: str) -> bool:
    return bool(_NO_CALL.search(text))


def about_something_else(text: str) -> bool:
    """A time for an appointment is no time for a call."""
    return bool(_OTHERWISE.search(text)) and not about_calls(text)


def asks_for_more(heard: Heard) -> bool:
    """A wish with words beside its time ("can I get an oil change on Wednesday?") is for something else than the call."""
    rest = heard.text
    for one in heard.entities:
        rest = rest.replace(one.text, " ")
    words = re.findall(r"[^\W\d_]+", rest.casefold())
    return bool(_WISH.search(heard.text)) and sum(not _PLAIN.fullmatch(word) for word in words) >= MORE


def amends(heard: Heard) -> bool:
    """Another time for what was spoken of last: "actually make it 3pm"."""
    if not _AMENDS.search(heard.text) or about_something_else(heard.text) or asks_for_more(heard):
        return False
    return wanted(heard, heard.profile.hours) is not None


def number(heard: Heard) -> str:
    return next((str(one.value) for one in heard.entities if one.kind is Kind.PHONE), "")


def wanted(heard: Heard, hours: Hours) -> datetime | None:
    """The time that the message names, in the business's zone: the first of several."""
    whole = next((one.value for one in heard.entities if one.kind is Kind.DATETIME), None)
    if isinstance(whole, datetime):
        return whole.astimezone(heard.now.tzinfo)
    day, clock = _day(heard), _clock(heard)
    if clock is not None:
        return _next(day, clock, hours, heard.now)
    if day is None or day <= heard.now.date():
        return None
    first = min((opens for opens, _ in opening.spans_on(hours, day)), default=time(9))
    return opening.at(day, first, heard.now)


def _day(heard: Heard) -> date | None:
    for one in heard.entities:
        match one.value:
            case DateRange():
                return one.value.start
            case TimeRange() if one.value.on is not None:
                return one.value.on
            case datetime():
                return None
            case date():
                return one.value
    return None


def _clock(heard: Heard) -> time | None:
    for one in heard.entities:
        match one.value:
            case TimeRange():
                return one.value.start
            case time():
                return one.value
    return None


def _next(day: date | None, clock: time, hours: Hours, now: datetime) -> datetime:
    """ "At 3" is in the afternoon where nobody is there at night; without a day it is the next time it comes."""
    found = _at(day or now.date(), clock, hours, now)
    if day is None and found.astimezone(UTC) <= now.astimezone(UTC):
        return _at(now.date() + timedelta(days=1), clock, hours, now)
    return found


def _at(day: date, clock: time, hours: Hours, now: datetime) -> datetime:
    early = opening.at(day, clock, now)
    if clock.hour < 12 and opening.known(hours) and not opening.is_open(hours, early):
        late = opening.at(day, clock.replace(hour=clock.hour + 12), now)
        if opening.is_open(hours, late):
            return late
    return early

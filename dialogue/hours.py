"""When the business is open, in words a customer reads at a glance."""

from collections.abc import Mapping
from datetime import date, datetime, time

from babel.dates import format_time, get_day_names

from dialogue import words
from domain.opening import closing, known, next_opening, spans_on
from domain.workspace import Hours, Span

__all__ = ["clock", "closing", "describe", "known", "next_opening", "weekday"]

LOCALES = {"en": "en_US", "es": "es_US"}


def describe(hours: Hours, now: datetime, day: date | None, language: str) -> str:
    """About `day`, or about the whole week and this moment."""
    if day is not None and day != now.date():
        return _about_day(hours, now, day, language)
    if day is not None and closing(hours, now) is not None:
        return _now(hours, now, language)
    week = words.say("hours_week", language, "", week=_week(hours, language))
    return f"{week} {_now(hours, now, language)}"


def clock(moment: time, language: str) -> str:
    """Without the non-breaking spaces that would turn a text message into UCS-2."""
    shown = format_time(moment, "short", locale=LOCALES.get(language, "en_US"))
    return shown.replace("\u202f", " ").replace("\u00a0", " ")


def weekday(day: int, language: str) -> str:
    return str(get_day_names("wide", locale=LOCALES.get(language, "en_US"))[day])


def _now(hours: Hours, now: datetime, language: str) -> str:
    until = closing(hours, now)
    if until is not None:
        return words.say("hours_open", language, "", until=clock(until, language))
    opens = next_opening(hours, now)
    return words.say("hours_closed_opens", language, "", opens=_when(opens, now, language)) if opens else ""


def _about_day(hours: Hours, now: datetime, day: date, language: str) -> str:
    spans, name = spans_on(hours, day), weekday(day.weekday(), language)
    if spans:
        shown = f" {words.say('and', language, '')} ".join(_span(span, language) for span in spans)
        return words.say("hours_day_open", language, "", day=name, spans=shown)
    opens = next_opening(hours, datetime.combine(day, time.max, now.tzinfo))
    shown = _when(opens, now, language) if opens else ""
    return words.say("hours_day_closed", language, "", day=name, opens=shown)


def _when(moment: datetime, now: datetime, language: str) -> str:
    shown = clock(moment.time(), language)
    if moment.date() == now.date():
        return words.say("hours_today", language, "", time=shown)
    return words.say("hours_on", language, "", day=weekday(moment.weekday(), language), time=shown)


def _span(span: Span, language: str) -> str:
    return f"{clock(span[0], language)}-{clock(span[1], language)}"


def _week(hours: Hours, language: str) -> str:
    """Neighbouring days with the same times are said once: "Mon-Fri 8:00 AM-5:00 PM, Sat-Sun closed"."""
    names = get_day_names("abbreviated", locale=LOCALES.get(language, "en_US"))
    runs: list[list[int]] = []
    for day in range(7):
        if runs and hours.days[day] == hours.days[runs[-1][0]]:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{_days(run, names)} {_spans(hours.days[run[0]], language)}" for run in runs)


def _days(run: list[int], names: Mapping[int, str]) -> str:
    return names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}"


def _spans(spans: tuple[Span, ...], language: str) -> str:
    if not spans:
        return words.say("hours_closed", language, "")
    return f" {words.say('and', language, '')} ".join(_span(span, language) for span in spans)

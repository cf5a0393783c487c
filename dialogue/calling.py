"""Whether a customer who asks for a person gets one now, or a call when the business is open: nobody is told that somebody
will write where nobody is."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from domain import opening
from domain.callback import INTENT, SKILL
from domain.policy import URGENT
from domain.turn import Part, Turn, Understanding
from domain.workspace import Posture

_ME = r"(?:me|us|my (?:cell|mobile|phone|number|wife|husband))"
_CALL = re.compile(
    rf"\b(?:call|phone|ring) {_ME}\b|\bgive {_ME} a (?:call|ring|buzz)\b|\b(?:a )?call ?back\b"
    r"|\b(?:schedule|arrange) a call\b|\bll[aá]m[ae]me\b|\bme (?:puede[ns]?|podr[ií]an?) llamar"
    r"|\bque (?:alguien )?me llam\w+|\bquiero (?:una|que me) llam\w+|\bdevu[eé]lv\w+ (?:me )?la llamada",
    re.I,
)
_NOT = re.compile(r"\b(?:don'?t|do not|never|stop|no need to|no me|ya no)\b.{0,20}$", re.I)
LATER = timedelta(minutes=30)
"""A time that is farther away than this is a time to call; a nearer one is now."""


def as_call(understood: Understanding, turn: Turn) -> Understanding:
    """For a business that calls back: the wish for a person, while it is closed, and the wish for a call at a time, are the
    wish for a call. While it is open, who wants a call now wants a person."""
    if SKILL not in turn.profile.skills or turn.profile.policy.default is Posture.OFF or understood.automatic:
        return understood
    asks = any(_asks(part.text) for part in understood.parts)
    if understood.intent in URGENT - {"want_human"} or not (asks or understood.intent == "want_human"):
        return understood
    hours = turn.profile.hours
    closed = opening.known(hours) and not opening.is_open(hours, turn.now)
    later = asks and any(_is_later(one.value, turn.now) for one in understood.entities)
    meant = INTENT if closed or later else "want_human"
    parts = tuple(
        Part(meant, max(part.confidence, 0.9), part.text)
        if part.intent == "want_human" or _asks(part.text)
        else part
        for part in understood.parts
    )
    return replace(understood, intent=meant, confidence=max(understood.confidence, 0.9), parts=parts)


def _is_later(value: object, now: datetime) -> bool:
    match value:
        case datetime():
            return value.astimezone(UTC) > now.astimezone(UTC) + LATER
        case date():
            return value > now.date()
        case time():
            return opening.at(now.date(), value, now).astimezone(UTC) > now.astimezone(UTC) + LATER
    return False


def _asks(text: str) -> bool:
    return any(not _NOT.search(text[: found.start()]) for found in _CALL.finditer(text))

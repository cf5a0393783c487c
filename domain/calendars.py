"""Calendars elsewhere: what of an appointment may be told to them, and what of theirs concerns us. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from domain.booking import EVERYBODY, BookingSettings

_BUSY = {"en": "Busy", "es": "Ocupado"}


class Tells(StrEnum):
    """How much of an appointment a calendar shows."""

    BUSY = "busy"  # that somebody is
    SERVICE = "service"  # what it is, and who does it
    NAME = "name"  # and for whom


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment as a calendar shows it. `sequence` grows with every change."""

    id: UUID
    start: datetime
    end: datetime
    title: str
    cancelled: bool
    sequence: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """An event as a calendar elsewhere holds it. `busy` is whether its owner is taken then; `gone`, whether it was
    deleted there. All-day events have the bounds of their days in the calendar's zone."""

    id: str
    start: datetime | None
    end: datetime | None
    gone: bool = False
    busy: bool = True
    all_day: bool = False
    etag: str = ""
    ours: str = ""
    """The id of the appointment that we wrote into it; "" for none."""


def title(
    tells: Tells, settings: BookingSettings, language: str, service: str, resource: str, name: str | None
) -> str:
    """One line; nothing that `tells` does not allow."""
    if tells is Tells.BUSY:
        return _BUSY.get(language, _BUSY["en"])
    said = [settings.called(service, language)]
    if tells is Tells.NAME and name:
        said.append(" ".join(name.split())[:120])
    if resource != EVERYBODY:
        said.append(resource)
    return " · ".join(said)


def event_id(link_id: UUID, appointment_id: UUID, n: int) -> str:
    """The same for the same event whenever it is sent, so that sent twice it is one. 32 of the characters a-v0-9, as
    https://developers.google.com/workspace/calendar/api/v3/reference/events/insert wants them."""
    return sha256(f"{link_id}:{appointment_id}:{n}".encode()).hexdigest()[:32]

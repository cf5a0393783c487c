"""Who waits for a time: what they want, and the changes that a skill or the waitlist itself may propose. No clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.booking import BookingSettings, Busy, Opening, Window, openings
from domain.skill import WorldEffect
from domain.workspace import Hours

MOST_ASKS = 3
"""Who has not answered so often is not asked again."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in the line. `known` are beginnings that they do not want."""

    id: UUID
    contact_id: UUID
    conversation_id: UUID
    service: str
    window: Window
    created_at: datetime
    resource: str = ""
    """"" is whoever is free."""
    state: str = "waiting"
    known: frozenset[datetime] = frozenset()
    run_id: UUID | None = None
    until: datetime | None = None
    asks: int = 0
    opted_out: bool = False
    zones: tuple[str, ...] = ()
    """Where their telephone may ring; empty: none does."""
    region: str | None = None
    offered_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class JoinWaitlist(WorldEffect):
    """Once for each run. They are asked when something within the window becomes free."""

    id: UUID
    contact_id: UUID
    conversation_id: UUID
    service: str
    start: datetime
    end: datetime
    earliest: time
    latest: time
    known: tuple[datetime, ...] = ()
    resource: str = ""
    """"" is whoever is free."""


@dataclass(frozen=True, slots=True)
class LeaveWaitlist(WorldEffect):
    """Everything that they wait for."""

    contact_id: UUID


@dataclass(frozen=True, slots=True)
class OfferTime(WorldEffect):
    """Keep this opening for whoever waits for it, from when they are asked. Raises Overtaken when it is taken, or they
    wait no more."""

    entry_id: UUID
    run_id: UUID
    contact_id: UUID
    conversation_id: UUID
    service: str
    opening: Opening
    buffer: timedelta
    keep: timedelta


@dataclass(frozen=True, slots=True)
class DeclineOffer(WorldEffect):
    """They do not want this one, and go on waiting."""

    run_id: UUID


def opening_for(
    waiter: Waiter,
    settings: BookingSettings,
    hours: Hours,
    zone: ZoneInfo,
    busy: Iterable[Busy],
    now: datetime,
) -> Opening | None:
    """The first that is free for them. `now` is in the workspace's zone."""
    service = settings.service(waiter.service)
    if service is None:
        return None
    found = openings(settings, hours, zone, service, list(busy), waiter.window, now)
    wanted = (one for one in found if waiter.resource in ("", one.resource) and one.start not in waiter.known)
    return next(wanted, None)

"""Calls that customers wait for: what the workspace says of them, when somebody can be called, and what is asked. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain import opening
from domain.skill import WorldEffect
from domain.workspace import Duration, Hours, SkillSettings

SKILL, GOAL, INTENT = "callback", "call_back", "request_call"
MOST_TRIES = 5
_Soon = Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=7))]


class CallbackSettings(SkillSettings):
    """`skills.callback` of a workspace."""

    who: Annotated[str, Field(max_length=80)] = ""
    """Who calls, as customers are told; without it, somebody of the business."""
    within: _Soon = timedelta(minutes=30)
    """A conversation handed to people that nobody has taken by then becomes a call."""
    overdue: _Soon = timedelta(hours=1)
    """So long after the time that the customer was told, people are reminded."""


class State(StrEnum):
    OPEN = "open"
    TAKEN = "taken"  # somebody of the business is on it
    DONE = "done"
    UNREACHED = "unreached"
    CANCELLED = "cancelled"


LIVE = (State.OPEN, State.TAKEN)


@dataclass(frozen=True, slots=True)
class Callback:
    """`number` is "" when none is known: they are written to. `wanted_at` is the time that the customer named, `call_at`
    the one that they were told."""

    id: UUID
    contact_id: UUID
    conversation_id: UUID
    state: State
    reason: str
    number: str
    summary: str
    wanted_at: datetime | None
    call_at: datetime
    due_at: datetime
    attempts: int
    assignee_id: UUID | None
    note: str
    version: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Awaited:
    """How it stands with one customer: the call they wait for, and the number at which they can be reached."""

    live: Callback | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class WantCallback(WorldEffect):
    """The id is that of the run that asked: whoever asks twice waits for one call."""

    id: UUID
    contact_id: UUID
    reason: str
    number: str
    summary: str
    call_at: datetime
    due_at: datetime
    wanted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeCallback(WorldEffect):
    """Another time, or another number ("" leaves it)."""

    id: UUID
    call_at: datetime
    due_at: datetime
    wanted_at: datetime | None
    number: str = ""


@dataclass(frozen=True, slots=True)
class DropCallback(WorldEffect):
    id: UUID


def call_time(hours: Hours, now: datetime, wanted: datetime | None) -> tuple[datetime, bool]:
    """When somebody can call, and whether that is when the customer wanted it. Both aware, in the business's zone;
    where no hours are declared, any time will do."""
    soonest = now if wanted is None else max(wanted, now, key=lambda one: one.astimezone(UTC))
    fits = wanted is None or soonest is wanted
    if not opening.known(hours) or opening.is_open(hours, soonest):
        return soonest, fits
    return opening.next_opening(hours, soonest) or soonest, wanted is None

"""A rule: what sets it off, its conditions, what it does, and how often."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.rules.actions import Action
from domain.rules.conditions import When
from domain.workspace import Duration, Model, Name


class Trigger(StrEnum):
    MESSAGE_RECEIVED = "message_received"
    INTENT_DETECTED = "intent_detected"
    CONTEXT_CHANGED = "context_changed"
    STATUS_CHANGED = "status_changed"
    SENTIMENT = "sentiment"
    TIME_ELAPSED = "time_elapsed"
    SCHEDULE = "schedule"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_MOVED = "appointment_moved"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    DRAFT_CREATED = "draft_created"
    DRAFT_APPROVED = "draft_approved"
    DRAFT_REJECTED = "draft_rejected"
    DRAFT_EXPIRED = "draft_expired"
    DELIVERY_FAILED = "delivery_failed"
    CONVERSATION_OPENED = "conversation_opened"
    CONVERSATION_CLOSED = "conversation_closed"
    CONVERSATION_IDLE = "conversation_idle"
    HANDOFF = "handoff"
    CALLBACK_CREATED = "callback_created"


IN_TURN = frozenset(
    {Trigger.MESSAGE_RECEIVED, Trigger.INTENT_DETECTED, Trigger.CONTEXT_CHANGED, Trigger.SENTIMENT}
)
"""Looked at while a message is answered."""
_TIMES = frozenset({Trigger.TIME_ELAPSED, Trigger.CONVERSATION_IDLE, Trigger.SCHEDULE})
FROM_LOG = frozenset(Trigger) - IN_TURN - _TIMES
"""Looked at when their event comes by in the log."""
TOLD_BY = {
    "conversation.opened": Trigger.CONVERSATION_OPENED,
    "conversation.closed": Trigger.CONVERSATION_CLOSED,
    "conversation.handed_over": Trigger.HANDOFF,
    "conversation.status_changed": Trigger.STATUS_CHANGED,
    "draft.proposed": Trigger.DRAFT_CREATED,
    "draft.approved": Trigger.DRAFT_APPROVED,
    "draft.edited": Trigger.DRAFT_APPROVED,
    "draft.rejected": Trigger.DRAFT_REJECTED,
    "draft.expired": Trigger.DRAFT_EXPIRED,
    "delivery.failed": Trigger.DELIVERY_FAILED,
    "delivery.undelivered": Trigger.DELIVERY_FAILED,
    "appointment.booked": Trigger.APPOINTMENT_BOOKED,
    "appointment.moved": Trigger.APPOINTMENT_MOVED,
    "appointment.cancelled": Trigger.APPOINTMENT_CANCELLED,
    "callback.created": Trigger.CALLBACK_CREATED,
    "context.changed": Trigger.CONTEXT_CHANGED,
}
"""Events of the log that rules can wait for."""
_TIMED = frozenset({Trigger.TIME_ELAPSED, Trigger.CONVERSATION_IDLE})


class Rule(Model):
    """`after` is for time_elapsed (since the context last changed) and conversation_idle; `at` is a clock time, with
    `days`, for schedule. `once` says how often it may do something."""

    name: Name
    on: Trigger
    when: When = When()
    then: Annotated[tuple[Action, ...], Field(min_length=1, max_length=20)]
    priority: Annotated[int, Field(ge=0, le=1000)] = 100
    """Lower comes first."""
    once: Literal["always", "conversation", "contact", "day"] = "always"
    enabled: bool = True
    after: Duration | None = None
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()

    @model_validator(mode="after")
    def _times_fit(self) -> "Rule":
        if (self.on in _TIMED) != (self.after is not None):
            raise ValueError(f"`after` belongs to {' and '.join(sorted(_TIMED))}, and they need it")
        if (self.on is Trigger.SCHEDULE) != (self.at is not None):
            raise ValueError('`at` belongs to schedule, and it needs one: at: "09:00"')
        if self.days and self.on is not Trigger.SCHEDULE:
            raise ValueError("`days` belongs to schedule")
        return self


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """By priority, then as written in the file."""
    return sorted((rule for rule in rules if rule.enabled), key=lambda rule: rule.priority)


def due(rules: Iterable[Rule], triggers: frozenset[Trigger]) -> list[Rule]:
    return [rule for rule in in_order(rules) if rule.on in triggers]

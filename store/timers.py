"""Things that happen later: rows, not sleeping jobs. They may fire late, never twice, never not."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx, new_id

_ADD = text(
    "insert into timer (workspace_id, id, kind, conversation_id, subject_id, fire_at, details)"
    " values (:w, :id, :kind, :conversation, :subject, :at, cast(:details as jsonb))"
    " on conflict (workspace_id, id) do nothing"
)
_CANCEL = text(
    "update timer set state = 'cancelled' where conversation_id = :conversation and kind = :kind and state = 'pending'"
)
_CANCEL_OF = text(
    "update timer set state = 'cancelled' where subject_id = :subject and kind = any(:kinds) and state = 'pending'"
)
_CANCEL_NAMED = text(
    "update timer set state = 'cancelled' where conversation_id = :conversation and kind = :kind and state = 'pending'"
    " and details->>cast(:key as text) = coalesce(cast(:named as text), details->>cast(:key as text))"
)
_CLAIM = text(
    "update timer set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from timer where state = 'pending' and fire_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only) and (kind = any(:kinds)) = :own"
    " order by fire_at limit :limit for update skip locked) returning workspace_id, id"
)
_HOLD_CONVERSATION = text(
    "select c.id from conversation c join timer t on t.workspace_id = c.workspace_id and t.conversation_id = c.id"
    " where t.id = :id for no key update of c"
)
_TAKE = text(
    "update timer set state = 'fired', lease_until = null where id = :id and state = 'pending'"
    " returning kind, conversation_id, subject_id, details"
)

_BEGIN = text(
    "update timer set attempts = attempts + 1 where id = :id and state = 'pending'"
    " returning kind, conversation_id, subject_id, details, attempts"
)
_AGAIN = text("update timer set fire_at = :at, lease_until = null where id = :id and state = 'pending'")

DRAFT_EXPIRES, PAUSE_ENDS = "draft_expires", "pause_ends"
STATUS_AGES, RULE_WAITS = "status_ages", "rule_waits"
IDLE, ELAPSED = "conversation_idle", "time_elapsed"
SCHEDULED = "rule_scheduled"
CALLBACK_DUE, HANDOFF_WAITS = "callback_due", "handoff_waits"
ACTION_CALLS = "action_calls"
CALLS_OUT = frozenset({ACTION_CALLS})
"""Kinds that call somebody else's server, and have a worker of their own."""
REMINDS, BEGINS, OVER = "appointment_reminds", "appointment_begins", "appointment_over"


@dataclass(frozen=True, slots=True)
class Timer:
    kind: str
    conversation_id: UUID
    subject_id: UUID | None
    details: Mapping[str, Any]
    attempts: int = 0


async def set_(
    tx: Tx,
    kind: str,
    conversation_id: UUID,
    at: datetime,
    subject_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
    timer_id: UUID | None = None,
) -> None:
    """With an id of the caller's own it is set once, whatever became of it."""
    values = {"w": tx.workspace_id, "id": timer_id or new_id(), "kind": kind, "conversation": conversation_id}
    await tx.execute(_ADD, values | {"subject": subject_id, "at": at, "details": json.dumps(details or {})})


async def cancel(tx: Tx, kind: str, conversation_id: UUID) -> None:
    await tx.execute(_CANCEL, {"kind": kind, "conversation": conversation_id})


async def cancel_of(tx: Tx, kinds: Collection[str], subject_id: UUID) -> None:
    await tx.execute(_CANCEL_OF, {"subject": subject_id, "kinds": list(kinds)})


async def cancel_named(tx: Tx, kind: str, conversation_id: UUID, key: str, named: str | None) -> None:
    """Those whose details have this under the key; None: anything."""
    values = {"conversation": conversation_id, "kind": kind, "key": key, "named": named}
    await tx.execute(_CANCEL_NAMED, values)


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None, *, calls_out: bool = False
) -> list[tuple[UUID, UUID]]:
    """(workspace, timer) pairs that are due and now ours until the lease ends."""
    values = {"limit": limit, "lease": lease, "only": only, "kinds": list(CALLS_OUT), "own": calls_out}
    rows = await dispatch.db.execute(_CLAIM, values)
    return [(row.workspace_id, row.id) for row in rows]


async def take(tx: Tx, timer_id: UUID) -> Timer | None:
    """The timer, fired with this transaction; None when it was fired or cancelled before. Its conversation is
    locked before it, as by everybody who sets and cancels timers."""
    await tx.execute(_HOLD_CONVERSATION, {"id": timer_id})
    row = (await tx.execute(_TAKE, {"id": timer_id})).first()
    return Timer(row.kind, row.conversation_id, row.subject_id, row.details) if row else None


async def begin(tx: Tx, timer_id: UUID) -> Timer | None:
    """One more attempt at what it stands for; it stays pending. None when there is nothing to do any more."""
    await tx.execute(_HOLD_CONVERSATION, {"id": timer_id})
    row = (await tx.execute(_BEGIN, {"id": timer_id})).first()
    return Timer(row.kind, row.conversation_id, row.subject_id, row.details, row.attempts) if row else None


async def again(tx: Tx, timer_id: UUID, at: datetime) -> None:
    await tx.execute(_AGAIN, {"id": timer_id, "at": at})

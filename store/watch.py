"""What has moved lately in one workspace, for `frontdesk tail`: turns and deliveries, by id. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx

_TURNS = text(
    "select id, conversation_id, first_seq, base_seq, state, action, reason, intent, confidence, worker, started_at,"
    " finished_at from turn where id > :after or id = any(:open) order by id desc limit 1000"
)
_DELIVERIES = text(
    "select d.id, d.conversation_id, d.seq, d.part, d.state, d.reason, d.error_code, d.attempts, d.updated_at, c.kind,"
    " m.author, d.body from delivery d join channel c on c.workspace_id = d.workspace_id and c.id = d.channel_id"
    " join message m on m.workspace_id = d.workspace_id and m.id = d.message_id"
    " where d.id > :after or d.id = any(:open) order by d.id desc limit 1000"
)
_WORKSPACE = text("select workspace_id from conversation where id = :id")
_ASKED = text(
    "select body from message where conversation_id = :conversation and direction = 'in'"
    " and seq between :first and :last order by seq"
)


@dataclass(frozen=True, slots=True)
class SeenTurn:
    id: UUID
    conversation_id: UUID
    first_seq: int
    base_seq: int
    state: str
    action: str | None
    reason: str | None
    intent: str | None
    confidence: float | None
    worker: str | None
    started_at: datetime
    finished_at: datetime | None

    @property
    def over(self) -> bool:
        return self.state != "running"


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    id: UUID
    conversation_id: UUID
    seq: int
    part: int
    state: str
    reason: str | None
    error_code: str | None
    attempts: int
    updated_at: datetime
    kind: str
    author: str
    sealed: bytes

    @property
    def over(self) -> bool:
        return self.state in ("delivered", "read", "failed", "cancelled")


def floor(at: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond: ids made later are greater."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


async def turns(tx: Tx, since: datetime, open_: Sequence[UUID]) -> list[SeenTurn]:
    """Those begun since then, the newest thousand, and those named."""
    rows = await tx.execute(_TURNS, {"after": floor(since), "open": list(open_)})
    return [SeenTurn(**row._mapping) for row in rows]


async def deliveries(tx: Tx, since: datetime, open_: Sequence[UUID]) -> list[SeenDelivery]:
    rows = await tx.execute(_DELIVERIES, {"after": floor(since), "open": list(open_)})
    return [_delivery(row) for row in rows]


async def asked(tx: Tx, turn: SeenTurn) -> list[str]:
    """The customer's words that the turn answered."""
    values = {"conversation": turn.conversation_id, "first": turn.first_seq, "last": turn.base_seq}
    return [tx.vault.open("message.body", bytes(row.body)) for row in await tx.execute(_ASKED, values)]


async def workspace_of(dispatch: Dispatch, conversation_id: UUID) -> UUID | None:
    found: UUID | None = await dispatch.db.scalar(_WORKSPACE, {"id": conversation_id})
    return found


def words(tx: Tx, delivery: SeenDelivery) -> str:
    return tx.vault.open("delivery.body", delivery.sealed)


def _delivery(row: Any) -> SeenDelivery:
    fields = dict(row._mapping)
    sealed = bytes(fields.pop("body"))
    return SeenDelivery(**fields, sealed=sealed)


SLACK = timedelta(seconds=30)
"""A row may become visible this much later than its id says: its transaction was still running."""

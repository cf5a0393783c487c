"""Turns as they are told to people: what was understood, found, said, and why."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Tx

_FOR = text(
    "select id, conversation_id, first_seq, base_seq, state, action, reason, intent, confidence, explanation,"
    " started_at, finished_at from turn where conversation_id = :conversation"
    " and (cast(:before as uuid) is null or id < :before) order by id desc limit :limit"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A turn as it is told to people: what was understood, found, said, and why."""

    id: UUID
    conversation_id: UUID
    first_seq: int
    base_seq: int
    state: str
    action: str | None
    reason: str | None
    intent: str | None
    confidence: float | None
    explanation: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime | None


async def told(tx: Tx, conversation_id: UUID, before: UUID | None, limit: int) -> list[Told]:
    """Newest first."""
    rows = await tx.execute(_FOR, {"conversation": conversation_id, "before": before, "limit": limit})
    return [_told(tx, row) for row in rows]


def _told(tx: Tx, row: Any) -> Told:
    fields = dict(row._mapping)
    sealed = fields.pop("explanation")
    explanation = json.loads(tx.vault.open("turn.explanation", bytes(sealed))) if sealed else {}
    return Told(**fields, explanation=explanation)

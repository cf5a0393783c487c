"""The values of a conversation's context: only ever added to; what a person set, the assistant leaves alone."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.turn import SetField, Value
from store.db import Tx, new_id

_ADD = text(
    "insert into context_value (workspace_id, id, conversation_id, field, value, source, confidence, words,"
    " evidence_seq, turn_id, person_id) values (:w, :id, :conversation, :field, :value, :source, :confidence,"
    " :words, :evidence, :turn, :person)"
)
_CURRENT = text(
    "select distinct on (field) field, value, source, confidence, words, evidence_seq, at from context_value"
    " where conversation_id = :conversation order by field, n desc"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A field as it stands, and why."""

    value: Any
    source: str
    confidence: float
    words: str | None
    evidence_seq: int | None
    at: datetime


async def current(tx: Tx, conversation_id: UUID) -> dict[str, Kept]:
    rows = await tx.execute(_CURRENT, {"conversation": conversation_id})
    return {row.field: _kept(tx, row) for row in rows}


async def values(tx: Tx, conversation_id: UUID) -> dict[str, Value]:
    kept = await current(tx, conversation_id)
    return {name: Value(one.value, one.source, one.confidence) for name, one in kept.items()}


async def set_by_ai(tx: Tx, conversation_id: UUID, turn_id: UUID, changes: list[SetField]) -> None:
    standing = await current(tx, conversation_id) if changes else {}
    for change in changes:
        before = standing.get(change.name)
        value = to_jsonable_python(change.value, fallback=str)
        if before is not None and (before.source == "human" or before.value == value):
            continue
        await tx.execute(
            _ADD,
            {
                "w": tx.workspace_id, "id": new_id(), "conversation": conversation_id, "field": change.name,
                "value": tx.vault.seal("context_value.value", json.dumps(value)), "source": "ai",
                "confidence": change.confidence, "words": tx.vault.seal("context_value.words", change.words),
                "evidence": change.evidence_seq, "turn": turn_id, "person": None,
            },
        )  # fmt: skip


def _kept(tx: Tx, row: Any) -> Kept:
    value = json.loads(tx.vault.open("context_value.value", bytes(row.value)))
    words = tx.vault.open_maybe("context_value.words", row.words and bytes(row.words))
    return Kept(value, row.source, row.confidence, words, row.evidence_seq, row.at)

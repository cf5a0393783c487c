"""The values of a conversation's context: only ever added to; what a person set, the assistant leaves alone."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.turn import SetField, Value
from store import likely
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
_IS_LINKED = text("select exists (select from conversation_link where conversation_id = :conversation)")
# Conversations that were one for a while: a value is theirs from whose address its words came, or, when it came from
# no words, whose conversation it was written in. Between conversations a person's value goes before the assistant's.
_CURRENT_OF_LINKED = text(
    "with here as (select c.id, coalesce(p.root_id, p.id) as root from conversation c join contact p"
    "   on p.workspace_id = c.workspace_id and p.id = c.contact_id"
    "   where c.id = :conversation"
    "   or c.id in (select other_id from conversation_link where conversation_id = :conversation)),"
    " told as (select v.*, here.root as home, coalesce("
    "   (select coalesce(a.root_id, a.contact_id) from turn u join carried k on k.workspace_id = u.workspace_id"
    "     and k.turn_id = u.id join message m on m.workspace_id = k.workspace_id and m.id = k.message_id"
    "     join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id join contact_address a"
    "     on a.workspace_id = t.workspace_id and a.id = t.address_id"
    "     where u.workspace_id = v.workspace_id and u.id = v.turn_id"
    "     and u.first_seq > u.base_seq order by m.created_at desc, m.id desc limit 1),"  # a turn for what was carried only
    "   (select coalesce(a.root_id, a.contact_id) from message m join thread t on t.workspace_id = m.workspace_id"
    "     and t.id = m.thread_id join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    "     where m.workspace_id = v.workspace_id and m.conversation_id = v.conversation_id and m.seq = v.evidence_seq),"
    "   here.root) as whose from context_value v join here on here.id = v.conversation_id),"
    " newest as (select distinct on (conversation_id, field) * from told"
    "   where whose = (select root from here where id = :conversation) order by conversation_id, field, n desc)"
    " select distinct on (field) field, value, source, confidence, words, evidence_seq, at from newest"
    " order by field, source = 'human' desc, n desc"
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
    asked = {"conversation": conversation_id}
    linked = (await tx.execute(_IS_LINKED, asked)).scalar_one()
    rows = await tx.execute(_CURRENT_OF_LINKED if linked else _CURRENT, asked)
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
                "value": tx.vault.seal("context_value.value", json.dumps(value)), "source": change.source,
                "confidence": change.confidence, "words": tx.vault.seal("context_value.words", change.words),
                "evidence": change.evidence_seq, "turn": turn_id, "person": None,
            },
        )  # fmt: skip
        await likely.told(tx, conversation_id, change.evidence_seq, change.name, value)


def _kept(tx: Tx, row: Any) -> Kept:
    value = json.loads(tx.vault.open("context_value.value", bytes(row.value)))
    words = tx.vault.open_maybe("context_value.words", row.words and bytes(row.words))
    return Kept(value, row.source, row.confidence, words, row.evidence_seq, row.at)

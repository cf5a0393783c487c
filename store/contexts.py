"""The values of a conversation's context: only ever added to; what a person set, the assistant leaves alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.turn import SetField, Value
from store import events, likely, suggestions
from store.db import Tx, new_id

SCHEMA = "$schema"
"""Under this name the history tells which schema was chosen; no field can be named so."""

_ADD = text(
    "insert into context_value (workspace_id, id, conversation_id, field, value, source, confidence, words,"
    " evidence_seq, turn_id, person_id, why, reverts, left_with, origin) values (:w, :id, :conversation, :field, :value,"
    " :source, :confidence, :words, :evidence, :turn, :person, :why, :reverts, :left_with, :origin)"
)
_COUNT = text("select count(*) from context_value where conversation_id = :conversation")
_SINCE = text(
    "select distinct field from (select field, row_number() over (order by n) as version from context_value"
    " where conversation_id = :conversation) v where version > :version order by field"
)
_HISTORY = text(
    "select * from (select v.*, lag(value) over (partition by field order by n) as before"
    " from context_value v where conversation_id = :conversation) told"
    " where (cast(:field as text) is null or field = :field) and (cast(:below as bigint) is null or n < :below)"
    " order by n desc limit :limit"
)
_PLACE = text("select n, field from context_value where conversation_id = :conversation and id = :id")
_PLACE_AT = text(
    "select coalesce(max(n), 0) from context_value where conversation_id = :conversation and at <= :at"
)
_NEWEST = text("select coalesce(max(n), 0) from context_value where conversation_id = :conversation")
_AS_OF = text(
    "select distinct on (field) id, field, value from context_value where conversation_id = :conversation"
    " and n <= :n and field <> '$schema' order by field, n desc"
)
_STATISTICS = text(
    "select field, source, count(*) as values, count(distinct conversation_id) as conversations,"
    " avg(confidence) as confidence from (select distinct on (conversation_id, field) conversation_id, field, source,"
    " confidence from context_value where at >= :since and field <> '$schema'"
    " order by conversation_id, field, n desc) newest group by field, source order by field, source"
)
_STATUSES = text(
    "select coalesce(status, '') as status, count(*) as conversations from conversation where updated_at >= :since"
    " group by 1 order by 2 desc, 1"
)
_CURRENT = text(
    "select distinct on (field) field, value, source, confidence, words, evidence_seq, at, origin from context_value"
    " where conversation_id = :conversation and field <> '$schema' order by field, n desc"
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
    "   where whose = (select root from here where id = :conversation) and field <> '$schema'"
    "   order by conversation_id, field, n desc)"
    " select distinct on (field) field, value, source, confidence, words, evidence_seq, at, origin from newest"
    " order by field, (source = 'human' or origin is not null) desc, n desc"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history. `n` is its place; `before` is what the field was, None: nothing."""

    id: UUID
    n: int
    field: str
    before: Any
    after: Any
    source: str
    confidence: float
    words: str | None
    evidence_seq: int | None
    turn_id: UUID | None
    person_id: UUID | None
    why: str | None
    reverts: UUID | None
    left_with: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A field as it stands, and why."""

    value: Any
    source: str
    confidence: float
    words: str | None
    evidence_seq: int | None
    at: datetime
    origin: str | None = None
    """crm: somebody set it there."""

    @property
    def by_person(self) -> bool:
        """The assistant leaves it alone."""
        return self.source == "human" or self.origin == "crm"


async def current(tx: Tx, conversation_id: UUID, *, emptied: bool = False) -> dict[str, Kept]:
    """`emptied`: also what a person took away, as None."""
    asked = {"conversation": conversation_id}
    linked = (await tx.execute(_IS_LINKED, asked)).scalar_one()
    rows = await tx.execute(_CURRENT_OF_LINKED if linked else _CURRENT, asked)
    found = {row.field: _kept(tx, row) for row in rows}
    return {
        name: kept for name, kept in found.items() if emptied or kept.value is not None
    }  # a person may empty a field


async def values(tx: Tx, conversation_id: UUID) -> dict[str, Value]:
    kept = await current(tx, conversation_id)
    return {
        name: Value(one.value, "human" if one.by_person else one.source, one.confidence)
        for name, one in kept.items()
    }


async def set_by_ai(tx: Tx, conversation_id: UUID, turn_id: UUID | None, changes: list[SetField]) -> None:
    standing = await current(tx, conversation_id) if changes else {}
    for change in changes:
        before = standing.get(change.name)
        value = to_jsonable_python(change.value, fallback=str)
        if before is not None and (before.by_person or before.value == value):
            continue
        origin = Origin(change.source, change.confidence, change.words, change.evidence_seq, turn_id)
        await add(tx, conversation_id, change.name, value, origin)
        await likely.told(tx, conversation_id, change.evidence_seq, change.name, value)


@dataclass(frozen=True, slots=True)
class Origin:
    source: str
    confidence: float = 1.0
    words: str = ""
    evidence_seq: int | None = None
    turn_id: UUID | None = None
    person_id: UUID | None = None
    why: str | None = None
    reverts: UUID | None = None
    left_with: str | None = None
    origin: str | None = None


async def add(tx: Tx, conversation_id: UUID, field: str, value: Any, origin: Origin) -> None:
    await tx.execute(
        _ADD,
        {
            "w": tx.workspace_id, "id": new_id(), "conversation": conversation_id, "field": field,
            "value": tx.vault.seal("context_value.value", json.dumps(value)), "source": origin.source,
            "confidence": origin.confidence, "words": tx.vault.seal("context_value.words", origin.words),
            "evidence": origin.evidence_seq, "turn": origin.turn_id, "person": origin.person_id,
            "why": origin.why and tx.vault.seal("context_value.why", origin.why), "reverts": origin.reverts,
            "left_with": origin.left_with, "origin": origin.origin,
        },
    )  # fmt: skip


async def version(tx: Tx, conversation_id: UUID) -> int:
    """How often anything was set in it."""
    found: int = (await tx.execute(_COUNT, {"conversation": conversation_id})).scalar_one()
    return found


async def changed_since(tx: Tx, conversation_id: UUID, version: int) -> list[str]:
    """The fields that were set after it had this version."""
    rows = await tx.execute(_SINCE, {"conversation": conversation_id, "version": version})
    return [row.field for row in rows]


async def set_by_person(
    tx: Tx,
    conversation_id: UUID,
    person_id: UUID | None,
    changes: Mapping[str, Any],
    why: str | None = None,
    reverts: Mapping[str, UUID] | None = None,
    evidence: Mapping[str, tuple[str, int]] | None = None,
) -> list[str]:
    """The conversation is held. None empties a field, which the assistant may then fill again. `evidence` are a
    customer's words, and the seq of their message, that a person takes over. Returns the fields that are different now;
    rules that wait for them hear of it."""
    before, place = await current(tx, conversation_id), await newest(tx, conversation_id)
    changed = []
    for name, value in changes.items():
        kept = before.get(name)
        same = kept.value == value and (value is None or kept.source == "human") if kept else value is None
        if same:
            continue
        words, seq = (evidence or {}).get(name, ("", None))
        origin = Origin(
            "human", 1.0, words, seq, person_id=person_id, why=why, reverts=(reverts or {}).get(name)
        )
        await add(tx, conversation_id, name, value, origin)
        changed.append(name)
    await suggestions.supersede(tx, conversation_id, changes)
    if changed:
        told = ",".join(changed)
        await events.add(tx, "context.changed", conversation_id, conversation_id, fields=told, after=place)
    return changed


async def set_in_crm(tx: Tx, conversation_id: UUID, changes: Mapping[str, Any]) -> None:
    """A person of the business set these there. The conversation is held. As for a person's here: None empties a field,
    the assistant leaves the others alone, and rules hear of it."""
    if not changes:
        return
    place = await newest(tx, conversation_id)
    for name, value in changes.items():
        await add(tx, conversation_id, name, value, Origin("import", why="set in the CRM", origin="crm"))
    await suggestions.supersede(tx, conversation_id, changes)
    told = ",".join(changes)
    await events.add(tx, "context.changed", conversation_id, conversation_id, fields=told, after=place)


async def newest(tx: Tx, conversation_id: UUID) -> int:
    """The place of the last change; 0 before the first."""
    found: int = (await tx.execute(_NEWEST, {"conversation": conversation_id})).scalar_one()
    return found


async def place_of(tx: Tx, conversation_id: UUID, change_id: UUID) -> int | None:
    """Of an entry of this conversation's history."""
    row = (await tx.execute(_PLACE, {"conversation": conversation_id, "id": change_id})).first()
    return row.n if row else None


async def place_at(tx: Tx, conversation_id: UUID, at: datetime) -> int:
    found: int = (await tx.execute(_PLACE_AT, {"conversation": conversation_id, "at": at})).scalar_one()
    return found


async def as_of(tx: Tx, conversation_id: UUID, n: int) -> dict[str, tuple[Any, UUID]]:
    """Each field as it was just after this place, with the entry that set it."""
    rows = await tx.execute(_AS_OF, {"conversation": conversation_id, "n": n})
    return {row.field: (opened(tx, row.value), row.id) for row in rows}


async def history(
    tx: Tx, conversation_id: UUID, field: str | None, below: int | None, limit: int
) -> Sequence[Change]:
    """Newest first."""
    values = {"conversation": conversation_id, "field": field, "below": below, "limit": limit}
    return [_change(tx, row) for row in await tx.execute(_HISTORY, values)]


async def statistics(tx: Tx, since: datetime) -> Sequence[Any]:
    """Of what was set since: field, source, how many values, of how many conversations, mean confidence."""
    return (await tx.execute(_STATISTICS, {"since": since})).all()


async def statuses(tx: Tx, since: datetime) -> Sequence[Any]:
    """Conversations by status, of those in which something happened since."""
    return (await tx.execute(_STATUSES, {"since": since})).all()


def opened(tx: Tx, sealed: Any) -> Any:
    return None if sealed is None else json.loads(tx.vault.open("context_value.value", bytes(sealed)))


def _change(tx: Tx, row: Any) -> Change:
    return Change(
        row.id, row.n, row.field, opened(tx, row.before), opened(tx, row.value), row.source, row.confidence,
        tx.vault.open_maybe("context_value.words", row.words and bytes(row.words)), row.evidence_seq, row.turn_id,
        row.person_id, tx.vault.open_maybe("context_value.why", row.why and bytes(row.why)), row.reverts,
        row.left_with, row.at,
    )  # fmt: skip


def _kept(tx: Tx, row: Any) -> Kept:
    value = json.loads(tx.vault.open("context_value.value", bytes(row.value)))
    words = tx.vault.open_maybe("context_value.words", row.words and bytes(row.words))
    return Kept(value, row.source, row.confidence, words, row.evidence_seq, row.at, row.origin)

"""Which schema a conversation fills; the history of its context says who chose it, and what left and came back with it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.turn import UseSchema, Value
from domain.workspace import Profile
from store import contexts, suggestions, workspaces
from store.contexts import Origin
from store.db import Tx

_USE = text(
    "update conversation set schema_name = nullif(:schema, ''), schema_source = nullif(:by, ''),"
    " updated_at = frontdesk_now() where id = :id and coalesce(schema_name, '') = :before returning id"
)
_CHOSEN = text("select coalesce(schema_name, '') as schema_name from conversation where id = :id")
# Of each schema, what left with it when it was last left: each with the entry before.
_PUT_BY = text(
    "select l.field, l.left_with, was.* from context_value l join (select left_with, max(n) as n from context_value"
    "   where conversation_id = :conversation and field = '$schema' and left_with is not null group by left_with) went"
    " on went.left_with = l.left_with and l.n > went.n"
    " cross join lateral (select id, value, source, confidence, words, evidence_seq, turn_id, person_id"
    "   from context_value v where v.conversation_id = :conversation and v.field = l.field and v.n < l.n"
    "   order by v.n desc limit 1) was where l.conversation_id = :conversation"
)
_AS_OF = text(
    "select value from context_value where conversation_id = :conversation and field = '$schema' and n <= :n"
    " order by n desc limit 1"
)


async def profile_of(tx: Tx, conversation_id: UUID) -> Profile:
    """The workspace's, with the schema first that this conversation fills."""
    chosen = (await tx.execute(_CHOSEN, {"id": conversation_id})).scalar_one_or_none()
    return (await workspaces.get(tx)).profile.using(chosen or "")


async def put_by(tx: Tx, conversation_id: UUID) -> dict[str, dict[str, Value]]:
    """What would come back, by the schema that it left with."""
    found: dict[str, dict[str, Value]] = {}
    for row in await tx.execute(_PUT_BY, {"conversation": conversation_id}):
        value = contexts.opened(tx, row.value)
        if value is not None:
            found.setdefault(row.left_with, {})[row.field] = Value(value, row.source, row.confidence)
    return found


async def use(
    tx: Tx, conversation_id: UUID, effect: UseSchema, turn_id: UUID | None, person_id: UUID | None = None
) -> bool:
    """The conversation is held. False when another schema was chosen meanwhile: then nothing happens."""
    values = {"id": conversation_id, "schema": effect.schema, "before": effect.before}
    by = effect.by if effect.schema else ""
    if (await tx.execute(_USE, values | {"by": by})).first() is None:
        return False
    rows = (await tx.execute(_PUT_BY, {"conversation": conversation_id})).all()
    standing = await contexts.current(tx, conversation_id)
    left = {name for name in effect.left if name in standing}
    origin = Origin(
        effect.by, turn_id=turn_id, person_id=person_id, why=effect.why, left_with=effect.left_with or None
    )
    await contexts.add(tx, conversation_id, contexts.SCHEMA, effect.schema or None, origin)
    await suggestions.supersede(tx, conversation_id, effect.left)
    for name in sorted(left):
        await contexts.add(tx, conversation_id, name, None, origin)
    for row in rows:
        free = row.field not in standing or row.field in left
        if row.left_with == effect.goes_to and row.field in effect.back and free:
            await _return(tx, conversation_id, row, effect.why)
    return True


async def _return(tx: Tx, conversation_id: UUID, row: Any, why: str) -> None:
    """As it was, and whose it was: what a person had set is theirs again."""
    words = tx.vault.open_maybe("context_value.words", row.words and bytes(row.words))
    origin = Origin(
        row.source, row.confidence, words or "", row.evidence_seq, row.turn_id, row.person_id, why, row.id
    )
    await contexts.add(tx, conversation_id, row.field, contexts.opened(tx, row.value), origin)


async def as_of(tx: Tx, conversation_id: UUID, n: int) -> str:
    """What was chosen just after this place of the history; "": nothing was."""
    sealed = (await tx.execute(_AS_OF, {"conversation": conversation_id, "n": n})).scalar_one_or_none()
    return str(contexts.opened(tx, sealed) or "")

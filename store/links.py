"""Conversations that were one for a while, and what stands in one of them and is owed an answer in another.

A message stays where it was written, under its own seq. Whose it is says its address: a conversation reads what is
linked with it as far as that came from, or went to, an address that belongs to its own contact now. So a merge, and
its end, change pointers only. ADR 17."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from store.db import Tx

_SCOPE = text("select other_id from conversation_link where conversation_id = :id order by other_id")
_OWED = text("select message_id from carried where conversation_id = :id and done_at is null")
_DONE = text(
    "update carried set done_at = frontdesk_now(), turn_id = :turn where conversation_id = :id and done_at is null"
)
_AGAIN = text("update carried set done_at = null, turn_id = null where turn_id = any(:turns)")
# Whoever was linked with one of the two is linked with both: chains of merges need not be followed.
_JOIN = text(
    "with a as (select cast(:one as uuid) as id union select other_id from conversation_link where conversation_id = :one),"
    " b as (select cast(:other as uuid) as id union select other_id from conversation_link where conversation_id = :other),"
    " pairs as (select a.id as one, b.id as other from a cross join b where a.id <> b.id)"
    " insert into conversation_link (workspace_id, conversation_id, other_id)"
    " select :w, one, other from pairs union select :w, other, one from pairs on conflict do nothing"
)
_ITS_OWN = "coalesce(a.root_id, a.contact_id) = :root"
_CARRY = text(
    "with owed as (select m.id from message m"  # noqa: S608  (constant condition)
    " join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id"
    " join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.direction = 'in' and m.kind not in ('reaction', 'system') and a.opted_out_at is null"
    f" and {_ITS_OWN} and ((m.conversation_id = :source and m.seq > c.answered_seq)"
    "   or m.id in (select k.message_id from carried k where k.conversation_id = :source and k.done_at is null))),"
    " settled as (update carried set done_at = frontdesk_now() where conversation_id = :source"
    " and message_id in (select id from owed) and done_at is null)"
    " insert into carried (workspace_id, conversation_id, message_id) select :w, :target, id from owed"
    " on conflict (workspace_id, conversation_id, message_id) do update set done_at = null, turn_id = null"
    " returning message_id"
)
_SHARE_THREADS = text(
    "insert into thread as t (workspace_id, id, conversation_id, channel_id, address_id, last_inbound_at, window_expires_at)"  # noqa: S608
    " select :w, uuidv7(), :target, o.channel_id, o.address_id, o.last_inbound_at, o.window_expires_at from thread o"
    " join contact_address a on a.workspace_id = o.workspace_id and a.id = o.address_id"
    f" where o.conversation_id = :source and {_ITS_OWN}"
    " on conflict (workspace_id, conversation_id, channel_id, address_id) do update set"
    " last_inbound_at = greatest(t.last_inbound_at, excluded.last_inbound_at),"
    " window_expires_at = greatest(t.window_expires_at, excluded.window_expires_at)"
)
_THREAD_HERE = text(
    "select t.id from thread t join thread o on o.workspace_id = t.workspace_id and o.channel_id = t.channel_id"
    " and o.address_id = t.address_id where t.conversation_id = :conversation and o.id = :thread"
)


async def scope(tx: Tx, conversation_id: UUID) -> list[UUID]:
    """This conversation and those that are linked with it."""
    return [
        conversation_id,
        *(row.other_id for row in await tx.execute(_SCOPE, {"id": conversation_id})),
    ]


async def join(tx: Tx, one: UUID, other: UUID) -> None:
    await tx.execute(_JOIN, {"w": tx.workspace_id, "one": one, "other": other})


async def carry(tx: Tx, source: UUID, target: UUID, root: UUID) -> int:
    """What `source` owes to the addresses of this contact is owed by `target` from now on, and so are its threads
    there: an answer goes to where the customer last wrote. Return how many messages. The caller holds both."""
    values = {"w": tx.workspace_id, "source": source, "target": target, "root": root}
    await tx.execute(_SHARE_THREADS, values)
    return len((await tx.execute(_CARRY, values)).all())


async def owed(tx: Tx, conversation_id: UUID) -> set[UUID]:
    """Messages of other conversations that this one has to answer."""
    return {row.message_id for row in await tx.execute(_OWED, {"id": conversation_id})}


async def answered(tx: Tx, conversation_id: UUID, turn_id: UUID | None) -> None:
    """Nothing is owed any more; a person saw to it when there is no turn."""
    await tx.execute(_DONE, {"id": conversation_id, "turn": turn_id})


async def taken_back(tx: Tx, turn_ids: Iterable[UUID]) -> None:
    """What these turns would have said is not going to be said."""
    await tx.execute(_AGAIN, {"turns": list(turn_ids)})


async def thread_here(tx: Tx, conversation_id: UUID, thread_id: UUID) -> UUID:
    """This conversation's thread to the same address over the same channel."""
    found: UUID = (
        await tx.execute(_THREAD_HERE, {"conversation": conversation_id, "thread": thread_id})
    ).scalar_one()
    return found

"""Two contacts are found to be one person, and found not to be. Pointers only: no address, message or context value
moves, so that taking it back restores what each had. Locks: merges, then as everybody (addresses, conversations)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from store import audit, drafts, links, outbox, timers, turns, workspaces
from store.db import Tx, new_id

_ALONE = text("select pg_advisory_xact_lock(hashtextextended('merges ' || frontdesk_workspace()::text, 0))")
_ROOT = text("select coalesce(root_id, id) as root, merged_into from contact where id = :id")
_BELOW = text(
    "with recursive below as (select id from contact where id = :id"
    " union select c.id from contact c join below on c.merged_into = below.id) select id from below"
)
_HOLD_ADDRESSES = text(
    "select id from contact_address where coalesce(root_id, contact_id) = any(:roots)"
    " order by scheme, value_hash for no key update"
)
_HOLD_OPEN = text(
    "select id, contact_id, state, owner, owner_person_id, owner_reason, paused_until, posture from conversation"
    " where contact_id = any(:roots) and state <> 'closed' order by id for update"
)
_HOLD_ONE = text(
    "select id, contact_id, state, owner, owner_person_id, owner_reason, paused_until, posture from conversation"
    " where id = :id for update"
)
_POINT = text(
    "update contact set merged_into = :into, version = version + 1, updated_at = frontdesk_now() where id = :id"
)
_TOUCH = text("update contact set version = version + 1, updated_at = frontdesk_now() where id = :id")
_ROOTED = (
    text("update contact set root_id = nullif(:root, id) where id = any(:who)"),
    text("update contact_address set root_id = nullif(:root, contact_id) where contact_id = any(:who)"),
)
_NOTE = text(
    "insert into contact_merge (workspace_id, id, contact_id, into_id, reason, actor, conversation_id, state_before)"
    " values (:w, :id, :contact, :into, :reason, :actor, :conversation, :state)"
)
_UNDO = text(
    "update contact_merge set unmerged_at = frontdesk_now() where contact_id = :contact and unmerged_at is null"
    " returning conversation_id, state_before"
)
_OPEN = text("insert into conversation (workspace_id, id, contact_id) values (:w, :id, :contact)")
_JOINED = text(
    "update conversation set state = 'closed', due_at = null, burst_started_at = null, lease_until = null, lease_by = null,"
    " epoch = epoch + 1, answered_seq = last_seq where id = :id"
)
_REOPENED = text(
    "update conversation set state = :state, owner = case when paused_until > frontdesk_now() then owner else 'ai' end,"
    " owner_person_id = case when paused_until > frontdesk_now() then owner_person_id end,"
    " epoch = epoch + 1, updated_at = frontdesk_now() where id = :id returning owner, paused_until"
)
_HANDED = text(
    "update conversation set owner = 'human', owner_person_id = :person, owner_reason = :reason, paused_until = :until"
    " where id = :id"
)
_POSTURE = text("update conversation set posture = :posture where id = :id")
# Whatever turn runs has read what is no longer so: it loses the conversation, and the next one reads again.
_LOOK_AGAIN = text(
    "update conversation c set epoch = epoch + 1, lease_until = null, lease_by = null, updated_at = frontdesk_now(),"
    " state = case when :open then 'open' else state end,"
    " due_at = case when owner = 'ai' and coalesce(posture, :posture) <> 'off' and (exists (select from carried k"
    "   where k.workspace_id = c.workspace_id and k.conversation_id = c.id and k.done_at is null)"
    "   or exists (select from message m join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    "     join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    "     where m.workspace_id = c.workspace_id and m.conversation_id = c.id and m.direction = 'in'"
    "     and m.kind not in ('reaction', 'system') and m.seq > c.answered_seq and a.opted_out_at is null"
    "     and coalesce(a.root_id, a.contact_id) = c.contact_id))"
    "   then greatest(due_at, frontdesk_now()) end where id = :id returning due_at"
)
_SPOKEN = text(
    "select exists (select from message m join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.conversation_id = :id and coalesce(a.root_id, a.contact_id) = :root)"
)
_MERGED = text(
    "select m.contact_id, m.into_id, m.reason, m.actor, m.at from contact_merge m"
    " where m.contact_id = any(:who) and m.unmerged_at is null order by m.at, m.id"
)
_STRICTER = {"off": 2, "draft": 1, "auto": 0, None: 0}


@dataclass(frozen=True, slots=True)
class Merged:
    """One contact that is another now."""

    contact_id: UUID
    into_id: UUID
    reason: str
    actor: str
    at: datetime


async def alone(tx: Tx) -> None:
    """Nobody else merges, unmerges or erases in this workspace until the transaction ends."""
    await tx.execute(_ALONE)


async def root(tx: Tx, contact_id: UUID) -> UUID:
    """Who this is now. Raise NotFound."""
    return (await _find(tx, contact_id)).root  # type: ignore[no-any-return]


async def below(tx: Tx, contact_id: UUID) -> list[UUID]:
    """This contact and all that were merged into it, however far."""
    return [row.id for row in await tx.execute(_BELOW, {"id": contact_id})]


async def merged(tx: Tx, contact_id: UUID) -> list[Merged]:
    """What this contact is made of, besides itself."""
    who = [one for one in await below(tx, contact_id) if one != contact_id]
    return [Merged(**row._mapping) for row in await tx.execute(_MERGED, {"who": who})]


async def merge(tx: Tx, contact_id: UUID, into_id: UUID, actor: str, reason: str = "person") -> UUID:
    """From now on they are one: who `into_id` is now goes on, with everything that the other has. Return who that
    is. Raise NotFound, or Conflict when they are one already."""
    await alone(tx)
    other, survivor = await root(tx, contact_id), await root(tx, into_id)
    if contact_id == into_id:
        raise Conflict("a contact cannot be merged into itself", code="same_contact")
    if other == survivor:
        raise Conflict("these two are one contact already", code="same_contact")
    talks = await _hold(tx, [other, survivor])
    await _point(tx, other, survivor, survivor)
    talk = talks.get(other)
    await _note(tx, other, survivor, actor, reason, talk)
    if talk is not None:
        await _join(tx, talk, talks.get(survivor) or await _open(tx, survivor), survivor)
    await audit.add(
        tx, actor, "contact_merged", "contact", other, into=str(survivor), reason=reason,
        conversation=str(talk.id) if talk else None,
    )  # fmt: skip
    return survivor


async def unmerge(tx: Tx, contact_id: UUID, actor: str) -> UUID:
    """Somebody of their own again, with the conversation, context and addresses that are theirs, and whoever was
    merged into them. Return who they were. Raise NotFound, or Conflict when they are not merged."""
    await alone(tx)
    found = await _find(tx, contact_id)
    if found.merged_into is None:
        raise Conflict("this contact is not merged into another", code="not_merged")
    talks = await _hold(tx, [found.root])
    await _point(tx, contact_id, None, contact_id)
    await tx.execute(_TOUCH, {"id": found.root})
    undone = (await tx.execute(_UNDO, {"contact": contact_id})).first()
    await _part(tx, talks.get(found.root), undone, contact_id)
    await audit.add(tx, actor, "contact_unmerged", "contact", contact_id, from_=str(found.root))
    return found.root  # type: ignore[no-any-return]


async def _find(tx: Tx, contact_id: UUID) -> Any:
    row = (await tx.execute(_ROOT, {"id": contact_id})).first()
    if row is None:
        raise NotFound("there is no such contact here")
    return row


async def _hold(tx: Tx, roots: Sequence[UUID]) -> dict[UUID, Any]:
    """All their addresses, so that nothing arrives and nothing leaves meanwhile, and their open conversations."""
    await tx.execute(_HOLD_ADDRESSES, {"roots": list(roots)})
    return {row.contact_id: row for row in await tx.execute(_HOLD_OPEN, {"roots": list(roots)})}


async def _point(tx: Tx, contact_id: UUID, into: UUID | None, now: UUID) -> None:
    await tx.execute(_POINT, {"id": contact_id, "into": into})
    if into is not None:
        await tx.execute(_TOUCH, {"id": into})
    who = await below(tx, contact_id)
    for statement in _ROOTED:
        await tx.execute(statement, {"root": now, "who": who})


async def _note(tx: Tx, contact_id: UUID, into: UUID, actor: str, reason: str, talk: Any) -> None:
    values = {"w": tx.workspace_id, "id": new_id(), "contact": contact_id, "into": into, "reason": reason}
    talked = {"conversation": talk and talk.id, "state": talk and talk.state}
    await tx.execute(_NOTE, values | {"actor": actor} | talked)


async def _open(tx: Tx, contact_id: UUID) -> Any:
    values = {"w": tx.workspace_id, "id": new_id(), "contact": contact_id}
    await tx.execute(_OPEN, values)
    return (await tx.execute(_HOLD_ONE, values)).one()


# --- together ---


async def _join(tx: Tx, talk: Any, into: Any, survivor: UUID) -> None:
    """The survivor's conversation goes on; what the other one owed, it owes now. A person who has one has both."""
    await turns.recall(tx, talk.id)
    await drafts.reopen(tx, talk.id)
    await links.join(tx, talk.id, into.id)
    if await links.carry(tx, talk.id, into.id, survivor):
        await drafts.reopen(tx, into.id)
    await timers.cancel(tx, timers.PAUSE_ENDS, talk.id)
    await tx.execute(_JOINED, {"id": talk.id})
    await _stricter(tx, talk, into)
    await _look_again(tx, into.id, open_=talk.state == "open")


async def _stricter(tx: Tx, talk: Any, into: Any) -> None:
    if _STRICTER[talk.posture] > _STRICTER[into.posture]:
        await tx.execute(_POSTURE, {"id": into.id, "posture": talk.posture})
    if not _is_persons(tx, talk) or (_is_persons(tx, into) and into.paused_until >= talk.paused_until):
        return
    values = {"person": talk.owner_person_id, "reason": talk.owner_reason, "until": talk.paused_until}
    await tx.execute(_HANDED, values | {"id": into.id})
    await drafts.supersede(tx, into.id)
    await outbox.cancel(tx, into.id, "person_took_over", authors=("ai",))
    await timers.cancel(tx, timers.PAUSE_ENDS, into.id)
    await timers.set_(tx, timers.PAUSE_ENDS, into.id, talk.paused_until)


def _is_persons(tx: Tx, talk: Any) -> bool:
    return talk.owner == "human" and talk.paused_until is not None and talk.paused_until > tx.now


# --- apart ---


async def _part(tx: Tx, joint: Any, undone: Any, contact_id: UUID) -> None:
    """`joint` is the conversation that they shared, if one is open. It stays the other's: nothing more leaves from
    it to the addresses that are no longer theirs, and what those wrote is answered in the contact's own."""
    own = await _own(tx, joint, undone, contact_id)
    if joint is None:
        return
    await turns.recall(tx, joint.id)
    await drafts.reopen(tx, joint.id)
    await outbox.cancel_foreign(tx, joint.id, "contact_unmerged")
    if own is not None:
        await links.join(tx, joint.id, own)
        await links.carry(tx, joint.id, own, contact_id)
        await _look_again(tx, own, open_=False)
    await _look_again(tx, joint.id, open_=False)


async def _own(tx: Tx, joint: Any, undone: Any, contact_id: UUID) -> UUID | None:
    """The conversation that the merge closed, open again; or a new one, if they have spoken in the joint one."""
    if undone is not None and undone.conversation_id is not None:
        return await _reopen(tx, undone.conversation_id, undone.state_before)
    if joint is None or not (await tx.execute(_SPOKEN, {"id": joint.id, "root": contact_id})).scalar_one():
        return None
    opened: UUID = (await _open(tx, contact_id)).id
    return opened


async def _reopen(tx: Tx, conversation_id: UUID, state: str) -> UUID:
    await tx.execute(_HOLD_ONE, {"id": conversation_id})
    row = (await tx.execute(_REOPENED, {"id": conversation_id, "state": state})).one()
    if row.owner == "human":
        await timers.set_(tx, timers.PAUSE_ENDS, conversation_id, row.paused_until)
    return conversation_id


async def _look_again(tx: Tx, conversation_id: UUID, *, open_: bool) -> None:
    policy = (await workspaces.get(tx)).profile.policy
    values = {"id": conversation_id, "posture": policy.default.value, "open": open_}
    await tx.execute(_LOOK_AGAIN, values)

"""Conversations: reading them, and who owns them. A person's act raises the epoch, so that a turn which is
running loses the conversation and what it would have said is never sent."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from store import audit, contacts, contexts, drafts, links, notifications, outbox, timers
from store.contacts import Contact
from store.contexts import Kept
from store.db import Tx
from store.notifications import Kind
from store.outbox import NewMessage, Split

_COLUMNS = (
    "c.id, c.contact_id, c.state, c.owner, c.owner_person_id, c.owner_reason, c.paused_until, c.posture, c.last_seq,"
    " c.answered_seq, c.due_at, c.created_at, c.updated_at, c.status, c.priority, c.tags, c.assignee_id"
)
_GET = text(f"select {_COLUMNS} from conversation c where c.id = :id")  # noqa: S608  (constant columns)
_NAMED = text(f"select {_COLUMNS} from conversation c where c.id = any(:ids)")  # noqa: S608
_HOLD = text(f"select {_COLUMNS} from conversation c where c.id = :id for update")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS} from conversation c where (cast(:state as text) is null or c.state = :state)"  # noqa: S608
    " and (cast(:owner as text) is null or c.owner = :owner)"
    " and (cast(:before_at as timestamptz) is null or (c.updated_at, c.id) < (:before_at, :before_id))"
    " order by c.updated_at desc, c.id desc limit :limit"
)
_MESSAGE_ROWS = (
    "select m.id, m.conversation_id, m.seq, m.direction, m.author, m.purpose, m.kind, m.details, m.body,"
    " m.person_id, m.turn_id, m.draft_id, m.created_at,"
    " c.kind as channel_kind, (select coalesce(json_agg(json_build_object('part', d.part, 'state', d.state, 'reason',"
    " d.reason, 'error_code', d.error_code, 'attempts', d.attempts) order by d.part), '[]') from delivery d"
    " where d.workspace_id = m.workspace_id and d.message_id = m.id) as deliveries,"
    " (select coalesce(json_agg(json_build_object('id', a.id, 'type', coalesce(a.sniffed_type, a.declared_type),"
    " 'state', a.state, 'size', a.size, 'reason', a.reason) order by a.n), '[]') from attachment a"
    " where a.workspace_id = m.workspace_id and a.message_id = m.id) as attachments"
    " from message m join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join channel c on c.workspace_id = t.workspace_id and c.id = t.channel_id"
)
_MESSAGES = text(
    f"{_MESSAGE_ROWS} where m.conversation_id = :conversation"
    " and (cast(:after as bigint) is null or m.seq > :after) order by m.seq limit :limit"
)
# A customer's own message, or one of ours: providers name both by ids of theirs.
_BY_PROVIDER = text(
    "select provider_id, id from message where conversation_id = any(:conversations) and provider_id = any(:ids)"
    " union all select provider_id, message_id from delivery"
    " where conversation_id = any(:conversations) and provider_id = any(:ids)"
)
_MESSAGES_NAMED = text(f"{_MESSAGE_ROWS} where m.id = any(:ids)")
_OPEN_OF = text("select id from conversation where contact_id = :contact and state <> 'closed'")
_LATEST_THREAD = text(
    "select t.id, a.opted_out_at, a.suppressed from thread t"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " join conversation c on c.workspace_id = t.workspace_id and c.id = t.conversation_id"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id where t.conversation_id = :conversation"
    " and coalesce(a.root_id, a.contact_id) = coalesce(p.root_id, p.id)"  # an address that was theirs is no way to them
    " order by t.last_inbound_at desc nulls last, t.id desc limit 1 for share of a"
)
_TAKE = text(
    "update conversation set owner = 'human', owner_person_id = :person, owner_reason = :reason, paused_until = :until,"
    " epoch = epoch + 1, due_at = null, burst_started_at = null, answered_seq = case when :answered then last_seq"
    " else answered_seq end, updated_at = frontdesk_now() where id = :id"
)
_RELEASE = text(
    "update conversation set owner = 'ai', owner_person_id = null, owner_reason = null, paused_until = null,"
    " epoch = epoch + 1, lease_until = null, lease_by = null, updated_at = frontdesk_now(),"
    " due_at = case when :answer and (exists (select from message m"
    " where m.workspace_id = conversation.workspace_id and m.conversation_id = conversation.id and m.direction = 'in'"
    " and m.kind not in ('reaction', 'system') and m.seq > answered_seq)"
    " or exists (select from carried k where k.workspace_id = conversation.workspace_id"
    " and k.conversation_id = conversation.id and k.done_at is null)) then frontdesk_now() else null end"
    " where id = :id returning due_at"
)
_CLOSE = text(
    "update conversation set state = 'closed', due_at = null, epoch = epoch + 1, updated_at = frontdesk_now() where id = :id"
)
# Only while the customer has no newer one open, and is nobody else by now.
_REOPEN = text(
    "update conversation c set state = 'open' where id = :id and not exists (select from conversation o"
    " where o.workspace_id = c.workspace_id and o.contact_id = c.contact_id and o.state <> 'closed') and not exists ("
    " select from contact p where p.workspace_id = c.workspace_id and p.id = c.contact_id and p.merged_into is not null)"
    " returning id"
)
_PAUSE_OVER = text(
    "select owner = 'human' and state <> 'closed' and paused_until <= frontdesk_now() as over"
    " from conversation where id = :id for update"
)


@dataclass(frozen=True, slots=True)
class Conversation:
    id: UUID
    contact_id: UUID
    state: str
    owner: str
    owner_person_id: UUID | None
    owner_reason: str | None
    paused_until: datetime | None
    posture: str | None
    last_seq: int
    answered_seq: int
    due_at: datetime | None
    created_at: datetime
    updated_at: datetime
    status: str | None = None
    """Of the workflow; None before the first turn."""
    priority: str = "normal"
    tags: Sequence[str] = ()
    assignee_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """`deliveries` and `attachments` are lists of plain dicts, in order."""

    id: UUID
    seq: int
    direction: str
    author: str
    purpose: str
    text: str
    person_id: UUID | None
    turn_id: UUID | None
    draft_id: UUID | None
    channel_kind: str
    created_at: datetime
    deliveries: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    kind: str = "text"
    choice: str | None = None
    reply_to: str | None = None
    """The provider's id of the message that this one answers, or reacts to."""
    reply_to_id: UUID | None = None
    """Ours of the same, if it is in this conversation."""


async def get(tx: Tx, conversation_id: UUID) -> Conversation:
    """Raise NotFound."""
    return _one((await tx.execute(_GET, {"id": conversation_id})).first())


async def page(
    tx: Tx, *, state: str | None, owner: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Conversation]:
    """Most recently moved first; `before` is (updated_at, id) of the last one seen."""
    before_at, before_id = before or (None, None)
    values = {"state": state, "owner": owner, "before_at": before_at, "before_id": before_id, "limit": limit}
    return [_one(row) for row in await tx.execute(_PAGE, values)]


async def messages(tx: Tx, conversation_id: UUID, after: int | None, limit: int) -> list[Message]:
    """In seq order, after `after`."""
    values = {"conversation": conversation_id, "after": after, "limit": limit}
    return await _messages(tx, (await tx.execute(_MESSAGES, values)).all())


async def messages_named(tx: Tx, ids: Collection[UUID]) -> list[Message]:
    """Those of these that are there."""
    if not ids:
        return []
    return await _messages(tx, (await tx.execute(_MESSAGES_NAMED, {"ids": list(ids)})).all())


async def named(tx: Tx, ids: Collection[UUID]) -> list[Conversation]:
    """Those of these that are there."""
    return [_one(row) for row in await tx.execute(_NAMED, {"ids": list(ids)})] if ids else []


async def open_of(tx: Tx, contact_id: UUID) -> UUID | None:
    """The open conversation of this contact, who is nobody else."""
    found: UUID | None = (await tx.execute(_OPEN_OF, {"contact": contact_id})).scalar_one_or_none()
    return found


async def contact(tx: Tx, conversation: Conversation) -> Contact:
    """Who it is now."""
    found = await contacts.get(tx, conversation.contact_id)
    if found is not None and found.root_id is not None:
        found = await contacts.get(tx, found.root_id)
    assert found is not None
    return found


async def context(tx: Tx, conversation_id: UUID) -> dict[str, Kept]:
    return await contexts.current(tx, conversation_id)


async def reply(
    tx: Tx,
    conversation_id: UUID,
    person_id: UUID | None,
    actor: str,
    words: str,
    split: Split,
    pause: timedelta,
) -> UUID:
    """A person writes: the assistant is silenced at once, for `pause`; what it had not sent yet is taken back.
    A closed conversation opens again."""
    thread = (await tx.execute(_LATEST_THREAD, {"conversation": conversation_id})).first()
    conversation = await hold(tx, conversation_id)
    if thread is None:
        raise Conflict("nobody has written here yet, so there is nowhere to reply to", code="no_thread")
    if thread.opted_out_at is not None:
        raise Conflict("the customer has opted out; nothing may be sent", code="opted_out")
    if thread.suppressed:
        raise Conflict("this address cannot be reached", code="suppressed")
    if (
        conversation.state == "closed"
        and (await tx.execute(_REOPEN, {"id": conversation_id})).first() is None
    ):
        raise Conflict("this conversation is closed, and a newer one is open", code="conversation_closed")
    await _take(tx, conversation_id, person_id, "replied", pause, answered=True)
    new = NewMessage(conversation_id, thread.id, "human", "human", words, person_id)
    message_id = await outbox.put(tx, new, split)
    await audit.add(tx, actor, "person_replied", "conversation", conversation_id, message=str(message_id))
    return message_id


async def take_over(
    tx: Tx, conversation_id: UUID, person_id: UUID | None, actor: str, reason: str, pause: timedelta
) -> None:
    await _hold_open(tx, conversation_id)
    await _take(tx, conversation_id, person_id, reason, pause, answered=False)
    if actor == "system":
        await notifications.add(tx, Kind.HANDOFF, conversation_id=conversation_id, reason=reason)
    await audit.add(tx, actor, "conversation_taken_over", "conversation", conversation_id, reason=reason)


async def release(tx: Tx, conversation_id: UUID, actor: str, *, answer: bool = True) -> bool:
    """Back to the assistant; with `answer` it answers what nobody did. Return whether a turn is due."""
    await _hold_open(tx, conversation_id)
    due_at = (await tx.execute(_RELEASE, {"id": conversation_id, "answer": answer})).scalar_one()
    await timers.cancel(tx, timers.PAUSE_ENDS, conversation_id)
    await audit.add(tx, actor, "conversation_released", "conversation", conversation_id)
    return due_at is not None


async def close(tx: Tx, conversation_id: UUID, actor: str) -> None:
    """A new message opens a new conversation."""
    if (await hold(tx, conversation_id)).state == "closed":
        return
    await drafts.supersede(tx, conversation_id)
    await timers.cancel(tx, timers.PAUSE_ENDS, conversation_id)
    await tx.execute(_CLOSE, {"id": conversation_id})
    await notifications.settle(tx, Kind.HANDOFF, conversation_id=conversation_id)
    await audit.add(tx, actor, "conversation_closed", "conversation", conversation_id)


async def reopen(tx: Tx, conversation_id: UUID) -> bool:
    """It is open. False when a newer one is, or its customer has become another."""
    if (await hold(tx, conversation_id)).state != "closed":
        return True
    return (await tx.execute(_REOPEN, {"id": conversation_id})).first() is not None


async def pause_ended(tx: Tx, conversation_id: UUID) -> None:
    """The policy's time is over: the assistant may answer again, from the next message on."""
    if (await tx.execute(_PAUSE_OVER, {"id": conversation_id})).scalar_one():
        await release(tx, conversation_id, "system", answer=False)


async def hold(tx: Tx, conversation_id: UUID) -> Conversation:
    """The conversation, locked until the transaction ends. Raise NotFound."""
    return _one((await tx.execute(_HOLD, {"id": conversation_id})).first())


async def _hold_open(tx: Tx, conversation_id: UUID) -> Conversation:
    held = await hold(tx, conversation_id)
    if held.state == "closed":
        raise Conflict("this conversation is closed", code="conversation_closed")
    return held


async def hand_to_person(
    tx: Tx, conversation_id: UUID, person_id: UUID | None, reason: str, pause: timedelta, *, answered: bool
) -> None:
    """The conversation is a person's for `pause`; the caller holds it. When it is nobody's in particular, those who
    work here are told."""
    await _take(tx, conversation_id, person_id, reason, pause, answered=answered)
    if person_id is None:
        await notifications.add(tx, Kind.HANDOFF, conversation_id=conversation_id, reason=reason)


async def _take(
    tx: Tx, conversation_id: UUID, person_id: UUID | None, reason: str, pause: timedelta, *, answered: bool
) -> None:
    until = tx.now + pause
    values = {
        "id": conversation_id,
        "person": person_id,
        "reason": reason,
        "until": until,
        "answered": answered,
    }
    await tx.execute(_TAKE, values)
    if answered:
        await links.answered(tx, conversation_id, None)
    await notifications.settle(tx, Kind.HANDOFF, conversation_id=conversation_id)
    await drafts.supersede(tx, conversation_id)
    await outbox.cancel(tx, conversation_id, "person_took_over", authors=("ai",))
    for kind in (timers.PAUSE_ENDS, timers.HANDOFF_WAITS):
        await timers.cancel(tx, kind, conversation_id)
    await timers.set_(tx, timers.PAUSE_ENDS, conversation_id, until)


def _one(row: Any) -> Conversation:
    if row is None:
        raise NotFound("there is no such conversation here")
    return Conversation(**row._mapping)


async def _messages(tx: Tx, rows: Sequence[Any]) -> list[Message]:
    found = [_message(tx, row) for row in rows]
    named = [one.reply_to for one in found if one.reply_to]
    if not named:
        return found
    values = {"conversations": list({row.conversation_id for row in rows}), "ids": named}
    ours = {row.provider_id: row.id for row in await tx.execute(_BY_PROVIDER, values)}
    return [replace(one, reply_to_id=ours.get(one.reply_to)) if one.reply_to else one for one in found]


def _message(tx: Tx, row: Any) -> Message:
    fields = dict(row._mapping)
    del fields["conversation_id"]
    sealed = fields.pop("details")
    details = json.loads(tx.vault.open_maybe("message.details", sealed and bytes(sealed)) or "{}")
    fields |= {"choice": details.get("choice"), "reply_to": details.get("reply_to")}
    fields["text"] = tx.vault.open("message.body", bytes(fields.pop("body")))
    return Message(**fields)

"""Drafts: the assistant's words before a person. One waits per conversation; without a yes none leaves.

pending → approved | edited (sent) · rejected · expired · superseded (the customer wrote again, or a person did)
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, Invalid, NotFound
from domain.skill import Overtaken, WorldEffect
from store import audit, effects, links, notifications, outbox, timers
from store.db import Tx, new_id
from store.effects import Where
from store.notifications import Kind
from store.outbox import NewMessage, Split

_ADD = text(
    "insert into draft (workspace_id, id, conversation_id, thread_id, turn_id, base_seq, reason, original, body, expires_at,"
    " effects) values (:w, :id, :conversation, :thread, :turn, :base_seq, :reason, :original, :body, :expires_at, :effects)"
)
_SUPERSEDE = text(
    "update draft set state = 'superseded', decided_at = frontdesk_now(), version = version + 1"
    " where conversation_id = :conversation and state = 'pending' returning id, turn_id"
)
_REWIND = text(
    "update conversation set answered_seq = least(answered_seq, (select t.first_seq - 1 from draft d"
    " join turn t on t.workspace_id = d.workspace_id and t.id = d.turn_id where d.id = :draft))"
    " where id = :id and owner = 'ai'"
)
_COLUMNS = (
    "d.id, d.conversation_id, d.thread_id, d.turn_id, d.base_seq, d.state, d.reason, d.original, d.body, d.note,"
    " d.decided_by, d.decided_at, d.expires_at, d.version, d.created_at, (select m.id from message m"
    " where m.workspace_id = d.workspace_id and m.draft_id = d.id) as message_id"
)
_GET = text(f"select {_COLUMNS} from draft d where d.id = :id")  # noqa: S608  (constant columns)
_NAMED = text(f"select {_COLUMNS} from draft d where d.id = any(:ids)")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS} from draft d where (cast(:state as text) is null or d.state = :state)"  # noqa: S608
    " and (cast(:conversation as uuid) is null or d.conversation_id = :conversation)"
    " and (cast(:before as uuid) is null or d.id < :before) order by d.id desc limit :limit"
)
_HOLD_CONVERSATION = text(
    "select c.id, c.epoch, a.opted_out_at, a.suppressed from draft d"
    " join conversation c on c.workspace_id = d.workspace_id and c.id = d.conversation_id"
    " join thread t on t.workspace_id = d.workspace_id and t.id = d.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where d.id = :id for no key update of a, c"
)
_EFFECTS = text(
    "select d.effects, c.contact_id from draft d"
    " join conversation c on c.workspace_id = d.workspace_id and c.id = d.conversation_id where d.id = :id"
)
_HOLD = text(f"select {_COLUMNS} from draft d where d.id = :id for update")  # noqa: S608
_DECIDE = text(
    "update draft set state = :state, body = :body, note = :note, decided_by = :person, decided_at = frontdesk_now(),"
    " version = version + 1 where id = :id"
)
_EXPIRE = text(
    "update draft set state = 'expired', decided_at = frontdesk_now(), version = version + 1"
    " where id = :id and state = 'pending' returning conversation_id"
)


@dataclass(frozen=True, slots=True)
class Draft:
    id: UUID
    conversation_id: UUID
    thread_id: UUID
    turn_id: UUID
    base_seq: int
    state: str
    reason: str
    original: str
    text: str
    note: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    expires_at: datetime
    version: int
    created_at: datetime
    message_id: UUID | None
    """What was sent of it."""


async def propose(
    tx: Tx, conversation_id: UUID, thread_id: UUID, turn_id: UUID, base_seq: int, words: str, reason: str,
    expires_at: datetime, then: Sequence[WorldEffect] = (),
) -> UUID:  # fmt: skip
    """A new pending draft; an older pending one is superseded. `then` happens when it is approved."""
    await supersede(tx, conversation_id)
    draft_id = new_id()
    values: dict[str, Any] = {"w": tx.workspace_id, "id": draft_id, "conversation": conversation_id}
    values |= {"thread": thread_id}
    values |= {"turn": turn_id, "base_seq": base_seq, "reason": reason, "expires_at": expires_at}
    original, body = tx.vault.seal("draft.original", words), tx.vault.seal("draft.body", words)
    waiting = tx.vault.seal("draft.effects", effects.write(then)) if then else None
    await tx.execute(_ADD, values | {"original": original, "body": body, "effects": waiting})
    await timers.set_(tx, timers.DRAFT_EXPIRES, conversation_id, expires_at, draft_id)
    await notifications.add(
        tx, Kind.DRAFT, conversation_id=conversation_id, subject_id=draft_id, reason=reason
    )
    return draft_id


async def supersede(tx: Tx, conversation_id: UUID) -> int:
    """The customer or a person has written: what waited is stale. Returns how many retired."""
    return len(await _retire(tx, conversation_id))


async def reopen(tx: Tx, conversation_id: UUID) -> None:
    """The customer has written while a draft waited: it retires, and the next turn answers that message
    together with those that the draft was for."""
    retired = await _retire(tx, conversation_id)
    if retired:
        await tx.execute(_REWIND, {"id": conversation_id, "draft": retired[0].id})
        await links.taken_back(tx, [retired[0].turn_id])


async def _retire(tx: Tx, conversation_id: UUID) -> Sequence[Any]:
    retired = (await tx.execute(_SUPERSEDE, {"conversation": conversation_id})).all()
    for one in retired:
        await notifications.settle(tx, Kind.DRAFT, subject_id=one.id)
    return retired


async def get(tx: Tx, draft_id: UUID) -> Draft | None:
    row = (await tx.execute(_GET, {"id": draft_id})).first()
    return _draft(tx, row) if row else None


async def named(tx: Tx, ids: Collection[UUID]) -> list[Draft]:
    """Those of these that are there."""
    return [_draft(tx, row) for row in await tx.execute(_NAMED, {"ids": list(ids)})] if ids else []


async def page(
    tx: Tx, *, state: str | None, conversation_id: UUID | None, before: UUID | None, limit: int
) -> list[Draft]:
    """Newest first."""
    values = {"state": state, "conversation": conversation_id, "before": before, "limit": limit}
    return [_draft(tx, row) for row in await tx.execute(_PAGE, values)]


async def approve(
    tx: Tx, draft_id: UUID, person_id: UUID | None, actor: str, words: str | None, split: Split,
    *, version: int | None = None,
) -> Draft:  # fmt: skip
    """Send it, as it is or in the person's words. Everything that could stop it is looked at before the
    decision is written: NotFound, or Conflict when it was decided, is stale, or could not be sent."""
    conversation = await _hold_conversation(tx, draft_id)
    draft = await _hold_pending(tx, draft_id, version)
    if conversation.opted_out_at is not None:
        raise Conflict("the customer has opted out; nothing may be sent", code="opted_out")
    if conversation.suppressed:
        raise Conflict("this address cannot be reached", code="suppressed")
    final = draft.text if words is None else words
    if not final.strip():
        raise Invalid("the words to send are empty")
    state = "approved" if final == draft.original else "edited"
    await _decide(tx, draft, state, final, None, person_id)
    await _do(tx, draft)
    new = NewMessage(
        draft.conversation_id, draft.thread_id, "ai", "reply", final, person_id, draft.turn_id, draft_id
    )
    message_id = await outbox.put(tx, new, split)
    await audit.add(tx, actor, f"draft_{state}", "draft", draft_id, message=str(message_id))
    return await _again(tx, draft_id)


async def _do(tx: Tx, draft: Draft) -> None:
    """What was to happen with these words happens; Conflict when it no longer can."""
    row = (await tx.execute(_EFFECTS, {"id": draft.id})).one()
    if row.effects is None:
        return
    where = Where(draft.conversation_id, row.contact_id, draft.turn_id)
    try:
        await effects.apply(tx, effects.read(tx.vault.open("draft.effects", bytes(row.effects))), where)
    except Overtaken as error:
        raise Conflict(
            f"what this draft promises is possible no longer: {error}. Reject it, or write to the customer",
            code="draft_overtaken",
        ) from error


async def reject(
    tx: Tx,
    draft_id: UUID,
    person_id: UUID | None,
    actor: str,
    note: str | None,
    *,
    version: int | None = None,
) -> Draft:
    await _hold_conversation(tx, draft_id)
    draft = await _hold_pending(tx, draft_id, version)
    await _decide(tx, draft, "rejected", draft.text, note, person_id)
    await audit.add(tx, actor, "draft_rejected", "draft", draft_id)
    return await _again(tx, draft_id)


async def expire(tx: Tx, draft_id: UUID) -> bool:
    """Nobody decided in time. False when somebody has."""
    row = (await tx.execute(_EXPIRE, {"id": draft_id})).first()
    if row is not None:
        await notifications.settle(tx, Kind.DRAFT, subject_id=draft_id)
        talk = row.conversation_id
        await notifications.add(tx, Kind.DRAFT_EXPIRED, conversation_id=talk, subject_id=draft_id)
    return row is not None


async def _hold_conversation(tx: Tx, draft_id: UUID) -> Any:
    row = (await tx.execute(_HOLD_CONVERSATION, {"id": draft_id})).first()
    if row is None:
        raise NotFound("there is no such draft here")
    return row


async def _hold_pending(tx: Tx, draft_id: UUID, version: int | None) -> Draft:
    draft = _draft(tx, (await tx.execute(_HOLD, {"id": draft_id})).one())
    if draft.state != "pending":
        raise Conflict(f"this draft is {draft.state} already", code=f"draft_{draft.state}")
    if version is not None and version != draft.version:
        raise Conflict("this draft has changed since you read it", code="stale_version")
    if draft.expires_at <= tx.now:
        raise Conflict("this draft has expired", code="draft_expired")
    return draft


async def _decide(
    tx: Tx, draft: Draft, state: str, words: str, note: str | None, person_id: UUID | None
) -> None:
    values = {"id": draft.id, "state": state, "person": person_id, "body": tx.vault.seal("draft.body", words)}
    await tx.execute(_DECIDE, values | {"note": tx.vault.seal_maybe("draft.note", note)})
    await notifications.settle(tx, Kind.DRAFT, subject_id=draft.id)


async def _again(tx: Tx, draft_id: UUID) -> Draft:
    draft = await get(tx, draft_id)
    assert draft is not None
    return draft


def _draft(tx: Tx, row: Any) -> Draft:
    opened: dict[str, Any] = {
        "original": tx.vault.open("draft.original", bytes(row.original)),
        "text": tx.vault.open("draft.body", bytes(row.body)),
        "note": tx.vault.open_maybe("draft.note", row.note and bytes(row.note)),
    }
    plain = ("id", "conversation_id", "thread_id", "turn_id", "base_seq", "state", "reason", "decided_by")
    later = ("decided_at", "expires_at", "version", "created_at", "message_id")
    return Draft(**{name: getattr(row, name) for name in (*plain, *later)}, **opened)

"""Turns: claimed by lease, fenced by epoch, loaded as one frozen value, and saved only if still current."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.identity import Identity
from domain.skill import WorldEffect
from domain.turn import (
    Action,
    Author,
    Conversation,
    Decision,
    HandOff,
    Line,
    NameContact,
    NoteGap,
    ProposeDraft,
    Say,
    SetField,
    SetLanguage,
    SuggestField,
    Turn,
    UseSchema,
)
from store import (
    audit,
    callbacks,
    contacts,
    contexts,
    conversations,
    drafts,
    effects,
    gaps,
    identities,
    links,
    outbox,
    ruling,
    schemas,
    skill_runs,
    suggestions,
    summaries,
    workspaces,
)
from store.db import Dispatch, Tx, new_id
from store.effects import Where
from store.outbox import NewMessage, Split
from store.roots import root_of

HISTORY = 30
RULES = "rules"
"""The reason of a turn that answers no message."""

# Whose workspace has the fewest turns running or before it comes first: a flood at one business waits behind
# itself. More are looked at than are taken, because another worker may just be taking the same.
_CLAIM = text(
    "with due as (select workspace_id, id, due_at, lease_until is null or lease_until < :now as free, row_number() over"
    " (partition by workspace_id order by lease_until is null or lease_until < :now, due_at) as place"
    " from conversation where due_at <= :now and (cast(:only as uuid) is null or workspace_id = :only)),"
    " fair as (select * from due where free order by place, due_at limit :limit * 4),"
    " taken as materialized (select c.workspace_id, c.id from fair"
    " join conversation c on c.workspace_id = fair.workspace_id and c.id = fair.id"
    " where c.due_at <= :now and (c.lease_until is null or c.lease_until < :now)"
    " order by fair.place, fair.due_at limit :limit for update of c skip locked)"
    " update conversation set lease_until = frontdesk_now() + :lease, lease_by = :worker, epoch = epoch + 1"
    " where (workspace_id, id) in (select workspace_id, id from taken) returning workspace_id, id, epoch"
)
_RENEW = text(
    "update conversation set lease_until = frontdesk_now() + :lease where workspace_id = :w and id = :id"
    " and epoch = :epoch and lease_by = :worker returning id"
)
_GIVE_BACK = text(
    "update conversation set lease_until = null, lease_by = null where workspace_id = :w and id = :id and epoch = :epoch"
)
_NEXT_DUE = text(
    "select min(greatest(due_at, coalesce(lease_until, due_at))) from conversation where due_at is not null"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
)
_HOLD = text(
    "select c.id, c.contact_id, c.epoch, c.state, c.owner, c.paused_until, c.last_seq, c.answered_seq, c.failures,"  # noqa: S608  (constant text)
    " p.id as root, p.name, p.language, exists (select from conversation_link l where l.workspace_id = c.workspace_id"
    " and l.conversation_id = c.id) as linked, exists (select from identity_code i where i.workspace_id = c.workspace_id"
    " and i.conversation_id = c.id) as coded from conversation c"
    " join contact o on o.workspace_id = c.workspace_id and o.id = c.contact_id"
    f" join contact p on p.workspace_id = o.workspace_id and p.id = {root_of('o')}"
    " where c.id = :id for update of c"
)
# Replies that no attempt was made for yet are taken back: the customer has written more, one answer serves all. A
# reminder answers nothing, and stays.
_RECALL = text(
    "with taken as (update delivery d set state = 'cancelled', reason = 'newer_message', updated_at = frontdesk_now()"
    " from message m where m.workspace_id = d.workspace_id and m.id = d.message_id and d.conversation_id = :id"
    " and m.author = 'ai' and m.purpose = 'reply' and m.draft_id is null and d.state = 'queued' and d.attempts = 0"
    " and not exists (select from delivery e where e.workspace_id = d.workspace_id and e.message_id = d.message_id"
    "   and (e.state <> 'queued' or e.attempts > 0)) returning m.turn_id)"
    " select min(t.first_seq) as first, array_agg(t.id) as turns from turn t where t.id in (select turn_id from taken)"
)
_REWIND = text("update conversation set answered_seq = :seq where id = :id")
# What an address that is no longer this contact's has said, or was told, is somebody else's.
_LINE = (
    "select m.id, m.conversation_id, m.seq, m.author, m.body, m.created_at, m.thread_id, a.opted_out_at is not null as out,"
    " (select coalesce(array_agg(a.declared_type order by a.n), '{}') from attachment a"
    " where a.workspace_id = m.workspace_id and a.message_id = m.id) as media from message m"
    " join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where coalesce(a.root_id, a.contact_id) = :root and m.kind not in ('reaction', 'system')"
    " and not (m.direction = 'out' and exists (select from delivery d"
    "   where d.workspace_id = m.workspace_id and d.message_id = m.id and d.state = 'cancelled'))"
)
_LINES = text(f"{_LINE} and m.conversation_id = :id order by m.seq desc limit :limit")
_LINKED_LINES = text(
    f"{_LINE} and m.conversation_id = any(:ids) order by m.created_at desc, m.seq desc, m.id desc limit :limit"
)
_THREAD = text(
    "select t.id, c.kind, c.address, a.opted_out_at, s.body, s.upto_seq from thread t"
    " join channel c on c.workspace_id = t.workspace_id and c.id = t.channel_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " left join conversation_summary s on s.workspace_id = t.workspace_id and s.conversation_id = :conversation"
    " where t.id = :id"
)
_NEWEST = text(
    "select m.provider_id, t.channel_id from message m"
    " join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " where m.conversation_id = :id and m.seq = :seq and m.provider_id is not null"
)
_BEGIN = text(
    "insert into turn (workspace_id, id, conversation_id, epoch, first_seq, base_seq, worker, trace)"
    " values (:w, :id, :conversation, :epoch, :first_seq, :base_seq, :worker,"
    " (select m.trace from message m where m.conversation_id = :conversation and m.seq = :base_seq)) returning trace"
)
_END = text(
    "update turn set state = :state, action = :action, reason = :reason, intent = :intent, confidence = :confidence,"
    " explanation = :explanation, finished_at = frontdesk_now() where id = :id"
)
_ANSWERED = text(
    "update conversation set answered_seq = greatest(answered_seq, :base_seq), due_at = null, burst_started_at = null,"
    " lease_until = null, lease_by = null, failures = 0, updated_at = frontdesk_now() where id = :id"
)
_AGAIN = text(
    "update conversation set due_at = greatest(due_at, frontdesk_now() + :wait), lease_until = null, lease_by = null,"
    " failures = failures + :failed where id = :id and epoch = :epoch returning failures"
)
# Who has opted out is not answered, whatever they write.
_NEWER = text(
    "select exists (select from message m join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.conversation_id = :id and m.direction = 'in' and m.seq > :base_seq"
    " and m.kind not in ('reaction', 'system') and a.opted_out_at is null"
    " and coalesce(a.root_id, a.contact_id) = :root)"
)
_ABANDONED = text(
    "update turn set state = 'failed', reason = 'worker_lost', finished_at = frontdesk_now()"
    " where conversation_id = :conversation and state = 'running' and epoch < :epoch"
)
_FOR = text(
    "select id, conversation_id, first_seq, base_seq, state, action, reason, intent, confidence, explanation,"
    " started_at, finished_at from turn where conversation_id = :conversation"
    " and (cast(:before as uuid) is null or id < :before) order by id desc limit :limit"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A conversation that is ours until the lease ends. `epoch` is the fence."""

    workspace_id: UUID
    conversation_id: UUID
    epoch: int
    worker: str


@dataclass(frozen=True, slots=True)
class Started:
    id: UUID
    turn: Turn
    trace: str
    """Of the request that brought the newest message."""


class Outcome(StrEnum):
    SAVED = "saved"
    SUPERSEDED = "superseded"  # the customer wrote meanwhile: the turn runs again with everything
    FENCED = "fenced"  # somebody else has the conversation now


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


async def claim(
    dispatch: Dispatch, worker: str, limit: int, lease: timedelta, only: UUID | None = None
) -> list[Claim]:
    """Conversations whose burst is quiet, ours until the lease ends."""
    values = {"lease": lease, "worker": worker, "limit": limit, "only": only, "now": dispatch.now}
    rows = await dispatch.db.execute(_CLAIM, values)
    return [Claim(row.workspace_id, row.id, row.epoch, worker) for row in rows]


async def renew(dispatch: Dispatch, claim: Claim, lease: timedelta) -> bool:
    """False: the conversation is no longer ours."""
    values = {"w": claim.workspace_id, "id": claim.conversation_id, "epoch": claim.epoch}
    row = await dispatch.db.execute(_RENEW, values | {"lease": lease, "worker": claim.worker})
    return row.first() is not None


async def give_back(dispatch: Dispatch, claim: Claim) -> None:
    """On the way out: whoever is next need not wait for the lease."""
    values = {"w": claim.workspace_id, "id": claim.conversation_id, "epoch": claim.epoch}
    await dispatch.db.execute(_GIVE_BACK, values)


async def next_due(dispatch: Dispatch, only: UUID | None = None) -> datetime | None:
    due: datetime | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return due


async def load(tx: Tx, claim: Claim) -> Started | None:
    """Everything the dialogue needs, read once; None when there is nothing to answer any more."""
    row = (await tx.execute(_HOLD, {"id": claim.conversation_id})).one()
    if row.epoch != claim.epoch:
        return None
    await tx.execute(_ABANDONED, {"conversation": row.id, "epoch": claim.epoch})
    answered = await _recall(tx, row)
    lines = await _lines(tx, row)
    carried = await links.owed(tx, row.id) if row.linked else set()
    waiting = [
        line for line in lines if line.author == Author.CONTACT and _waits(row, line, answered, carried)
    ]
    unanswered = [line for line in waiting if not line.out]
    if not unanswered or row.owner == "human":
        own = [line.seq for line in waiting if line.conversation_id == row.id]
        seq = max(own, default=answered) if row.owner != "human" else answered
        await tx.execute(_ANSWERED, {"id": row.id, "base_seq": seq})
        return None
    thread_id = unanswered[-1].thread_id
    if unanswered[-1].conversation_id != row.id:
        thread_id = await links.thread_here(tx, row.id, thread_id)
    thread = (await tx.execute(_THREAD, {"id": thread_id, "conversation": row.id})).one()
    return await _start(tx, claim, row, thread, lines, unanswered)


def _waits(row: Any, line: Any, answered: int, carried: set[UUID]) -> bool:
    return line.id in carried if line.conversation_id != row.id else line.seq > answered


async def _lines(tx: Tx, row: Any) -> list[Any]:
    """The newest lines, the oldest of them first."""
    values = {"root": row.root, "limit": HISTORY}
    if not row.linked:
        found = await tx.execute(_LINES, values | {"id": row.id})
    else:
        found = await tx.execute(_LINKED_LINES, values | {"ids": await links.scope(tx, row.id)})
    return list(reversed(found.all()))


async def newest(tx: Tx, turn: Turn) -> tuple[UUID, str] | None:
    """(channel, the provider's id) of the message that this turn answers last."""
    row = (await tx.execute(_NEWEST, {"id": turn.conversation.id, "seq": turn.base_seq})).first()
    return (row.channel_id, row.provider_id) if row else None


async def recall(tx: Tx, conversation_id: UUID) -> None:
    """Take back the replies that have not begun to leave; what they answer is unanswered again. The caller holds it."""
    await _recall(tx, (await tx.execute(_HOLD, {"id": conversation_id})).one())


async def _recall(tx: Tx, row: Any) -> int:
    """Up to which seq the customer is answered, after taking back the replies that have not begun to leave."""
    if row.last_seq == row.answered_seq:
        return int(row.answered_seq)
    first, turns = (await tx.execute(_RECALL, {"id": row.id})).one()
    if first is not None and row.linked:
        await links.taken_back(tx, turns)
    if first is None or first > row.answered_seq:
        return int(row.answered_seq)
    await tx.execute(_REWIND, {"id": row.id, "seq": first - 1})
    return int(first) - 1


async def _start(
    tx: Tx, claim: Claim, row: Any, thread: Any, lines: list[Any], unanswered: list[Any]
) -> Started:
    workspace = await workspaces.get(tx)
    turn_id = new_id()
    burst = _burst(row, unanswered)
    own = [line.seq for line in unanswered if line.conversation_id == row.id]
    first, last = min(own, default=row.last_seq + 1), max(own, default=row.last_seq)
    values = {"w": tx.workspace_id, "id": turn_id, "conversation": row.id, "epoch": claim.epoch}
    begun = await tx.execute(_BEGIN, values | {"first_seq": first, "base_seq": last, "worker": claim.worker})
    conversation = Conversation(
        row.id, tx.workspace_id, row.root, thread.id, thread.kind, claim.epoch,
        tx.vault.open_maybe("contact.name", row.name and bytes(row.name)),
        await outbox.is_disclosed(tx, thread.id), row.language, thread.address,
    )  # fmt: skip
    told = {line.id for line, _ in burst}
    standing = await ruling.standing(tx, row.id, row.root, workspace.profile)
    return Started(
        turn_id,
        Turn(
            conversation,
            workspace.profile.using(standing.schema),
            burst=tuple(_line(tx, line, seq) for line, seq in burst),
            now=tx.now.astimezone(ZoneInfo(workspace.profile.workspace.timezone)),
            history=tuple(
                _line(tx, line, line.seq if line.conversation_id == row.id else 0)
                for line in lines
                if line.id not in told
            ),
            # made of all that was said here, perhaps by somebody who is another person by now
            summary=summaries.opened(tx, thread) if thread.body and not row.linked else None,
            context=await contexts.values(tx, row.id),
            put_by=await schemas.put_by(tx, row.id) if standing.schema else {},
            runs=await skill_runs.active(tx, row.id),
            standing=standing,
            identity=await _identity(tx, row, thread, burst),
        ),
        begun.scalar_one() or "",
    )


async def _identity(tx: Tx, row: Any, thread: Any, burst: list[tuple[Any, int]]) -> Identity:
    if not row.coded:
        return Identity()
    said = [(one.id, one.thread_id, tx.vault.open("message.body", bytes(one.body))) for one, _ in burst]
    return await identities.listen(tx, row.root, thread.id, said)


async def glimpse(tx: Tx, conversation_id: UUID) -> Started | None:
    """A turn that answers no message: for rules whose time or event has come. The conversation is held, so that
    nobody else writes meanwhile; None when it is closed, or nobody ever wrote in it."""
    row = (await tx.execute(_HOLD, {"id": conversation_id})).first()
    if row is None or row.state == "closed":
        return None
    lines = await _lines(tx, row)
    inbound = [line for line in lines if line.author == Author.CONTACT]
    if not inbound:
        return None
    thread_id = await links.thread_here(tx, row.id, inbound[-1].thread_id)
    thread = (await tx.execute(_THREAD, {"id": thread_id, "conversation": row.id})).one()
    started = await _start(
        tx, Claim(tx.workspace_id, row.id, row.epoch, "rules"), row, thread, lines, inbound[-1:]
    )
    return replace(
        started, turn=replace(started.turn, burst=(), history=(*started.turn.history, *started.turn.burst))
    )


async def save_glimpse(tx: Tx, turn_id: UUID, turn: Turn, split: Split) -> None:
    """What the rules did happens; the conversation's own turns are not touched."""
    await _end(tx, turn_id, "saved", replace(turn, decision=Decision(Action.SILENCE, RULES)))
    await _fill(tx, turn_id, turn)
    for effect in turn.effects:
        await _apply(tx, turn_id, turn, effect, split)


async def _fill(tx: Tx, turn_id: UUID, turn: Turn) -> None:
    """In order: a field that leaves with its schema may be another one of the next."""
    fields = list[SetField]()
    for effect in turn.effects:
        if isinstance(effect, SetField):
            fields.append(effect)
        elif isinstance(effect, UseSchema):
            await contexts.set_by_ai(tx, turn.conversation.id, turn_id, fields)
            await schemas.use(tx, turn.conversation.id, effect, turn_id)
            fields = []
    await contexts.set_by_ai(tx, turn.conversation.id, turn_id, fields)


def _burst(row: Any, unanswered: list[Any]) -> list[tuple[Any, int]]:
    """What is answered, each with its seq here. What was carried here has none: it comes first, and stands where it
    leaves the seqs of the conversation in order."""
    own = [(line, line.seq) for line in unanswered if line.conversation_id == row.id]
    before = own[0][1] - 1 if own else row.last_seq
    return [*((line, before) for line in unanswered if line.conversation_id != row.id), *own]


def _line(tx: Tx, row: Any, seq: int) -> Line:
    words = tx.vault.open("message.body", bytes(row.body))
    return Line(seq, Author(row.author), words, row.created_at, tuple(row.media))


async def save(tx: Tx, turn_id: UUID, turn: Turn, split: Split) -> Outcome:
    """Make the turn's effects happen, all or none, if nobody wrote or took over meanwhile. Raise Overtaken when a
    skill's effect is possible no longer: nothing of the transaction may stay, and the turn runs again."""
    row = (await tx.execute(_HOLD, {"id": turn.conversation.id})).one()
    if row.epoch != turn.conversation.epoch:
        await _end(tx, turn_id, "superseded", turn)
        return Outcome.FENCED
    newer = await tx.execute(_NEWER, {"id": row.id, "base_seq": turn.base_seq, "root": row.root})
    if newer.scalar_one():
        await _end(tx, turn_id, "superseded", turn)
        await tx.execute(_AGAIN, {"id": row.id, "epoch": row.epoch, "wait": timedelta(0), "failed": 0})
        return Outcome.SUPERSEDED
    await tx.execute(_ANSWERED, {"id": row.id, "base_seq": turn.base_seq})
    if row.linked:
        await links.answered(tx, row.id, turn_id)
    await _end(tx, turn_id, "saved", turn)
    await _fill(tx, turn_id, turn)
    for effect in turn.effects:
        await _apply(tx, turn_id, turn, effect, split)
    if turn.profile.rules:
        changed = any(isinstance(effect, SetField) for effect in turn.effects)
        await ruling.wind(tx, row.id, turn.profile, turn.base_seq, changed=changed)
    return Outcome.SAVED


async def _apply(tx: Tx, turn_id: UUID, turn: Turn, effect: Any, split: Split) -> None:
    conversation = turn.conversation
    match effect:
        case Say(words, purpose):
            await _say(tx, turn_id, turn, words, split, purpose=purpose.value)
        case ProposeDraft(words, reason, then):
            expires_at = tx.now + turn.profile.policy.draft_expires
            await drafts.propose(
                tx,
                conversation.id,
                conversation.thread_id,
                turn_id,
                turn.base_seq,
                words,
                reason,
                expires_at,
                then,
            )
        case HandOff(reason, words):
            pause = turn.profile.policy.pause_after_human
            await conversations.hand_to_person(tx, conversation.id, None, reason, pause, answered=True)
            await callbacks.expect(tx, conversation.id, reason, turn.profile)
            if words:
                await _say(tx, turn_id, turn, words, split, author="system")
            await audit.add(
                tx, "ai", "conversation_handed_off", "conversation", conversation.id, reason=reason
            )
        case NoteGap(question, language):
            await gaps.add(tx, conversation.id, turn_id, question, language)
        case SuggestField():
            await suggestions.add(tx, conversation.id, turn_id, effect)
        case NameContact(name):
            await contacts.rename(tx, conversation.contact_id, name)
        case SetLanguage(language):
            await contacts.set_language(tx, conversation.contact_id, language)
        case WorldEffect():
            where = Where(conversation.id, conversation.contact_id, turn_id)
            await effects.apply(tx, [effect], where)


async def _say(
    tx: Tx, turn_id: UUID, turn: Turn, words: str, split: Split, author: str = "ai", purpose: str = "reply"
) -> None:
    new = NewMessage(
        turn.conversation.id, turn.conversation.thread_id, author, purpose, words, turn_id=turn_id
    )
    await outbox.put(tx, new, split)


async def failed(tx: Tx, claim: Claim, turn_id: UUID | None, reason: str, wait: timedelta) -> int:
    """The turn broke: again after `wait`. Returns how often in a row it has."""
    if turn_id is not None:
        values = {"id": turn_id, "state": "failed", "action": None, "reason": reason, "intent": None}
        await tx.execute(_END, values | {"confidence": None, "explanation": None})
    again = {"id": claim.conversation_id, "epoch": claim.epoch, "wait": wait, "failed": 1}
    row = (await tx.execute(_AGAIN, again)).first()
    return row.failures if row else 0


async def overtaken(tx: Tx, claim: Claim, turn_id: UUID) -> int:
    """What the turn was sure of is gone: at once again, with the world as it is now. Returns how often in a row."""
    values = {"id": turn_id, "state": "superseded", "action": None, "reason": "overtaken", "intent": None}
    await tx.execute(_END, values | {"confidence": None, "explanation": None})
    again = {"id": claim.conversation_id, "epoch": claim.epoch, "wait": timedelta(0), "failed": 1}
    row = (await tx.execute(_AGAIN, again)).first()
    return row.failures if row else 0


async def give_up(tx: Tx, claim: Claim, reason: str, pause: timedelta) -> None:
    """It broke too often: a person answers."""
    await conversations.hold(tx, claim.conversation_id)
    await conversations.hand_to_person(tx, claim.conversation_id, None, reason, pause, answered=False)
    await audit.add(
        tx, "system", "conversation_handed_off", "conversation", claim.conversation_id, reason=reason
    )


async def told(tx: Tx, conversation_id: UUID, before: UUID | None, limit: int) -> list[Told]:
    """Newest first."""
    rows = await tx.execute(_FOR, {"conversation": conversation_id, "before": before, "limit": limit})
    return [_told(tx, row) for row in rows]


def _told(tx: Tx, row: Any) -> Told:
    fields = dict(row._mapping)
    sealed = fields.pop("explanation")
    explanation = json.loads(tx.vault.open("turn.explanation", bytes(sealed))) if sealed else {}
    return Told(**fields, explanation=explanation)


async def _end(tx: Tx, turn_id: UUID, state: str, turn: Turn) -> None:
    decision, understood = turn.decision, turn.understood
    await tx.execute(
        _END,
        {
            "id": turn_id, "state": state, "action": decision and decision.action.value,
            "reason": decision and decision.reason, "intent": understood and understood.intent,
            "confidence": understood and understood.confidence,
            "explanation": tx.vault.seal("turn.explanation", json.dumps(_explain(turn))),
        },
    )  # fmt: skip


def _explain(turn: Turn) -> dict[str, Any]:
    """What a person needs to know why it was answered like this (G7)."""
    parts: dict[str, Any] = {
        "understood": turn.understood,
        "passages": turn.passages,
        "reply": turn.reply,
        "skill": turn.skill,
        "decision": turn.decision,
        "effects": [{"kind": type(effect).__name__, "effect": effect} for effect in turn.effects],
        "notes": turn.notes,
    }
    explained: dict[str, Any] = to_jsonable_python(parts, fallback=str)
    return explained

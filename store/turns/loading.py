"""A turn as one frozen value: everything that the dialogue needs, read once, while the conversation is held."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.identity import Identity
from domain.turn import Author, Conversation, Line, Turn
from store import contexts, identities, links, outbox, ruling, schemas, skill_runs, summaries, workspaces
from store.db import Tx, new_id
from store.roots import root_of
from store.turns.claiming import Claim

HISTORY = 30

HOLD = text(
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
ANSWERED = text(
    "update conversation set answered_seq = greatest(answered_seq, :base_seq), due_at = null, burst_started_at = null,"
    " lease_until = null, lease_by = null, failures = 0, updated_at = frontdesk_now() where id = :id"
)
_ABANDONED = text(
    "update turn set state = 'failed', reason = 'worker_lost', finished_at = frontdesk_now()"
    " where conversation_id = :conversation and state = 'running' and epoch < :epoch"
)


@dataclass(frozen=True, slots=True)
class Started:
    id: UUID
    turn: Turn
    trace: str
    """Of the request that brought the newest message."""


async def load(tx: Tx, claim: Claim) -> Started | None:
    """Everything the dialogue needs, read once; None when there is nothing to answer any more."""
    row = (await tx.execute(HOLD, {"id": claim.conversation_id})).one()
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
        await tx.execute(ANSWERED, {"id": row.id, "base_seq": seq})
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
    await _recall(tx, (await tx.execute(HOLD, {"id": conversation_id})).one())


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
    row = (await tx.execute(HOLD, {"id": conversation_id})).first()
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


def _burst(row: Any, unanswered: list[Any]) -> list[tuple[Any, int]]:
    """What is answered, each with its seq here. What was carried here has none: it comes first, and stands where it
    leaves the seqs of the conversation in order."""
    own = [(line, line.seq) for line in unanswered if line.conversation_id == row.id]
    before = own[0][1] - 1 if own else row.last_seq
    return [*((line, before) for line in unanswered if line.conversation_id != row.id), *own]


def _line(tx: Tx, row: Any, seq: int) -> Line:
    words = tx.vault.open("message.body", bytes(row.body))
    return Line(seq, Author(row.author), words, row.created_at, tuple(row.media))

"""Conversations whose burst is quiet, claimed by lease; what broke is claimed again, or a person gets it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from store import audit, conversations
from store.db import Dispatch, Tx

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
END = text(
    "update turn set state = :state, action = :action, reason = :reason, intent = :intent, confidence = :confidence,"
    " explanation = :explanation, finished_at = frontdesk_now() where id = :id"
)
AGAIN = text(
    "update conversation set due_at = greatest(due_at, frontdesk_now() + :wait), lease_until = null, lease_by = null,"
    " failures = failures + :failed where id = :id and epoch = :epoch returning failures"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A conversation that is ours until the lease ends. `epoch` is the fence."""

    workspace_id: UUID
    conversation_id: UUID
    epoch: int
    worker: str


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


async def failed(tx: Tx, claim: Claim, turn_id: UUID | None, reason: str, wait: timedelta) -> int:
    """The turn broke: again after `wait`. Returns how often in a row it has."""
    if turn_id is not None:
        values = {"id": turn_id, "state": "failed", "action": None, "reason": reason, "intent": None}
        await tx.execute(END, values | {"confidence": None, "explanation": None})
    again = {"id": claim.conversation_id, "epoch": claim.epoch, "wait": wait, "failed": 1}
    row = (await tx.execute(AGAIN, again)).first()
    return row.failures if row else 0


async def overtaken(tx: Tx, claim: Claim, turn_id: UUID) -> int:
    """What the turn was sure of is gone: at once again, with the world as it is now. Returns how often in a row."""
    values = {"id": turn_id, "state": "superseded", "action": None, "reason": "overtaken", "intent": None}
    await tx.execute(END, values | {"confidence": None, "explanation": None})
    again = {"id": claim.conversation_id, "epoch": claim.epoch, "wait": timedelta(0), "failed": 1}
    row = (await tx.execute(AGAIN, again)).first()
    return row.failures if row else 0


async def give_up(tx: Tx, claim: Claim, reason: str, pause: timedelta) -> None:
    """It broke too often: a person answers."""
    await conversations.hold(tx, claim.conversation_id)
    await conversations.hand_to_person(tx, claim.conversation_id, None, reason, pause, answered=False)
    await audit.add(
        tx, "system", "conversation_handed_off", "conversation", claim.conversation_id, reason=reason
    )

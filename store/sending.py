"""How a message leaves: claimed when it is due and first in its thread, and marked as being sent before it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.messages import Address, Button, DeliveryState, Outbound, Scheme
from domain.workspace import Profile
from store import channels, outcomes
from store.channels import ChannelRow
from store.db import Dispatch, Tx
from store.permission import Refused, Waits, details, may_leave, template

# A template goes before the words that wait for it.
_FIRST_IN_THREAD = (
    "(d.template_version_id is not null or not exists (select from delivery e where e.workspace_id = d.workspace_id"
    " and e.thread_id = d.thread_id and e.state in ('queued', 'sending', 'unknown')"
    " and (e.seq, e.part) < (d.seq, d.part)))"
)
# What is stuck in `sending` past its lease, or `unknown`, is claimed as well: to be reconciled, not to be sent.
# Fair as in store/turns/claiming.py: whose workspace has the fewest on their way or before it comes first.
_FREE = "(d.lease_until is null or d.lease_until < :now)"
_CLAIM = text(
    f"with due as (select workspace_id, id, next_attempt_at, {_FREE} as free, row_number() over"  # noqa: S608
    f" (partition by workspace_id order by {_FREE}, next_attempt_at) as place from delivery d"
    " where d.state in ('queued', 'sending', 'unknown') and d.next_attempt_at <= :now"
    f" and (cast(:only as uuid) is null or d.workspace_id = :only) and {_FIRST_IN_THREAD}),"
    " fair as (select * from due where free order by place, next_attempt_at limit :limit * 4),"
    " taken as materialized (select d.workspace_id, d.id from fair"
    " join delivery d on d.workspace_id = fair.workspace_id and d.id = fair.id"
    f" where d.state in ('queued', 'sending', 'unknown') and d.next_attempt_at <= :now and {_FREE}"
    " order by fair.place, fair.next_attempt_at limit :limit for update of d skip locked)"
    " update delivery set lease_until = frontdesk_now() + :lease"
    " where (workspace_id, id) in (select workspace_id, id from taken) returning workspace_id, id, state"
)
_NEXT_DUE = text(
    "select min(greatest(next_attempt_at, coalesce(lease_until, next_attempt_at))) from delivery d"  # noqa: S608
    " where d.state in ('queued', 'sending', 'unknown')"
    f" and (cast(:only as uuid) is null or d.workspace_id = :only) and {_FIRST_IN_THREAD}"
)
_ADDRESS_OF = text("select address_id from delivery where id = :id")
_HOLD_CONVERSATION_OF = text(
    "select c.id from conversation c join delivery d on d.workspace_id = c.workspace_id and d.conversation_id = c.id"
    " where d.id = :id for no key update of c"
)
_HOLD_ADDRESS = text(
    "select value, scheme, opted_out_at, opted_in_at, suppressed, last_inbound_at,"
    " coalesce(root_id, contact_id) as root from contact_address"
    " where id = :id for share"
)
_HOLD = text(
    "select d.*, m.author, m.purpose, m.discloses, m.draft_id, m.turn_id, m.trace, m.body as words, m.details,"
    " c.owner, coalesce(p.root_id, p.id) as root, t.window_expires_at, w.state as workspace_state,"
    " frontdesk_now() as now from delivery d"
    " join message m on m.workspace_id = d.workspace_id and m.id = d.message_id"
    " join conversation c on c.workspace_id = d.workspace_id and c.id = d.conversation_id"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id"
    " join thread t on t.workspace_id = d.workspace_id and t.id = d.thread_id"
    " join workspace w on w.id = d.workspace_id where d.id = :id for update of d"
)
_SENDING = text(
    "update delivery set state = 'sending', attempts = attempts + 1, lease_until = frontdesk_now() + :lease,"
    " updated_at = frontdesk_now() where id = :id returning attempts"
)
_ATTEMPT = text("insert into delivery_attempt (workspace_id, delivery_id, n) values (:w, :id, :n)")
_POSTPONE = text(
    "update delivery set next_attempt_at = :until, reason = :reason, lease_until = null where id = :id"
)
_LAST_PART = text("select max(part) from delivery where message_id = :message")


@dataclass(frozen=True, slots=True)
class Claimed:
    workspace_id: UUID
    id: UUID
    state: DeliveryState


@dataclass(frozen=True, slots=True)
class Ready:
    """The gate said yes under the row lock; the row says `sending`. Commit, then send."""

    delivery_id: UUID
    attempt: int
    channel: ChannelRow
    outbound: Outbound
    started_at: datetime
    due_at: datetime
    """Since when it could have been sent."""
    conversation_id: UUID
    turn_id: UUID | None
    trace: str
    """Of the request that it answers."""


async def claim(dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None) -> list[Claimed]:
    """Deliveries that are due, and first in their thread, ours until the lease ends."""
    values = {"limit": limit, "lease": lease, "only": only, "now": dispatch.now}
    rows = await dispatch.db.execute(_CLAIM, values)
    return [Claimed(row.workspace_id, row.id, DeliveryState(row.state)) for row in rows]


async def next_due(dispatch: Dispatch, only: UUID | None = None) -> datetime | None:
    due: datetime | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return due


async def prepare(
    tx: Tx,
    delivery_id: UUID,
    profile: Profile,
    status_url: Callable[[UUID, UUID, int], str],
    lease: timedelta,
) -> Ready | Waits | Refused | None:
    """Ask the gate under the row locks and, if it allows, mark the delivery as being sent. Returns what stands
    in the way otherwise; None when the delivery is not to be sent any more."""
    address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one_or_none()
    if address_id is None:
        return None
    address = (await tx.execute(_HOLD_ADDRESS, {"id": address_id})).one()
    await tx.execute(_HOLD_CONVERSATION_OF, {"id": delivery_id})
    row = (await tx.execute(_HOLD, {"id": delivery_id})).one()
    if row.state != "queued":
        return None
    channel = await channels.get(tx, row.channel_id)
    assert channel is not None
    verdict = await may_leave(tx, row, address, channel, profile)
    if isinstance(verdict, Waits):
        await tx.execute(_POSTPONE, {"id": row.id, "until": verdict.until, "reason": verdict.reason})
        return verdict
    if isinstance(verdict, Refused):
        await outcomes.settle(tx, row.id, DeliveryState.CANCELLED, verdict.reason)
        return verdict
    attempt = (await tx.execute(_SENDING, {"id": row.id, "lease": lease})).scalar_one()
    await tx.execute(_ATTEMPT, {"w": tx.workspace_id, "id": row.id, "n": attempt})
    outbound = outbound_to(tx, row, address, channel.id, status_url)
    outbound = replace(outbound, template=await template(tx, row), buttons=await _buttons(tx, row))
    return Ready(
        row.id, attempt, channel, outbound, row.now, row.next_attempt_at, row.conversation_id, row.turn_id,
        row.trace or "",
    )  # fmt: skip


async def _buttons(tx: Tx, row: Any) -> tuple[Button, ...]:
    """Under the last part only."""
    found = details(tx, row).get("buttons", [])
    if not found or (await tx.execute(_LAST_PART, {"message": row.message_id})).scalar_one() != row.part:
        return ()
    return tuple(Button(key, title) for key, title in found)


def outbound_to(
    tx: Tx, row: Any, address: Any, channel_id: UUID, status_url: Callable[[UUID, UUID, int], str]
) -> Outbound:
    to = Address(Scheme(address.scheme), tx.vault.open("contact_address.value", bytes(address.value)))
    words = tx.vault.open("delivery.body", bytes(row.body))
    return Outbound(row.message_id, row.part, to, words, status_url(channel_id, row.message_id, row.part))

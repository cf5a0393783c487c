"""What providers report about our messages: late, twice, out of order, sometimes before their own answer."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Disposition, SendFailed
from domain.messages import DeliveryState, Status, advance
from store import outcomes
from store.channels import ChannelRow
from store.db import Tx, new_id

# A report about an attempt that has failed says nothing of the next one.
_OURS = (
    "select id, state, attempts, provider_id from delivery d where channel_id = :channel and message_id = :message"
    " and part = :part and (provider_id is null or provider_id = :provider_id) and not exists (select"
    " from delivery_attempt a where a.workspace_id = d.workspace_id and a.delivery_id = d.id and a.outcome = 'failed'"
    " and a.provider_id = :provider_id)"
)
_BY_PROVIDER = (
    "select id, state, attempts, provider_id from delivery"
    " where channel_id = :channel and provider_id = :provider_id"
)
_FIND = {False: (text(_OURS), text(_BY_PROVIDER))}
_FIND[True] = (text(f"{_OURS} for update"), text(f"{_BY_PROVIDER} for update"))
_EVENT = text(
    "insert into delivery_event (workspace_id, id, channel_id, delivery_id, provider_id, state, raw_state, error_code)"
    " values (:w, :id, :channel, :delivery, :provider_id, :state, :raw, :error_code)"
)
_MOVE = text(
    "update delivery set state = :state, provider_id = coalesce(provider_id, :provider_id),"
    " error_code = coalesce(:error_code, error_code), lease_until = case when state = 'sending' then lease_until end,"
    " reason = null, updated_at = frontdesk_now() where id = :id"
)
_ATTEMPT = text(
    "update delivery_attempt set provider_id = coalesce(provider_id, :provider_id), finished_at = coalesce(finished_at,"
    " frontdesk_now()), error_code = coalesce(:error_code, error_code), outcome = case when :failed then 'failed'"
    " when coalesce(outcome, 'unknown') = 'unknown' then 'accepted' else outcome end where delivery_id = :id and n = :n"
)


async def save(tx: Tx, channel: ChannelRow, status: Status) -> bool:
    """Move the delivery forward by a new report; return whether something may leave because of it."""
    delivery = await _delivery(tx, channel.id, status)
    await tx.execute(
        _EVENT,
        {
            "w": tx.workspace_id, "id": new_id(), "channel": channel.id, "delivery": delivery and delivery.id,
            "provider_id": status.provider_id, "state": status.state.value, "raw": status.raw_state,
            "error_code": status.error_code,
        },
    )  # fmt: skip
    return delivery is not None and await _move(tx, channel, delivery, status)


async def _delivery(tx: Tx, channel_id: UUID, status: Status) -> Any:
    """The delivery that this is about, locked, or None. Its address is locked first, if the report changes it."""
    found = await _find(tx, channel_id, status, lock=False)
    if found is None:
        return None
    await outcomes.hold_address(tx, found.id, status.disposition)
    return await _find(tx, channel_id, status, lock=True)


async def _find(tx: Tx, channel_id: UUID, status: Status, *, lock: bool) -> Any:
    """By our own id, which rode along, or by the provider's."""
    ours, by_provider = _FIND[lock]
    values = {"channel": channel_id, "provider_id": status.provider_id}
    if status.message_id is not None:
        row = (await tx.execute(ours, values | {"message": status.message_id, "part": status.part})).first()
        if row is not None:
            return row
    return (await tx.execute(by_provider, values)).first()


async def _move(tx: Tx, channel: ChannelRow, delivery: Any, status: Status) -> bool:
    current = DeliveryState(delivery.state)
    state = advance(current, status.state)
    if state is current:
        return False
    values = {"id": delivery.id, "provider_id": status.provider_id, "error_code": status.error_code}
    await tx.execute(_MOVE, values | {"state": state.value})
    failed = state is DeliveryState.FAILED
    await tx.execute(_ATTEMPT, values | {"n": delivery.attempts, "failed": failed})
    if failed:
        await _refused(tx, channel, delivery, status)
    return True


async def _refused(tx: Tx, channel: ChannelRow, delivery: Any, status: Status) -> None:
    error = SendFailed(
        status.disposition or Disposition.GIVE_UP, provider_code=status.error_code, opted_out=status.opted_out
    )
    if await outcomes.refused(tx, delivery.id, delivery.attempts, error) is Disposition.ALARM:
        await outcomes.alarm(tx, channel.id, error)

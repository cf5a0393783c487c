"""What providers report about our messages: late, twice, out of order, sometimes before their own answer."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Disposition, SendFailed
from domain.messages import DeliveryState, Status, advance
from store import outbox
from store.channels import ChannelRow
from store.db import Tx, new_id

_RECEIPT = text(
    "insert into inbound_receipt (workspace_id, id, channel_id, kind, provider_event_id, payload)"
    " values (:w, :id, :channel, 'status', :event, :payload) on conflict do nothing returning id"
)
_OURS = text(
    "select id, state, attempts, provider_id from delivery where channel_id = :channel and message_id = :message"
    " and part = :part and (provider_id is null or provider_id = :provider_id) for update"
)
_BY_PROVIDER = text(
    "select id, state, attempts, provider_id from delivery where channel_id = :channel and provider_id = :provider_id"
    " for update"
)
_EVENT = text(
    "insert into delivery_event (workspace_id, id, channel_id, delivery_id, provider_id, state, raw_state, error_code)"
    " values (:w, :id, :channel, :delivery, :provider_id, :state, :raw, :error_code)"
)
_MOVE = text(
    "update delivery set state = :state, provider_id = coalesce(provider_id, :provider_id),"
    " error_code = coalesce(:error_code, error_code), lease_until = case when state = 'sending' then lease_until end,"
    " reason = null, updated_at = frontdesk_now() where id = :id"
)


async def save(tx: Tx, channel: ChannelRow, status: Status) -> bool:
    """Store the report and move the delivery forward; return whether something may leave because of it."""
    if not await _is_new(tx, channel, status):
        return False
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


async def _is_new(tx: Tx, channel: ChannelRow, status: Status) -> bool:
    event = f"{status.provider_id}:{status.raw_state}:{status.error_code or ''}"
    payload = tx.vault.seal("inbound_receipt.payload", event)
    values = {"w": tx.workspace_id, "id": new_id(), "channel": channel.id, "event": event, "payload": payload}
    return (await tx.execute(_RECEIPT, values)).first() is not None


async def _delivery(tx: Tx, channel_id: UUID, status: Status) -> Any:
    """By our own id, which rode along, or by the provider's."""
    values = {"channel": channel_id, "provider_id": status.provider_id}
    if status.message_id is not None:
        ours = {"message": status.message_id, "part": status.part}
        found = (await tx.execute(_OURS, values | ours)).first()
        if found is not None:
            return found
    return (await tx.execute(_BY_PROVIDER, values)).first()


async def _move(tx: Tx, channel: ChannelRow, delivery: Any, status: Status) -> bool:
    current = DeliveryState(delivery.state)
    state = advance(current, status.state)
    if state is current:
        return False
    values = {"id": delivery.id, "state": state.value, "provider_id": status.provider_id}
    await tx.execute(_MOVE, values | {"error_code": status.error_code})
    if state is DeliveryState.FAILED:
        error = SendFailed(
            status.disposition or Disposition.GIVE_UP,
            provider_code=status.error_code,
            opted_out=status.opted_out,
        )
        await outbox.refused(tx, delivery.id, delivery.attempts, error)
    return True

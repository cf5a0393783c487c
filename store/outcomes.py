"""What became of an attempt to send: accepted, refused, unknown; again later, or never. Whatever ends an attempt locks
the delivery before the attempt, as a provider's report does."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from domain.errors import Disposition, SendFailed
from domain.messages import DeliveryState, Keyword
from store import audit, channels, contacts, notifications
from store.db import Tx
from store.notifications import Kind

MAX_ATTEMPTS = 6
RETRY_BASE, RETRY_CAP = timedelta(seconds=2), timedelta(minutes=10)
RECONCILE_AFTER = timedelta(seconds=3)

_ADDRESS_OF = text("select address_id from delivery where id = :id")
_CONVERSATION_OF = text("select conversation_id from delivery where id = :id")
_CHANNEL_OF = text("select channel_id from delivery where id = :id")
_ATTEMPT_ENDED = text(
    "update delivery_attempt set finished_at = frontdesk_now(), outcome = :outcome, provider_id = :provider_id,"
    " http_status = :http_status, error_code = :error_code, detail = :detail where delivery_id = :id and n = :n"
    " and coalesce(outcome, 'unknown') = 'unknown'"  # a report that came first stands
)
_SETTLE = text(
    "update delivery set state = :state, reason = :reason, error_code = :error_code, disposition = :disposition,"
    " lease_until = null, updated_at = frontdesk_now() where id = :id"
)
_ACCEPTED = text(
    "update delivery set state = 'accepted', provider_id = :provider_id, reason = null, error_code = null,"
    " disposition = null, lease_until = null, updated_at = frontdesk_now()"
    " where id = :id and attempts = :attempt and state in ('sending', 'unknown')"
)
_RETRY = text(
    "update delivery set state = 'queued', provider_id = null, reason = :reason, error_code = :error_code,"
    " disposition = 'retry', lease_until = null, updated_at = frontdesk_now(), next_attempt_at = frontdesk_now()"
    " + greatest(:least, least(:cap, :base * power(2, attempts)) * random()) where id = :id and state <> 'cancelled'"
)
_UNKNOWN = text(
    "update delivery set state = 'unknown', reason = 'no_answer', lease_until = null, updated_at = frontdesk_now(),"
    " next_attempt_at = frontdesk_now() + :after where id = :id and state in ('sending', 'unknown')"
)
# The provider knows better than we did when the window ended.
_WINDOW_OVER = text(
    "with d as (update delivery set state = 'queued', provider_id = null, reason = 'needs_template',"
    " error_code = :error_code, disposition = 'needs_template', lease_until = null, updated_at = frontdesk_now(),"
    " next_attempt_at = frontdesk_now() where id = :id and state <> 'cancelled' returning workspace_id, thread_id)"
    " update thread t set window_expires_at = least(t.window_expires_at, frontdesk_now()) from d"
    " where t.workspace_id = d.workspace_id and t.id = d.thread_id"
)
_IS_TEMPLATE = text("select template_version_id is not null from delivery where id = :id")
_STATE = text("select state, attempts, provider_id from delivery where id = :id for update")


async def conversation_of(tx: Tx, delivery_id: UUID) -> UUID:
    found: UUID = (await tx.execute(_CONVERSATION_OF, {"id": delivery_id})).scalar_one()
    return found


async def accepted(tx: Tx, delivery_id: UUID, attempt: int, provider_id: str) -> None:
    """The provider has it. Whatever a report that came first has made of this attempt stands."""
    await tx.execute(_ACCEPTED, {"id": delivery_id, "attempt": attempt, "provider_id": provider_id})
    await _attempt_ended(tx, delivery_id, attempt, "accepted", provider_id=provider_id)
    channel_id = (await tx.execute(_CHANNEL_OF, {"id": delivery_id})).scalar_one()
    await channels.succeeded(tx, channel_id)


async def failed(tx: Tx, delivery_id: UUID, attempt: int, error: SendFailed) -> Disposition:
    """The provider refused it, or surely never had it. Return what was made of that."""
    await hold_address(tx, delivery_id, error.disposition)
    row = (await tx.execute(_STATE, {"id": delivery_id})).one()
    await _attempt_ended(tx, delivery_id, attempt, "failed", error=error)
    if row.state not in ("sending", "unknown") or row.attempts != attempt:  # a report came first: that stands
        return Disposition.GIVE_UP
    return await refused(tx, delivery_id, row.attempts, error)


async def refused(tx: Tx, delivery_id: UUID, attempts: int, error: SendFailed) -> Disposition:
    """Again later, when the customer has written again, or never. A template cannot wait for a template."""
    disposition = error.disposition
    if disposition is Disposition.NEEDS_TEMPLATE and await _is_template(tx, delivery_id):
        disposition = Disposition.GIVE_UP
    if disposition is Disposition.NEEDS_TEMPLATE:
        await tx.execute(_WINDOW_OVER, {"id": delivery_id, "error_code": error.provider_code})
    elif disposition in (Disposition.RETRY, Disposition.ALARM) and attempts < MAX_ATTEMPTS:
        await again(tx, delivery_id, error)
    else:
        await settle(
            tx, delivery_id, DeliveryState.FAILED, str(disposition), error.provider_code, disposition
        )
    if disposition is Disposition.SUPPRESS:
        address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one()
        await _suppress(tx, address_id, error)
    return disposition


async def hold_address(tx: Tx, delivery_id: UUID, disposition: Disposition | None) -> None:
    """Before the delivery's own lock, when the address is going to change with it."""
    if disposition is Disposition.SUPPRESS:
        address_id = (await tx.execute(_ADDRESS_OF, {"id": delivery_id})).scalar_one()
        await contacts.hold_number(tx, await contacts.address(tx, address_id))


async def alarm(tx: Tx, channel_id: UUID, error: SendFailed) -> bool:
    """Our own set-up is wrong: hammering would not mend it. What is queued waits for a person. False when the
    channel was suspended already."""
    reason = f"provider_code_{error.provider_code or error.http_status}"
    suspended = await channels.suspend(tx, channel_id, reason)
    if suspended:
        await notifications.add(
            tx, Kind.CHANNEL_SUSPENDED, subject_id=channel_id, reason=reason, roles=notifications.RUNNING
        )
        await audit.add(tx, "system", "channel_suspended", "channel", channel_id, reason=reason)
    return suspended


async def _is_template(tx: Tx, delivery_id: UUID) -> bool:
    return bool((await tx.execute(_IS_TEMPLATE, {"id": delivery_id})).scalar_one())


async def _suppress(tx: Tx, address_id: UUID, error: SendFailed) -> None:
    if error.opted_out:
        await contacts.record_consent(
            tx, address_id, Keyword.STOP, "provider", f"code {error.provider_code}", None
        )
    else:
        await contacts.suppress(tx, address_id, error.provider_code or "provider")


async def again(tx: Tx, delivery_id: UUID, error: SendFailed) -> None:
    """Back to the queue, with full jitter, not before the provider allows."""
    least = timedelta(seconds=error.retry_after_s or 0)
    values = {"id": delivery_id, "reason": error.code, "error_code": error.provider_code, "least": least}
    await tx.execute(_RETRY, values | {"base": RETRY_BASE, "cap": RETRY_CAP})


async def unknown(tx: Tx, delivery_id: UUID, attempt: int) -> None:
    """No answer came. Ask the provider later; never send it again blindly."""
    await look_again(tx, delivery_id, RECONCILE_AFTER)
    await _attempt_ended(tx, delivery_id, attempt, "unknown")


async def look_again(tx: Tx, delivery_id: UUID, after: timedelta) -> None:
    """Nobody knows yet."""
    await tx.execute(_UNKNOWN, {"id": delivery_id, "after": after})


async def settle(
    tx: Tx,
    delivery_id: UUID,
    state: DeliveryState,
    reason: str,
    error_code: str | None = None,
    disposition: Disposition | None = None,
) -> None:
    values = {"id": delivery_id, "state": state.value, "reason": reason, "error_code": error_code}
    await tx.execute(_SETTLE, values | {"disposition": disposition and disposition.value})
    if state is DeliveryState.FAILED:
        talk = await conversation_of(tx, delivery_id)
        await notifications.add(
            tx,
            Kind.DELIVERY_FAILED,
            conversation_id=talk,
            subject_id=delivery_id,
            reason=error_code or reason,
        )


async def _attempt_ended(
    tx: Tx, delivery_id: UUID, attempt: int, outcome: str, *, provider_id: str | None = None,
    error: SendFailed | None = None,
) -> None:  # fmt: skip
    await tx.execute(
        _STATE, {"id": delivery_id}
    )  # the delivery before its attempts, as whoever reports on it does
    await tx.execute(
        _ATTEMPT_ENDED,
        {
            "id": delivery_id, "n": attempt, "outcome": outcome, "provider_id": provider_id,
            "http_status": error and error.http_status, "error_code": error and error.provider_code,
            "detail": error and error.code,
        },
    )  # fmt: skip

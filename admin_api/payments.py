"""What customers are asked to pay: a report of it, and people who ask for it and call it off. Amounts are those of
`skills.payment`, whoever asks."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Sent
from admin_api.versions import IfMatch
from domain.errors import Conflict
from domain.payment import Payment, State, places
from runtime.payments import page as address
from runtime.wake import EVENTS
from store import payments

router = APIRouter(prefix="/payments", route_class=Guarded, tags=["payments"])
ItemName = Annotated[str, Field(min_length=1, max_length=120)]


class Amount(BaseModel):
    amount: str = Field(description="A decimal.")
    currency: str


class PaymentTold(BaseModel):
    id: UUID
    contact_id: UUID | None = Field(description="null when its customer was erased.")
    conversation_id: UUID | None = Field(description="Where its customer is told of it.")
    appointment_id: UUID | None = Field(description="Whose booking asked for it.")
    item: str = Field(description="Of skills.payment.")
    amount: Amount
    state: State = Field(description="mismatch: something was paid, and it is not what was asked for.")
    reason: str | None = Field(description="Why it failed, ended, or does not match.")
    url: str | None = Field(description="Where the customer pays; null when nobody can any more.")
    paid: Amount | None = Field(description="What arrived, as the provider says.")
    refunded: Amount | None
    requested_by: str = Field(description="customer, appointment, or person:…")
    session_id: str | None = Field(description="Of the provider's page.")
    intent_id: str | None = Field(description="Of the provider's payment.")
    expires_at: Moment | None
    paid_at: Moment | None
    ended_at: Moment | None
    created_at: Moment
    version: int


class NewPayment(Sent):
    contact_id: UUID
    item: ItemName = Field(description="Of skills.payment: it says how much.")


@router.get("")
async def listed(
    here: Admitted,
    state: State | None = None,
    contact: UUID | None = None,
    item: Annotated[ItemName | None, Query(description="Of this item only.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[PaymentTold]:
    """The newest first. Those of state `mismatch` need a person."""
    before = pagination.read_id("payments", cursor)
    async with here.transaction() as tx:
        rows = await payments.page(
            tx, state=state and str(state), contact_id=contact, item=item, before=before, limit=limit + 1
        )
    url = here.rt.settings.public_url
    return pagination.page(
        rows, limit, lambda row: _told(row, url), lambda row: pagination.write("payments", row.id)
    )


@router.get("/{payment_id}")
async def one(here: Admitted, payment_id: UUID, response: Response) -> PaymentTold:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = _told(await payments.get(tx, payment_id), here.rt.settings.public_url)
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.post("", status_code=201, response_model=PaymentTold)
async def ask(here: Admitted, new: NewPayment, key: once.Key = None) -> Response:
    """The customer gets the link where they write to us; 409 `payment_waits` when they have one for it already,
    `payments_not_set_up` when this installation has no key of the provider's."""
    person = here.person()

    async def make() -> PaymentTold:
        if here.rt.open_stripe() is None:
            raise Conflict("this installation has no STRIPE_API_KEY", code="payments_not_set_up")
        made = await payments.by_person(tx, new.contact_id, new.item, person, here.caller.actor)
        return _told(made, here.rt.settings.public_url)

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST payments", new), 201, make)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.post("/{payment_id}/cancel", response_model=PaymentTold)
async def cancel(
    here: Admitted, payment_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """Its page is closed at the provider; `cancelled` as soon as that is so. Paid meanwhile, it is paid."""

    async def done() -> PaymentTold:
        now = await payments.take(tx, payment_id)
        if not versions.is_current(if_match, now.version):
            raise versions.stale(now.version)
        return _told(await payments.cancel(tx, payment_id, here.caller.actor), here.rt.settings.public_url)

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, f"POST payments/{payment_id}/cancel", None), 200, done)
    await here.rt.wake.wake(EVENTS)
    return answer


def _told(row: Payment, public_url: str) -> PaymentTold:
    payable = row.state in (State.ASKED, State.OPEN)
    paid_in = row.paid_currency or row.currency
    return PaymentTold.model_validate(
        {"id": row.id, "contact_id": row.contact_id, "conversation_id": row.conversation_id,
         "appointment_id": row.appointment_id, "item": row.item, "amount": _amount(row.amount, row.currency),
         "state": row.state, "reason": row.reason, "url": address(public_url, row.page) if payable else None,
         "paid": _amount(row.paid, paid_in) if row.paid is not None else None,
         "refunded": _amount(row.refunded, paid_in) if row.refunded else None, "requested_by": row.requested_by,
         "session_id": row.session_id, "intent_id": row.intent_id, "expires_at": row.expires_at,
         "paid_at": row.paid_at, "ended_at": row.ended_at, "created_at": row.created_at, "version": row.version}
    )  # fmt: skip


def _amount(amount: Decimal, currency: str) -> Amount:
    return Amount(amount=f"{amount:.{places(currency)}f}", currency=currency)

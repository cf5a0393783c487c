"""How money is told over the API: what a client asked for by its kind, and the entries of the books."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from admin_api.schemas import Moment, Note, Sent
from domain.money import CURRENCY, Asked, Kind, State
from store import moving

_Amount = Annotated[Decimal, Field(gt=0, le=Decimal("1000000000"), decimal_places=2)]


class Money(BaseModel):
    amount: str = Field(description="A decimal.")
    currency: str


class Authorised(BaseModel):
    """What every kind of instruction has."""

    id: UUID
    contact_id: UUID | None = Field(description="null when its client was erased.")
    conversation_id: UUID | None
    account_id: UUID | None = Field(description="The brokerage account.")
    state: State
    needs: int = Field(description="How many people approve it.")
    approved_by: list[UUID]
    requested_by: str = Field(
        description="customer, or person:… for what somebody of the business wrote down."
    )
    provider_id: str | None
    provider_state: str | None = Field(description="The broker's own word.")
    reason: str | None = Field(description="Why it failed, was refused or came back.")
    confirmed_at: Moment
    ended_at: Moment | None
    version: int


class TransferTold(Authorised):
    direction: Literal["in", "out"] = Field(description="in: from the bank to the brokerage account.")
    amount: Money
    fee: Money
    bank_link_id: UUID | None
    bank: str
    mask: str


class OrderTold(Authorised):
    side: str
    symbol: str
    quantity: str
    limit: Money = Field(description="The worst price of one.")
    amount: Money = Field(description="Of all of them, at the limit.")


class ApplicationTold(Authorised):
    given_name: str
    family_name: str
    email: str


class NewTransfer(Sent):
    contact_id: UUID
    bank_link_id: UUID
    direction: Literal["in", "out"]
    amount: _Amount
    authorisation: Note = Field(description="How and when the client asked for it; kept with the transfer.")


class EntryTold(BaseModel):
    n: int
    transfer_id: UUID
    event: Literal["sent", "completed", "reversed", "fee"]
    account: Literal["bank", "transit", "brokerage", "fees"]
    amount: Money
    at: Moment


def _common(row: Asked) -> dict[str, object]:
    return {
        "id": row.id, "contact_id": row.intent.contact_id if row.intent.contact_id.int else None,
        "conversation_id": row.conversation_id, "account_id": row.intent.account_id, "state": row.state,
        "needs": row.needs, "approved_by": list(row.approved_by), "requested_by": row.requested_by,
        "provider_id": row.provider_id, "provider_state": row.provider_state, "reason": row.reason,
        "confirmed_at": row.confirmed_at, "ended_at": row.ended_at, "version": row.version,
    }  # fmt: skip


def _dollars(amount: Decimal) -> Money:
    return Money(amount=f"{amount:.2f}", currency=CURRENCY)


def transfer_told(row: Asked) -> TransferTold:
    intent, told = row.intent, row.intent.details
    return TransferTold.model_validate(
        _common(row) | {
            "direction": intent.direction, "amount": _dollars(intent.amount), "fee": _dollars(intent.fee),
            "bank_link_id": intent.bank_id, "bank": told.get("bank", ""), "mask": told.get("mask", ""),
        }
    )  # fmt: skip


def order_told(row: Asked) -> OrderTold:
    told = row.intent.details
    limit = _dollars(Decimal(told.get("limit", "0")))
    named = {name: told.get(name, "") for name in ("side", "symbol", "quantity")}
    return OrderTold.model_validate(
        _common(row) | named | {"limit": limit, "amount": _dollars(row.intent.amount)}
    )


def application_told(row: Asked) -> ApplicationTold:
    told = row.intent.details
    names = {
        "given_name": told.get("given", ""),
        "family_name": told.get("family", ""),
        "email": told.get("email", ""),
    }
    return ApplicationTold.model_validate(_common(row) | names)


TOLD = {Kind.TRANSFER: transfer_told, Kind.ORDER: order_told, Kind.ACCOUNT: application_told}


def entry_told(row: moving.Entry) -> EntryTold:
    return EntryTold.model_validate(
        {"n": row.n, "transfer_id": row.intent_id, "event": row.event, "account": row.account,
         "amount": _dollars(row.amount), "at": row.at}
    )  # fmt: skip

"""Money before people: what clients have asked for, who approves it, and the books. Nothing moves by one person's word:
what somebody writes down for a client, others approve."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded, Here
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Note, Sent
from admin_api.versions import IfMatch
from domain.errors import FieldError, Invalid, NotFound
from domain.money import CURRENCY, Asked, Intent, Kind, State
from runtime.wake import EVENTS
from store import banks, money, moving, positions
from store.db import Tx, new_id

transfers = APIRouter(prefix="/transfers", route_class=Guarded, tags=["transfers"])
orders = APIRouter(prefix="/orders", route_class=Guarded, tags=["orders"])
applications = APIRouter(prefix="/account-applications", route_class=Guarded, tags=["account-applications"])
ledger = APIRouter(prefix="/ledger", route_class=Guarded, tags=["ledger"])

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


@transfers.get("")
async def listed_transfers(
    here: Admitted,
    state: State | None = None,
    contact: UUID | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[TransferTold]:
    """The newest first. Those of state `approval` wait for people."""
    rows = await _page(here, Kind.TRANSFER, state, contact, limit, cursor)
    return pagination.page(rows, limit, transfer_told, lambda row: pagination.write("transfer", row.id))


@transfers.get("/{transfer_id}")
async def one_transfer(here: Admitted, transfer_id: UUID, response: Response) -> TransferTold:
    """Its `ETag` is its version."""
    return transfer_told(await _one(here, Kind.TRANSFER, transfer_id, response))


@transfers.post("", status_code=201, response_model=TransferTold)
async def ask(here: Admitted, new: NewTransfer, key: once.Key = None) -> Response:
    """What a client asked for on the telephone, say, written down by a person; other people approve it, one at least.
    The limits are those of every transfer: 409 with `over_day`, `bank_new`, `no_cash`… says what stands against it."""
    person = here.person()

    async def make() -> TransferTold:
        linked = await banks.get(tx, new.bank_link_id)
        held = await positions.of_contact(tx, new.contact_id)
        account = next((one for one in held if one.id == linked.bank.account_id), None)
        if account is None:
            raise Invalid(
                "it is not this client's",
                errors=[FieldError("/bank_link_id", "that bank account is another client's")],
            )
        settings = await money.settings_of(tx)
        details = {
            "bank": linked.bank.name, "mask": linked.bank.mask, "account": account.name, "account_mask": account.mask,
        }  # fmt: skip
        intent = Intent(
            Kind.TRANSFER, new_id(), new.contact_id, account.id, new.amount,
            settings.fee_out if new.direction == "out" else settings.fee_in, linked.bank.id, new.direction, details,
        )  # fmt: skip
        return transfer_told(await money.ask(tx, intent, person, new.authorisation))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST transfers", new), 201, make)
    await here.rt.wake.wake(EVENTS)
    return answer


@transfers.post("/{transfer_id}/approve", response_model=TransferTold)
async def approve_transfer(
    here: Admitted, transfer_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """Your yes. Above the workspace's limit two people say so; who asked for it is none of them."""
    return await _decide(here, Kind.TRANSFER, transfer_id, if_match, key, yes=True)


@transfers.post("/{transfer_id}/refuse", response_model=TransferTold)
async def refuse_transfer(
    here: Admitted, transfer_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """One no ends it."""
    return await _decide(here, Kind.TRANSFER, transfer_id, if_match, key, yes=False)


@orders.get("")
async def listed_orders(
    here: Admitted,
    state: State | None = None,
    contact: UUID | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[OrderTold]:
    """The newest first. Each waits for a person before it goes to the broker."""
    rows = await _page(here, Kind.ORDER, state, contact, limit, cursor)
    return pagination.page(rows, limit, order_told, lambda row: pagination.write("order", row.id))


@orders.get("/{order_id}")
async def one_order(here: Admitted, order_id: UUID, response: Response) -> OrderTold:
    """Its `ETag` is its version."""
    return order_told(await _one(here, Kind.ORDER, order_id, response))


@orders.post("/{order_id}/approve", response_model=OrderTold)
async def approve_order(
    here: Admitted, order_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """Your yes; then it goes to the broker, at the limit that was read back to the client."""
    return await _decide(here, Kind.ORDER, order_id, if_match, key, yes=True)


@orders.post("/{order_id}/refuse", response_model=OrderTold)
async def refuse_order(
    here: Admitted, order_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """One no ends it."""
    return await _decide(here, Kind.ORDER, order_id, if_match, key, yes=False)


@applications.get("")
async def listed_applications(
    here: Admitted,
    state: State | None = None,
    contact: UUID | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[ApplicationTold]:
    """Brokerage accounts that were asked for, the newest first."""
    rows = await _page(here, Kind.ACCOUNT, state, contact, limit, cursor)
    return pagination.page(rows, limit, application_told, lambda row: pagination.write("account", row.id))


@applications.post("/{application_id}/approve", response_model=ApplicationTold)
async def approve_application(
    here: Admitted, application_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """Your yes; then it goes to the broker, who asks its client for the rest."""
    return await _decide(here, Kind.ACCOUNT, application_id, if_match, key, yes=True)


@applications.post("/{application_id}/refuse", response_model=ApplicationTold)
async def refuse_application(
    here: Admitted, application_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """One no ends it."""
    return await _decide(here, Kind.ACCOUNT, application_id, if_match, key, yes=False)


@ledger.get("")
async def entries(
    here: Admitted,
    transfer: Annotated[UUID | None, Query(description="Of this transfer only.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[EntryTold]:
    """The books, in the order in which they were written. What happened once stands there once; the entries of each
    event sum to nothing."""
    after = pagination.read_seq("ledger", cursor)
    async with here.transaction() as tx:
        rows = await moving.books(tx, intent_id=transfer, after=after, limit=limit + 1)
    return pagination.page(rows, limit, _entry_told, lambda row: pagination.write("ledger", row.n))


async def _page(
    here: Here, kind: Kind, state: State | None, contact: UUID | None, limit: int, cursor: str | None
) -> list[Asked]:
    before = pagination.read_id(str(kind), cursor)
    async with here.transaction() as tx:
        return list(
            await money.page(
                tx, [kind], state=state and str(state), contact_id=contact, before=before, limit=limit + 1
            )
        )


async def _one(here: Here, kind: Kind, intent_id: UUID, response: Response) -> Asked:
    async with here.transaction() as tx:
        found = await _get(tx, kind, intent_id)
    response.headers["ETag"] = versions.etag(found.version)
    return found


async def _get(tx: Tx, kind: Kind, intent_id: UUID) -> Asked:
    found = await money.get(tx, intent_id)
    if found.intent.kind is not kind:
        raise NotFound(f"there is no such {kind} here")
    return found


async def _decide(
    here: Here, kind: Kind, intent_id: UUID, if_match: str | None, key: str | None, *, yes: bool
) -> Response:
    """By a person, never by a program."""
    person = here.person()

    async def decided() -> BaseModel:
        now = await _get(tx, kind, intent_id)
        if not versions.is_current(if_match, now.version):
            raise versions.stale(now.version)
        return TOLD[kind](await money.decide(tx, intent_id, person, here.caller.actor, yes=yes))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST {kind}/{intent_id}/{'approve' if yes else 'refuse'}", None)
        answer = await once.answer(tx, asked, 200, decided)
    await here.rt.wake.wake(EVENTS)
    return answer


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


def _entry_told(row: moving.Entry) -> EntryTold:
    return EntryTold.model_validate(
        {"n": row.n, "transfer_id": row.intent_id, "event": row.event, "account": row.account,
         "amount": _dollars(row.amount), "at": row.at}
    )  # fmt: skip

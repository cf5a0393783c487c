"""Money before people: what clients have asked for, who approves it, and the books. Nothing moves by one person's word:
what somebody writes down for a client, others approve."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded, Here
from admin_api.money_told import (
    TOLD,
    ApplicationTold,
    EntryTold,
    NewTransfer,
    OrderTold,
    TransferTold,
    application_told,
    entry_told,
    order_told,
    transfer_told,
)
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.versions import IfMatch
from domain.errors import FieldError, Invalid, NotFound
from domain.money import Asked, Intent, Kind, State
from runtime.wake import EVENTS
from store import banks, money, moving, positions
from store.db import Tx, new_id

transfers = APIRouter(prefix="/transfers", route_class=Guarded, tags=["transfers"])
orders = APIRouter(prefix="/orders", route_class=Guarded, tags=["orders"])
applications = APIRouter(prefix="/account-applications", route_class=Guarded, tags=["account-applications"])
ledger = APIRouter(prefix="/ledger", route_class=Guarded, tags=["ledger"])


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
    return pagination.page(rows, limit, entry_told, lambda row: pagination.write("ledger", row.n))


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

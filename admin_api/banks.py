"""Bank accounts of clients: linked by Plaid, or typed by one person and vouched for by another. Numbers go in and never
come out."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Sent
from admin_api.versions import IfMatch
from domain.errors import FieldError, Invalid, NotFound
from domain.money import BankState, account_number, routing_number
from runtime.wake import EVENTS
from store import banks, contacts, money, positions
from store.banks import Linked

router = APIRouter(prefix="/bank-links", route_class=Guarded, tags=["bank-links"])


def _routing(said: str) -> str:
    if not routing_number(said):
        raise ValueError("it is no routing number: nine digits, whose checksum fits")
    return said


def _account(said: str) -> str:
    if not account_number(said):
        raise ValueError("it is no account number: 4 to 17 digits")
    return said


_Name = Annotated[str, Field(min_length=2, max_length=60, pattern=r"^[^\x00-\x1f<>]+$")]


class BankLinkTold(BaseModel):
    id: UUID
    contact_id: UUID
    account_id: UUID = Field(description="The brokerage account that it belongs to.")
    kind: Literal["plaid", "manual"]
    state: BankState
    bank: str
    mask: str = Field(description="The last digits of its number.")
    type: str
    entered_by: UUID | None
    reason: str | None = Field(description="Why it failed.")
    ready_at: Moment | None = Field(description="Since when it is there; cooling off counts from here.")
    created_at: Moment
    version: int


class NewBankLink(Sent):
    contact_id: UUID
    account_id: UUID = Field(description="The client's brokerage account.")
    bank: _Name
    holder: _Name = Field(description="As the bank knows its client.")
    type: Literal["checking", "savings"]
    routing_number: Annotated[str, AfterValidator(_routing)]
    account_number: Annotated[str, AfterValidator(_account)]


@router.get("")
async def listed(
    here: Admitted,
    state: BankState | None = None,
    contact: UUID | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[BankLinkTold]:
    """The newest first. Those of state `vouching` wait for a second person."""
    before = pagination.read_id("bank-links", cursor)
    async with here.transaction() as tx:
        rows = await banks.page(
            tx, state=state and str(state), contact_id=contact, before=before, limit=limit + 1
        )
    return pagination.page(rows, limit, _told, lambda row: pagination.write("bank-links", row.bank.id))


@router.get("/{link_id}")
async def one(here: Admitted, link_id: UUID, response: Response) -> BankLinkTold:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = _told(await banks.get(tx, link_id))
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.post("", status_code=201, response_model=BankLinkTold)
async def enter(here: Admitted, new: NewBankLink, key: once.Key = None) -> Response:
    """By hand, from the client's own paper. It waits until somebody else has seen that paper too."""
    person = here.person()

    async def make() -> BankLinkTold:
        await money.settings_of(tx)
        who = await contacts.get(tx, new.contact_id)
        if who is None:
            raise NotFound("there is no such contact here")
        held = await positions.of_contact(tx, who.root_id or who.id)
        if not any(one.id == new.account_id and one.source == money.SOURCE for one in held):
            detail = "it is no account of this client's that money can move from or to"
            raise Invalid("no such account", errors=[FieldError("/account_id", detail)])
        told = {
            "name": new.bank, "holder": new.holder, "type": new.type, "routing": new.routing_number,
            "account": new.account_number,
        }  # fmt: skip
        made = await banks.by_hand(tx, who.root_id or who.id, new.account_id, person, told, here.caller.actor)
        return _told(made)

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST bank-links", new), 201, make)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.post("/{link_id}/vouch", response_model=BankLinkTold)
async def vouch(here: Admitted, link_id: UUID, if_match: IfMatch = None, key: once.Key = None) -> Response:
    """You have seen the client's own paper (a voided cheque, a statement), and you are not who typed it."""
    person = here.person()

    async def done() -> BankLinkTold:
        _check(if_match, await banks.get(tx, link_id))
        return _told(await banks.vouch(tx, link_id, person, here.caller.actor))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, f"POST bank-links/{link_id}/vouch", None), 200, done)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.post("/{link_id}/remove", response_model=BankLinkTold)
async def remove(here: Admitted, link_id: UUID, if_match: IfMatch = None, key: once.Key = None) -> Response:
    """No money moves by it any more; it is taken back at the broker and at Plaid."""

    async def done() -> BankLinkTold:
        mine = await banks.take(tx, link_id)
        _check(if_match, mine)
        return _told(await banks.remove(tx, mine, here.caller.actor))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, f"POST bank-links/{link_id}/remove", None), 200, done)
    await here.rt.wake.wake(EVENTS)
    return answer


def _check(if_match: str | None, mine: Linked) -> None:
    if not versions.is_current(if_match, mine.version):
        raise versions.stale(mine.version)


def _told(row: Linked) -> BankLinkTold:
    bank = row.bank
    return BankLinkTold.model_validate(
        {"id": bank.id, "contact_id": row.contact_id, "account_id": bank.account_id, "kind": bank.kind, "state": bank.state,
         "bank": bank.name, "mask": bank.mask, "type": bank.type, "entered_by": row.entered_by, "reason": row.reason,
         "ready_at": bank.ready_at, "created_at": row.created_at, "version": row.version}
    )  # fmt: skip

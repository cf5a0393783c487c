"""What a client holds, as the business sees it: accounts and positions, priced as far as prices are known. Every look is
written down."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from admin_api.auth import Admitted, Guarded, Here
from admin_api.money_told import Money
from admin_api.schemas import Moment
from domain.errors import NotFound
from domain.portfolio import Account, Position, cents, standing
from store import audit, contacts, positions

accounts = APIRouter(prefix="/portfolios", route_class=Guarded, tags=["portfolios"])
held = APIRouter(prefix="/positions", route_class=Guarded, tags=["positions"])
_Contact = Annotated[UUID, Query(description="Whose.")]


class AccountTold(BaseModel):
    id: UUID
    name: str
    mask: str
    source: str
    cash: Money
    value: Money = Field(description="Cash, and every position that has a price.")
    unpriced: list[str] = Field(description="Symbols without a price: not in the value.")


class Portfolios(BaseModel):
    contact_id: UUID
    accounts: list[AccountTold]


class PositionTold(BaseModel):
    account_id: UUID
    symbol: str
    name: str
    kind: str
    quantity: str
    price: Money | None
    priced_at: Moment | None
    value: Money | None


class Positions(BaseModel):
    contact_id: UUID
    positions: list[PositionTold]


@accounts.get("")
async def of_client(here: Admitted, contact: _Contact) -> Portfolios:
    """Their accounts, each with what it is worth."""
    found = await _held(here, contact)
    return Portfolios(contact_id=contact, accounts=[_account(one) for one in found])


@held.get("")
async def of_accounts(here: Admitted, contact: _Contact) -> Positions:
    """What is in their accounts."""
    found = await _held(here, contact)
    told = [_position(account, one) for account in found for one in account.positions]
    return Positions(contact_id=contact, positions=told)


async def _held(here: Here, contact_id: UUID) -> tuple[Account, ...]:
    async with here.transaction() as tx:
        who = await contacts.get(tx, contact_id)
        if who is None:
            raise NotFound("there is no such contact here")
        found = await positions.of_contact(tx, who.root_id or who.id)
        await audit.add(tx, here.caller.actor, "portfolio_read", "contact", contact_id)
    return found


def _account(one: Account) -> AccountTold:
    now = standing([one], one.currency)
    return AccountTold(
        id=one.id, name=one.name, mask=one.mask, source=one.source, cash=_money(one.cash, one),
        value=_money(now.value, one), unpriced=list(now.unpriced),
    )  # fmt: skip


def _position(account: Account, one: Position) -> PositionTold:
    price = one.price
    return PositionTold(
        account_id=account.id, symbol=one.symbol, name=one.name, kind=one.kind, quantity=f"{one.quantity:f}",
        price=Money(amount=f"{price.amount:f}", currency=account.currency) if price else None,
        priced_at=price.at if price else None,
        value=_money(one.value, account) if one.value is not None else None,
    )  # fmt: skip


def _money(amount: Decimal, account: Account) -> Money:
    return Money(amount=f"{cents(amount):f}", currency=account.currency)

"""What a contact holds, priced: accounts, positions, closes. How they come in is in store/portfolios.py."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.portfolio import Account, Position, Price
from store.db import Dispatch, Tx

KEPT = timedelta(days=400)

_ACCOUNTS = text(
    "select a.id, a.source, a.body, a.currency from portfolio_account a where a.contact_id in"
    " (select id from contact where id = :contact and root_id is null union all"
    "  select id from contact where root_id = :contact) order by a.created_at, a.id"
)
_POSITIONS = text(
    "select account_id, symbol, name, kind, quantity from portfolio_position where account_id = any(:accounts)"
    " order by account_id, symbol"
)
_CLOSES = text(
    "select symbol, currency, day, amount, at from price where symbol = any(:symbols)"
    " and day > frontdesk_now()::date - :kept order by symbol, currency, day"
)
_BROKERED = text(
    "select distinct p.symbol from portfolio_position p join portfolio_account a on a.workspace_id = p.workspace_id"
    " and a.id = p.account_id where a.source = :source and a.currency = 'USD' order by p.symbol"
)
_HOLDING = text(
    "select a.id, a.source, a.body, a.currency, coalesce(c.root_id, c.id) as contact from portfolio_account a"
    " join contact c on c.workspace_id = a.workspace_id and c.id = a.contact_id"
    " where exists (select from portfolio_position p where p.workspace_id = a.workspace_id and p.account_id = a.id"
    " and p.symbol = any(:symbols)) order by a.id limit :limit"
)
_SEEN = text(
    "select symbol, amount from price where symbol = any(:symbols) and currency = 'USD' and day = :day"
)
_EVERYBODY = text(
    "select id from workspace where state = 'active' and (cast(:only as uuid) is null or id = :only)"
)
_BODY = text("select body from portfolio_account where id = :id")


async def of_contact(tx: Tx, contact_id: UUID) -> tuple[Account, ...]:
    """All accounts of this customer, and of those that became this one, priced."""
    return tuple(await _accounts(tx, (await tx.execute(_ACCOUNTS, {"contact": contact_id})).all()))


async def holding(tx: Tx, symbols: Sequence[str], limit: int) -> list[tuple[UUID, Account]]:
    """(contact, account) of those in which one of these symbols is, priced."""
    rows = (await tx.execute(_HOLDING, {"symbols": list(symbols), "limit": limit})).all()
    return [(row.contact, one) for row, one in zip(rows, await _accounts(tx, rows), strict=True)]


async def brokered(tx: Tx, source: str) -> list[str]:
    """Every symbol that somebody holds in an account of this source, once."""
    return [row.symbol for row in await tx.execute(_BROKERED, {"source": source})]


async def seen(tx: Tx, symbols: Sequence[str], day: date) -> dict[str, Decimal]:
    """The prices of this day, as far as they are known."""
    rows = await tx.execute(_SEEN, {"symbols": list(symbols), "day": day})
    return {row.symbol: row.amount for row in rows}


async def everybody(dispatch: Dispatch, only: UUID | None = None) -> list[UUID]:
    """Every business that is open."""
    return [row.id for row in await dispatch.db.execute(_EVERYBODY, {"only": only})]


async def _accounts(tx: Tx, rows: Sequence[Any]) -> list[Account]:
    positions = (await tx.execute(_POSITIONS, {"accounts": [row.id for row in rows]})).all() if rows else []
    prices = await _prices(tx, sorted({one.symbol for one in positions}))
    found = []
    for row in rows:
        body = json.loads(tx.vault.open("portfolio_account.body", bytes(row.body)))
        mine = (_position(tx, one) for one in positions if one.account_id == row.id)
        priced = tuple(replace(one, price=prices.get((one.symbol, row.currency))) for one in mine)
        cash = Decimal(body["cash"])
        found.append(
            Account(
                row.id, body["name"], body["mask"], row.currency, cash, priced, row.source, body["external"]
            )
        )
    return found


async def external_id(tx: Tx, account_id: UUID | None) -> str:
    """What the account is called at its source; "" when it is here no longer."""
    row = (await tx.execute(_BODY, {"id": account_id})).first()
    return (
        str(json.loads(tx.vault.open("portfolio_account.body", bytes(row.body)))["external"]) if row else ""
    )


def _position(tx: Tx, row: Any) -> Position:
    quantity = Decimal(tx.vault.open("portfolio_position.quantity", bytes(row.quantity)))
    return Position(row.symbol, row.name, row.kind, quantity)


async def _prices(tx: Tx, symbols: list[str]) -> dict[tuple[str, str], Price]:
    if not symbols:
        return {}
    rows = (await tx.execute(_CLOSES, {"symbols": symbols, "kept": KEPT.days})).all()
    by_symbol: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        by_symbol.setdefault((row.symbol, row.currency), []).append(row)
    return {
        key: Price(
            known[-1].amount,
            known[-1].at,
            known[-2].amount if len(known) > 1 else None,
            {one.day: one.amount for one in known},
        )
        for key, known in by_symbol.items()
    }

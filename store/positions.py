"""What a contact holds, priced: accounts, positions, closes. How they come in is in store/portfolios.py."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.portfolio import Account, Position, Price
from store.db import Tx

KEPT = timedelta(days=400)

_ACCOUNTS = text(
    "select a.id, a.source, a.body, a.currency from portfolio_account a join contact c on c.workspace_id = a.workspace_id"
    " and c.id = a.contact_id where coalesce(c.root_id, c.id) = :contact order by a.created_at, a.id"
)
_POSITIONS = text(
    "select account_id, symbol, name, kind, quantity from portfolio_position where account_id = any(:accounts)"
    " order by account_id, symbol"
)
_CLOSES = text(
    "select symbol, currency, day, amount, at from price where symbol = any(:symbols)"
    " and day > frontdesk_now()::date - :kept order by symbol, currency, day"
)
_BODY = text("select body from portfolio_account where id = :id")


async def of_contact(tx: Tx, contact_id: UUID) -> tuple[Account, ...]:
    """All accounts of this customer, and of those that became this one, priced."""
    rows = (await tx.execute(_ACCOUNTS, {"contact": contact_id})).all()
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
    return tuple(found)


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

"""What is told with an event of prices: those that have changed, and what the accounts that hold them are worth now."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.portfolio import Account, standing
from runtime.live_prices import CHANGED
from store import positions
from store.db import Tx
from store.events import Event

MOST_VALUED = 500
"""Accounts in one event of prices; who wants the others asks for them."""


async def valued(tx: Tx, found: Sequence[Event]) -> dict[tuple[str, UUID], Any]:
    """What the accounts that hold what has changed are worth now."""
    ticks = [one for one in found if one.kind == CHANGED and one.subject_id is not None]
    if not ticks:
        return {}
    symbols = sorted({symbol for one in ticks for symbol in str(one.details["symbols"]).split()})
    held = await positions.holding(tx, symbols, MOST_VALUED)
    told = {"prices": _prices(held, symbols), "accounts": [_account(*one) for one in held]}
    return {("prices", one.subject_id): told for one in ticks if one.subject_id is not None}


def _prices(held: Sequence[tuple[UUID, Account]], symbols: Sequence[str]) -> list[dict[str, str]]:
    positions_ = (one for _, account in held for one in account.positions)
    known = {one.symbol: one.price for one in positions_ if one.price is not None}
    priced = [(one, known[one]) for one in symbols if one in known]
    return [
        {"symbol": one, "price": f"{price.amount.normalize():f}", "at": price.at.isoformat()}
        for one, price in priced
    ]


def _account(contact_id: UUID, account: Account) -> dict[str, Any]:
    now = standing([account], account.currency)
    return {
        "account_id": str(account.id), "contact_id": str(contact_id),
        "value": {"amount": f"{now.value:f}", "currency": account.currency},
        "day": {"amount": f"{now.day.amount:f}", "currency": account.currency} if now.day else None,
        "unpriced": list(now.unpriced),
    }  # fmt: skip

"""Prices as they are now: asked for once for each symbol, whoever holds it and in how many businesses; where one has
changed, its business's followers hear of it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from domain.holdings import Close
from integrations.alpaca_money import AlpacaMoney
from runtime.broker import MARKET, SOURCE
from runtime.wake import EVENTS, Wake
from store import events, portfolios, positions
from store.db import Database, new_id

CHANGED = "prices.changed"
AT_ONCE = 100
"""Symbols in one request."""


async def refresh(db: Database, wake: Wake, broker: AlpacaMoney, businesses: Sequence[UUID]) -> int:
    """How many prices have changed. Raise BrokerFailed: then none has."""
    held: dict[UUID, list[str]] = {}
    for workspace_id in businesses:
        async with db.transaction(workspace_id) as tx:
            held[workspace_id] = await positions.brokered(tx, SOURCE)
    prices: dict[str, Decimal] = {}
    for part in _parts(sorted({symbol for symbols in held.values() for symbol in symbols})):
        prices |= await broker.latest(part)
    changed = 0
    for workspace_id, symbols in held.items():
        changed += await _put(db, workspace_id, {one: prices[one] for one in symbols if one in prices})
    if changed:
        await wake.wake(EVENTS)
    return changed


async def _put(db: Database, workspace_id: UUID, prices: Mapping[str, Decimal]) -> int:
    """One event for all that changed: what is worth what is read when it is shown."""
    async with db.transaction(workspace_id) as tx:
        day = tx.now.astimezone(MARKET).date()
        before = await positions.seen(tx, list(prices), day)
        new = {symbol: price for symbol, price in prices.items() if before.get(symbol) != price}
        if new:
            await portfolios.put_closes(
                tx, [Close(one, "USD", day, price) for one, price in new.items()], tx.now
            )
            await events.add(tx, CHANGED, None, new_id(), symbols=" ".join(sorted(new)))
    return len(new)


def _parts(symbols: Sequence[str]) -> list[Sequence[str]]:
    return [symbols[at : at + AT_ONCE] for at in range(0, len(symbols), AT_ONCE)]

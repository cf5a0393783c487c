"""What a client can move: from our own tables, and prices from the broker."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from domain.money import Quote, Standing
from integrations.alpaca import BrokerFailed
from integrations.alpaca_money import AlpacaMoney
from store import money
from store.db import Database

KEPT_S, MOST_KEPT = 15.0, 1000


class StoredMoney:
    def __init__(self, db: Database, open_broker: Callable[[], AlpacaMoney | None]) -> None:
        self._db, self._open_broker = db, open_broker
        self._quotes: dict[str, tuple[float, Quote]] = {}

    async def standing(self, workspace_id: UUID, contact_id: UUID) -> Standing:
        async with self._db.transaction(workspace_id) as tx:
            return await money.standing(tx, contact_id)

    async def quote(self, symbol: str) -> Quote | None:
        """Once for each symbol, whoever asks, until it is old."""
        now = asyncio.get_running_loop().time()
        at, known = self._quotes.get(symbol, (0.0, None))
        broker = self._open_broker()
        if known is not None and now - at < KEPT_S:
            return known
        if broker is None:
            return None
        try:
            found = Quote(*await broker.price(symbol))
        except BrokerFailed:
            return None
        if len(self._quotes) >= MOST_KEPT:
            self._quotes.clear()
        self._quotes[symbol] = now, found
        return found

"""What a client can move: from our own tables, and prices from the broker."""

from collections.abc import Callable
from uuid import UUID

from domain.money import Quote, Standing
from integrations.alpaca import BrokerFailed
from integrations.alpaca_money import AlpacaMoney
from store import money
from store.db import Database


class StoredMoney:
    def __init__(self, db: Database, open_broker: Callable[[], AlpacaMoney | None]) -> None:
        self._db, self._open_broker = db, open_broker

    async def standing(self, workspace_id: UUID, contact_id: UUID) -> Standing:
        async with self._db.transaction(workspace_id) as tx:
            return await money.standing(tx, contact_id)

    async def quote(self, symbol: str) -> Quote | None:
        broker = self._open_broker()
        if broker is None:
            return None
        try:
            return Quote(*await broker.price(symbol))
        except BrokerFailed:
            return None

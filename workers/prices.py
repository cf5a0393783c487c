"""Asks for prices, again and again, while somebody's account is priced by them."""

import asyncio
import logging
from collections.abc import Sequence
from uuid import UUID

from integrations.alpaca import BrokerFailed
from runtime import live_prices
from runtime.runtime import Runtime
from store import positions
from workers.base import Worker

logger = logging.getLogger(__name__)

Due = tuple[UUID, ...]
"""All businesses at once: a symbol is asked for once."""


class PriceWorker(Worker[Due]):
    topic = "prices"
    at_once = 1

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._next = 0.0

    async def claim(self, limit: int) -> Sequence[Due]:
        """Two schedulers at once ask twice and write once."""
        now = asyncio.get_running_loop().time()
        if self._rt.settings.alpaca is None or now < self._next:
            return []
        self._next = now + self._rt.settings.prices_s
        async with self._rt.db.dispatch() as dispatch:
            found = await positions.everybody(dispatch, self._only)
        return [tuple(found)] if found else []

    async def work(self, due: Due) -> None:
        broker = self._rt.open_broker()
        if broker is None:
            return
        try:
            await live_prices.refresh(self._rt.db, self._rt.wake, broker, due)
        except BrokerFailed as error:
            logger.warning("prices stay as they were: %s", error.code)

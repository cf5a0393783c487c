"""Forgets the oldest of the log of events, a little at a time."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from runtime.runtime import Runtime
from store import events
from workers.base import Worker

EVERY_S = 600.0
AT_ONCE = 5_000


class PruneWorker(Worker[timedelta]):
    topic = "prune"

    def __init__(self, rt: Runtime) -> None:
        super().__init__(rt)
        self._next = 0.0
        self._keep = timedelta(days=rt.settings.event_days)

    async def claim(self, limit: int) -> Sequence[timedelta]:
        """Two schedulers at once take turns at the same rows."""
        now = asyncio.get_running_loop().time()
        if now < self._next:
            return []
        self._next = now + EVERY_S
        return [self._keep]

    async def work(self, keep: timedelta) -> None:
        """In short transactions."""
        pruned = AT_ONCE
        while pruned == AT_ONCE:
            pruned = await self.prune(keep)

    async def prune(self, keep: timedelta) -> int:
        async with self._rt.db.dispatch() as dispatch:
            return await events.prune(dispatch, keep, AT_ONCE)

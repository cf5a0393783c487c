"""What every simulated provider has: where it is, the troubles that were ordered, a time, and what it does meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import httpx2

from simulators.common.chaos import Chaos

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    return datetime.now(UTC)


class Simulation:
    """The state and the tasks of one simulated provider."""

    def __init__(self, seed: int, routes: frozenset[str], clock: Clock | None = None) -> None:
        """`seed` is for chaos alone; `routes` are the requests as chaos rules name them."""
        self.origin = ""
        self.chaos = Chaos(seed, routes)
        self.closing = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        self.client: httpx2.AsyncClient | None = None  # noqa: TID251  (a provider's own; who needs one opens it)
        self.now = clock or utcnow

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def pause(self, seconds: float) -> None:
        """Sleep, but not past the end of the simulation."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.closing.wait(), seconds)

    async def close(self) -> None:
        self.closing.set()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

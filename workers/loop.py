"""One way to work: claim what is due, many at once, until told to stop; woken by hints, kept honest by polling."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime import telemetry
from runtime.wake import DELIVERIES, INBOX, TURNS, Wake
from store.db import UNAVAILABLE

logger = logging.getLogger(__name__)
T = TypeVar("T")

HINTED = (INBOX, TURNS, DELIVERIES)
"""Queues whose work is announced; the others are found by polling."""


@dataclass(slots=True)
class Loop(Generic[T]):
    """`claim(n)` takes at most n pieces of work; `work` does one and answers for its own failures."""

    topic: str
    claim: Callable[[int], Awaitable[Sequence[T]]]
    work: Callable[[T], Awaitable[None]]
    next_due_s: Callable[[], Awaitable[float | None]]
    """Seconds until the next piece is due, if one is known."""
    wake: Wake
    poll_s: float
    at_once: int = 16
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _by_poll: bool = False
    """The last rest ended because its time was over, while nothing was known to be due."""

    async def run(self, stop: asyncio.Event, drain_s: float = 30.0) -> None:
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            try:
                found = await self._take()
                if found:
                    continue
                await self._rest(stopping)
            except UNAVAILABLE as error:
                logger.warning("%s: the database is away: %s", self.topic, type(error).__name__)
                await asyncio.wait([stopping], timeout=self.poll_s)
        if self._running:
            await asyncio.wait(self._running, timeout=drain_s)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _take(self) -> bool:
        free = self.at_once - len(self._running)
        if free <= 0:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            return True
        claimed = await self.claim(free)
        if claimed and self._by_poll and self.topic in HINTED:
            telemetry.LOST_WAKEUPS.labels(self.topic).inc()
        self._by_poll = False
        for one in claimed:
            task = asyncio.create_task(self._do(one), name=self.topic)
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(claimed)

    async def _do(self, one: T) -> None:
        try:
            await self.work(one)
        except Exception as error:  # noqa: BLE001  (a bug: said loudly, and the lease brings the row back)
            telemetry.LOOP_FAILURES.labels(self.topic).inc()
            logger.error("%s failed: %s", self.topic, bare_trace(error))

    async def _rest(self, stopping: "asyncio.Task[bool]") -> None:
        """Until a hint, the next due time, or the poll; whichever is first."""
        due = await self.next_due_s()
        nap = self.poll_s if due is None else min(self.poll_s, max(due, 0.005))
        waking = asyncio.create_task(self.wake.wait(self.topic, nap))
        await asyncio.wait([waking, stopping], return_when=asyncio.FIRST_COMPLETED)
        self._by_poll = waking.done() and not waking.result() and nap == self.poll_s
        waking.cancel()


def bare_trace(error: BaseException) -> str:
    """Where it happened, without the message: that may hold a customer's words."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(
        f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno}:{frame.name}" for frame in frames[:-9:-1]
    )
    return f"{type(error).__name__} at {places}"

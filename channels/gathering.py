"""Group commit: what arrives while others are being stored waits for those, and then shares one transaction."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from store.db import UNAVAILABLE, is_collision

T = TypeVar("T")

MOST = 64
"""Items in one transaction; more would make the first wait for the last."""


@dataclass(slots=True)
class Gathering(Generic[T]):
    """One batch is on its way at a time, so that items are stored in the order in which they came; nobody waits when
    none is. `store` does all of a batch or nothing. When it fails for several, each is stored alone, so that one that
    cannot be stored takes no other down."""

    store: Callable[[Sequence[T]], Awaitable[None]]
    _waiting: list[tuple[T, "asyncio.Future[None]"]] = field(default_factory=list)
    _storing: bool = False
    _runner: "asyncio.Task[None] | None" = None

    async def add(self, item: T) -> None:
        """Returns when the item is committed; raises what kept it from being stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if not self._storing:
            self._storing = True
            nobodys = (
                contextvars.Context()
            )  # a batch is no single request's: not its trace, not its log lines
            self._runner = asyncio.create_task(self._run(), name="gathering", context=nobodys)
        await done

    async def _run(self) -> None:
        """Until nobody waits. Never fails: what goes wrong belongs to those who wait for it."""
        await asyncio.sleep(0)  # what has arrived in this very moment comes along
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            error = await self._try(batch)
            if error is not None and len(batch) > 1 and not _is_away(error):
                for one in batch:
                    _tell([one], await self._try([one]))
            else:
                _tell(batch, error)
        self._storing = False

    async def _try(self, batch: "Sequence[tuple[T, asyncio.Future[None]]]") -> Exception | None:
        try:
            await self.store([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  (whoever waits for it raises it)
            return error
        return None


def _is_away(error: Exception) -> bool:
    """The database cannot be had at all: nobody fares better alone."""
    return isinstance(error, UNAVAILABLE) and not is_collision(error)


def _tell(batch: "Sequence[tuple[T, asyncio.Future[None]]]", error: Exception | None) -> None:
    for _, done in batch:
        if done.done():  # whoever waited has gone
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

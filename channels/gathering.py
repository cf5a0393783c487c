"""Group commit: what arrives while others are being stored waits for those, and then shares one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from store.db import UNAVAILABLE, is_collision

T = TypeVar("T")

MOST = 64
"""Items in one transaction; more would make the first wait for the last."""
AT_ONCE = 2
"""Batches on their way: while one waits for the database, the next is being written. More only makes them small."""


@dataclass(slots=True)
class Gathering(Generic[T]):
    """Few batches are on their way at a time; nobody waits when none is. `store` does all of a batch or nothing.
    When it fails for several, each is stored alone, so that one that cannot be stored takes no other down. Items of
    the same `key` are stored in the order in which they came, never by two batches at once."""

    store: Callable[[Sequence[T]], Awaitable[None]]
    key: Callable[[T], Hashable] = id
    _waiting: list[tuple[T, "asyncio.Future[None]"]] = field(default_factory=list)
    _storing: set[Hashable] = field(default_factory=set)
    _runners: set["asyncio.Task[None] | None"] = field(default_factory=set)

    async def add(self, item: T) -> None:
        """Returns when the item is committed; raises what kept it from being stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if len(self._runners) < AT_ONCE and self.key(item) not in self._storing:
            self._runners.add(asyncio.create_task(self._run(), name="gathering"))
        await done

    async def _run(self) -> None:
        """Until nobody waits whom no other batch holds up. Never fails: what goes wrong belongs to those who wait
        for it."""
        while batch := self._next():
            keys = {self.key(item) for item, _ in batch}
            self._storing |= keys
            error = await self._try(batch)
            if error is not None and len(batch) > 1 and not _is_away(error):
                for one in batch:
                    _tell([one], await self._try([one]))
            else:
                _tell(batch, error)
            self._storing -= keys
        self._runners.discard(
            asyncio.current_task()
        )  # here, not when the loop notices: until then nobody starts one

    def _next(self) -> "list[tuple[T, asyncio.Future[None]]]":
        """In the order in which they came; without those whose key is being stored."""
        batch = [one for one in self._waiting if self.key(one[0]) not in self._storing][:MOST]
        chosen = {id(done) for _, done in batch}
        self._waiting = [one for one in self._waiting if id(one[1]) not in chosen]
        return batch

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

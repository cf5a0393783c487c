"""Reads what was acknowledged into its conversations: per business one reader at a time, in the order of the line."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from runtime.runtime import Runtime
from runtime.wake import INBOX
from store import inbox, notifications, receipts
from store.db import UNAVAILABLE, Tx, is_collision
from store.inbox import Saved
from workers.base import Worker
from workers.loop import bare_trace

logger = logging.getLogger(__name__)

MOST = 100
"""Messages in one transaction."""
ROUNDS = 10
"""So often a business that goes on receiving is read before others have their turn."""
ELSEWHERE_S = 0.05
"""After this we look again at a business in which somebody else was reading."""
GIVE_NOTICE = 5
"""So many times a message could not be read before people hear of it; it is tried for as long as it is there."""


class InboxWorker(Worker[UUID]):
    """A message that cannot be read (a bug) holds up no other."""

    topic = INBOX
    at_once = 4

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._not_before: dict[UUID, float] = {}
        self._reading: set[UUID] = set()
        self._again: set[UUID] = set()
        """Something may have come to these while they were being read."""

    async def claim(self, limit: int) -> Sequence[UUID]:
        """Businesses in which something waits and nobody is known to read."""
        now = asyncio.get_running_loop().time()
        self._not_before = {key: at for key, at in self._not_before.items() if at > now}
        async with self._rt.db.dispatch() as dispatch:
            waiting = await receipts.claim(dispatch, self._only)
        self._again |= self._reading & set(waiting)
        found = [one for one in waiting if one not in self._not_before and one not in self._reading][:limit]
        self._reading |= set(found)
        return found

    async def next_due_s(self) -> float | None:
        if self._reading or self._not_before:
            return ELSEWHERE_S
        async with self._rt.db.dispatch() as dispatch:
            due = await receipts.next_due(dispatch, self._only)
            return (due - dispatch.now).total_seconds() if due else None

    async def work(self, workspace_id: UUID) -> None:
        try:
            for _ in range(ROUNDS):
                self._again.discard(workspace_id)
                await self._read(workspace_id)
                if workspace_id not in self._again:
                    break
        finally:
            self._reading.discard(workspace_id)

    async def _read(self, workspace_id: UUID) -> None:
        """The next messages together, then the reports of the same moment, each alone."""
        for place in await self._read_together(workspace_id):
            await self._read_one(workspace_id, place)

    async def _read_together(self, workspace_id: UUID) -> Sequence[int]:
        """Return what is left to be read alone."""
        places: list[int] = []

        async def read(tx: Tx) -> Saved:
            places.extend(await receipts.due(tx, "message", MOST))
            return await inbox.read(tx, await receipts.opened(tx, places))

        try:
            await self._alone(workspace_id, read)
        except Exception as error:  # one that breaks must not stop the others
            if isinstance(error, UNAVAILABLE) and not is_collision(error):
                raise
            logger.warning("%s messages are read one by one: %s", len(places), type(error).__name__)
            return places
        if len(places) == MOST:
            self._again.add(workspace_id)
        async with self._rt.db.transaction(workspace_id) as tx:
            return await receipts.due(tx, "status", MOST)

    async def _read_one(self, workspace_id: UUID, place: int) -> None:
        try:
            await self._alone(workspace_id, lambda tx: _read_at(tx, place))
        except UNAVAILABLE:  # a collision too: it keeps its place, and nothing behind it overtakes it
            raise
        except Exception as error:  # noqa: BLE001  (a bug: said loudly, and tried again later)
            logger.error("a receipt cannot be read: %s", bare_trace(error))
            await self._put_off(workspace_id, place)

    async def _put_off(self, workspace_id: UUID, place: int) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            if await receipts.later(tx, place) == GIVE_NOTICE:
                await notifications.add(
                    tx, notifications.Kind.RULE, reason="message_unreadable", roles=notifications.RUNNING
                )

    async def _alone(self, workspace_id: UUID, read: Callable[[Tx], Awaitable[Saved]]) -> None:
        """Unless somebody else reads in this business; then they do it."""
        async with self._rt.db.transaction(workspace_id) as tx:
            if not await receipts.try_alone(tx):
                self._not_before[workspace_id] = asyncio.get_running_loop().time() + ELSEWHERE_S
                return
            saved = await read(tx)
        self._rt.crash("inbox_read")
        for topic in saved.topics:
            await self._rt.wake.wake(topic)


async def _read_at(tx: Tx, place: int) -> Saved:
    return await inbox.read(tx, await receipts.opened(tx, [place]))

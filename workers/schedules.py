"""Rules on a schedule: when one is due, every open conversation gets a timer for it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from store import schedules, workspaces
from workers.base import Worker

LEASE = timedelta(seconds=60)
Due = tuple[UUID, str]
"""(workspace, rule)"""


class ScheduleWorker(Worker[Due]):
    topic = "schedules"
    at_once = 2

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await schedules.claim(dispatch, limit, LEASE, self._only)

    async def next_due_s(self) -> float | None:
        async with self._rt.db.dispatch() as dispatch:
            return await schedules.next_due_s(dispatch, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, rule = due
        async with self._rt.db.transaction(workspace_id) as tx:
            await schedules.spread(tx, (await workspaces.get(tx)).profile, rule)

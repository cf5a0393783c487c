"""Fires what is due: drafts that nobody decided, pauses that are over, appointments near and past, waiting rules."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from runtime.wake import DELIVERIES
from store import appointments, audit, conversations, drafts, timers
from store.db import Tx
from store.timers import Timer
from workers import callbacks, news, reminders, rules
from workers.base import Worker

RULED = frozenset({timers.STATUS_AGES, timers.RULE_WAITS, timers.IDLE, timers.ELAPSED, timers.SCHEDULED})
LEASE = timedelta(seconds=30)
Due = tuple[UUID, UUID]
"""(workspace, timer)"""


class TimerWorker(Worker[Due]):
    topic = "timers"

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await timers.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, timer_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            timer = await timers.take(tx, timer_id)
            if timer is not None and timer.kind in RULED:
                await rules.fired(tx, self._rt, timer)
            elif timer is not None and timer.kind == timers.REMINDS:
                await reminders.fired(tx, self._rt, timer)
            elif timer is not None and timer.kind in callbacks.KINDS:
                await callbacks.fired(tx, self._rt, timer)
            elif timer is not None and timer.kind in news.KINDS:
                await news.fired(tx, self._rt, timer)
            elif timer is not None:
                await _fire(tx, timer)
        await self._rt.wake.wake(DELIVERIES)


async def _fire(tx: Tx, timer: Timer) -> None:
    match timer.kind:
        case timers.PAUSE_ENDS:
            await conversations.pause_ended(tx, timer.conversation_id)
        case timers.BEGINS if timer.subject_id is not None:
            await appointments.take_back_reminder(tx, timer.subject_id)
        case timers.OVER if timer.subject_id is not None:
            await appointments.over(tx, timer.subject_id)
        case timers.DRAFT_EXPIRES if timer.subject_id is not None:
            if await drafts.expire(tx, timer.subject_id):
                await audit.add(tx, "system", "draft_expired", "draft", timer.subject_id)

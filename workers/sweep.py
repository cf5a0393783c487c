"""Asks providers for messages whose webhook never reached us: we were away, and they do not come again."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import BadPayload, SendFailed
from runtime.runtime import Runtime
from store import channels, inbox, receipts, workspaces
from workers.base import Worker

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=24)
"""How far the first look of a process goes; never to before the channel was opened here."""
OVERLAP = timedelta(minutes=10)
"""Every further look begins this long before the one before it: clocks differ, and lists are late."""
LEFT_ALONE = timedelta(seconds=15)
"""At most. What is younger may still be on its way: a provider gives a webhook this long."""
Due = tuple[UUID, UUID]
"""(workspace, channel)"""


class SweepWorker(Worker[Due]):
    """Receipts make it harmless: what was received is passed over, whoever received it."""

    topic = "sweep"

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._next: dict[UUID, float] = {}
        self._seen_until: dict[UUID, datetime] = {}

    async def claim(self, limit: int) -> Sequence[Due]:
        """Channels whose turn it is. Two schedulers at once ask twice and store once."""
        now = asyncio.get_running_loop().time()
        async with self._rt.db.dispatch() as dispatch:
            known = await channels.everywhere(dispatch, self._only)
        due = [one for one in known if self._next.get(one[1], 0) <= now][:limit]
        self._next |= {channel_id: now + self._rt.settings.sweep_s for _, channel_id in due}
        return due

    async def work(self, due: Due) -> None:
        workspace_id, channel_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            row = await channels.get(tx, channel_id)
            since = self._seen_until.get(channel_id) or await channels.opened_at(tx, channel_id, LOOK_BACK)
            profile, now = (await workspaces.get(tx)).profile, tx.now
        if row is None or not row.active:
            return
        try:
            held = await self._rt.open_channel(row).missed(self._rt.http, since)
        except (SendFailed, BadPayload, KeyError) as error:
            logger.warning("channel %s was not swept: %s", channel_id, type(error).__name__)
            return
        async with self._rt.db.transaction(workspace_id) as tx:
            missed = await receipts.unseen(tx, row, held, now - self._left_alone())
        for event in missed:
            async with self._rt.db.transaction(workspace_id) as tx:
                saved = await inbox.take(tx, row, profile, [event])
            self._rt.crash("sweep_saved")
            for topic in saved.topics:
                await self._rt.wake.wake(topic)
        if missed:
            logger.warning("channel %s: %s messages had no webhook", channel_id, len(missed))
        self._seen_until[channel_id] = max(since, now - OVERLAP)

    def _left_alone(self) -> timedelta:
        return min(LEFT_ALONE, timedelta(seconds=self._rt.settings.sweep_s))

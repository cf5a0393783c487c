"""Sends what waits: the gate is asked again under the row lock, and an unknown outcome is looked up, not repeated."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from channels.base import Sent
from channels.registry import CHANNELS
from domain.errors import Disposition, SendFailed, SendUnknown
from domain.gate import RefuseReason
from domain.messages import DeliveryState
from runtime import telemetry
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES, VISITORS
from store import (
    audit,
    channels,
    conversations,
    outcomes,
    permission,
    reconciling,
    sending,
    templates,
    visitors,
    workspaces,
)
from store.db import TRACE, Tx
from store.permission import Refused, Waits
from store.reconciling import Lost
from store.sending import Claimed, Ready
from workers import reminders
from workers.base import Worker

logger = logging.getLogger(__name__)


class DeliveryWorker(Worker[Claimed]):
    topic = DELIVERIES

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._lease = timedelta(seconds=rt.settings.send_lease_s)

    async def claim(self, limit: int) -> Sequence[Claimed]:
        async with self._rt.db.dispatch() as dispatch:
            return await sending.claim(dispatch, limit, self._lease, self._only)

    async def next_due_s(self) -> float | None:
        async with self._rt.db.dispatch() as dispatch:
            due = await sending.next_due(dispatch, self._only)
            return (due - dispatch.now).total_seconds() if due else None

    async def work(self, claimed: Claimed) -> None:
        self._rt.crash("delivery_claimed")
        telemetry.about(delivery=claimed.id)
        if claimed.state is DeliveryState.QUEUED:
            await self._deliver(claimed)
        else:
            await self._reconcile(claimed)
        await self._rt.wake.wake(DELIVERIES)  # what stood behind it may leave now

    async def _deliver(self, claimed: Claimed) -> None:
        async with self._rt.db.transaction(claimed.workspace_id) as tx:
            profile = (await workspaces.get(tx)).profile
            ready = await sending.prepare(tx, claimed.id, profile, self._rt.status_url, self._lease)
            if isinstance(ready, Refused) and ready.reason == RefuseReason.LOOP:
                await self._stop_loop(tx, claimed.id, profile.policy.pause_after_human)
        if isinstance(ready, Waits) and ready.reason == permission.NEEDS_TEMPLATE:
            await self._reopen(claimed.workspace_id, claimed.id)
        if isinstance(ready, Ready):
            self._rt.crash("delivery_sending")
            _follow(ready)
            await self._send(claimed.workspace_id, ready)
        elif isinstance(ready, Refused | Waits):
            telemetry.DELIVERIES.labels("refused" if isinstance(ready, Refused) else "waits").inc()

    async def _reopen(self, workspace_id: UUID, delivery_id: UUID) -> None:
        """The window is over: a reminder goes by a template of its own; other words wait, and the customer is asked to
        write again."""
        async with self._rt.db.transaction(workspace_id) as tx:
            profile = (await workspaces.get(tx)).profile
            message_id = await reminders.by_template(tx, profile, delivery_id)
            message_id = message_id or await templates.reopen(tx, delivery_id, profile)
            if message_id is not None:
                await audit.add(tx, "system", "template_queued", "message", message_id)

    async def _stop_loop(self, tx: Tx, delivery_id: UUID, pause: timedelta) -> None:
        """Two machines are talking to each other: a person looks at it."""
        conversation_id = await outcomes.conversation_of(tx, delivery_id)
        await conversations.take_over(tx, conversation_id, None, "system", "loop", pause)

    async def _send(self, workspace_id: UUID, ready: Ready) -> None:
        channel = self._rt.open_channel(ready.channel)
        asked_at = time.monotonic()
        try:
            sent = await channel.send(self._rt.http, ready.outbound)
        except SendUnknown:
            _ended("unknown")
            await self._unknown(workspace_id, ready)
        except SendFailed as error:
            await self._failed(workspace_id, ready, error)
        else:
            self._rt.crash("delivery_sent")
            telemetry.STAGES.labels("sending").observe(time.monotonic() - asked_at)
            _ended("accepted")
            await self._accepted(workspace_id, ready, sent)
            self._rt.crash("delivery_recorded")

    async def _accepted(self, workspace_id: UUID, ready: Ready, sent: Sent) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            await self._take(tx, ready, sent.provider_id)
        await self._tell(ready)

    async def _take(self, tx: Tx, taken: Ready | Lost, provider_id: str) -> None:
        """The provider has it. Where we are the provider, the customer sees it from now on."""
        await outcomes.accepted(tx, taken.delivery_id, taken.attempt, provider_id)
        if CHANNELS[taken.channel.kind].hosted:
            await visitors.show(tx, taken.delivery_id)

    async def _tell(self, taken: Ready | Lost) -> None:
        """Who is connected looks."""
        if CHANNELS[taken.channel.kind].hosted:
            await self._rt.wake.wake(f"{VISITORS}:{taken.outbound.to.value}")

    async def _unknown(self, workspace_id: UUID, ready: Ready) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            await outcomes.unknown(tx, ready.delivery_id, ready.attempt)
            await self._count_failure(tx, ready.channel.id)

    async def _failed(self, workspace_id: UUID, ready: Ready, error: SendFailed) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            disposition = await outcomes.failed(tx, ready.delivery_id, ready.attempt, error)
            _ended("retry" if disposition is Disposition.RETRY else "failed", error.provider_code)
            if disposition is Disposition.ALARM:
                await self._alarm(tx, ready.channel.id, error)
            elif disposition is Disposition.RETRY:
                await self._count_failure(tx, ready.channel.id)

    async def _count_failure(self, tx: Tx, channel_id: UUID) -> None:
        open_until = await channels.failed(tx, channel_id)
        if open_until is not None:
            logger.warning("channel %s: the provider is failing, resting until %s", channel_id, open_until)

    async def _alarm(self, tx: Tx, channel_id: UUID, error: SendFailed) -> None:
        if await outcomes.alarm(tx, channel_id, error):
            logger.error("channel %s suspended: code %s", channel_id, error.provider_code)

    async def _reconcile(self, claimed: Claimed) -> None:
        """Look for it in the provider's own list. Found: it left. Absent for long enough: it never did."""
        async with self._rt.db.transaction(claimed.workspace_id) as tx:
            lost = await reconciling.lost(tx, claimed.id, self._rt.status_url)
        if lost is None:
            return
        channel = self._rt.open_channel(lost.channel)
        if not channel.searchable:
            return await self._stays_unknown(claimed.workspace_id, lost)
        try:
            candidates = await channel.find(self._rt.http, lost.outbound, lost.since)
        except SendFailed as error:
            logger.warning("delivery %s stays unknown: %s", lost.delivery_id, error.code)
            return
        await self._conclude(claimed.workspace_id, lost, candidates)

    async def _stays_unknown(self, workspace_id: UUID, lost: Lost) -> None:
        """Only a report could have told, and none came: it may have arrived, so it is not sent again. A person
        sees it, and what stands behind it goes on."""
        if not lost.give_up:
            return
        async with self._rt.db.transaction(workspace_id) as tx:
            await outcomes.settle(tx, lost.delivery_id, DeliveryState.FAILED, "outcome_unknown")
            await audit.add(tx, "system", "delivery_outcome_unknown", "delivery", lost.delivery_id)

    async def _conclude(self, workspace_id: UUID, lost: Lost, candidates: Sequence[Sent]) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            ids = [one.provider_id for one in candidates]
            free = [one for one in ids if one not in await reconciling.known_ids(tx, lost.channel.id, ids)]
            if free:
                await self._take(tx, lost, free[0])
                _ended("found")
            elif lost.give_up:
                _ended("absent")
                absent = SendFailed(Disposition.RETRY, detail="absent from the provider's list")
                await outcomes.failed(tx, lost.delivery_id, lost.attempt, absent)
        if free:
            await self._tell(lost)


def _follow(ready: Ready) -> None:
    TRACE.set(ready.trace)
    telemetry.about(conversation=ready.conversation_id, turn=ready.turn_id, request=ready.trace)
    waited = ready.started_at - ready.due_at
    telemetry.STAGES.labels("queued").observe(max(0.0, waited.total_seconds()))


def _ended(outcome: str, code: str | None = None) -> None:
    telemetry.DELIVERIES.labels(outcome).inc()
    logger.info("delivery %s%s", outcome, f", code {code}" if code else "")

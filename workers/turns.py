"""Answers conversations: claim, load, think without the database, save if still current."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID

from channels.registry import CHANNELS
from dialogue import summary
from dialogue import turns as dialogue
from domain.errors import SendFailed
from domain.skill import Overtaken
from domain.turn import Turn
from domain.workspace import Posture
from runtime import telemetry
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES, TURNS
from store import channels, summaries, turns, workspaces
from store.db import TRACE, UNAVAILABLE, is_collision
from store.turns import Claim, Outcome, Started
from workers.base import Worker
from workers.loop import bare_trace

logger = logging.getLogger(__name__)

MAX_FAILURES = 3
TELL_S = 2.0
WARM = 8
"""Businesses learnt before the first message; where there are more, most share one model."""


class TurnWorker(Worker[Claim]):
    """Many turns at once; per conversation one, in seq order."""

    topic = TURNS

    def __init__(self, rt: Runtime, name: str, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._name = name
        self._lease = timedelta(seconds=rt.settings.lease_s)

    async def warm_up(self) -> None:
        """Learn every business before its first message, so that nobody waits for it."""
        async with self._rt.db.dispatch() as dispatch:
            known = await workspaces.listed(dispatch)
        for workspace_id, _ in known[:WARM]:
            async with self._rt.db.transaction(workspace_id) as tx:
                profile = (await workspaces.get(tx)).profile
            await asyncio.to_thread(self._rt.understander.prepare, profile)

    async def claim(self, limit: int) -> Sequence[Claim]:
        async with self._rt.db.dispatch() as dispatch:
            return await turns.claim(dispatch, self._name, limit, self._lease, self._only)

    async def next_due_s(self) -> float | None:
        async with self._rt.db.dispatch() as dispatch:
            due = await turns.next_due(dispatch, self._only)
            return (due - dispatch.now).total_seconds() if due else None

    async def work(self, claim: Claim) -> None:
        """One turn. What breaks is tried again, a few times; then a person is asked."""
        self._rt.crash("turn_claimed")
        telemetry.about(conversation=claim.conversation_id)
        claimed_at = time.monotonic()
        turn_id: UUID | None = None
        try:
            async with self._rt.db.transaction(claim.workspace_id) as tx:
                started = await turns.load(tx, claim)
            if started is None:
                telemetry.TURNS.labels("nothing", "").inc()
                return
            turn_id = started.id
            _follow(started)
            self._rt.crash("turn_loaded")
            async with self._keeping(claim), self._reading(started.turn):
                await asyncio.to_thread(self._rt.understander.prepare, started.turn.profile)
                turn = await dialogue.answer(
                    started.turn, self._rt.understander, self._rt.knowledge, self._rt.skills, self._rt.models
                )
            self._rt.crash("turn_answered")
            telemetry.STAGES.labels("thinking").observe(time.monotonic() - claimed_at)
            try:
                await self._save(claim, turn_id, turn)
            except Overtaken:
                await self._overtaken(claim, turn_id)
        except asyncio.CancelledError:
            await self._give_back(claim)
            raise
        except Exception as error:
            if isinstance(error, UNAVAILABLE) and not is_collision(error):
                raise
            await self._failed(claim, turn_id, error)

    @asynccontextmanager
    async def _reading(self, turn: Turn) -> AsyncIterator[None]:
        """Where the channel can, the customer sees that they were read and that an answer is being written."""
        kind, posture = turn.conversation.channel_kind, turn.profile.policy.default
        if posture is not Posture.AUTO or not CHANNELS[kind].shows_reading:
            yield
            return
        telling = asyncio.create_task(self._tell(turn))
        try:
            yield
        finally:
            await telling

    async def _tell(self, turn: Turn) -> None:
        """A courtesy: nothing depends on it, and it never keeps anybody waiting for long."""
        try:
            async with asyncio.timeout(TELL_S):
                async with self._rt.db.transaction(turn.conversation.workspace_id) as tx:
                    newest = await turns.newest(tx, turn)
                    row = await channels.get(tx, newest[0]) if newest else None
                if newest and row:
                    await self._rt.open_channel(row).seen(self._rt.http, newest[1])
        except (SendFailed, TimeoutError, *UNAVAILABLE) as error:
            logger.info("nobody was told that they are read: %s", type(error).__name__)

    async def _save(self, claim: Claim, turn_id: UUID, turn: Turn) -> None:
        answered_at = time.monotonic()
        async with self._rt.db.transaction(claim.workspace_id) as tx:
            outcome = await turns.save(tx, turn_id, turn, self._rt.split)
        self._rt.crash("turn_saved")
        telemetry.STAGES.labels("saving").observe(time.monotonic() - answered_at)
        action = turn.decision.action.value if turn.decision and outcome is Outcome.SAVED else ""
        telemetry.TURNS.labels(outcome.value, action).inc()
        logger.info("turn %s %s", outcome.value, action)
        if outcome is Outcome.SAVED:
            await self._rt.wake.wake(DELIVERIES)
            await self._summarise(turn)
        elif outcome is Outcome.SUPERSEDED:
            await self._rt.wake.wake(TURNS)

    async def _overtaken(self, claim: Claim, turn_id: UUID) -> None:
        """Somebody else was first: the turn runs again and sees it. If that goes on, a person answers."""
        telemetry.TURNS.labels("overtaken", "").inc()
        logger.info("turn overtaken")
        async with self._rt.db.transaction(claim.workspace_id) as tx:
            if await turns.overtaken(tx, claim, turn_id) >= MAX_FAILURES:
                profile = (await workspaces.get(tx)).profile
                await turns.give_up(tx, claim, "overtaken", profile.policy.pause_after_human)
        await self._rt.wake.wake(TURNS)

    async def _summarise(self, turn: Turn) -> None:
        """When the answer is on its way. Whatever goes wrong here, the next turn does it."""
        try:
            made = await summary.summarise(turn, self._rt.models)
            if made is not None:
                async with self._rt.db.transaction(turn.conversation.workspace_id) as tx:
                    await summaries.keep(tx, turn.conversation.id, made)
        except UNAVAILABLE as error:
            logger.info("no summary was kept: %s", type(error).__name__)

    async def _failed(self, claim: Claim, turn_id: UUID | None, error: Exception) -> None:
        telemetry.TURNS.labels("failed", "").inc()
        logger.error("turn of conversation %s failed: %s", claim.conversation_id, bare_trace(error))
        async with self._rt.db.transaction(claim.workspace_id) as tx:
            wait = timedelta(seconds=1)
            failures = await turns.failed(tx, claim, turn_id, type(error).__name__, wait)
            if failures >= MAX_FAILURES:
                profile = (await workspaces.get(tx)).profile
                await turns.give_up(tx, claim, "turn_failed", profile.policy.pause_after_human)

    async def _give_back(self, claim: Claim) -> None:
        async with self._rt.db.dispatch() as dispatch:
            await turns.give_back(dispatch, claim)

    @asynccontextmanager
    async def _keeping(self, claim: Claim) -> AsyncIterator[None]:
        """Renews the lease while a long turn thinks."""
        keeper = asyncio.create_task(self._keep(claim))
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _keep(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                async with self._rt.db.dispatch() as dispatch:
                    if not await turns.renew(dispatch, claim, self._lease):
                        return
            except UNAVAILABLE as error:
                logger.warning("lease not renewed: %s", type(error).__name__)


def _follow(started: Started) -> None:
    """From here on the task's log lines, and the messages it writes, say whose request they answer."""
    TRACE.set(started.trace)
    telemetry.about(turn=started.id, request=started.trace)
    waited = started.turn.now - started.turn.burst[-1].at
    telemetry.STAGES.labels("waiting").observe(max(0.0, waited.total_seconds()))

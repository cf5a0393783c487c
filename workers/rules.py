"""Rules whose event comes by in the log, and those whose time has come. Each looks at a conversation that is held, in one
transaction with what it does and with how far the log was read: nothing is done twice, and nothing is missed."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from dialogue import ruling
from domain.rules import Trigger
from domain.rules.effects import Fired
from domain.rules.rule import TOLD_BY
from domain.turn import Turn
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES
from store import contexts, events, notifications, timers, turns, workspaces
from store import ruling as rules
from store.db import Tx
from store.events import Event
from store.timers import Timer
from workers.base import Worker
from workers.loop import bare_trace

logger = logging.getLogger(__name__)

AT_ONCE = 100
MOST, WINDOW = 10, timedelta(hours=1)
"""So often in one conversation may a rule act outside of messages; then it is one that sets itself off."""
Stage = Callable[[Turn], Turn]


class RuleWorker(Worker[UUID]):
    """Follows the log of each workspace that has rules for it."""

    topic = "rules"
    at_once = 4

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._caught_up = False

    async def claim(self, limit: int) -> Sequence[UUID]:
        """Workspaces in whose log something new can be read."""
        if not self._caught_up:
            await self._catch_up()
        async with self._rt.db.dispatch() as dispatch:
            places = await rules.followers(dispatch, self._only)
            if not places:
                return []
            moved = await events.moved(dispatch, places)
        return [workspace_id for workspace_id, readable in moved.items() if readable][:limit]

    async def _catch_up(self) -> None:
        """Once for each process: a workspace that was stored by software of other rules is followed, and has its times
        planned, as if it were stored now."""
        async with self._rt.db.dispatch() as dispatch:
            found = await rules.unheard(dispatch, self._only)
        for workspace_id in found:
            async with self._rt.db.transaction(workspace_id) as tx:
                await workspaces.plan_rules(tx, (await workspaces.get(tx)).profile)
        self._caught_up = True

    async def work(self, workspace_id: UUID) -> None:
        """The next events, one transaction each: one that breaks holds up nothing that came before it."""
        for _ in range(AT_ONCE):
            if not await self._next(workspace_id):
                break
        await self._rt.wake.wake(DELIVERIES)

    async def _next(self, workspace_id: UUID) -> bool:
        try:
            async with self._rt.db.transaction(workspace_id) as tx:
                event = await self._read(tx)
                if event is not None:
                    await self._ruled(tx, event)
                return event is not None
        except Exception as error:  # noqa: BLE001  (a bug in one event must not stop the workspace's rules for ever)
            logger.error("rules failed at an event: %s", bare_trace(error))
        async with self._rt.db.transaction(workspace_id) as tx:
            if await self._read(tx) is not None:
                await notifications.add(
                    tx, notifications.Kind.RULE, reason="rule_failed", roles=("owner", "admin")
                )
        return True

    async def _read(self, tx: Tx) -> Event | None:
        """The next event that a rule can wait for; the place moves behind it."""
        place = await rules.hold_place(tx)
        if place is None:
            return None
        found = await events.after(tx, place, AT_ONCE)
        wanted = next((one for one in found if one.kind in TOLD_BY and one.conversation_id), None)
        if found:
            await rules.move_place(tx, wanted.place if wanted else found[-1].place)
        return wanted

    async def _ruled(self, tx: Tx, event: Event) -> None:
        assert event.conversation_id is not None
        trigger = TOLD_BY[event.kind]
        changed = await _changed(tx, event, trigger)
        await run(tx, self._rt, event.conversation_id, lambda turn: ruling.rule(turn, trigger), changed)


async def _changed(tx: Tx, event: Event, trigger: Trigger) -> dict[str, Any]:
    """What is different since, as it was."""
    assert event.conversation_id is not None
    if trigger is Trigger.STATUS_CHANGED:
        return {"status": event.details.get("from")}
    if trigger is Trigger.CONTEXT_CHANGED:
        before = await contexts.as_of(tx, event.conversation_id, int(event.details["after"]))
        return {
            name: before[name][0] if name in before else None for name in event.details["fields"].split(",")
        }
    return {}


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    """A timer of a rule or a workflow is due."""
    name, step = str(timer.details.get("rule", "")), int(timer.details.get("step", 0))
    stages: dict[str, Stage] = {
        "status_ages": lambda turn: ruling.rule(turn, Trigger.TIME_ELAPSED),
        "rule_waits": lambda turn: ruling.resume(turn, name, step),
        "conversation_idle": lambda turn: ruling.fire(turn, name),
        "time_elapsed": lambda turn: ruling.fire(turn, name),
        "rule_scheduled": lambda turn: ruling.fire(turn, name),
    }
    if (
        timer.kind == timers.IDLE
        and (seq := await rules.newest_seq(tx, timer.conversation_id)) != timer.details["seq"]
    ):
        await _again(tx, timer, name, seq)
        return
    await run(tx, rt, timer.conversation_id, stages[timer.kind], {})


async def _again(tx: Tx, timer: Timer, name: str, seq: int) -> None:
    """They wrote while a person had the conversation, which sets no timer: silence began anew with that message."""
    profile = (await workspaces.get(tx)).profile
    only = [rule for rule in profile.rules if rule.get("name") == name]
    profile = profile.model_copy(update={"rules": tuple(only)})
    await rules.wind(tx, timer.conversation_id, profile, seq, changed=False)


async def run(tx: Tx, rt: Runtime, conversation_id: UUID, stage: Stage, changed: dict[str, Any]) -> None:
    started = await turns.glimpse(tx, conversation_id)
    if started is None:
        return
    turn = stage(replace(started.turn, changed=changed))
    for one in turn.effects:
        if isinstance(one, Fired) and await rules.often(tx, one.rule, conversation_id, WINDOW) >= MOST:
            await notifications.add(
                tx, notifications.Kind.RULE, conversation_id=conversation_id, reason=f"{one.rule}: too_often",
                roles=("owner", "admin"),
            )  # fmt: skip
            return
    await turns.save_glimpse(tx, started.id, ruling.settle(turn), rt.split)

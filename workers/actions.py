"""Carries out what skills have asked of other people's servers: after the turn that asked, with no transaction open while
the other server thinks. What is not safe to repeat is called once, whatever process dies; then nobody knows, and people are
told."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from dialogue import stack
from domain import policy
from domain.actions import ActionFailed, ActionSettings, RasaSettings, ServerSettings, Trouble
from domain.purpose import Purpose
from domain.skill import Run, RunState, Step
from domain.turn import HandOff, ProposeDraft, Reply, SetField, Turn
from runtime.actions import HttpActions
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES
from skills.rasa import Rasa
from skills.rasa.skill import BODY
from store import audit, effects, notifications, ruling, skill_runs, timers, turns, workspaces
from store.db import Tx
from store.timers import Timer
from workers import talks
from workers.base import Worker

logger = logging.getLogger(__name__)

TOPIC = "actions"
LEASE = timedelta(seconds=60)
"""Longer than an action may take."""
MOST, PAUSE = 3, timedelta(seconds=5)
"""So often what is safe to repeat is called, with a growing pause between."""
Due = tuple[UUID, UUID]
"""(workspace, timer)"""


@dataclass(frozen=True, slots=True)
class Call:
    """One to be made now. `lost`: it was begun before, and nobody knows what became of it."""

    run: Run
    server: ServerSettings
    action: ActionSettings
    body: dict[str, Any]
    key: str
    attempt: int

    @property
    def lost(self) -> bool:
        return self.attempt > (MOST if self.action.safe_to_repeat else 1)


class ActionWorker(Worker[Due]):
    topic = TOPIC

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        super().__init__(rt, only)
        self._actions = HttpActions(rt.db, rt.web)

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await timers.claim(dispatch, limit, LEASE, self._only, calls_out=True)

    async def work(self, due: Due) -> None:
        workspace_id, timer_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            call = await self._begin(tx, timer_id)
        if call is None:
            return
        self._rt.crash("action_begun")
        told = await self._call(workspace_id, call)
        self._rt.crash("action_called")
        async with self._rt.db.transaction(workspace_id) as tx:
            if _again(call, told):
                await timers.again(tx, timer_id, tx.now + PAUSE * call.attempt)
                return
            if (timer := await timers.take(tx, timer_id)) is not None:
                await self._finish(tx, timer, call, told)
        await self._rt.wake.wake(DELIVERIES)

    async def _begin(self, tx: Tx, timer_id: UUID) -> Call | None:
        timer = await timers.begin(tx, timer_id)
        found = await skill_runs.get(tx, timer.subject_id) if timer and timer.subject_id else None
        if timer is None or found is None or found[0].state not in (RunState.ACTIVE, RunState.WAITING):
            await timers.take(tx, timer_id)
            return None
        run, contact_id = found
        profile = (await workspaces.get(tx)).profile
        told = profile.skills.get("rasa")
        declared = RasaSettings.model_validate(told).find(run.goal) if told else None
        written = "after" in timer.details and await ruling.newest_seq(tx, timer.conversation_id) > int(
            timer.details["after"]
        )
        if declared is None or written or BODY not in run.memory:
            await timers.take(tx, timer_id)
            ended = run.ended(RunState.CANCELLED, why="they_wrote" if written else "not_declared")
            await skill_runs.save(tx, timer.conversation_id, contact_id, None, ended)
            if not written:
                await _tell(tx, timer, run, "it is no longer declared, and was not called")
            return None
        return Call(run, *declared, run.memory[BODY], str(timer.details["key"]), timer.attempts)

    async def _call(self, workspace_id: UUID, call: Call) -> Any:
        if call.lost:
            return ActionFailed(Trouble.NO_ANSWER, "the process that called it is gone")
        try:
            return await self._actions.once(workspace_id, call.server, call.action, call.body, call.key)
        except ActionFailed as error:
            logger.warning("action %s of run %s: %s", call.action.name, call.run.id, error.trouble)
            return error

    async def _finish(self, tx: Tx, timer: Timer, call: Call, told: Any) -> None:
        """The answer and all that follows from it, in one transaction."""
        found = await skill_runs.get(tx, call.run.id)
        if found is None:
            return  # its customer was erased
        run, contact_id = found
        became = str(told.trouble) if isinstance(told, ActionFailed) else "answered"
        await audit.add(
            tx, "ai", "action_called", "skill_run", run.id, action=call.action.name, server=call.server.host, became=became
        )  # fmt: skip
        started = await talks.talk(tx, contact_id, timer.conversation_id)
        skill = self._rt.skills["rasa"]
        if started is None or not isinstance(skill, Rasa):
            await skill_runs.save(
                tx, timer.conversation_id, contact_id, None, run.ended(RunState.FAILED, why=became)
            )
            await _tell(tx, timer, run, f"{became}; nobody could be told")
            return
        turn = started.turn
        step = await skill.came(replace(run, state=RunState.ACTIVE), stack.overheard(turn), told)
        text = " ".join(stack.words_of(said, turn) for said in step.said)
        kept = replace(step.run, read_back=text if step.asks_yes else "")
        where = effects.Where(turn.conversation.id, contact_id, None)
        await skill_runs.save(tx, where.conversation_id, contact_id, started.id, kept)
        await effects.apply(tx, step.effects, where)
        await self._say(tx, started, timer, _filled(turn, step), step, text)

    async def _say(
        self, tx: Tx, started: turns.Started, timer: Timer, turn: Turn, step: Step, text: str
    ) -> None:
        ours = turn.standing.owner == "ai"
        if step.for_person and ours:
            words = text if policy.speaks_alone(turn.profile.policy) else ""
            turn = replace(turn, spoken=Reply(text, "skill")).doing(HandOff(step.for_person, words))
            await turns.save_glimpse(tx, started.id, turn, self._rt.split)
        elif await talks.waits(tx, started):
            await turns.save_glimpse(tx, started.id, turn, self._rt.split)
            await _tell(tx, timer, step.run, f"the customer was not told, because a draft waits: {text}")
        elif step.approve:
            await turns.save_glimpse(
                tx, started.id, turn.doing(ProposeDraft(text, step.approve)), self._rt.split
            )
        else:
            reminded = effects.REMINDER in timer.details
            purpose = Purpose.NOTICE if reminded else Purpose.REPLY
            await talks.tell(tx, self._rt, replace(started, turn=turn), text, "action", purpose=purpose)


def _again(call: Call, told: Any) -> bool:
    safe = call.action.safe_to_repeat and call.attempt < MOST
    return isinstance(told, ActionFailed) and safe and told.trouble.may_pass


def _filled(turn: Turn, step: Step) -> Turn:
    known = {field.name for field in turn.profile.fields}
    return turn.doing(
        *(
            SetField(name, value, 1.0, turn.base_seq, "")
            for name, value in step.fills.items()
            if name in known
        )
    )


async def _tell(tx: Tx, timer: Timer, run: Run, said: str) -> None:
    await notifications.add(
        tx, notifications.Kind.RULE, conversation_id=timer.conversation_id, subject_id=run.id,
        reason=f"action {run.goal}", words=f"{run.goal}: {said}", roles=notifications.RUNNING,
    )  # fmt: skip

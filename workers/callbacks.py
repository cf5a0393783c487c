"""A conversation that nobody has taken becomes a call, and a call that nobody has made is brought to mind, in the
transaction that fires the timer."""

from uuid import uuid5

from dialogue import stack
from domain.callback import GOAL, SKILL
from domain.purpose import Purpose
from domain.skill import Run
from runtime.runtime import Runtime
from skills.callback.skill import unasked
from store import callbacks, conversations, effects, skill_runs, timers, turns, workspaces
from store.db import Tx
from store.timers import Timer
from workers import talks

KINDS = frozenset({timers.CALLBACK_DUE, timers.HANDOFF_WAITS})
GOES_ON = frozenset({"want_human", "request", "unknown", "complaint", "action"})
"""For these the assistant may have the conversation back meanwhile, so that the customer can choose another time; for the
others people alone speak."""


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    if timer.kind == timers.CALLBACK_DUE and timer.subject_id is not None:
        await callbacks.overdue(tx, timer.subject_id)
    elif timer.kind == timers.HANDOFF_WAITS:
        await _nobody_came(tx, rt, timer)


async def _nobody_came(tx: Tx, rt: Runtime, timer: Timer) -> None:
    talk = await conversations.hold(tx, timer.conversation_id)
    reason = str(timer.details.get("reason", ""))
    waits = talk.owner == "human" and talk.owner_person_id is None and talk.owner_reason == reason
    profile = (await workspaces.get(tx)).profile
    if talk.state == "closed" or not waits or SKILL not in profile.skills:
        return
    who = await conversations.contact(tx, talk)
    awaited = await callbacks.standing(tx, who.id)
    if awaited.live is not None:
        return
    if reason in GOES_ON:
        await conversations.release(tx, talk.id, "system", answer=False)
    started = await talks.talk(tx, who.id, talk.id)
    if started is None:
        return
    turn = started.turn
    run = Run(uuid5(talk.id, f"nobody came {turn.base_seq}"), SKILL, GOAL, turn.base_seq)
    step = unasked(run, stack.overheard(turn), awaited.number, reason)
    text = " ".join(stack.words_of(said, turn) for said in step.said)
    where = effects.Where(talk.id, who.id, started.id)
    await effects.apply(tx, step.effects, where)
    read_back = text if step.asks_yes else ""
    kept = Run(run.id, run.skill, run.goal, run.began_seq, memory=step.run.memory, read_back=read_back)
    await skill_runs.save(tx, talk.id, who.id, started.id, kept)
    if await talks.waits(tx, started):  # people have the call, and a draft for the customer, before them
        await turns.save_glimpse(tx, started.id, turn, rt.split)
        return
    await talks.tell(tx, rt, started, text, "callback", purpose=Purpose.REPLY)

"""The call-back skill: notes the call at once, says when it will come, asks once whether another time suits, and lets it be
changed or called off by text for as long as nobody has called."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain.callback import (
    GOAL,
    INTENT,
    SKILL,
    Awaited,
    CallbackSettings,
    ChangeCallback,
    DropCallback,
    WantCallback,
    call_time,
)
from domain.ports import Calls
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step, WorldEffect
from skills.callback import reading
from skills.callback.brief import brief

ASKED, WANTED = "asked", "wanted"
FRESH = timedelta(hours=2)
"""So long "make it 3pm" is about the call that was noted last."""


class CallBack(Skill):
    name = SKILL
    description = "Has somebody of the business call the customer."
    risk = Risk.REVERSIBLE
    goals = {INTENT: GOAL}  # noqa: RUF012
    one_run = True

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def holds(self, run: Run, heard: Heard) -> bool:
        """ "Tuesday at 3" just after we asked for a time is no appointment, "cancel the call" cancels none, and "make it 3"
        moves the call that was spoken of last."""
        if reading.wants_none(heard.text) or (_is_fresh(run, heard) and reading.amends(heard)):
            return True
        return _just_asked(run, heard) and self.concerns(run, heard)

    def concerns(self, run: Run, heard: Heard) -> bool:
        if heard.command in (Command.REPEAT, Command.BACK):
            return _just_asked(run, heard)
        if run.memory.get(ASKED) == "number" and reading.number(heard):
            return True
        if _is_fresh(run, heard) and reading.amends(heard):
            return True
        if reading.about_something_else(heard.text):
            return False
        if not reading.about_calls(heard.text) and reading.asks_for_more(heard):
            return False
        timed = reading.wanted(heard, heard.profile.hours) is not None
        if _just_asked(run, heard) and (timed or heard.affirms is not None):
            return True
        return reading.about_calls(heard.text) and (
            timed or bool(reading.number(heard)) or not heard.intent.startswith("ask_") or "?" in heard.text
        )

    async def step(self, run: Run, heard: Heard) -> Step:
        awaited = await self._calls.standing(heard.workspace_id, heard.contact_id)
        if reading.wants_none(heard.text):
            return _called_off(run, awaited)
        wanted = reading.wanted(heard, heard.profile.hours)
        number = reading.number(heard)
        if awaited.live is None:
            if not heard.begins and not run.memory.get(ASKED):
                return Step(run.ended(RunState.DONE), (Said("callback_over"),))
            return _noted(run, heard, number or awaited.number, wanted)
        if wanted is not None or number:
            return _changed(run, heard, awaited, wanted, number)
        if heard.affirms is True and _just_asked(run, heard):
            return Step(run.recalling(**{ASKED: "time"}), (Said("callback_when"),), asks_yes=True)
        if heard.affirms is False and _just_asked(run, heard):
            return Step(
                run.recalling(**{ASKED: ""}), (Said("callback_kept", _facts(heard, awaited.live.call_at)),)
            )
        facts = _facts(heard, awaited.live.call_at, awaited.live.number)
        return Step(run, (Said("callback_already", facts),))

    async def resume(self, run: Run, heard: Heard) -> Step:
        """Another time was asked for once; nothing needs to be said again."""
        return Step(run)

    def release(self, run: Run) -> tuple[WorldEffect, ...]:
        return (DropCallback(run.id),)


def settings_of(heard: Heard) -> CallbackSettings:
    return CallbackSettings.model_validate(heard.profile.skills[SKILL])


def unasked(run: Run, heard: Heard, number: str, reason: str) -> Step:
    """Nobody has taken the conversation: a call is noted, without their having asked for one."""
    step = _noted(run, heard, number, None, reason, asks_number=False)
    return replace(step, said=tuple(replace(one, key="callback_nobody_free") for one in step.said))


def _noted(
    run: Run, heard: Heard, number: str, wanted: datetime | None, reason: str = "want_human", *, asks_number: bool = True
) -> Step:  # fmt: skip
    if not number and asks_number:
        named = wanted.isoformat() if wanted else ""
        return Step(run.recalling(**{ASKED: "number", WANTED: named}), (Said("callback_ask_number"),))
    if wanted is None and run.memory.get(WANTED):
        wanted = datetime.fromisoformat(run.memory[WANTED]).astimezone(heard.now.tzinfo)
    at, fits = call_time(heard.profile.hours, heard.now, wanted)
    settings = settings_of(heard)
    want = WantCallback(
        run.id, heard.contact_id, reason, number, brief(heard), at, at + settings.overdue, wanted
    )
    asks = wanted is None
    facts = _facts(heard, at, number) | {"wanted": wanted is not None, "fits": fits, "asks": asks}
    return Step(
        run.recalling(**{ASKED: "time" if asks else ""}), (Said("callback_noted", facts),), (want,), asks_yes=asks
    )  # fmt: skip


def _changed(run: Run, heard: Heard, awaited: Awaited, wanted: datetime | None, number: str) -> Step:
    live = awaited.live
    assert live is not None
    if wanted is None:
        at, fits, due = live.call_at, True, live.due_at
    else:
        at, fits = call_time(heard.profile.hours, heard.now, wanted)
        due = at + settings_of(heard).overdue
    change = ChangeCallback(live.id, at, due, wanted or live.wanted_at, number)
    facts = _facts(heard, at, number or live.number) | {"fits": fits}
    return Step(run.recalling(**{ASKED: ""}), (Said("callback_changed", facts),), (change,))


def _called_off(run: Run, awaited: Awaited) -> Step:
    if awaited.live is None:
        return Step(run.ended(RunState.DONE), (Said("callback_over"),))
    dropped = (DropCallback(awaited.live.id),)
    return Step(run.ended(RunState.CANCELLED), (Said("callback_cancelled"),), dropped)


def _is_fresh(run: Run, heard: Heard) -> bool:
    return run.touched_at is None or heard.now - run.touched_at <= FRESH


def _just_asked(run: Run, heard: Heard) -> bool:
    last = next((one.text for one in reversed(heard.past) if one.ours), "")
    return bool(run.read_back) and run.read_back in last


def _facts(heard: Heard, at: datetime, number: str = "") -> dict[str, Any]:
    local = at.astimezone(heard.now.tzinfo)
    return {"at": local, "who": settings_of(heard).who, "hint": number[-2:], "now": local <= heard.now}

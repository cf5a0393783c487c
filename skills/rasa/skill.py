"""The skill whose steps are taken by somebody else's server: what it needs is asked for, what it would write is read back
first, and what it answers is obeyed as far as the workspace has declared it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from domain import fields
from domain.actions import (
    SKILL,
    ActionFailed,
    ActionSettings,
    CallAction,
    DropReminders,
    RasaSettings,
    ServerSettings,
    Trouble,
)
from domain.fields import Complaint, Field_, Here
from domain.ports import Actions, Identities
from domain.rules.effects import Tell
from domain.skill import Command, Heard, Risk, Run, RunState, Said, SaveRun, Skill, Step, WorldEffect
from domain.workspace import Profile
from skills.rasa import answer, tracker
from skills.rasa.answer import Answer

CALLING, BODY, ASKED, TRIES, DIGEST, CALLS = "calling", "body", "asked", "tries", "digest", "calls"
TIRED = 2
"""So often one slot is asked for before a person goes on."""
CHAIN = 3
"""So many actions follow each other on one message."""
_TELLING = frozenset({"give_information", "affirm", "deny", "unknown"})
"""Intents of a message that may be the answer to our question, understood or not."""
Found = tuple[ServerSettings, ActionSettings]


class Rasa(Skill):
    name = SKILL
    description = "Does what the business's own action server can do."
    risk = Risk.REVERSIBLE
    goals = {}  # noqa: RUF012  (the workspace declares them)

    def __init__(self, actions: Actions, identities: Identities) -> None:
        self._actions = actions
        self.identities = identities

    def begun_by(self, profile: Profile) -> Mapping[str, str]:
        found = [one for server in settings_of(profile).servers for one in server.actions]
        return {intent: one.description for one in found for intent in (one.name, *one.begin)}

    def verifies(self, run: Run, heard: Heard) -> int:
        found = settings_of(heard.profile).find(run.goal)
        return found[1].verification if found else 0

    def goal(self, intent: str, heard: Heard) -> str | None:
        settings = settings_of(heard.profile)
        if settings.find(intent):
            return intent
        actions = (one for server in settings.servers for one in server.actions)
        return next((one.name for one in actions if intent in one.begin), None)

    def calls_off(self, run: Run) -> bool:
        """What is being carried out is not called off by a word."""
        return not run.memory.get(CALLING)

    def concerns(self, run: Run, heard: Heard) -> bool:
        found = settings_of(heard.profile).find(run.goal)
        if found is None or heard.command is not None:
            return found is not None
        if run.memory.get(CALLING):
            return False
        settled = heard.affirms is not None and "?" not in heard.text
        if settled and (run.memory.get(DIGEST) or _asks_yes_or_no(run, found[1])):
            return True
        answers = heard.intent in _TELLING and "?" not in heard.text
        return bool(_read(run, heard, found[1])) or bool(run.memory.get(ASKED) and answers)

    async def step(self, run: Run, heard: Heard) -> Step:
        found = settings_of(heard.profile).find(run.goal)
        if found is None:  # begun by a rule, or no longer declared
            return Step(
                run.ended(RunState.FAILED, why="not_declared"), (Said("rasa_gone"),), for_person="action"
            )
        if run.memory.get(CALLING):
            return Step(run, (Said("rasa_working", _what(found[1], heard)),))
        new = _read(run, heard, found[1])
        declined = heard.affirms is False and not heard.begins and "?" not in heard.text
        if declined and run.memory.get(DIGEST) and not new:
            return Step(run.ended(RunState.CANCELLED), (Said("rasa_dropped"),))
        if heard.command is Command.BACK:
            run = _back(run)
        elif run.memory.get(ASKED) and not new and not heard.begins:
            run = run.recalling(**{TRIES: run.memory.get(TRIES, 0) + 1})
        return await self._onward(run.holding(**new), heard, found, defer=False)

    async def resume(self, run: Run, heard: Heard) -> Step:
        quiet = replace(
            heard, text="", entities=(), told=frozenset(), affirms=None, confirmed=False, command=None,
            begins=True, reads=lambda _fields, _asked: {},
        )  # fmt: skip
        return await self.step(run, quiet)

    async def came(self, run: Run, heard: Heard, told: Any) -> Step:
        """An action that was carried out without the customer waiting has answered with `told`, or failed: an
        ActionFailed. Calls nobody: what follows is left to be called."""
        found = settings_of(heard.profile).find(run.goal)
        if found is None:
            return Step(
                run.ended(RunState.FAILED, why="not_declared"), (Said("rasa_gone"),), for_person="action"
            )
        run = replace(
            run, memory={name: one for name, one in run.memory.items() if name not in (CALLING, BODY)}
        )
        return await self._came(run, heard, found, told, run.slots, defer=True)

    async def _onward(self, run: Run, heard: Heard, found: Found, *, defer: bool, chain: int = 0) -> Step:
        """What is missing is asked for, what is written is read back, the rest is carried out."""
        server, action = found
        slots = _values(run, heard, action)
        missing = next((one for one in action.slots if one.required and slots.get(one.name) is None), None)
        if missing is not None:
            return _ask(run, missing, heard, action)
        run = run.recalling(**{ASKED: "", TRIES: 0})
        digest = _digest(action, slots)
        if action.confirms and not (heard.confirmed and run.memory.get(DIGEST) == digest):
            said = Said("rasa_confirm", _what(action, heard) | {"values": _shown(action, slots, heard)})
            return Step(run.recalling(**{DIGEST: digest}), (said,), asks_yes=True)
        calls = int(run.memory.get(CALLS, 0)) + 1
        run = run.recalling(**{CALLS: calls, DIGEST: ""}).holding(
            **{name: value for name, value in slots.items() if value is not None}
        )
        body = tracker.call(server, action, run, heard, slots)
        key = f"{run.id}:{calls}"
        if defer or not action.at_once:
            waiting = run.recalling(**{CALLING: True, BODY: body})
            return Step(waiting, (Said("rasa_working", _what(action, heard)),), (CallAction(run.id, key),))
        try:
            told: Any = await self._actions.call(heard.workspace_id, server, action, body, key)
        except ActionFailed as error:
            told = error
        return await self._came(run, heard, found, told, slots, defer=False, chain=chain + 1)

    async def _came(
        self, run: Run, heard: Heard, found: Found, told: Any, slots: Mapping[str, Any], *, defer: bool, chain: int = 0
    ) -> Step:  # fmt: skip
        server, action = found
        try:
            if isinstance(told, ActionFailed):
                raise told
            read = answer.read(told, server, action, slots, Here(heard.now, heard.language))
        except ActionFailed as error:
            return _failed(run, heard, found, error)
        run = replace(run, slots={} if read.reset else run.slots).holding(**read.slots)
        effects = (*_reminders(run, heard, found, read, slots), *_reported(found, read))
        said = (Said("rasa_says", {"text": read.text}),) if read.text else ()
        approve = "action_link" if read.leads_away else ""
        fills = {name: value for name, value in read.slots.items() if value is not None}
        if read.followup and (follows := settings_of(heard.profile).find(read.followup)):
            if chain < CHAIN and follows[1].name != action.name:
                next_ = _fresh(replace(run, goal=read.followup))
                unsaid = replace(heard, confirmed=False, affirms=None)
                step = await self._onward(next_, unsaid, follows, defer=defer, chain=chain)
                return replace(
                    step, said=(*said, *step.said), effects=(*effects, *step.effects), fills={**fills, **step.fills},
                    approve=approve or step.approve, sources=(SKILL,),
                )  # fmt: skip
            effects = (*effects, *_reported(found, Answer().reporting("too many actions follow each other")))
        if read.ask and (wanted := action.slot(read.ask)) is not None:
            asking = replace(run, slots={n: v for n, v in run.slots.items() if n != read.ask})
            step = _ask(asking, wanted, heard, action)
            return replace(step, said=(*said, *step.said), effects=effects, fills=fills, approve=approve)
        done = run.ended(RunState.DONE, action=action.name)
        return Step(
            done, said or (Said("rasa_done", _what(action, heard)),), effects, sources=(SKILL,), fills=fills,
            approve=approve,
        )  # fmt: skip


def settings_of(profile: Profile) -> RasaSettings:
    return RasaSettings.model_validate(profile.skills[SKILL])


def _asks_yes_or_no(run: Run, action: ActionSettings) -> bool:
    asked = action.slot(run.memory.get(ASKED) or "")
    return asked is not None and asked.type == "boolean"


def _read(run: Run, heard: Heard, action: ActionSettings) -> dict[str, Any]:
    """What this message says for the action's slots: by our reading of it; an answer also by what the slot takes."""
    asked = action.slot(run.memory.get(ASKED) or "")
    found = dict(heard.reads(action.slots, asked.name if asked else ""))
    if asked is not None and asked.name not in found and "?" not in heard.text and not heard.begins:
        value = fields.parse(heard.text, asked, Here(heard.now, heard.language))
        if not isinstance(value, Complaint) and (asked.type != "text" or len(heard.text) <= 200):
            found[asked.name] = value
    return found


def _values(run: Run, heard: Heard, action: ActionSettings) -> dict[str, Any]:
    """Of every slot that is declared, what is known: told to this run, else by the conversation's own fields."""
    here = Here(heard.now, heard.language)
    values = dict[str, Any]()
    for one in action.known:
        value = run.slots.get(one.name)
        if value is None and heard.context.get(one.name) is not None:
            read = fields.accept(heard.context[one.name], one, here)
            value = None if isinstance(read, Complaint) else read
        values[one.name] = value
    return values


def _ask(run: Run, slot: Field_, heard: Heard, action: ActionSettings) -> Step:
    if run.memory.get(ASKED) == slot.name and run.memory.get(TRIES, 0) > TIRED:
        return Step(
            run.ended(RunState.FAILED, why="not_understood"), (Said("rasa_failed", _what(action, heard)),),
            for_person="action",
        )  # fmt: skip
    tries = run.memory.get(TRIES, 0) if run.memory.get(ASKED) == slot.name else 0
    return Step(run.recalling(**{ASKED: slot.name, TRIES: tries}), (Said("ask_slot", slot=slot),))


def _back(run: Run) -> Run:
    """One step back: the slot that was told last is asked for again."""
    kept = dict(run.slots)
    if kept:
        kept.popitem()
    return replace(_fresh(run), slots=kept)


def _fresh(run: Run) -> Run:
    return run.recalling(**{ASKED: "", TRIES: 0, DIGEST: ""})


def _digest(action: ActionSettings, slots: Mapping[str, Any]) -> str:
    """Of all that is read back: a yes is to exactly this."""
    whole = json.dumps([action.name, dict(slots)], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()


def _what(action: ActionSettings, heard: Heard) -> dict[str, Any]:
    return {"what": action.name_for_people(heard.language)}


def _shown(action: ActionSettings, slots: Mapping[str, Any], heard: Heard) -> list[str]:
    here = Here(heard.now, heard.language)
    return [
        f"{one.name.replace('_', ' ')} {fields.show(slots[one.name], one, here)}"
        for one in action.slots
        if slots.get(one.name) is not None
    ]


def _failed(run: Run, heard: Heard, found: Found, error: ActionFailed) -> Step:
    """Who asked hears what is known, and a person sees to it. What may have been written is never called not done."""
    _, action = found
    unknown = action.confirms and not error.trouble.surely_not_done
    unknown = unknown or (not action.safe_to_repeat and not error.trouble.surely_not_done)
    key = (
        "rasa_unknown" if unknown else "rasa_rejected" if error.trouble is Trouble.REJECTED else "rasa_failed"
    )
    state = "nobody knows whether it was carried out" if unknown else "it was not carried out"
    said = f"{error.trouble.replace('_', ' ')}{f' ({error.said})' if error.said else ''}; {state}"
    return Step(
        run.ended(RunState.FAILED, why=str(error.trouble), unknown=unknown), (Said(key, _what(action, heard)),),
        (_tell(found, said),), for_person="action_unknown" if unknown else "action",
    )  # fmt: skip


def _reported(found: Found, read: Answer) -> tuple[WorldEffect, ...]:
    return (_tell(found, f"not obeyed: {'; '.join(read.reports)}"),) if read.reports else ()


def _tell(found: Found, said: str) -> Tell:
    server, action = found
    return Tell(("owner", "admin"), (), f"{action.name} at {server.host}: {said}", f"action {action.name}")


def _reminders(
    run: Run, heard: Heard, found: Found, read: Answer, slots: Mapping[str, Any]
) -> tuple[WorldEffect, ...]:
    server, _ = found

    def named(name: str) -> UUID:
        return uuid5(heard.conversation_id, f"{server.url} {name}")

    effects: list[WorldEffect] = [
        DropReminders(None if name == "*" else named(name)) for name in read.dropped
    ]
    for one in read.reminders:
        action = server.action(one.action)
        assert action is not None  # `answer.read` has looked
        later = Run(
            uuid5(run.id, f"{one.name} {one.at.isoformat()}"), SKILL, one.action, heard.seq, RunState.WAITING,
            dict(run.slots),
        )  # fmt: skip
        known = {field.name: slots.get(field.name) for field in action.known}
        body = tracker.external(tracker.call(server, action, later, heard, known), one.action)
        later = later.recalling(**{CALLING: True, BODY: body})
        call = CallAction(later.id, f"{later.id}:1", one.at, named(one.name), one.unless_they_write)
        effects += [SaveRun(later), call]
    return tuple(effects)

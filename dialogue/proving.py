"""The door before skills that want to know who is there: no step, and no word of theirs, before a one-time code that
went to another address of the customer came back from here. What they had asked is then answered."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dialogue import words
from domain.identity import CODE_LIFE, Identity, SendCode
from domain.identity import Heard as Code
from domain.skill import Heard, Run, RunState, Said, Skill, Step

PROVING = "proving"
"""What the run remembers meanwhile: the words and the intent that wait, and the purpose of the code."""
_AGAIN = re.compile(
    r"\b(?:(?:new|another|send|resend|text me) (?:the |a |me a |me the |it )?(?:code|again|one)|no code"
    r"|(?:did ?n[o']?t|never|haven'?t) (?:get|got|receive|received|arrive|come)"
    r"|(?:otro|nuevo|env[ií]\w* (?:el|un|otro)) c[oó]digo|no (?:me )?lleg[oó]|reenv[ií]\w*)\b",
    re.IGNORECASE,
)


def proves(run: Run) -> bool:
    """The run waits for a code."""
    return PROVING in run.memory


def typed(run: Run | None, heard: Heard) -> bool:
    """This message brings the code that the run waits for, right or wrong."""
    return run is not None and proves(run) and _identity(heard).heard is not None


def concerns(skill: Skill, run: Run, heard: Heard) -> bool:
    if not proves(run):
        return skill.concerns(run, heard)
    if typed(run, heard) or heard.command is not None or _AGAIN.search(heard.text):
        return True
    return _may_change(run, heard) and skill.concerns(_without(run), heard)


async def step(skill: Skill, run: Run, heard: Heard) -> Step:
    """The skill's step if they are known, else one on the way there."""
    if not skill.verifies(run, heard):
        return await skill.step(run, heard)
    waits = run.memory.get(PROVING)
    if waits and _identity(heard).heard in (Code.WRONG, Code.SPENT):
        return _refused(run, heard)
    purpose = waits["purpose"] if waits else ""
    if not _identity(heard).proves(purpose, heard.now):
        if waits and _may_change(run, heard) and not _AGAIN.search(heard.text):
            return await _changed(skill, run, heard, purpose)
        return await _ask(skill, run, heard, purpose, waits.get("says", "") if waits else "")
    if waits:
        run, heard = _without(run), _as_asked(heard, waits)
    step = await skill.step(run, heard)
    if step.proof and not _identity(heard).proves(step.proof, heard.now):
        return await _ask(skill, step.run, heard, step.proof, _allowed(step, heard))
    return step


def _may_change(run: Run, heard: Heard) -> bool:
    """They are known, and a code for something is on its way: what they say now may be about that something."""
    return bool(run.memory[PROVING]["purpose"]) and _identity(heard).proves("", heard.now)


async def _changed(skill: Skill, run: Run, heard: Heard, purpose: str) -> Step:
    """The code that is on its way was for what was read to them; for anything else there is another."""
    step = await skill.step(_without(run), heard)
    if step.proof == purpose:
        return await _ask(skill, run, heard, purpose, run.memory[PROVING].get("says", ""))
    if not step.proof or _identity(heard).proves(step.proof, heard.now):
        return step
    return await _ask(skill, step.run, heard, step.proof, _allowed(step, heard))


def _allowed(step: Step, heard: Heard) -> str:
    return _words(step.proof_says.key, heard, **step.proof_says.facts) if step.proof_says else ""


async def resume(skill: Skill, run: Run, heard: Heard) -> Step:
    """Where we were. Whoever is not known is told only that a code is waited for."""
    waits = run.memory.get(PROVING)
    if not skill.verifies(run, heard) or (not waits and _identity(heard).proves("", heard.now)):
        return await skill.resume(run, heard)
    waiting = waits and _identity(heard).waits_for == waits["purpose"]
    return Step(run, (Said("identity_waits" if waiting else "identity_paused"),))


async def _ask(skill: Skill, run: Run, heard: Heard, purpose: str, says: str) -> Step:
    """`says`: what the code allows, "" for being known."""
    before = run.memory.get(PROVING)
    if before and before["purpose"] == purpose and _identity(heard).waits_for == purpose:
        if not _AGAIN.search(heard.text):
            return Step(run, (Said("identity_waits"),))
        kept = run
    else:
        asked = before or {"text": heard.text, "intent": heard.intent}
        kept = run.recalling(**{PROVING: {**asked, "purpose": purpose, "says": says}})
    way = None
    if skill.identities is not None and heard.thread_id is not None:
        way = await skill.identities.way(heard.workspace_id, heard.contact_id, heard.thread_id)
    if way is None or heard.thread_id is None:
        return Step(_without(run).ended(RunState.FAILED), (Said("identity_no_way"),), for_person="identity")
    facts = {"hint": way.hint, "minutes": int(CODE_LIFE.total_seconds() // 60)}
    text, kept_text = (
        f"{says} {_words('identity_text', heard, code=code, **facts)}".strip()
        for code in ("{code}", "••••••")
    )
    send = SendCode(
        heard.contact_id, heard.thread_id, way.address_id, way.channel_id, purpose, text, kept_text
    )
    told = Said("identity_sent_for", facts | {"what": says}) if says else Said("identity_sent", facts)
    return Step(kept, (told,), (send,))


def _refused(run: Run, heard: Heard) -> Step:
    if _identity(heard).heard is Code.WRONG:
        return Step(run, (Said("identity_wrong", {"left": _identity(heard).left}),))
    return Step(_without(run).ended(RunState.FAILED), (Said("identity_spent"),), for_person="identity")


def _identity(heard: Heard) -> Identity:
    return heard.identity or Identity()


def _without(run: Run) -> Run:
    return replace(run, memory={name: value for name, value in run.memory.items() if name != PROVING})


def _as_asked(heard: Heard, waits: Mapping[str, Any]) -> Heard:
    """The message that the code has freed, as if it came now. It confirms nothing."""
    return replace(
        heard, text=waits["text"], intent=waits["intent"], command=None, affirms=None, confirmed=False, begins=True,
        entities=(), told=frozenset(),
    )  # fmt: skip


def _words(key: str, heard: Heard, **facts: Any) -> str:
    profile = heard.profile
    return words.say(
        key, heard.language, profile.assistant.personality, business=profile.workspace.name, **facts
    )

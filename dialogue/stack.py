"""Which skill a message is for: it begins one, goes on with the one under way, stands beside it (a question in the
middle), calls it off, or comes back to one that was left. The skill takes one step; nothing happens yet."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid5

from dialogue import commands, proving, schemas, words
from dialogue.asking import context_of, last_of_ours, question, summary
from dialogue.compose import language_of
from dialogue.context import read_fields
from domain.policy import URGENT
from domain.skill import Command, Heard, Run, RunState, Said, SaveRun, Skill, Spoken, Step
from domain.turn import Author, NameContact, Part, Reply, SetField, Turn

FRESH = timedelta(hours=2)
"""After a longer silence a question is only answered; what was under way waits until the customer comes back to it."""
STALE = timedelta(days=14)
"""After a longer silence what was under way is forgotten."""
_LEFT_ALONE = URGENT | {"complaint"}
"""In these a person is needed, whatever was under way."""

Skills = Mapping[str, Skill]


async def act(turn: Turn, skills: Skills) -> Turn:
    """Lets one skill take a step, if the message is for one. Puts its words and effects into the turn."""
    understood = turn.understood
    enabled = {name: skill for name, skill in skills.items() if name in turn.profile.skills}
    if not enabled or understood is None or understood.automatic or understood.intent in _LEFT_ALONE:
        return turn
    runs = [run for run in turn.runs if run.skill in enabled and not _stale(run, turn)]
    top = runs[0] if runs else None
    heard = await _pointing(_heard(turn, top), enabled, runs)
    kept = proving.typed(top, heard) or (top is not None and enabled[top.skill].holds(top, heard))
    begun = None if kept else _begun(turn, enabled, runs, heard)
    off = top is not None and begun is None and heard.command is Command.CANCEL
    if top is not None and off and enabled[top.skill].calls_off(top):
        return await _called_off(turn, enabled, heard, top, runs[1:])
    if begun is not None:
        skill, run, part = begun
        turn, heard = _in_schema(turn, skill, top, heard)
        anew = run not in runs
        begins = replace(heard, begins=anew, confirmed=heard.confirmed and run is top)
        step = await proving.step(skill, run, begins)
        return _stepped(turn, skill, step, [part.intent, *_said_again(turn, skill, run, heard)], began=anew)
    if top is None:
        return turn
    skill = enabled[top.skill]
    if heard.command is Command.REPEAT:
        return _stepped(turn, skill, await proving.resume(skill, top, heard), _all(turn))
    if proving.concerns(skill, top, heard):
        step = await proving.step(skill, top, heard)
        return _stepped(turn, skill, step, _taken(turn, skill, top, heard))
    it = replace(heard, subject=heard.subject or skill.about(top))
    for run in runs[1:]:
        below = enabled[run.skill]
        if not below.verification and _fresh(run, turn) and below.answers(run, it):
            turn = _stepped(turn, below, await below.step(run, it), _taken(turn, below, run, it))
            return _stepped(turn, skill, await proving.resume(skill, top, heard), [])
    return await _beside(turn, skill, top, heard)


async def begin(turn: Turn, skills: Skills) -> Turn:
    """The skill that a rule wants begins, unless it took a step already."""
    if turn.wanted is None or turn.understood is None or turn.spoken is not None:
        return turn
    name, goal = turn.wanted
    skill = skills.get(name) if name in turn.profile.skills else None
    if skill is None or any(run.skill == name for run in turn.runs):
        return turn
    turn = schemas.of_skill(turn, name)
    run_id = uuid5(turn.conversation.id, f"{turn.base_seq}:{name}:{goal}")
    run = Run(run_id, name, goal or next(iter(skill.goals.values()), "begin"), turn.base_seq)
    step = await proving.step(skill, run, replace(_heard(turn, None), begins=True))
    return _stepped(turn, skill, step, _all(turn), began=True)


def _in_schema(turn: Turn, skill: Skill, top: Run | None, heard: Heard) -> tuple[Turn, Heard]:
    """A skill that begins may bring a schema; then the message says other things."""
    moved = schemas.of_skill(turn, skill.name)
    return (turn, heard) if moved is turn else (moved, replace(_heard(moved, top), subject=heard.subject))


async def _pointing(heard: Heard, enabled: Skills, runs: list[Run]) -> Heard:
    """With what the message points at, of what was shown last; else what it names."""
    resting = [(skill, None) for name, skill in enabled.items() if all(run.skill != name for run in runs)]
    for skill, run in (*((enabled[run.skill], run) for run in runs), *resting):
        if not skill.verification and (subject := await skill.points_at(run, heard)):
            return replace(heard, subject=subject)
    return heard


def _begun(turn: Turn, enabled: Skills, runs: list[Run], heard: Heard) -> tuple[Skill, Run, Part] | None:
    """The first part of the burst that wants what a skill does. The goal that is under way goes on."""
    assert turn.understood is not None
    for part in turn.understood.parts:
        for skill in enabled.values():
            goal = skill.goal(part.intent, replace(heard, part=part.text))
            if goal is None:
                continue
            own = [run for run in (runs if skill.one_run else runs[:1]) if run.skill == skill.name]
            if own and skill.continues(own[0], goal, heard):
                return skill, own[0], part
            run_id = uuid5(turn.conversation.id, f"{turn.base_seq}:{skill.name}:{goal}")
            return skill, Run(run_id, skill.name, goal, turn.base_seq), part
    return None


async def _called_off(turn: Turn, enabled: Skills, heard: Heard, top: Run, rest: list[Run]) -> Turn:
    skill = enabled[top.skill]
    ended = top.ended(RunState.CANCELLED)
    turn = _stepped(turn, skill, Step(ended, (Said("skill_cancelled"),), skill.release(top)), _all(turn))
    if not rest or not _fresh(rest[0], turn):
        return turn
    below = enabled[rest[0].skill]
    return _stepped(
        turn, below, await proving.resume(below, rest[0], replace(heard, command=None)), _all(turn)
    )


async def _beside(turn: Turn, skill: Skill, run: Run, heard: Heard) -> Turn:
    """A question in the middle: it is answered, and then we are where we were."""
    assert turn.understood is not None
    asks = any(part.intent.startswith("ask_") or "?" in part.text for part in turn.understood.parts)
    if not asks or not _fresh(run, turn):
        return turn.noting(f"{skill.name} is under way and waits.")
    step = await proving.resume(skill, run, heard)
    if not step.said:
        return turn.noting(f"{skill.name} has nothing to say again.")
    return _stepped(turn, skill, step, [], after=True)


def _stepped(
    turn: Turn, skill: Skill, step: Step, taken: list[str], *, after: bool = False, began: bool = False
) -> Turn:
    text = " ".join(words_of(said, turn) for said in step.said)
    run = replace(step.run, read_back=text if step.asks_yes else "")
    before = turn.spoken.text if turn.spoken else ""
    kind = "request" if step.for_person else "skill"
    spoken = Reply(
        f"{before} {text}".strip(), kind, step.sources,
        published=text if step.published else "", approve=step.approve,
    )  # fmt: skip
    note = (
        f"{skill.name} ({run.goal}) {'began' if began else 'goes on'}: {', '.join(s.key for s in step.said)}"
    )
    turn = turn.noting(f"{note}{'; a person goes on: ' + step.for_person if step.for_person else ''}.")
    turn = replace(
        turn,
        spoken=spoken,
        spoken_after=after,
        taken=turn.taken | frozenset(taken),
        skill=skill.name,
        pending=(*turn.pending, *step.effects, SaveRun(run)),
    )
    known = {field.name for field in turn.profile.fields}
    fills = [
        SetField(name, value, 1.0, turn.base_seq, "") for name, value in step.fills.items() if name in known
    ]
    return turn.doing(*fills)


def words_of(said: Said, turn: Turn) -> str:
    """In the customer's language."""
    language = language_of(turn)
    if said.slot is not None:
        return question(said.slot, language, turn, None)
    asked = next((field for field in turn.profile.fields if field.name == said.field), None)
    if asked is not None:
        return question(asked, language, turn, context_of(turn).get(asked.name))
    facts = {**said.facts, "summary": summary(turn, language)} if "summary" in said.facts else said.facts
    known = {"business": turn.profile.workspace.name, "assistant": turn.profile.assistant.name}
    return words.say(said.key, language, turn.profile.assistant.personality, **{**known, **facts})


def overheard(turn: Turn) -> Heard:
    """What a skill may look at when nobody has just written."""
    conversation = turn.conversation
    return Heard(
        "", "", language_of(turn), turn.now, turn.profile, conversation.workspace_id, conversation.contact_id,
        conversation.id, conversation.channel_kind, turn.base_seq, past=_past(turn), identity=turn.identity,
        context={name: value.value for name, value in context_of(turn).items()},
        contact_name=conversation.contact_name, thread_id=conversation.thread_id,
    )  # fmt: skip


def _past(turn: Turn) -> tuple[Spoken, ...]:
    return tuple(Spoken(line.text, line.at, line.author is not Author.CONTACT) for line in turn.history)


def _heard(turn: Turn, top: Run | None) -> Heard:
    understood, conversation = turn.understood, turn.conversation
    assert understood is not None
    last = last_of_ours(turn)
    yes = commands.affirms(turn.text, understood)
    asked = bool(top and top.read_back and last and top.read_back in last.text)
    told = [effect.name for effect in turn.effects if isinstance(effect, SetField)]
    named = next((effect.name for effect in turn.effects if isinstance(effect, NameContact)), None)
    return Heard(
        turn.text, understood.intent, language_of(turn), turn.now, turn.profile, conversation.workspace_id,
        conversation.contact_id, conversation.id, conversation.channel_kind, turn.base_seq, understood.entities,
        {name: value.value for name, value in context_of(turn).items()}, frozenset(told),
        named or conversation.contact_name, yes, bool(yes and asked and not commands.hedged(turn.text)),
        commands.command(turn.text) if top else None, identity=turn.identity, thread_id=conversation.thread_id,
        past=_past(turn),
        sure=understood.confidence, reads=partial(read_fields, turn),
    )  # fmt: skip


def _taken(turn: Turn, skill: Skill, run: Run, heard: Heard) -> list[str]:
    """What a skill that goes on has answered: intents, and of plain questions, which stand beside it, the words of those
    that were for it."""
    assert turn.understood is not None
    taken = []
    for part in turn.understood.parts:
        if not (part.intent.startswith("ask_") and "?" in part.text):
            taken.append(part.intent)
        elif skill.answers(run, replace(heard, text=part.text)):
            taken.append(part.text)
    return taken


def _said_again(turn: Turn, skill: Skill, run: Run, heard: Heard) -> list[str]:
    """The words of every part that wants what has just begun: "a consultation please", "send me the link"."""
    assert turn.understood is not None
    parts = turn.understood.parts
    return [one.text for one in parts if skill.goal(one.intent, replace(heard, part=one.text)) == run.goal]


def _all(turn: Turn) -> list[str]:
    assert turn.understood is not None
    return [part.intent for part in turn.understood.parts]


def _fresh(run: Run, turn: Turn) -> bool:
    return run.touched_at is None or turn.now - run.touched_at <= FRESH


def _stale(run: Run, turn: Turn) -> bool:
    return run.touched_at is not None and turn.now - run.touched_at > STALE

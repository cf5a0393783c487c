"""Which schema a conversation fills: a rule, its channel, a skill or a person says so, and it may change in the middle.
What a person chose stays until a person says otherwise."""

from collections.abc import Mapping
from dataclasses import replace

from dialogue.asking import context_of
from dialogue.context import fill_context
from domain import context, workflow
from domain.context import Move
from domain.fields import Here
from domain.rules.effects import SetStatus
from domain.turn import Turn, UseSchema, Value
from domain.workspace import Schema


def of_channel(turn: Turn) -> Turn:
    """Nobody has chosen yet: what the channel is for decides."""
    if turn.standing.schema:
        return turn
    kind, address = turn.conversation.channel_kind, turn.conversation.channel_address
    here = next((one for one in turn.profile.channels if (one.kind, one.address) == (kind, address)), None)
    return use(turn, here.schema_, "channel", f"{kind} {address}".rstrip()) if here and here.schema_ else turn


def of_skill(turn: Turn, skill: str) -> Turn:
    """A skill that begins brings the schema that its settings name."""
    name = turn.profile.skills.get(skill, {}).get("schema")
    return use(turn, name, "skill", skill) if name else turn


def use(turn: Turn, name: str, by: str, why: str, actor: str = "system", *, keep: bool = True) -> Turn:
    """The turn goes on with this schema: its fields, its workflow, and what the message at hand says of them. Without
    `keep` it is no choice: the next channel, rule or skill may choose another."""
    standing, after = turn.standing, turn.profile.schema_named(name)
    if name == standing.schema and keep:
        return turn
    if standing.schema_by == "human" and by != "human":
        chose = f"a person chose {standing.schema}, which stays"
        return turn.noting(f"{by.capitalize()} {why} wants schema {name}; {chose}.")
    if after is None:
        return turn.noting(f"{by.capitalize()} {why} wants schema {name}, which is not there.")
    before = turn.profile.schemas[0]
    moved = _moved(turn, before, after)
    chosen, left_with = name if keep else "", before.name if after is not before else ""
    effect = UseSchema(chosen, standing.schema, by, why, moved.left, moved.back, left_with, name)
    turn = turn.noting(_told(before, after, moved, context_of(turn), f"{by} {why}")).doing(effect)
    turn = _restart(replace(turn, profile=turn.profile.using(name)), before, after, actor)
    kept = {one: value for one, value in turn.context.items() if one not in moved.left}
    turn = replace(
        turn,
        context={**kept, **{one: moved.values[one] for one in moved.back}},
        standing=replace(turn.standing, schema=effect.schema, schema_by=by if keep else ""),
    )
    return fill_context(turn) if turn.burst and before is not after else turn


def _moved(turn: Turn, before: Schema, after: Schema) -> Move:
    values = context_of(turn)
    if after is before:
        return Move((), (), values)
    here = Here(turn.now, turn.profile.assistant.languages[0])
    return context.move(before, after, values, turn.put_by.get(after.name, {}), here)


def _restart(turn: Turn, before: Schema, after: Schema, actor: str) -> Turn:
    """A status that the new workflow has too stays; else the workflow begins anew."""
    status = turn.standing.status
    old, new = workflow.read(before.workflow), workflow.read(after.workflow)
    if not status or before is after:
        return turn
    known = new is not None and new.status(status) is not None
    there = status if known else new.initial if new else ""
    again = workflow.timeouts(new, there) if new else ()
    if there == status and old is not None and again == workflow.timeouts(old, status):
        return turn
    turn = turn.doing(SetStatus(there, status, f"schema {after.name}", again, actor))
    at = turn.standing.status_at if there == status else turn.now
    return replace(turn, standing=replace(turn.standing, status=there, status_at=at))


def _told(before: Schema, after: Schema, moved: Move, values: Mapping[str, Value], who: str) -> str:
    gone = [name for name in moved.left if name in values]
    left = f"; {', '.join(gone)} left the context" if gone else ""
    back = f"; {', '.join(moved.back)} came back" if moved.back else ""
    return f"Schema {before.name} became {after.name} ({who}){left}{back}."

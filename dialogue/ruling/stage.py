"""The stage of a turn in which the workflow moves on and rules do what they say. Each rule at most once a turn."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic_core import to_jsonable_python

from dialogue import schemas
from dialogue.ruling.actions import Outcome, do
from dialogue.ruling.facts import facts_of
from domain import workflow
from domain.booking import BookTime, CancelTime, MoveTime
from domain.errors import Conflict
from domain.rules import Facts, Rule, Trigger, Verdict, evaluate, in_order
from domain.rules.conditions import test_of
from domain.rules.effects import Fired, SetStatus, WaitThen
from domain.rules.rule import IN_TURN
from domain.turn import SetField, Turn
from domain.workflow import Workflow
from domain.workspace import Profile

ROUNDS = 5
"""So often in one turn may what rules changed set off other rules."""
HAPPENINGS = {
    BookTime: "appointment_booked",
    MoveTime: "appointment_moved",
    CancelTime: "appointment_cancelled",
}
_SILENT = frozenset({"stop", "wait"})


def rule(turn: Turn, happening: Trigger | None = None) -> Turn:
    """First the workflow, because rules may ask for the status; then the rules whose trigger came with this message
    (or is `happening`, outside of a turn), by priority; what they changed may set off others."""
    rules = rules_of(turn.profile)
    done = {effect.rule for effect in turn.effects if isinstance(effect, Fired)}
    happened = frozenset(HAPPENINGS[type(one)] for one in turn.pending if type(one) in HAPPENINGS)
    happened |= {happening.value} if happening else set()
    if any(one.name in done and _ends_in_stop(one) for one in rules):
        return _move(turn, _workflow(turn), happened)
    for number in range(ROUNDS):
        turn = _move(turn, _workflow(turn), happened)
        triggers = _triggers(turn, happening, first=number == 0)
        due = [one for one in rules if one.on in triggers and one.name not in done and not _spent(one, turn)]
        before = turn.standing, len(turn.effects)
        facts, seen = facts_of(turn), turn
        for one in due:
            if turn is not seen:  # what a rule did is there for those after it
                facts, seen = facts_of(turn), turn
            turn, stop = _look(turn, one, done, facts)
            if stop:
                return turn
        happened = frozenset()
        if (turn.standing, len(turn.effects)) == before:
            break
    return turn


def choose(turn: Turn) -> Turn:
    """The rules of a message that choose its schema act before skills do, so that what is asked is of that schema. They
    come in their order; one before them that says stop, stops them."""
    if turn.understood is None or not _choosing(turn.profile):
        return turn
    triggers, done = _triggers(turn, None, first=True), set[str]()
    for one in rules_of(turn.profile):
        if one.on not in triggers or _spent(one, turn):
            continue
        kinds = {action.kind for action in one.then}
        if "set_schema" in kinds:
            turn, stop = _look(turn, one, done)
        else:
            stop = "stop" in kinds and _test(turn, one)(facts_of(turn))
        if stop:
            break
    return turn


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rule would do if its trigger came now: each action with what it comes to, up to its first wait."""

    verdict: Verdict
    enabled: bool
    spent: bool
    does: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def would_fire(self) -> bool:
        return self.enabled and not self.spent and self.verdict.holds


def rehearse(turn: Turn, one: Rule) -> Rehearsed:
    """Nothing happens."""
    facts, does = facts_of(turn), list[tuple[str, dict[str, Any]]]()
    for action in one.then:
        outcome = do(action, one, facts)
        told = {name: value for name, value in to_jsonable_python(outcome, fallback=str).items() if value}
        does.append((action.kind, told))
        if outcome.wait is not None or outcome.stop:
            break
    return Rehearsed(evaluate(one.when, facts), one.enabled, _spent(one, turn), tuple(does))


def to_status(turn: Turn, status: str, why: str, actor: str) -> Turn:
    """A person says where it stands: the workflow lets them, and what is written for leaving and entering happens. Raise
    Conflict with the legal ones named."""
    flow = _workflow(turn)
    if flow is None:
        raise Conflict("the schema has no workflow, so there are no statuses", code="no_workflow")
    workflow.check(flow, turn.standing.status or flow.initial, status)
    turn = _to(turn, flow, status, why)
    effects = tuple(
        replace(one, actor=actor) if isinstance(one, SetStatus) and one.status == status else one
        for one in turn.effects
    )
    return replace(turn, effects=effects)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A business's rules as they are looked at with every message."""

    rules: tuple[Rule, ...]
    tests: dict[str, Callable[[Facts], bool]]
    choosing: bool
    """Some rule chooses a schema."""


@lru_cache(maxsize=64)
def _kept(written: "_Identity") -> _Ready:
    rules = tuple(in_order(Rule.model_validate(one) for one in written.told))
    choosing = any(action.kind == "set_schema" for one in rules for action in one.then)
    return _Ready(rules, {one.name: test_of(one.when) for one in rules}, choosing)


class _Identity:
    """The same object is the same rules, or workflow: a profile's are never changed, a change makes others. Held, so that
    its address is nobody else's."""

    __slots__ = ("told",)

    def __init__(self, told: Any) -> None:
        self.told = told

    def __hash__(self) -> int:
        return id(self.told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.told is other.told


def rules_of(profile: Profile) -> tuple[Rule, ...]:
    """Those that are on, by priority; read once a version of the profile."""
    return _kept(_Identity(profile.rules)).rules


def _ends_in_stop(one: Rule) -> bool:
    kinds = [action.kind for action in one.then]
    return "stop" in kinds and "wait" not in kinds


def _choosing(profile: Profile) -> bool:
    return _kept(_Identity(profile.rules)).choosing


def _test(turn: Turn, one: Rule) -> Callable[[Facts], bool]:
    return _kept(_Identity(turn.profile.rules)).tests[one.name]


def _named(turn: Turn, name: str) -> Rule | None:
    return next((one for one in rules_of(turn.profile) if one.name == name), None)


def resume(turn: Turn, name: str, step: int) -> Turn:
    """A rule that waited goes on, if it is still there and its conditions still hold."""
    one = _named(turn, name)
    if (
        one is None
        or step > len(one.then)
        or not evaluate(one.when, replace(facts_of(turn), later=True)).holds
    ):
        return turn
    return perform(turn, one, step)[0]


def fire(turn: Turn, name: str) -> Turn:
    """One rule whose time has come."""
    one = _named(turn, name)
    if one is None or _spent(one, turn):
        return turn
    return _look(turn, one, set())[0]


def _look(turn: Turn, one: Rule, done: set[str], facts: Facts | None = None) -> tuple[Turn, bool]:
    facts = facts or facts_of(turn)
    if not _test(turn, one)(facts):
        return turn, False
    verdict = evaluate(one.when, facts)
    done.add(one.name)
    turn, stop = perform(turn, one)
    did = tuple(action.kind for action in one.then)
    turn = turn.doing(Fired(one.name, one.on.value, did, verdict.why))
    return turn.noting(f'Rule "{one.name}" did {", ".join(did)}.'), stop


def perform(turn: Turn, one: Rule, start: int = 0) -> tuple[Turn, bool]:
    """The rule's actions from `start` on; whether it said to stop."""
    for n, action in enumerate(one.then[start:], start):
        outcome = do(action, one, facts_of(turn))
        if outcome.wait is not None:
            return turn.doing(WaitThen(one.name, n + 1, outcome.wait)), False
        if outcome.stop:
            return turn, True
        if outcome.schema:
            turn = schemas.use(turn, outcome.schema, "rule", one.name)
        turn = _take(turn, outcome, _workflow(turn))
    return turn, False


def _take(turn: Turn, outcome: Outcome, flow: Workflow | None) -> Turn:
    turn = turn.doing(*outcome.effects)
    for name, value in outcome.fields.items():
        standing = turn.context.get(name)
        if standing is None or standing.source != "human":
            turn = turn.doing(SetField(name, value, 1.0, turn.base_seq, "", "rule"))
    if outcome.words:
        turn = replace(turn, added=(*turn.added, outcome.words))
    if outcome.hand_off:
        turn = replace(turn, handed=outcome.hand_off)
    if outcome.skill is not None:
        turn = replace(turn, wanted=outcome.skill)
    if outcome.status and flow is not None and outcome.status in workflow.legal(flow, turn.standing.status):
        turn = _to(turn, flow, outcome.status, "rule")
    elif outcome.status and outcome.status != turn.standing.status:
        turn = turn.noting(
            f"A rule wanted status {outcome.status}; from {turn.standing.status} that is not possible."
        )
    return turn


def _move(turn: Turn, flow: Workflow | None, happened: Iterable[str]) -> Turn:
    """As far as the workflow goes by itself; each status at most once."""
    if flow is None:
        return turn
    if not turn.standing.status:
        turn = replace(turn, standing=replace(turn.standing, status=flow.initial))
        turn = turn.doing(SetStatus(flow.initial, "", "begins", workflow.timeouts(flow, flow.initial)))
    seen = {turn.standing.status}
    while (
        step := workflow.following(flow, turn.standing.status, facts_of(turn), happened)
    ) and step.to not in seen:
        seen.add(step.to)
        turn = _to(turn, flow, step.to, step.on or "conditions hold")
    return turn


def _to(turn: Turn, flow: Workflow, status: str, why: str) -> Turn:
    """The status changes, and what is written for leaving the one and entering the other happens."""
    before = turn.standing.status
    left, entered = flow.status(before), flow.status(status)
    turn = replace(turn, standing=replace(turn.standing, status=status, status_at=turn.now))
    turn = turn.doing(SetStatus(status, before, why, workflow.timeouts(flow, status)))
    turn = turn.noting(f"Status {before} became {status} ({why}).")
    for action in (*(left.leave if left else ()), *(entered.enter if entered else ())):
        carrier = Rule(name=f"{before} to {status}", on=Trigger.STATUS_CHANGED, then=(action,))
        if action.kind not in _SILENT:
            turn = _take(turn, do(action, carrier, facts_of(turn)), None)
    return turn


def _triggers(turn: Turn, happening: Trigger | None, *, first: bool) -> frozenset[Trigger]:
    """What the log tells (a status that changed, an appointment) comes by itself afterwards, once."""
    found = {happening} if happening and first else set[Trigger]()
    if any(isinstance(effect, SetField) for effect in turn.effects):
        found.add(Trigger.CONTEXT_CHANGED)
    if first and happening is None and turn.understood is not None:
        found |= IN_TURN - {Trigger.CONTEXT_CHANGED}
    return frozenset(found)


def _spent(one: Rule, turn: Turn) -> bool:
    """It has done what it may do `once`."""
    return one.once != "always" and one.name in turn.standing.spent


def _workflow(turn: Turn) -> Workflow | None:
    return _flow(_Identity(turn.profile.schemas[0].workflow)) if turn.profile.schemas else None


@lru_cache(maxsize=256)
def _flow(written: _Identity) -> Workflow | None:
    return workflow.read(written.told)

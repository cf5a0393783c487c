"""Whatever rules and workflows a business writes: a turn ends, each rule acts at most once in it, and where priorities
differ the order in the file changes nothing."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bench import rules as bench
from dialogue import ruling
from domain.rules.effects import Fired, SetStatus, SetTag
from domain.turn import SetField, Turn, UseSchema, Value
from domain.workspace import Profile

FIELDS = ("a", "b")
SCHEMAS = ("one", "two")
STATUSES = ("new", "hot", "done")
_VALUES = st.sampled_from(["x", "y", ""])
_CONDITIONS = st.one_of(
    st.just({}),
    st.builds(
        lambda name, op, value: {"field": name, "op": op} | ({} if op in ("is_set", "changed") else {"value": value}),
        st.sampled_from([*FIELDS, "status", "schema.name", "tags"]),
        st.sampled_from(["is_set", "changed", "eq", "ne", "changed_to"]),
        st.sampled_from(["x", "y", "hot", "two"]),
    ),
)  # fmt: skip
_ACTIONS = st.one_of(
    st.builds(
        lambda name, value: {"set_field": {name: value}}, st.sampled_from(FIELDS), st.sampled_from(["x", "y"])
    ),
    st.builds(lambda to: {"set_status": to}, st.sampled_from(STATUSES)),
    st.builds(lambda to: {"set_schema": to}, st.sampled_from(SCHEMAS)),
    st.builds(lambda tag: {"add_tag": tag}, st.sampled_from(["t", "u"])),
    st.builds(lambda tag: {"remove_tag": tag}, st.sampled_from(["t", "u"])),
    st.just({"stop": True}),
    st.just({"wait": "1h"}),
    st.just({"reply": "{{a}} {{b}} {{status}}"}),
)
_RULES = st.lists(
    st.fixed_dictionaries(
        {"on": st.sampled_from(["message_received", "context_changed", "intent_detected"]), "when": _CONDITIONS,
         "then": st.lists(_ACTIONS, min_size=1, max_size=3)},
    ),
    min_size=1, max_size=6,
)  # fmt: skip
_STEPS = st.lists(
    st.builds(
        lambda a, b, when: {"from": a, "to": b, "when": when},
        st.sampled_from(STATUSES), st.sampled_from(STATUSES), _CONDITIONS,
    ),
    max_size=5,
)  # fmt: skip


def turn_of(rules: list[dict[str, Any]], steps: list[dict[str, Any]], values: dict[str, str]) -> Turn:
    flow = {"initial": "new", "statuses": list(STATUSES), "transitions": steps}
    schemas = [
        {"name": name, "fields": [{"name": one, "type": "text"} for one in FIELDS[: n + 1]], "workflow": flow}
        for n, name in enumerate(reversed(SCHEMAS))
    ]
    told = {"workspace": {"slug": "a", "name": "A"}, "rules": rules, "schemas": schemas}
    turn = bench.turn_of(Profile.model_validate(told))
    return replace(turn, context={name: Value(value, "ai") for name, value in values.items()})


def named(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"name": f"r{n}", "priority": n} for n, one in enumerate(rules)]


def told(turn: Turn) -> tuple[Any, ...]:
    """What is to happen, and where it stands."""
    kinds = (Fired, SetStatus, SetTag, SetField, UseSchema)
    return tuple(one for one in turn.effects if isinstance(one, kinds)), turn.standing, turn.added


@settings(max_examples=150, deadline=None)
@given(rules=_RULES, steps=_STEPS, values=st.dictionaries(st.sampled_from(FIELDS), _VALUES))
def test_a_turn_ends_and_each_rule_acts_once(
    rules: list[dict[str, Any]], steps: list[dict[str, Any]], values: dict[str, str]
) -> None:
    turn = ruling.rule(ruling.choose(turn_of(named(rules), steps, values)))
    fired = [one.rule for one in turn.effects if isinstance(one, Fired)]
    assert len(fired) == len(set(fired))
    moves = [one for one in turn.effects if isinstance(one, SetStatus)]
    assert all(one.before == other.status for other, one in pairwise(moves))
    chosen = [one for one in turn.effects if isinstance(one, UseSchema)]
    assert all(one.before == other.schema for other, one in pairwise(chosen))
    assert turn.standing.schema == (chosen[-1].schema if chosen else "")


@settings(max_examples=150, deadline=None)
@given(rules=_RULES, steps=_STEPS, values=st.dictionaries(st.sampled_from(FIELDS), _VALUES), data=st.data())
def test_where_priorities_differ_the_order_in_the_file_changes_nothing(
    rules: list[dict[str, Any]], steps: list[dict[str, Any]], values: dict[str, str], data: st.DataObject
) -> None:
    written = named(rules)
    mixed = data.draw(st.permutations(written))
    one, other = (ruling.rule(ruling.choose(turn_of(order, steps, values))) for order in (written, mixed))
    assert told(one) == told(other)


@settings(max_examples=100, deadline=None)
@given(rules=_RULES, steps=_STEPS, values=st.dictionaries(st.sampled_from(FIELDS), _VALUES))
def test_what_was_looked_at_twice_says_the_same(
    rules: list[dict[str, Any]], steps: list[dict[str, Any]], values: dict[str, str]
) -> None:
    one, other = (ruling.rule(ruling.choose(turn_of(named(rules), steps, values))) for _ in range(2))
    assert told(one) == told(other)

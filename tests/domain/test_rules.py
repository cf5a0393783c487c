"""Conditions and rules: a table of every operator, wrong rules with their complaint, and what holds for any."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from domain.rules import Facts, Rule, Trigger, When, due, evaluate, in_order
from domain.rules.conditions import OPERATORS, holds
from domain.rules.conditions import test_of as ready

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CASES = YAML(typ="safe").load((Path(__file__).parent / "cases" / "rules.yaml").read_text())


def facts(given_: dict[str, Any]) -> Facts:
    since = {name: NOW - timedelta(hours=hours) for name, hours in given_.get("since_hours", {}).items()}
    return Facts(given_.get("values", {}), NOW, given_.get("before", {}), since)


@pytest.mark.parametrize("case", CASES["conditions"], ids=lambda case: str(case["when"])[:60])
def test_condition(case: dict[str, Any]) -> None:
    when, so = When.model_validate(case["when"]), facts(case)
    verdict = evaluate(when, so)
    assert verdict.holds is case["holds"], verdict
    assert holds(when, so) is case["holds"]
    assert ready(when)(so) is case["holds"]


def test_every_operator_has_a_case_that_holds_and_one_that_does_not() -> None:
    seen = {(case["when"]["op"], case["holds"]) for case in CASES["conditions"] if "op" in case["when"]}
    assert seen >= {(op, so) for op in OPERATORS for so in (True, False)}


@pytest.mark.parametrize("case", CASES["wrong"], ids=lambda case: case["says"])
def test_a_wrong_rule_says_what_is_wrong(case: dict[str, Any]) -> None:
    rule = {"name": "r", "on": "message_received", "then": [{"stop": True}]} | case["rule"]
    with pytest.raises(ValidationError) as caught:
        Rule.model_validate(rule)
    assert case["says"] in str(caught.value)


def test_rules_come_by_priority_and_then_as_written() -> None:
    def rule(name: str, priority: int, **more: Any) -> Rule:
        given_ = {"name": name, "on": "message_received", "then": [{"stop": True}], "priority": priority}
        return Rule.model_validate(given_ | more)

    rules = [rule("c", 200), rule("a", 1), rule("off", 0, enabled=False), rule("b", 1)]
    assert [one.name for one in in_order(rules)] == ["a", "b", "c"]
    assert due(rules, frozenset({Trigger.HANDOFF})) == []


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3),
    st.datetimes(timezones=st.just(UTC)), st.dictionaries(st.just("amount"), st.integers(), max_size=1),
)  # fmt: skip
LEAVES = st.one_of(
    st.builds(lambda f, v: {"field": f, "op": "eq", "value": v}, st.sampled_from("abc"), st.integers()),
    st.builds(lambda f, v: {"field": f, "op": "gt", "value": v}, st.sampled_from("abc"), st.integers()),
    st.builds(
        lambda f, v: {"field": f, "op": "contains", "value": v}, st.sampled_from("abc"), st.text(min_size=1)
    ),
    st.builds(lambda f: {"field": f, "op": "is_set"}, st.sampled_from("abc")),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@given(tree=TREES, values=st.dictionaries(st.sampled_from("abc"), VALUES))
def test_evaluation_never_raises_and_both_ways_agree(tree: dict[str, Any], values: dict[str, Any]) -> None:
    try:
        when = When.model_validate(tree)
    except ValidationError:
        return
    so = Facts(values, NOW)
    assert evaluate(when, so).holds is holds(when, so) is ready(when)(so)
    assert holds(When.model_validate({"not": tree}), so) is not holds(when, so)


@given(
    parts=st.lists(LEAVES, max_size=4), values=st.dictionaries(st.sampled_from("abc"), VALUES), data=st.data()
)
def test_the_order_of_conditions_does_not_matter(
    parts: list[dict[str, Any]], values: dict[str, Any], data: st.DataObject
) -> None:
    mixed, so = data.draw(st.permutations(parts)), Facts(values, NOW)
    for form in ("all", "any"):
        assert holds(When.model_validate({form: parts}), so) is holds(When.model_validate({form: mixed}), so)

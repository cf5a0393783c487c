"""The table of what may be said without a person."""

from typing import Any

import pytest

from domain.policy import decide, may_hold, mentions_money
from domain.turn import Action, Decision, Reply, Understanding
from domain.workspace import Policy
from tests.dialogue.library import CASES, load


@pytest.mark.parametrize("case", load(CASES / "policy.yaml"), ids=lambda case: str(case["name"]))
def test_decides(case: dict[str, Any]) -> None:
    policy = Policy.model_validate(
        {"default": "auto", "approve": ["low_confidence"], **case.get("policy", {})}
    )
    understood = Understanding(case["intent"], 0.9, automatic=case.get("automatic", False))
    facts = {name: case.get(name, False) for name in ("said_before", "asks")}
    decision = decide(_reply(case["reply"]), understood, policy, **facts)
    assert [decision.action.value, decision.reason] == case["is"]


def _reply(told: list[Any] | None) -> Reply | None:
    if told is None:
        return None
    kind, confidence, text, *grounded = told
    return Reply(str(text), kind, confidence=confidence, grounded=not grounded)


@pytest.mark.parametrize(
    ("text", "is_money"),
    [("$5", True), ("$ 1,000", True), ("5 dollars", True), ("20 USD", True), ("5 minutes", False), ("a dollar sign", False),
     ("500 dólares", True), ("open at 5", False), ("2.5% of the price", False)],
)  # fmt: skip
def test_money(text: str, is_money: bool) -> None:
    assert mentions_money(text) is is_money


@pytest.mark.parametrize(
    ("default", "approve", "reason", "told"),
    [("auto", [], "want_human", True), ("draft", [], "want_human", False), ("draft", [], "emergency", True),
     ("off", [], "emergency", False), ("auto", ["all"], "unknown", False)],
)  # fmt: skip
def test_whether_the_customer_is_told_anything_meanwhile(
    default: str, approve: list[str], reason: str, told: bool
) -> None:
    policy = Policy.model_validate({"default": default, "approve": approve})
    assert may_hold(policy, Decision(Action.HANDOFF, reason)) is told

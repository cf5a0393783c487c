"""Who wins: tables of two sides and what they agreed on; and what holds whatever they were."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from domain import crm, crm_settings
from domain.crm import Base, Ours, Sending, State, Stop, StopBase, TagBase, Theirs, Verdict
from domain.crm_settings import CrmSettings, Direction, Tags
from domain.workspace import Profile

HERE = Path(__file__).parent / "cases"
CASES = YAML(typ="safe").load((HERE / "crm.yaml").read_text())
TAGS = YAML(typ="safe").load((HERE / "crm_tags.yaml").read_text())
START = datetime(2026, 3, 2, 16, tzinfo=UTC)


def ours_of(value: Any, who: str, minute: int = 20) -> Ours:
    person = who in ("person", "cleared")
    return Ours(value, person, START + timedelta(minutes=minute), cleared=who == "cleared")


def theirs_of(value: Any) -> Theirs:
    return Theirs(value, None if value == "?" else value, START + timedelta(minutes=30))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_who_wins(case: dict[str, Any]) -> None:
    ours, theirs = ours_of(*case["ours"]), theirs_of(case["theirs"])
    base = Base(*case.get("base", [None, None, False]))
    assert crm.decide(Direction(case["direction"]), ours, theirs, base) == case["says"]


VALUES = st.sampled_from([None, "a", "b", "?"])
OURS = st.builds(
    ours_of, st.sampled_from([None, "a", "b"]), st.sampled_from(["ai", "person", "cleared", "none"]),
    st.sampled_from([10, 40]),
)  # fmt: skip
THEIRS = st.builds(theirs_of, VALUES)
BASES = st.builds(Base, st.sampled_from([None, "a", "b"]), VALUES, st.booleans())


def after(verdict: Verdict, ours: Ours, theirs: Theirs, base: Base) -> tuple[Ours, Theirs, Base]:
    """Both sides when it has been done, and nobody did anything else."""
    agreed = crm.settled(verdict, ours, theirs, base, ours.value)
    if verdict is Verdict.SEND:
        return ours, Theirs(ours.value, ours.value, theirs.at), agreed
    if verdict is Verdict.TAKE:
        taken = Ours(theirs.read, True, ours.at, cleared=theirs.read is None)
        return taken, theirs, agreed
    return ours, theirs, agreed


@settings(max_examples=500)
@given(st.sampled_from(list(Direction)), OURS, THEIRS, BASES)
def test_once_is_enough(direction: Direction, ours: Ours, theirs: Theirs, base: Base) -> None:
    """Whatever was done, looking again does nothing: no echo bounces."""
    verdict = crm.decide(direction, ours, theirs, base)
    ours, theirs, base = after(verdict, ours, theirs, base)
    again = crm.decide(direction, ours, theirs, base)
    assert again in (Verdict.SAME, Verdict.KEEP_OURS, Verdict.KEEP_THEIRS)
    third = crm.decide(direction, *after(again, ours, theirs, base))
    assert third is Verdict.SAME


@settings(max_examples=500)
@given(OURS, THEIRS, BASES)
def test_a_direction_is_kept(ours: Ours, theirs: Theirs, base: Base) -> None:
    assert crm.decide(Direction.OUT, ours, theirs, base) is not Verdict.TAKE
    assert crm.decide(Direction.IN, ours, theirs, base) is not Verdict.SEND


@settings(max_examples=500)
@given(st.sampled_from(list(Direction)), OURS, THEIRS, BASES)
def test_the_assistant_never_writes_over_a_person_there(
    direction: Direction, ours: Ours, theirs: Theirs, base: Base
) -> None:
    set_there = theirs.value is not None and (base.person or theirs.value != base.theirs)
    if set_there and not ours.person:
        assert crm.decide(direction, ours, theirs, base) is not Verdict.SEND


@pytest.mark.parametrize(
    ("base", "sent", "theirs", "then"),
    [
        (Base("a", "a"), Base("b", "B"), "B", Base("b", "B")),  # it came there
        (Base("a", "a"), Base("b", "B"), "a", Base("a", "a")),  # it did not
        (Base("a", "a", True), Base("b", "B"), "c", Base("a", "a", True)),  # somebody wrote over it
        (Base("b", "B", True), Base("b", "B"), "B", Base("b", "B", True)),  # it was so before
    ],
)
def test_what_nobody_said_came_there(base: Base, sent: Base, theirs: str, then: Base) -> None:
    assert crm.arrived(base, sent, theirs) == then


def test_an_answer_that_was_lost_is_no_word_of_a_person() -> None:
    sending = Sending({"custom.plan": Base("gold", "gold")}, ("vip",), ("old",), stop=True)
    state = State({"custom.plan": Base("tin", "tin")}, TagBase(("old",), ("old",)))
    found = sending.arrived_in(state, {"custom.plan": "gold"}, ["VIP"], stop=True)
    assert found.fields["custom.plan"] == Base("gold", "gold")
    assert found.tags == TagBase(("vip",), ("vip",))
    assert found.stop == StopBase(ours=True, theirs=True)


# --- tags ---


def rule_of(case: dict[str, Any]) -> Tags:
    given = {name: case[name] for name in ("direction", "only", "always") if name in case}
    return Tags.model_validate(given)


@pytest.mark.parametrize("case", TAGS, ids=lambda case: str(case["name"]))
def test_tags(case: dict[str, Any]) -> None:
    base = TagBase(*(tuple(one) for one in case["base"]))
    same = not case.get("new_talk", False)
    plan = crm.plan_tags(rule_of(case), case["ours"], case["theirs"], base, same_talk=same)
    done = [plan.add_there, plan.remove_there, plan.add_here, plan.remove_here]
    assert [list(one) for one in done] == case["plan"]


NAMES = st.sets(st.sampled_from(["a", "b", "C"]))


@settings(max_examples=500)
@given(st.sampled_from(list(Direction)), NAMES, NAMES, NAMES, NAMES, st.booleans())
def test_tags_are_done_once(
    direction: Direction, ours: set[str], theirs: set[str], one: set[str], other: set[str], same: bool
) -> None:
    rule, base = Tags(direction=direction), TagBase(tuple(sorted(one)), tuple(sorted(other)))
    plan = crm.plan_tags(rule, ours, theirs, base, same_talk=same)
    here = ({crm.plain(tag) for tag in ours} | set(plan.add_here)) - set(plan.remove_here)
    there = ({crm.plain(tag) for tag in theirs} | set(plan.add_there)) - set(plan.remove_there)
    again = crm.plan_tags(rule, here, there, plan.base, same_talk=True)
    assert (again.add_there, again.remove_there, again.add_here, again.remove_here) == ((), (), (), ())
    if direction is Direction.BOTH and same:
        new = {crm.plain(tag) for tag in (ours - one) | (theirs - other)}
        assert new & here == new & there


# --- whether they may be written to ---


@pytest.mark.parametrize(
    ("ours", "theirs", "base", "says"),
    [
        (False, False, StopBase(), Stop.SAME),
        (True, False, StopBase(), Stop.SEND),
        (False, True, StopBase(), Stop.TAKE),
        (True, False, StopBase(True, True), Stop.SEND),  # somebody lifted it there; only the customer may
        (False, True, StopBase(True, True), Stop.LIFT),  # START
        (False, True, StopBase(False, True), Stop.TAKE),
        (True, True, StopBase(), Stop.SAME),
    ],
)
def test_the_stricter_side_counts(ours: bool, theirs: bool, base: StopBase, says: Stop) -> None:
    assert crm.decide_stop(ours, theirs, base) is says


# --- the mapping ---

PROFILE = {
    "workspace": {"slug": "shop", "name": "Shop"},
    "schemas": [{"name": "visit", "fields": [{"name": "budget", "type": "integer"}, {"name": "plan", "type": "text"}]}],
}  # fmt: skip
PHONE = {"ours": "contact.phone", "theirs": "phone"}


@pytest.mark.parametrize(
    ("given", "where", "says"),
    [
        (
            {"fields": [PHONE, {"ours": "bugdet", "theirs": "custom.budget"}]}, ("fields", 1, "ours"),
            "there are contact.name",
        ),
        ({"fields": [{"ours": "budget", "theirs": "custom.budget"}]}, ("fields",), "name contact.phone or contact.email"),
        ({"fields": [PHONE | {"direction": "both"}]}, ("fields", 0, "direction"), "only goes out"),
        ({"fields": [{"ours": "contact.phone", "theirs": "email"}]}, ("fields", 0, "theirs"), "goes to phone"),
        (
            {"fields": [PHONE, {"ours": "plan", "theirs": "custom.plan"}, {"ours": "budget", "theirs": "custom.plan"}]},
            ("fields", 2, "theirs"), "mapped twice",
        ),
        (
            {"fields": [PHONE], "note": {"parts": ["fields"], "fields": ["age"]}}, ("note", "fields", 0),
            "there are budget, plan",
        ),
        (
            {"fields": [PHONE, {"ours": "conversation.status", "theirs": "custom.status", "direction": "in"}]},
            ("fields", 1, "direction"), "only goes out",
        ),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be(given: dict[str, Any], where: tuple[Any, ...], says: str) -> None:
    found = list(crm_settings.complaints(CrmSettings.model_validate(given), Profile.model_validate(PROFILE)))
    assert [one[0] for one in found] == [where]
    assert says in found[0][1]


@pytest.mark.parametrize(
    "given", [{}, {"fields": []}, {"fields": [{"ours": "a", "theirs": "colour"}]}, {"fields": [PHONE], "take": 1},
              {"fields": [PHONE], "note": {"parts": []}}, {"fields": [PHONE | {"theirs": "custom.ü"}]}],
)  # fmt: skip
def test_a_mapping_that_is_none(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        CrmSettings.model_validate(given)

"""A lead's score follows from what is wanted, never from who wants it; tolerance zero."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.qualification import QualificationSettings, Warmth, score
from domain.workspace import Profile
from runtime import files
from runtime.files import BadFile

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FIELDS: list[dict[str, Any]] = [
    {"name": "goal", "type": "choice", "options": ["buy", "sell", "rent"], "extract": True, "required": True},
    {"name": "budget", "type": "money", "extract": True, "required": True},
    {"name": "soon", "type": "choice", "options": ["this month", "this year", "someday"], "extract": True},
    {"name": "name", "type": "person_name", "extract": True, "pii": True},
    {"name": "phone", "type": "phone", "extract": True},
    {"name": "story", "type": "long_text", "extract": True},
    {"name": "wheelchair", "type": "boolean", "extract": True, "pii": True},
]
SCORE: list[dict[str, Any]] = [
    {"when": {"field": "goal", "op": "in", "value": ["buy", "sell"]}, "points": 3, "why": "buys or sells"},
    {"when": {"field": "budget", "op": "gte", "value": 400000}, "points": 2, "why": "a budget that fits"},
    {"when": {"field": "soon", "op": "eq", "value": "this month"}, "points": 3, "why": "soon"},
    {"when": {"field": "goal", "op": "eq", "value": "rent"}, "points": -2, "why": "rents"},
]


def workspace(**settings: Any) -> dict[str, Any]:
    return {
        "workspace": {"slug": "lead", "name": "Lead"},
        "schemas": [{"name": "lead", "fields": FIELDS}],
        "skills": {"qualification": {"score": SCORE, **settings}},
    }


def weight(when: dict[str, Any]) -> dict[str, Any]:
    return {"when": when, "points": 1, "why": "x"}


PROFILE = Profile.model_validate(workspace())
SETTINGS = QualificationSettings.model_validate({"score": SCORE})


@pytest.mark.parametrize(
    ("values", "points", "warmth"),
    [
        ({}, 1, Warmth.NURTURE),
        (
            {"goal": "buy", "budget": {"amount": "450000", "currency": "USD"}, "soon": "this month"},
            9,
            Warmth.HOT,
        ),
        (
            {"goal": "sell", "budget": {"amount": "100", "currency": "USD"}, "soon": "this month"},
            7,
            Warmth.WARM,
        ),
        ({"goal": "rent"}, 1, Warmth.NURTURE),
    ],
)
def test_score(values: dict[str, Any], points: int, warmth: Warmth) -> None:
    found = score(SETTINGS, PROFILE.fields, values, NOW)
    assert (found.points, found.warmth) == (points, warmth)
    assert (
        1 + sum(int(reason.rpartition("(")[2].rstrip(")")) for reason in found.reasons) == points
        or points == 1
    )


WANTED = st.fixed_dictionaries(
    {},
    optional={
        "goal": st.sampled_from(["buy", "sell", "rent"]),
        "budget": st.integers(0, 2_000_000).map(lambda n: {"amount": str(n), "currency": "USD"}),
        "soon": st.sampled_from(["this month", "this year", "someday"]),
    },
)
PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(
            ["Emily Walsh", "Lakisha Washington", "José Núñez", "Mohammed Al-Farsi", "王芳"]
        ),
        "phone": st.sampled_from(["+15125550100", "+525512345678"]),
        "story": st.sampled_from(
            ["we have four children", "I use a wheelchair", "near a mosque please", "soy de México"]
        ),
        "wheelchair": st.booleans(),
    },
)


@given(wanted=WANTED, one=PEOPLE, other=PEOPLE)
def test_two_leads_who_differ_only_in_who_they_are_score_the_same(
    wanted: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    found = [score(SETTINGS, PROFILE.fields, {**wanted, **person}, NOW) for person in (one, other)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"score": [{"when": {"field": "name", "op": "is_set"}, "points": 1, "why": "x"}]}, "must not look at 'name'"),
        ({"score": [weight({"field": "wheelchair", "op": "eq", "value": True})]}, "must not look at 'wheelchair'"),
        ({"score": [weight({"not": {"field": "story", "op": "contains", "value": "kids"}})]}, "must not look at 'story'"),
        ({"score": [weight({"field": "message.text", "op": "contains", "value": "kids"})]}, "which is no field"),
        ({"ask": ["colour"]}, "ask names 'colour'; the fields are goal"),
        ({"score": [{"when": {}, "points": 99, "why": "x"}]}, "less than or equal to 10"),
        ({"warm": 9, "hot": 8}, "warm must not be higher than hot"),
        ({"question": []}, "there is no such key here; there are ask"),
    ],
)  # fmt: skip
def test_a_score_that_looks_at_people_is_refused_when_the_file_is_applied(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadFile, match=says.replace("(", r"\(")):
        files.check(workspace(**settings), "lead.yaml", Path())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": [{"name": "r", "on": "message_recieved", "then": [{"stop": True}]}]}, "rules.0.on"),
        (
            {"rules": [{"name": "r", "on": "handoff", "then": [{"notfy": {"text": "x"}}]}]},
            "did you mean notify",
        ),
        (
            {"rules": [{"name": "r", "on": "handoff", "then": [{"stop": True}]}] * 2},
            "two rules are named 'r'",
        ),
        ({"skills": {"bookings": {}}}, "'bookings' is not a skill"),
        ({"skills": {"booking": {}}}, "skills.booking.services: is missing"),
    ],
)
def test_wrong_rules_and_skills_say_where(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadFile, match=says):
        files.check({"workspace": {"slug": "x", "name": "X"}, **changes}, "x.yaml", Path())

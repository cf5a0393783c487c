"""Which schema a turn goes on with: who may choose it, and what goes along."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML

from dialogue import schemas
from dialogue.asking import context_of
from domain.rules.effects import SetStatus
from domain.turn import SetField, Standing, Turn, Understanding, UseSchema, Value
from domain.workspace import Profile
from tests.dialogue import library
from tests.rig import ROOT

NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))
ESTATE = Profile.model_validate(
    YAML(typ="safe").load(Path(ROOT / "tests/cases/estate.yaml").read_text("utf-8"))
)


def turn(**context: Any) -> Turn:
    made = library.turn(ESTATE, "hello", NOW, context=context, channel_address="+15125550188")
    return replace(made, understood=Understanding("greeting", 0.9, "en"))


def chosen(after: Turn) -> list[UseSchema]:
    return [one for one in after.effects if isinstance(one, UseSchema)]


@pytest.mark.parametrize(
    ("standing", "name", "by", "schema", "note"),
    [
        (Standing(), "seller", "rule", "seller", "Schema buyer became seller (rule it)"),
        (Standing(schema="buyer", schema_by="rule"), "seller", "skill", "seller", "Schema buyer became seller"),
        (Standing(schema="buyer", schema_by="human"), "seller", "rule", "buyer", "a person chose buyer, which stays"),
        (Standing(schema="buyer", schema_by="human"), "seller", "human", "seller", "Schema buyer became seller"),
        (Standing(schema="buyer", schema_by="rule"), "buyer", "rule", "buyer", None),
        (Standing(), "lessor", "rule", "", "wants schema lessor, which is not there"),
    ],
)  # fmt: skip
def test_who_may_choose(standing: Standing, name: str, by: str, schema: str, note: str | None) -> None:
    after = schemas.use(replace(turn(), standing=standing), name, by, "it")
    assert after.standing.schema == schema
    assert (note is None and after.notes == ()) or (note is not None and note in after.notes[-1])
    assert [one.schema for one in chosen(after)] == ([name] if "became" in (note or "") else [])


def test_what_was_told_in_this_message_goes_by_its_new_field() -> None:
    """`pool` is yes or no for a buyer, and words for a seller; `bedrooms` is one and the same."""
    before = replace(
        turn(pool=True, budget={"amount": "400000", "currency": "USD"}), standing=Standing("looking")
    )
    after = schemas.use(before.doing(SetField("bedrooms", 3, 0.9, 1, "3")), "seller", "rule", "it")
    assert {name: one.value for name, one in context_of(after).items()} == {"bedrooms": 3}
    (move,) = chosen(after)
    assert {"pool", "budget"} <= set(move.left)
    assert (move.before, move.left_with, move.goes_to) == ("", "buyer", "seller")
    assert [(one.before, one.status) for one in after.effects if isinstance(one, SetStatus)] == [
        ("looking", "valuing")
    ]
    assert after.profile.schemas[0].name == "seller"


def test_what_left_comes_back_unless_it_was_told_anew() -> None:
    put_by = {
        "seller": {
            "built": Value(1978, "human"),
            "bedrooms": Value(5, "ai"),
            "pool": Value("a big one", "ai"),
        }
    }
    after = schemas.use(replace(turn(bedrooms=2), put_by=put_by), "seller", "rule", "it")
    assert {name: (one.value, one.source) for name, one in after.context.items()} == {
        "bedrooms": (2, "ai"), "built": (1978, "human"), "pool": ("a big one", "ai"),
    }  # fmt: skip
    assert set(chosen(after)[0].back) == {"built", "pool"}


def test_a_value_that_the_new_schema_does_not_take_leaves() -> None:
    """Of the same name and type, but of other limits."""
    told = ESTATE.model_dump(mode="json")
    told["schemas"][1]["fields"][0]["maximum"] = 4
    after = schemas.use(
        replace(turn(bedrooms=9), profile=Profile.model_validate(told)), "seller", "rule", "it"
    )
    assert dict(after.context) == {}


def test_a_channel_chooses_only_where_nobody_has() -> None:
    web = replace(
        turn(), conversation=replace(turn().conversation, channel_kind="webchat", channel_address="")
    )
    assert schemas.of_channel(web).standing.schema == "seller"
    assert schemas.of_channel(turn()).standing.schema == ""
    taken = replace(web, standing=Standing(schema="buyer", schema_by="rule"))
    assert schemas.of_channel(taken).standing.schema == "buyer"

"""Every field type: what it reads, what it refuses, that it shows what it reads again, and its JSON Schema."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from domain.fields import (
    KINDS,
    Complaint,
    Field_,
    FieldType,
    Here,
    accept,
    json_schema,
    parse,
    personal,
    show,
)
from domain.workspace import Schema

CASES = Path(__file__).with_name("cases")
NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))
TABLES: dict[str, list[dict[str, Any]]] = {
    file.stem: YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    for file in CASES.glob("*.yaml")
}
ROWS = [(kind, case) for kind, table in sorted(TABLES.items()) for case in table]
OPTIONS = {"choice": ("red", "deep blue"), "multi_choice": ("red", "deep blue", "green")}


def field(kind: str, **more: Any) -> Field_:
    return Field_.model_validate({"name": "it", "type": kind, "options": OPTIONS.get(kind, ())} | more)


def here(case: dict[str, Any]) -> Here:
    return Here(NOW, case.get("language", "en"), case.get("country", "US"))


def test_every_type_has_a_line_and_a_table() -> None:
    assert set(KINDS) == set(FieldType)
    assert set(TABLES) == {kind.value for kind in FieldType}
    assert all(kind.type == name for name, kind in KINDS.items())


@pytest.mark.parametrize(
    ("kind", "case"),
    ROWS,
    ids=lambda one: one if isinstance(one, str) else repr(one.get("text", one.get("json"))),
)
def test_reads(kind: str, case: dict[str, Any]) -> None:
    about = field(kind, **case.get("field", {}))
    read = (
        accept(case["json"], about, here(case)) if "json" in case else parse(case["text"], about, here(case))
    )
    if "complaint" in case:
        assert isinstance(read, Complaint), read
        assert read.code == case["complaint"]
        assert read.detail
    else:
        assert read == case["value"]
        assert json.loads(json.dumps(read)) == read


@pytest.mark.parametrize(("kind", "case"), [(k, c) for k, c in ROWS if "value" in c and k != "file"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_shown_is_read_as_the_same_value(kind: str, case: dict[str, Any], language: str) -> None:
    about, there = field(kind, **case.get("field", {})), Here(NOW, language, case.get("country", "US"))
    shown = show(case["value"], about, there)
    assert parse(shown, about, there) == case["value"], shown
    assert "\u202f" not in shown
    assert "\u00a0" not in shown


@pytest.mark.parametrize(("kind", "case"), [(k, c) for k, c in ROWS if "value" in c])
def test_values_fit_their_json_schema(kind: str, case: dict[str, Any]) -> None:
    about = field(kind, **case.get("field", {}))
    if kind == "datetime" and "T" not in str(case["value"]):
        return  # a part of a moment is kept in a conversation; nobody is offered to write one
    value = {k: v for k, v in case["value"].items() if k != "from"} if kind == "money" else case["value"]
    jsonschema_rs.validate(KINDS[about.type].json_schema(about), value)


@given(
    kind=st.sampled_from([kind.value for kind in FieldType]),
    text=st.one_of(st.text(max_size=200), st.text(alphabet="0123456789 .,:/-$%apmAPM()+\n", max_size=60)),
)
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_a_type_and_what_is_read_is_kept(kind: str, text: str) -> None:
    about, there = field(kind), Here(NOW)
    value = parse(text, about, there)
    if not isinstance(value, Complaint):
        again = accept(value, about, there)
        assert again == value
        assert isinstance(show(value, about, there), str)


@given(
    kind=st.sampled_from([kind.value for kind in FieldType]),
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["amount", "currency", "start", "end", "x"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
@settings(max_examples=400, deadline=None)
def test_no_json_breaks_a_type(kind: str, value: Any) -> None:
    read = accept(value, field(kind), Here(NOW))
    assert read is None or isinstance(read, Complaint) or accept(read, field(kind), Here(NOW)) == read


@given(
    seconds=st.integers(0, 10**7),
    cents=st.integers(0, 10**9),
    day=st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 1, 1)),
)
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("language", ["en", "es"])
def test_amounts_days_and_lengths_come_back(language: str, seconds: int, cents: int, day: Any) -> None:
    there = Here(NOW, language)
    for kind, value in (
        ("duration", seconds),
        ("date", day.isoformat()),
        ("integer", cents),
        ("money", {"amount": f"{cents / 100:.2f}".rstrip("0").rstrip("."), "currency": "USD"}),
    ):
        shown = show(value, field(kind), there)
        assert parse(shown, field(kind), there) == value, (kind, shown)


def test_required_and_empty() -> None:
    assert accept(None, field("text"), Here(NOW)) is None
    refused = accept(None, field("text", required=True), Here(NOW))
    assert isinstance(refused, Complaint)
    assert refused.code == "required"


def test_personal_by_nature_or_by_the_admins_word() -> None:
    by_nature = {kind for kind in FieldType if personal(field(kind.value))}
    assert by_nature == {FieldType.PHONE, FieldType.EMAIL, FieldType.ADDRESS, FieldType.PERSON_NAME}
    assert personal(field("text", pii=True))


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"type": "choice"}, "needs options"),
        ({"type": "integer", "minimum": "many"}, "is not a number"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum is above maximum"),
        ({"type": "date", "minimum": "tomorrow"}, "write 2026-12-31 or today"),
        ({"type": "time", "maximum": "late"}, "write 09:30"),
        ({"type": "duration", "maximum": "long"}, "write 90m"),
        ({"type": "email", "maximum": 3}, "has no minimum or maximum"),
        ({"type": "text", "pattern": "("}, "no regular expression"),
        ({"type": "text", "min_length": 5, "max_length": 3}, "min_length is above max_length"),
        ({"type": "colour"}, "'text'"),
    ],
)  # fmt: skip
def test_a_definition_that_makes_no_sense_says_why(definition: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schema.model_validate({"name": "s", "fields": [{"name": "it"} | definition]})


def test_a_whole_schema_for_models_is_strict() -> None:
    fields = [
        field(kind.value).model_copy(update={"name": kind.value, "description": kind.value})
        for kind in FieldType
    ]
    whole = json_schema(fields)
    jsonschema_rs.meta.validate(whole)
    assert whole["required"] == [kind.value for kind in FieldType]
    assert whole["additionalProperties"] is False
    jsonschema_rs.validate(whole, dict.fromkeys(whole["required"]))

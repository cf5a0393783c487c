"""What a schema still needs: the same in whatever order its fields stand, and never a field that waits for itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.completion import complaints, hidden, reckon
from domain.workspace import Schema

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
RENTS = {"field": "goal", "op": "eq", "value": "rent"}
HOME = {
    "name": "home",
    "fields": [
        {"name": "goal", "type": "choice", "options": ["buy", "rent"], "required": True},
        {"name": "budget", "type": "money", "required": True, "requires": ["goal"]},
        {"name": "pets", "type": "boolean", "required": True, "visible_when": RENTS},
        {"name": "kind", "type": "text", "required": True, "visible_when": {"field": "pets", "op": "eq", "value": True}},
        {"name": "when", "type": "datetime", "required": True, "priority": 10, "requires": ["pets"]},
        {"name": "note", "type": "text", "visible_when": {"not": {"filled": ["budget"]}}},
    ],
    "ask_first": [{"when": {"field": "goal", "op": "is_set"}, "fields": ["budget"]}],
}  # fmt: skip


def schema(**changes: Any) -> Schema:
    return Schema.model_validate(HOME | changes)


@pytest.mark.parametrize(
    ("values", "missing", "next_", "hidden_", "share"),
    [
        ({}, ["when", "goal", "budget"], "when", {"pets", "kind"}, 0.0),
        ({"goal": "buy"}, ["budget", "when"], "budget", {"pets", "kind"}, 1 / 3),
        ({"goal": "rent"}, ["budget", "when", "pets"], "budget", {"kind"}, 0.25),
        ({"goal": "rent", "budget": 1}, ["when", "pets"], "pets", {"kind", "note"}, 0.5),
        ({"goal": "rent", "budget": 1, "pets": True}, ["when", "kind"], "when", {"note"}, 0.6),
        ({"goal": "rent", "budget": 1, "pets": False}, ["when"], "when", {"note", "kind"}, 0.75),
        ({"goal": "buy", "budget": 1, "pets": True}, ["when"], "when", {"pets", "kind", "note"}, 2 / 3),
        ({"goal": "buy", "budget": 1, "when": "2026-11-24"}, ["when"], "when", {"pets", "kind", "note"}, 2 / 3),
        ({"goal": "buy", "budget": 1, "when": "2026-11-24T10:00:00+00:00"}, [], None, {"pets", "kind", "note"}, 1.0),
    ],
)  # fmt: skip
def test_what_counts_and_what_is_asked_next(
    values: Mapping[str, Any], missing: list[str], next_: str | None, hidden_: set[str], share: float
) -> None:
    found = reckon(schema(), values, NOW)
    assert (list(found.missing), found.next, found.hidden) == (missing, next_, hidden_)
    assert found.share == pytest.approx(share)


def test_without_required_fields_everything_is_there() -> None:
    assert reckon(Schema.model_validate({"name": "a", "fields": []}), {}, NOW).share == 1.0


def field(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "text", **more}


def seen(name: str) -> dict[str, Any]:
    return {"field": name, "op": "is_set"}


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"fields": [field("a", requires=["b"])]}, "fields.0.requires.0", "there is no field 'b'"),
        ({"fields": [field("a", requires=["a"])]}, "fields.0.requires", "a waits for a: take one"),
        ({"fields": [field("a", requires=["b"]), field("b", requires=["c"]), field("c", requires=["a"])]},
         "fields.0.requires", "a waits for b waits for c waits for a"),
        ({"fields": [field("a", visible_when=seen("b")), field("b", requires=["a"])]},
         "fields.0.visible_when", "a waits for b waits for a"),
        ({"fields": [field("a", visible_when=seen("nobody"))]}, "fields.0.visible_when", "there is no field 'nobody'"),
        ({"fields": [field("a", visible_when=seen("message.text"))]}, "fields.0.visible_when", "looks at nothing else"),
        ({"fields": [field("a"), field("b", visible_when={"field": "a", "op": "changed"})]},
         "fields.1.visible_when", "is_set"),
        ({"fields": [field("a"), field("b", visible_when={"field": "a", "op": "bigger", "value": 1})]},
         "fields.1.visible_when", "use one of"),
        ({"fields": [field("a")], "ask_first": [{"when": {}, "fields": ["b"]}]}, "ask_first.0.fields.0", "no field 'b'"),
        ({"fields": [field("a")], "ask_first": [{"when": seen("c"), "fields": ["a"]}]}, "ask_first.0.when", "no field 'c'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_with_its_place(changes: dict[str, Any], path: str, said: str) -> None:
    (where, words, _), *_ = complaints(
        schema(ask_first=[]) if not changes else schema(**{"ask_first": []} | changes)
    )
    assert ".".join(map(str, where)) == path
    assert said in words


NAMES = ("a", "b", "c", "d", "e")
_CONDITIONS = st.recursive(
    st.builds(
        lambda name, op, value: {"field": name, "op": op} | ({} if op in ("is_set", "is_empty") else {"value": value}),
        st.sampled_from(NAMES), st.sampled_from(["is_set", "is_empty", "eq", "ne", "contains"]), st.sampled_from(["x", "y"]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda one: {"not": one}, inner), st.builds(lambda some: {"all": some}, st.lists(inner, max_size=2)),
        st.builds(lambda some: {"any": some}, st.lists(inner, max_size=2)),
    ),
    max_leaves=4,
)  # fmt: skip
_FIELDS = st.tuples(
    *(
        st.fixed_dictionaries(
            {"name": st.just(name), "type": st.just("text"), "required": st.booleans(),
             "requires": st.lists(st.sampled_from(NAMES), max_size=2, unique=True)},
            optional={"visible_when": _CONDITIONS, "priority": st.integers(0, 3)},
        )
        for name in NAMES
    )
)  # fmt: skip


@given(
    fields=_FIELDS,
    values=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["x", "y", ""])),
    order=st.permutations(range(len(NAMES))),
)
def test_the_order_of_the_fields_changes_nothing(
    fields: tuple[dict[str, Any], ...], values: dict[str, str], order: list[int]
) -> None:
    one = Schema.model_validate({"name": "s", "fields": list(fields)})
    other = Schema.model_validate({"name": "s", "fields": [fields[n] for n in order]})
    sensible = not list(complaints(one))
    assert sensible is not bool(list(complaints(other)))
    if not sensible:
        hidden(one, values, NOW)  # ends all the same: an older version may have kept it
        return
    first, second = reckon(one, values, NOW), reckon(other, values, NOW)
    assert (first.share, set(first.missing), first.hidden) == (
        second.share,
        set(second.missing),
        second.hidden,
    )


@given(fields=_FIELDS)
def test_who_answers_each_question_comes_to_an_end(fields: tuple[dict[str, Any], ...]) -> None:
    """Every question that is asked is answered, with anything: in so many rounds as there are fields nothing is missing."""
    one = Schema.model_validate({"name": "s", "fields": list(fields)})
    if list(complaints(one)):
        return
    values = dict[str, str]()
    for _ in range(len(NAMES)):
        found = reckon(one, values, NOW)
        if found.next is None:
            break
        values[found.next] = "x"
    assert reckon(one, values, NOW).missing == ()

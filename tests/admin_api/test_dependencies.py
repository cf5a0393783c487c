"""Fields that depend on others: what is asked next, how far it is, and what makes no sense, over the API."""

from typing import Any

import pytest

from tests.admin_api.api_rig import Shop, is_problem

LEAD = {
    "name": "lead",
    "fields": [
        {"name": "goal", "type": "choice", "options": ["buy", "rent"], "extract": True, "required": True},
        {"name": "pets", "type": "integer", "extract": True, "required": True,
         "synonyms": {"unit": ["dogs", "cats"]}, "visible_when": {"field": "goal", "op": "eq", "value": "rent"}},
        {"name": "call", "type": "datetime", "required": True, "priority": 5, "requires": ["goal"]},
    ],
    "ask_first": [{"when": {"field": "pets", "op": "is_set"}, "fields": ["call"]}],
}  # fmt: skip


async def test_how_far_it_is_and_what_comes_next(shop: Shop) -> None:
    made = await shop.make("/schemas", LEAD)
    assert (made["fields"], made["ask_first"]) == (LEAD["fields"], LEAD["ask_first"])
    talk = await shop.business.customer("Hello")
    path = f"/contexts/{talk.conversation_id}"
    for fields, share, missing, next_field, hidden in (
        ({}, 0.0, ["call", "goal"], "goal", ["pets"]),
        ({"goal": "rent"}, 1 / 3, ["call", "pets"], "call", []),
        ({"pets": 2, "call": "2026-11-24"}, 2 / 3, ["call"], "call", []),
        ({"goal": "buy", "call": "2026-11-24T10:00:00-06:00"}, 1.0, [], None, ["pets"]),
    ):
        if fields:
            assert (await shop.ask("PATCH", path, {"fields": fields})).status_code == 200
        told = (await shop.ask("GET", path)).json()
        assert told["completion"] == pytest.approx(share)
        assert (told["missing"], told["next_field"], told["hidden"]) == (missing, next_field, hidden)
    out = (await shop.ask("GET", "/export")).text
    assert (await shop.ask("POST", "/import", {"yaml": out})).json()["changes"] == []


async def test_a_sample_says_what_counts(shop: Shop) -> None:
    await shop.make("/schemas", LEAD)
    for text, found, missing, hidden in (
        ("I want to rent", {"goal": "rent"}, ["call", "pets"], []),
        ("I'd like to buy", {"goal": "buy"}, ["call"], ["pets"]),
        ("I want to rent, with 3 dogs", {"goal": "rent", "pets": 3}, ["call"], []),
        ("to buy, and I have 3 dogs", {"goal": "buy", "pets": 3}, ["call"], ["pets"]),
    ):
        told = (await shop.ask("POST", "/schemas/lead/test", {"text": text})).json()
        assert {one["field"]: one["value"] for one in told["fields"]} == found
        assert (told["missing"], told["hidden"]) == (missing, hidden)


@pytest.mark.parametrize(
    ("change", "pointer", "line", "said"),
    [
        ({"requires": ["gaol"]}, "/fields/2/requires/0", "requires: [gaol]", "there is no field 'gaol' in this schema"),
        ({"requires": ["call"]}, "/fields/2/requires", "requires: [call]", "call waits for call: take one of them out"),
        ({"requires": ["pets"], "visible_when": {"field": "budget", "op": "is_set"}}, "/fields/2/visible_when",
         "visible_when: {field: budget, op: is_set}", "there is no field 'budget'"),
        ({"visible_when": {"field": "goal", "op": "is", "value": "x"}}, "/fields/2/visible_when",
         "visible_when: {field: goal, op: is, value: x}", "use one of"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_with_its_place(
    shop: Shop, change: dict[str, Any], pointer: str, line: str, said: str
) -> None:
    fields: Any = LEAD["fields"]
    wrong = LEAD | {"fields": [*fields[:2], fields[2] | change]}
    told = is_problem(await shop.ask("POST", "/schemas", wrong), 422, "invalid", pointer)
    assert said in told["errors"][0]["detail"]
    file = (await shop.ask("GET", "/export")).text + (
        "schemas:\n  - name: lead\n    fields:\n      - {name: goal, type: text}\n      - {name: pets, type: text}\n"
        f"      - name: call\n        type: text\n{''.join(f'        {one}{chr(10)}' for one in line.splitlines())}"
    )
    where = file[: file.index(line)].count("\n") + 1
    answer = is_problem(await shop.ask("POST", "/import", {"yaml": file}), 422, "invalid", "/yaml")
    path = "schemas.0" + pointer.replace("/", ".")
    assert answer["errors"][0]["detail"].startswith(f"import.yaml:{where}: {path}: ")
    assert said in answer["errors"][0]["detail"]

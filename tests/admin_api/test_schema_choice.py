"""Which schema a conversation fills: a person sees and says it, its history tells it, new versions of it move along."""

from typing import Any

import pytest

from store.db import new_id
from tests.admin_api.api_rig import Customer, Shop, is_problem, together

BUYER = {
    "name": "buyer",
    "fields": [
        {"name": "rooms", "type": "integer", "extract": True, "required": True, "minimum": 1},
        {"name": "budget", "type": "money", "extract": True, "required": True},
        {"name": "pool", "type": "boolean"},
    ],
    "workflow": {"initial": "looking", "statuses": ["looking", "found"],
                 "transitions": [{"from": "looking", "to": "found"}]},
}  # fmt: skip
SELLER = {
    "name": "seller",
    "fields": [
        {"name": "rooms", "type": "integer", "maximum": 20},
        {"name": "pool", "type": "text"},
        {"name": "built", "type": "integer", "required": True},
    ],
    "workflow": {"initial": "valuing", "statuses": ["valuing", "found"]},
}  # fmt: skip


@pytest.fixture
async def estate(shop: Shop) -> Shop:
    for one in (BUYER, SELLER):
        await shop.make("/schemas", one)
    return shop


@pytest.fixture
async def talk(estate: Shop) -> Customer:
    return await estate.business.customer("Hi there")


async def choose(estate: Shop, talk: Customer, to: str | None, **headers: str) -> Any:
    path = f"/contexts/{talk.conversation_id}/change-schema"
    return await estate.ask("POST", path, {"to": to, "why": "they said so"}, who="agent", **headers)


def values(answer: Any) -> dict[str, Any]:
    return {name: one["value"] for name, one in answer.json()["values"].items()}


async def test_what_both_have_stays_and_the_rest_comes_back(estate: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    told = (await estate.ask("GET", path)).json()
    assert (told["schema_name"], told["schema_by"]) == ("buyer", None)
    wish = {"fields": {"rooms": 3, "budget": "400k", "pool": True}}
    await estate.ask("PATCH", path, wish)
    moved = await choose(estate, talk, "seller")
    assert moved.status_code == 200, moved.text
    said = moved.json()
    assert (said["schema_name"], said["schema_by"], said["missing"]) == ("seller", "human", ["built"])
    assert (set(said["left"]), said["back"], values(moved)) == ({"budget", "pool"}, [], {"rooms": 3})
    unknown = await estate.ask("PATCH", path, {"fields": {"budget": "500k"}})
    is_problem(unknown, 422, "invalid", "/fields/budget")
    assert (await estate.ask("PATCH", path, {"fields": {"pool": "a big one"}})).status_code == 200
    history = (await estate.ask("GET", f"{path}/history")).json()["items"]
    agent = str(estate.business.persons["agent"])
    left = {
        (one["field"], one["to"], one["source"], one["why"], one["left_with"], one["person_id"])
        for one in history[1:4]
    }
    assert left == {
        ("$schema", "seller", "human", "they said so", "buyer", agent),
        ("budget", None, "human", "they said so", "buyer", agent),
        ("pool", None, "human", "they said so", "buyer", agent),
    }
    again = await choose(estate, talk, "buyer")
    assert (set(again.json()["back"]), again.json()["left"]) == ({"budget", "pool"}, ["pool"])
    assert values(again) == {"rooms": 3, "pool": True, "budget": {"amount": "400000", "currency": "USD"}}
    assert again.json()["values"]["budget"]["source"] == "human"
    verbs = (await estate.ask("GET", f"/audit?object_id={talk.conversation_id}&verb=schema_chosen")).json()[
        "items"
    ]
    assert [one["details"] for one in verbs] == [
        {"before": "seller", "schema": "buyer"}, {"before": "buyer", "schema": "seller"},
    ]  # fmt: skip
    assert "$schema" not in {
        one["field"] for one in (await estate.ask("GET", "/analytics/context")).json()["fields"]
    }


async def test_the_workflow_goes_with_it(estate: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    await estate.ask("POST", f"{path}/change-status", {"to": "found"})
    assert (await choose(estate, talk, "seller")).json()["status"] == "found"  # a status of both
    await choose(estate, talk, "buyer")
    await estate.ask(
        "PATCH", "/schemas/seller", {"workflow": {"initial": "valuing", "statuses": ["valuing"]}}
    )
    moved = (await choose(estate, talk, "seller")).json()
    assert (moved["status"], moved["next_statuses"]) == ("valuing", [])


async def test_a_rollback_goes_back_to_the_schema_too(estate: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    await estate.ask("PATCH", path, {"fields": {"rooms": 3, "budget": "400k"}})
    entry = (await estate.ask("GET", f"{path}/history")).json()["items"][0]["id"]
    await choose(estate, talk, "seller")
    await estate.ask("PATCH", path, {"fields": {"rooms": 4, "built": 1978}})
    back = await estate.ask("POST", f"{path}/rollback", {"to": entry})
    assert (back.json()["schema_name"], back.json()["schema_by"]) == ("buyer", None)
    assert values(back) == {"rooms": 3, "budget": {"amount": "400000", "currency": "USD"}}


async def test_taking_the_choice_back_goes_to_the_first(estate: Shop, talk: Customer) -> None:
    await choose(estate, talk, "seller")
    told = (await choose(estate, talk, None)).json()
    assert (told["schema_name"], told["schema_by"]) == ("buyer", None)
    same = (await choose(estate, talk, None)).json()
    assert (same["left"], same["back"], same["version"]) == ([], [], told["version"])


async def test_who_may_not_and_what_is_not_there(estate: Shop, talk: Customer) -> None:
    told = is_problem(await choose(estate, talk, "lessor"), 422, "invalid", "/to")
    assert "there are buyer, seller" in told["errors"][0]["detail"]
    path = f"/contexts/{talk.conversation_id}/change-schema"
    is_problem(await estate.ask("POST", path, {"to": "seller"}, who="viewer"), 403, "not_permitted")
    is_problem(
        await estate.ask("POST", f"/contexts/{new_id()}/change-schema", {"to": "seller"}), 404, "not_found"
    )
    is_problem(await choose(estate, talk, "seller", if_match='"9"'), 412, "stale_version")
    assert (await estate.ask("GET", f"/contexts/{talk.conversation_id}")).json()["schema_name"] == "buyer"


async def test_two_at_once_leave_one_of_them(estate: Shop, talk: Customer) -> None:
    both = await together(*(choose(estate, talk, to) for to in ("seller", "buyer", "seller")))
    assert {one.status_code for one in both} == {200}
    told = (await estate.ask("GET", f"/contexts/{talk.conversation_id}")).json()
    history = (await estate.ask("GET", f"/contexts/{talk.conversation_id}/history?field=$schema")).json()[
        "items"
    ]
    assert history[0]["to"] == told["schema_name"]


async def test_each_conversation_is_brought_to_its_own_schema(estate: Shop, talk: Customer) -> None:
    """A new version of the second schema leaves those alone that fill the first; the first's removal moves those on."""
    sells = await estate.business.customer("Hello")
    await estate.ask("POST", f"/contexts/{sells.conversation_id}/change-schema", {"to": "seller"})
    for one, fields in ((talk, {"rooms": 12, "budget": "400k"}), (sells, {"rooms": 12, "built": 1978})):
        assert (
            await estate.ask("PATCH", f"/contexts/{one.conversation_id}", {"fields": fields})
        ).status_code == 200
    fields = [SELLER["fields"][0] | {"maximum": 10}, SELLER["fields"][2] | {"type": "text"}]  # type: ignore[index]
    made = (await estate.ask("PATCH", "/schemas/seller", {"name": "vendor", "fields": fields})).json()
    assert (made["could_not_keep"], made["could_not_keep_total"]) == ([
        {"conversation_id": str(sells.conversation_id), "field": "built", "reason": "1978 is not a text"},
        {"conversation_id": str(sells.conversation_id), "field": "rooms", "reason": "must be at most 10"},
    ], 2) or [one["field"] for one in made["could_not_keep"]] == ["rooms"]  # fmt: skip
    told = await estate.ask("GET", f"/contexts/{sells.conversation_id}")
    assert (told.json()["schema_name"], told.json()["schema_by"]) == ("vendor", "human")
    assert values(await estate.ask("GET", f"/contexts/{talk.conversation_id}"))["rooms"] == 12
    assert (await estate.ask("DELETE", "/schemas/buyer")).status_code == 204
    kept = await estate.ask("GET", f"/contexts/{talk.conversation_id}")
    assert (kept.json()["schema_name"], values(kept)) == ("vendor", {})
    assert (await estate.ask("DELETE", "/schemas/vendor")).status_code == 204
    last = (await estate.ask("GET", f"/contexts/{sells.conversation_id}")).json()
    assert (last["schema_name"], last["schema_by"]) == (None, None)


async def test_an_imported_file_says_what_it_could_not_keep(estate: Shop, talk: Customer) -> None:
    await estate.ask("PATCH", f"/contexts/{talk.conversation_id}", {"fields": {"rooms": 12, "pool": True}})
    out = (await estate.ask("GET", "/export")).text
    changed = out.replace("minimum: 1\n", "maximum: 10\n").replace(
        "      - name: pool\n        type: boolean\n", ""
    )
    assert changed != out
    told = (await estate.ask("POST", "/import", {"yaml": changed})).json()
    assert told["could_not_keep"] == [
        "contexts.pool: could not be kept in 1 open conversations: there is no such field any more",
        "contexts.rooms: could not be kept in 1 open conversations: must be at most 10",
    ]
    assert (await estate.ask("POST", "/import", {"yaml": changed})).json()["could_not_keep"] == []


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/rules", {"name": "a", "on": "message_received", "then": [{"set_schema": "lessor"}]}, "/then/0/set_schema"),
        ("/schemas", {"name": "a", "fields": [], "workflow": {"initial": "b", "statuses": [
            {"name": "b", "enter": [{"set_schema": "buyer"}]}]}}, "/workflow/statuses/0/enter/0/set_schema"),
        ("/channels", {"kind": "webchat", "address": "second", "schema": "lessor"}, "/schema"),
    ],
)  # fmt: skip
async def test_a_schema_that_is_not_there_is_refused(
    estate: Shop, path: str, body: dict[str, Any], pointer: str
) -> None:
    told = is_problem(await estate.ask("POST", path, body), 422, "invalid", pointer)
    assert "there are buyer, seller" in told["errors"][0]["detail"] or "rule" in told["errors"][0]["detail"]


async def test_a_schema_that_is_named_stays(estate: Shop) -> None:
    rule = {"name": "sellers", "on": "message_received", "then": [{"set_schema": "seller"}]}
    await estate.make("/rules", rule)
    made = await estate.make("/channels", {"kind": "webchat", "address": "site", "schema": "seller"})
    assert made["schema"] == "seller"
    told = is_problem(await estate.ask("DELETE", "/schemas/seller"), 422, "invalid", "", "")
    assert [one["detail"].partition(":")[0] for one in told["errors"]] == [
        "channels.1.schema",
        "rules.0.then.0.set_schema",
    ]
    out = (await estate.ask("GET", "/export")).text
    assert "schema: seller" in out
    assert (await estate.ask("POST", "/import", {"yaml": out})).json()["changes"] == []

"""What a customer says against a person's value: seen, taken over or dismissed, once."""

from typing import Any

import pytest

from domain.turn import SetField, SuggestField, Turn
from store.db import new_id
from tests.admin_api.api_rig import Customer, Shop, is_problem, together

SCHEMA = {
    "name": "trip",
    "fields": [
        {"name": "guests", "type": "integer", "extract": True, "maximum": 40},
        {"name": "boat", "type": "text", "extract": True},
    ],
}


@pytest.fixture
async def boats(shop: Shop) -> Shop:
    await shop.make("/schemas", SCHEMA)
    return shop


@pytest.fixture
async def talk(boats: Shop) -> Customer:
    customer = await boats.business.customer("we are 6")
    set_ = await boats.ask(
        "PATCH", f"/contexts/{customer.conversation_id}", {"fields": {"guests": 8}}, who="agent"
    )
    assert set_.status_code == 200
    return customer


async def hears(talk: Customer, value: Any, words: str) -> None:
    def think(turn: Turn) -> Turn:
        return turn.doing(
            SuggestField("guests", value, 0.9, 1, words), SetField("guests", value, 0.9, 1, words)
        )

    await talk.is_answered(think)


async def open_ones(boats: Shop, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await boats.ask("GET", f"/suggestions?{asked}", who="viewer")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_it_is_taken_over_with_the_customers_words(boats: Shop, talk: Customer) -> None:
    await hears(talk, 6, "we are 6")
    (told,) = await open_ones(boats)
    assert (told["field"], told["value"], told["words"], told["state"]) == ("guests", 6, "we are 6", "open")
    path = f"/contexts/{talk.conversation_id}"
    assert (await boats.ask("GET", path)).json()["values"]["guests"]["value"] == 8
    done = await boats.ask("POST", f"/suggestions/{told['id']}/accept", who="agent", Idempotency_Key="once")
    assert (done.status_code, done.json()["state"]) == (200, "accepted")
    again = await boats.ask("POST", f"/suggestions/{told['id']}/accept", who="agent", Idempotency_Key="once")
    assert (again.json(), again.headers["idempotency-replayed"]) == (done.json(), "true")
    kept = (await boats.ask("GET", path)).json()["values"]["guests"]
    assert (kept["value"], kept["source"], kept["words"], kept["evidence_seq"]) == (6, "human", "we are 6", 1)
    is_problem(await boats.ask("POST", f"/suggestions/{told['id']}/dismiss"), 409, "suggestion_decided")
    assert await open_ones(boats) == []
    assert [one["id"] for one in await open_ones(boats, state="accepted")] == [told["id"]]


async def test_it_is_dismissed(boats: Shop, talk: Customer) -> None:
    await hears(talk, 6, "we are 6")
    (told,) = await open_ones(boats, conversation=str(talk.conversation_id))
    done = (await boats.ask("POST", f"/suggestions/{told['id']}/dismiss", who="agent")).json()
    assert (done["state"], done["decided_by"]) == ("dismissed", str(boats.business.persons["agent"]))
    assert (await boats.ask("GET", f"/contexts/{talk.conversation_id}")).json()["values"]["guests"][
        "value"
    ] == 8


async def test_the_last_word_counts_and_a_person_ends_it(boats: Shop, talk: Customer) -> None:
    for value in (6, 6, 7):
        await hears(talk, value, f"we are {value}")
    told = await open_ones(boats, state="open")
    assert [one["value"] for one in told] == [7]
    assert [one["value"] for one in await open_ones(boats, state="superseded")] == [6]
    await boats.ask("PATCH", f"/contexts/{talk.conversation_id}", {"fields": {"guests": 9}})
    assert await open_ones(boats) == []
    is_problem(await boats.ask("POST", f"/suggestions/{told[0]['id']}/accept"), 409, "suggestion_decided")


async def test_what_the_schema_does_not_take_any_more(boats: Shop, talk: Customer) -> None:
    await hears(talk, 30, "we are 30")
    (told,) = await open_ones(boats)
    await boats.ask(
        "PATCH", "/schemas/trip", {"fields": [{"name": "guests", "type": "integer", "maximum": 10}]}
    )
    refused = is_problem(await boats.ask("POST", f"/suggestions/{told['id']}/accept"), 409, "field_gone")
    assert "must be at most 10" in refused["detail"]
    assert (await boats.ask("POST", f"/suggestions/{told['id']}/dismiss")).status_code == 200


async def test_two_decide_at_once(boats: Shop, talk: Customer) -> None:
    await hears(talk, 6, "we are 6")
    (told,) = await open_ones(boats)
    acts = ("accept", "dismiss", "accept")
    answers = await together(*(boats.ask("POST", f"/suggestions/{told['id']}/{act}") for act in acts))
    assert sorted(one.status_code for one in answers) == [200, 409, 409]


async def test_who_may_and_what_is_not_there(boats: Shop, talk: Customer) -> None:
    await hears(talk, 6, "we are 6")
    (told,) = await open_ones(boats)
    is_problem(
        await boats.ask("POST", f"/suggestions/{told['id']}/accept", who="viewer"), 403, "not_permitted"
    )
    for act in ("accept", "dismiss"):
        is_problem(await boats.ask("POST", f"/suggestions/{new_id()}/{act}"), 404, "not_found")
    is_problem(await boats.ask("GET", f"/suggestions/{new_id()}"), 404, "not_found")


async def test_it_is_handed_out_and_erased_with_the_customer(boats: Shop, talk: Customer) -> None:
    await hears(talk, 6, "we are 6, Ann Lee")
    contact = (await boats.ask("GET", f"/contexts/{talk.conversation_id}")).json()["contact_id"]
    out = await boats.ask("GET", f"/contacts/{contact}/export")
    (told,) = out.json()["conversations"][0]["suggestions"]
    assert (told["words"], told["value"]) == ("we are 6, Ann Lee", 6)
    assert (await boats.ask("DELETE", f"/contacts/{contact}")).status_code in (200, 204)
    assert await open_ones(boats) == []

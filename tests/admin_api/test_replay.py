"""A rule over the past: what it would have done, with what was known then, and without a trace."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.turn import SetField, Turn, Understanding
from tests.admin_api.api_rig import Customer, Shop, is_problem, moment

SCHEMA = {
    "name": "trip",
    "fields": [{"name": "guests", "type": "integer", "extract": True}, {"name": "boat", "type": "text"}],
    "workflow": {
        "initial": "new",
        "statuses": ["new", "held"],
        "transitions": [{"from": "new", "to": "held"}],
    },
}


@pytest.fixture
async def boats(shop: Shop) -> Shop:
    await shop.make("/schemas", SCHEMA)
    return shop


def hears(intent: str, **fields: Any) -> Callable[[Turn], Turn]:
    def think(turn: Turn) -> Turn:
        told = (SetField(name, value, 0.9, turn.base_seq, "") for name, value in fields.items())
        understood = Understanding(intent, 0.9, "en", urgency=0.9 if intent == "complaint" else 0.0)
        return Turn(turn.conversation, turn.profile, turn.burst, turn.now, understood=understood).doing(*told)

    return think


async def said(boats: Shop, *turns: tuple[str, str, dict[str, Any]]) -> Customer:
    """A customer who wrote these, each understood so."""
    customer = await boats.business.customer(turns[0][0])
    for n, (words, intent, fields) in enumerate(turns):
        if n:
            await customer.writes(words)
        await customer.is_answered(hears(intent, **fields))
    return customer


async def rule(boats: Shop, on: str, when: dict[str, Any], **more: Any) -> None:
    then = more.pop("then", [{"add_tag": "seen"}, {"reply": "Ahoy"}])
    await boats.make("/rules", {"name": "it", "on": on, "when": when, "then": then, "enabled": False} | more)


async def replay(boats: Shop, query: str = "", hours: float = 2, **body: Any) -> dict[str, Any]:
    wish = {"from": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()} | body
    answer = await boats.ask("POST", f"/rules/it/replay{query}", wish, who="viewer")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_messages_with_what_was_understood_then(boats: Shop) -> None:
    angry = await said(boats, ("hello", "greeting", {}), ("this is a bad boat", "complaint", {}))
    await said(boats, ("bad weather?", "ask_knowledge", {}))
    when = {"all": [
        {"field": "message.text", "op": "contains", "value": "bad"},
        {"field": "sentiment.urgency", "op": "gte", "value": 0.5},
    ]}  # fmt: skip
    await rule(boats, "message_received", when)
    told = await replay(boats)
    assert (told["moments"], told["times"], told["conversations"], told["did"]) == (3, 1, 1, 0)
    (found,) = told["items"]
    assert found["conversation_id"] == str(angry.conversation_id)
    assert moment(found["at"])
    assert (told["actions"], told["context"]) == (["add_tag", "reply"], "as_of_then")
    assert "tags" in told["of_today"]
    assert (await boats.ask("GET", "/rules/it/runs")).json()["items"] == []
    (talk,) = (await boats.ask("GET", f"/conversations/{angry.conversation_id}/messages")).json()["items"][
        -1:
    ]
    assert talk["direction"] == "in"  # nothing was said


async def test_the_context_is_that_of_then(boats: Shop) -> None:
    """Ten guests were known when they wrote; a person has put it right since."""
    talk = await said(boats, ("we are 10", "give_information", {"guests": 10}))
    set_ = await boats.ask(
        "PATCH", f"/contexts/{talk.conversation_id}", {"fields": {"guests": 2, "boat": "sail"}}
    )
    assert set_.status_code == 200
    await rule(boats, "message_received", {"field": "guests", "op": "gte", "value": 8})
    told = await replay(boats)
    assert [one["why"] for one in told["items"]] == ["guests (10) gte 8"]
    await boats.ask(
        "PATCH",
        "/rules/it",
        {"on": "context_changed", "when": {"field": "guests", "op": "changed_to", "value": 2}},
    )
    told = await replay(boats)
    assert (told["moments"], [one["why"] for one in told["items"]]) == (2, ["guests (2) changed_to 2"])


@pytest.mark.parametrize(("once", "times"), [("always", 4), ("conversation", 2), ("contact", 2), ("day", 2)])
async def test_so_often_as_once_lets_it(boats: Shop, once: str, times: int) -> None:
    for _ in range(2):
        await said(boats, ("hi", "greeting", {}), ("hi again", "greeting", {}))
    await rule(boats, "message_received", {}, once=once)
    assert (await replay(boats))["times"] == times


async def test_page_by_page_nothing_is_told_twice(boats: Shop) -> None:
    talks = {
        str((await said(boats, ("hi", "greeting", {}), ("yes", "affirm", {}))).conversation_id)
        for _ in range(5)
    }
    await rule(boats, "message_received", {"field": "intent", "op": "eq", "value": "affirm"})
    seen, cursor, pages = list[str](), None, 0
    while pages == 0 or cursor:
        told = await replay(boats, "?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        seen += [one["conversation_id"] for one in told["items"]]
        cursor, pages = told["next_cursor"], pages + 1
    assert (len(seen), set(seen), pages) == (5, talks, 3)


async def test_what_the_log_tells(boats: Shop) -> None:
    talk = await said(boats, ("hi", "greeting", {}))
    await boats.ask("POST", f"/contexts/{talk.conversation_id}/change-status", {"to": "held"})
    await rule(boats, "status_changed", {"field": "status", "op": "changed_to", "value": "held"})
    told = await replay(boats)
    assert [one["why"] for one in told["items"]] == ["status (held) changed_to held"]
    long_ago = await replay(boats, hours=24 * 80)
    assert datetime.now(UTC) - moment(long_ago["looked_from"]) < timedelta(days=31)


async def test_silence_and_the_clock(boats: Shop) -> None:
    talk = await said(boats, ("hi", "greeting", {}), ("me again", "greeting", {}))
    async with boats.business.rt.db.transaction(boats.business.id) as tx:
        for table, column in (("turn", "finished_at"), ("conversation", "created_at")):
            sql = f"update {table} set {column} = {column} - interval '30 hours'"  # noqa: S608  (constant names)
            await tx.execute(text(sql))
    await rule(boats, "conversation_idle", {}, after="1d")
    told = await replay(boats, hours=48)
    assert [(one["conversation_id"], told["moments"]) for one in told["items"]] == [
        (str(talk.conversation_id), 1)
    ]
    assert (await replay(boats, hours=1))["times"] == 0
    await boats.ask("DELETE", "/rules/it")
    await rule(boats, "schedule", {}, at="09:00")
    assert (await replay(boats, hours=29))["times"] in (1, 2)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"from": "2026-01-01T00:00:00Z", "to": "2025-12-01T00:00:00Z"}, "/from"),
        ({"from": "2020-01-01T00:00:00Z"}, "/from"),
        ({"from": "2020-01-01T00:00:00"}, "/from"),
        ({}, "/from"),
        ({"from": "2026-01-01T00:00:00Z", "until": "x"}, "/until"),
    ],
)
async def test_a_time_that_is_none(boats: Shop, body: dict[str, Any], pointer: str) -> None:
    await rule(boats, "message_received", {})
    is_problem(await boats.ask("POST", "/rules/it/replay", body), 422, "invalid", pointer)


async def test_who_may_and_what_is_not_there(boats: Shop) -> None:
    await rule(boats, "message_received", {})
    wish = {"from": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    is_problem(await boats.ask("POST", "/rules/nobody/replay", wish), 404, "not_found")
    is_problem(await boats.ask("POST", "/rules/it/replay", wish, who="nothing"), 403, "not_permitted")
    is_problem(await boats.ask("POST", "/rules/it/replay?cursor=x", wish), 422, "bad_cursor", "/query/cursor")

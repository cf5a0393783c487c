"""Every row once, in order, whatever the size of the page; and cursors that were not made by us."""

import base64
import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from domain.turn import Say
from runtime.runtime import Runtime
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, Customer, is_problem

MANY = 60


@pytest.fixture(scope="module")
async def crowded(open_business: Any) -> Business:
    """Sixty conversations, each with a draft."""
    business: Business = await open_business()
    for _ in range(MANY):
        await (await business.customer()).draft()
    return business


@pytest.fixture(scope="module")
async def talkative(business: Business) -> Customer:
    """Sixty messages and as many turns."""
    customer = await business.customer("Hello")
    for n in range(MANY - 1):
        await customer.writes(f"And {n}")
    for n in range(5):
        await customer.is_answered(lambda turn, n=n: turn.doing(Say(f"Answer {n}")))
        await customer.writes("And?")
    return customer


async def walk(api: Api, business: Business, path: str, limit: int) -> list[dict[str, Any]]:
    found, cursor = list[dict[str, Any]](), None
    while True:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = await api.get(path, params=params, headers=business.key("viewer"))
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"items", "next_cursor"}
        assert len(answer.json()["items"]) <= limit
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found
        assert len(answer.json()["items"]) == limit


@pytest.mark.parametrize("limit", [1, 7, 30, 59, 60, 61, 200])
@pytest.mark.parametrize("noun", ["conversations", "drafts"])
async def test_no_gaps_no_repeats(api: Api, crowded: Business, noun: str, limit: int) -> None:
    ids = [one["id"] for one in await walk(api, crowded, crowded.path(f"/{noun}"), limit)]
    assert len(ids) == len(set(ids)) == MANY


async def test_the_order(api: Api, crowded: Business) -> None:
    moved = [
        (one["updated_at"], one["id"]) for one in await walk(api, crowded, crowded.path("/conversations"), 7)
    ]
    assert moved == sorted(moved, reverse=True)
    made = [one["id"] for one in await walk(api, crowded, crowded.path("/drafts"), 7)]
    assert made == sorted(made, reverse=True)


async def test_rows_of_the_same_moment(api: Api, open_business: Any, rt: Runtime) -> None:
    business: Business = await open_business()
    for _ in range(9):
        await business.customer()
    async with rt.db.transaction(business.id) as tx:
        await tx.execute(text("update conversation set updated_at = '2026-11-21 12:00:00.123456+00'"))
    ids = [one["id"] for one in await walk(api, business, business.path("/conversations"), 2)]
    assert len(ids) == len(set(ids)) == 9


@pytest.mark.parametrize("limit", [1, 9, 64, 200])
async def test_messages_and_turns(api: Api, business: Business, talkative: Customer, limit: int) -> None:
    messages = await walk(api, business, talkative.path + "/messages", limit)
    assert [one["seq"] for one in messages] == list(range(1, MANY + 11))
    told = [one["id"] for one in await walk(api, business, talkative.path + "/turns", limit)]
    assert len(told) == 5
    assert told == sorted(told, reverse=True)


async def test_after(api: Api, business: Business, talkative: Customer) -> None:
    path = talkative.path + "/messages"
    for after, first, length in ((0, 1, 50), (3, 4, 50), (MANY + 8, MANY + 9, 2), (MANY + 10, None, 0)):
        answer = await api.get(path, params={"after": after}, headers=business.key())
        items = answer.json()["items"]
        assert len(items) == length
        assert [one["seq"] for one in items][:1] == ([first] if first else [])
    for after in (-1, "x", 2**63, 1.5):
        answer = await api.get(path, params={"after": after}, headers=business.key())
        is_problem(answer, 422, "invalid", "/query/after")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.5", "9" * 400, "NaN", "\0"])
async def test_limits(api: Api, business: Business, limit: str) -> None:
    for noun in ("/conversations", "/drafts"):
        answer = await api.get(business.path(noun), params={"limit": limit}, headers=business.key())
        is_problem(answer, 422, "invalid", "/query/limit")


async def test_fifty_when_nobody_says(api: Api, crowded: Business) -> None:
    answer = await api.get(crowded.path("/drafts"), headers=crowded.key())
    assert len(answer.json()["items"]) == 50


def made(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


BAD = {
    "empty": "",
    "words": "next",
    "no alphabet": "!!!!",
    "unicode": "Ж",
    "long": "A" * 5_000,
    "no list": base64.urlsafe_b64encode(b'{"a": 1}').decode(),
    "nested": base64.urlsafe_b64encode(b"[" * 200).decode(),
    "another list's": made("turns", str(new_id())),
    "nothing in it": made("conversations"),
    "no time": made("conversations", "yesterday", str(new_id())),
    "no zone": made("conversations", "2026-11-21T12:00:00", str(new_id())),
    "no id": made("conversations", "2026-11-21T12:00:00+00:00", "'; --"),
    "NUL": made("conversations", "2026-11-21T12:00:00+00:00", "\0"),
    "too much": made("conversations", "2026-11-21T12:00:00+00:00", str(new_id()), 3),
    "no seq": made("messages", "one"),
    "negative": made("messages", -1),
    "huge": made("messages", 2**63),
    "no uuid": made("drafts", 5),
}


@pytest.mark.parametrize("cursor", BAD.values(), ids=BAD.keys())
async def test_cursors_that_are_not_ours(
    api: Api, business: Business, talkative: Customer, cursor: str
) -> None:
    for path in (business.path("/conversations"), business.path("/drafts"), talkative.path + "/messages"):
        answer = await api.get(path, params={"cursor": cursor}, headers=business.key())
        is_problem(answer, 422, "bad_cursor", "/query/cursor")


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"])
async def test_cursors_from_the_ends_of_time(api: Api, business: Business, when: str) -> None:
    answer = await api.get(
        business.path("/conversations"),
        params={"cursor": made("conversations", when, str(new_id()))},
        headers=business.key(),
    )
    assert answer.status_code == 200


async def test_another_workspaces_cursor_shows_nothing_of_it(
    api: Api, crowded: Business, other: Business
) -> None:
    cursor = (await _page(api, crowded, "/conversations?limit=1")).json()["next_cursor"]
    customer = await other.customer()
    answer = await _page(api, other, f"/conversations?cursor={cursor}")
    assert {one["contact_id"] for one in answer.json()["items"]}.isdisjoint(
        one["contact_id"] for one in (await _page(api, crowded, "/conversations?limit=200")).json()["items"]
    )
    assert customer.conversation_id


async def _page(api: Api, business: Business, query: str) -> httpx2.Response:
    return await api.get(business.path(query), headers=business.key())

"""Requests that come twice and happen once."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text

from runtime.runtime import Runtime
from store import idempotency
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, Customer, is_problem, together


async def reply(
    api: Api, customer: Customer, key: str, words: str = "Hello", kind: str = "agent", path: str = ""
) -> httpx2.Response:
    headers = customer.business.key(kind, idempotency_key=key)
    return await api.post(path or customer.path + "/messages", headers=headers, json={"text": words})


async def said(api: Api, customer: Customer) -> int:
    answer = await api.get(customer.path + "/messages", headers=customer.business.key())
    return sum(one["direction"] == "out" for one in answer.json()["items"])


async def test_a_reply_is_sent_once(api: Api, business: Business) -> None:
    customer, key = await business.customer(), str(new_id())
    first, second = await reply(api, customer, key), await reply(api, customer, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert await said(api, customer) == 1


async def test_without_a_key_twice_is_twice(api: Api, business: Business) -> None:
    customer = await business.customer()
    for _ in range(2):
        await api.post(customer.path + "/messages", headers=business.key(), json={"text": "Hello"})
    assert await said(api, customer) == 2


async def test_all_at_once(api: Api, business: Business) -> None:
    """Whoever comes while the first is running is told so, whoever comes later gets the first one's answer."""
    for _ in range(5):
        customer, key = await business.customer(), str(new_id())
        answers = await together(*(reply(api, customer, key) for _ in range(8)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        for answer in answers:
            if answer.status_code == 409:
                is_problem(answer, 409, "idempotency_in_flight")
                assert answer.headers["retry-after"] == "1"
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert await said(api, customer) == 1


async def test_in_flight(api: Api, business: Business, rt: Runtime) -> None:
    customer, key = await business.customer(), "in-flight"
    async with rt.db.transaction(business.id) as tx:
        assert await idempotency.begin(tx, idempotency.Asked(key, "POST x", b"")) is None
        is_problem(await reply(api, customer, key), 409, "idempotency_in_flight")
    assert (await reply(api, customer, key)).status_code == 201


async def test_the_same_key_for_something_else(api: Api, business: Business) -> None:
    customer, stranger, key = await business.customer(), await business.customer(), str(new_id())
    await reply(api, customer, key)
    is_problem(await reply(api, customer, key, "Other words"), 422, "idempotency_mismatch")
    is_problem(await reply(api, stranger, key), 422, "idempotency_mismatch")
    draft_id = await stranger.draft()
    approve = await api.post(
        business.path(f"/drafts/{draft_id}/approve"), headers=business.key(idempotency_key=key)
    )
    is_problem(approve, 422, "idempotency_mismatch")
    assert (await said(api, customer), await said(api, stranger)) == (1, 0)


async def test_spaces_in_the_body_are_no_difference(api: Api, business: Business) -> None:
    customer = await business.customer()
    headers = business.key(idempotency_key=str(new_id()), content_type="application/json")
    bodies = (b'{"text":"Hi \xf0\x9f\x91\x8b"}', b'{ "text" : "Hi \\ud83d\\udc4b" }')
    answers = [await api.post(customer.path + "/messages", headers=headers, content=body) for body in bodies]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["text"] == "Hi 👋"


async def test_approved_once(api: Api, business: Business) -> None:
    customer = await business.customer()
    path = business.path(f"/drafts/{await customer.draft()}/approve")
    headers = business.key(idempotency_key=str(new_id()))
    first, second = [await api.post(path, headers=headers, json={"text": "Yes"}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"] == '"2"'
    assert await said(api, customer) == 1
    is_problem(await api.post(path, headers=business.key()), 409, "draft_edited")


@pytest.mark.parametrize("act", ["takeover", "release", "close", "reject"])
async def test_what_is_decided_twice_is_decided_once(api: Api, business: Business, act: str) -> None:
    """The repeated answer is the first one, even when the thing has moved on meanwhile."""
    customer = await business.customer()
    draft_id = await customer.draft()
    path = business.path(f"/drafts/{draft_id}/reject") if act == "reject" else f"{customer.path}/{act}"
    headers = business.key(idempotency_key=str(new_id()))
    first = await api.post(path, headers=headers, json={})
    assert first.status_code == 200, first.text
    await api.post(f"{customer.path}/messages", headers=business.key(), json={"text": "Meanwhile"})
    again = await api.post(path, headers=headers, json={})
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    is_problem(
        await api.post(f"{customer.path}/messages", headers=headers, json={"text": "Hi"}),
        422,
        "idempotency_mismatch",
    )


async def test_what_was_refused_may_be_tried_again(api: Api, business: Business) -> None:
    customer, key = await business.customer("STOP"), str(new_id())
    is_problem(await reply(api, customer, key), 409, "opted_out")
    await customer.writes("START")
    assert (await reply(api, customer, key)).status_code == 201
    assert (await reply(api, customer, key)).headers["idempotency-replayed"] == "true"


async def test_keys_of_two_workspaces_do_not_meet(api: Api, business: Business, other: Business) -> None:
    key = str(new_id())
    ours, theirs = await business.customer(), await other.customer()
    first, second = await reply(api, ours, key), await reply(api, theirs, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


async def test_after_a_day_a_key_is_forgotten(api: Api, business: Business, rt: Runtime) -> None:
    customer, key = await business.customer(), str(new_id())
    first = await reply(api, customer, key)
    async with rt.db.transaction(business.id) as tx:
        await tx.execute(
            text("update idempotency set created_at = created_at - :day where key = :key"),
            {"day": timedelta(hours=24, seconds=1), "key": key},
        )
    second = await reply(api, customer, key, "Another day")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    async with rt.db.transaction(business.id) as tx:
        rows = await tx.execute(text("select count(*) from idempotency where key = :key"), {"key": key})
        assert rows.scalar_one() == 1


@pytest.mark.parametrize("key", ["", "a b", "é", "a" * 256, "\t"])
async def test_keys_that_are_none(api: Api, business: Business, key: str) -> None:
    customer = await business.customer()
    headers = {**business.key(), b"Idempotency-Key": key.encode()}
    answer = await api.post(customer.path + "/messages", headers=headers, json={"text": "Hi"})  # type: ignore[arg-type]
    is_problem(answer, 422, "invalid", "/header/Idempotency-Key")
    assert await said(api, customer) == 0


async def test_the_answer_is_kept_sealed(api: Api, business: Business, rt: Runtime) -> None:
    customer, key = await business.customer(), str(new_id())
    await reply(api, customer, key, "Sesame opens")
    async with rt.db.transaction(business.id) as tx:
        rows = await tx.execute(text("select body from idempotency where key = :key"), {"key": key})
        assert b"Sesame" not in bytes(rows.scalar_one())


async def test_a_request_that_is_cancelled_leaves_nothing(api: Api, business: Business) -> None:
    """The effect and its answer are there together or not at all, wherever it was cut off."""
    for delay in (0.001, 0.003, 0.006, 0.01, 0.02):
        customer, key = await business.customer(), str(new_id())
        task = asyncio.create_task(reply(api, customer, key))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        answer = await reply(api, customer, key)
        assert answer.status_code == 201
        assert await said(api, customer) == 1


async def test_another_workspace_sees_no_keys(
    api: Api, business: Business, other: Business, rt: Runtime
) -> None:
    customer, key = await business.customer(), str(new_id())
    await reply(api, customer, key)
    seen = {}
    for one in (business, other):
        async with rt.db.transaction(one.id) as tx:
            rows = await tx.execute(text("select count(*) from idempotency where key = :key"), {"key": key})
            seen[one.id] = rows.scalar_one()
    assert seen == {business.id: 1, other.id: 0}

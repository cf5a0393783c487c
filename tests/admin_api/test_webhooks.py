"""Webhooks over HTTP: made, changed, looked into; only for who runs the business, and only public addresses."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from store import webhooks
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem
from tests.admin_api.test_shape import Shop

HOOK = {"url": "https://hooks.example.com/in?key=s3cret", "events": ["draft.*", "conversation.opened"]}


@pytest.fixture
async def shop(api: Api, open_business: Callable[..., Awaitable[Business]]) -> Shop:
    return Shop(api, await open_business())


async def test_made_changed_rotated_and_taken_out(shop: Shop) -> None:
    made = await shop.make("/webhooks", HOOK)
    assert made["secret"].startswith("whsec_")
    assert (made["active"], made["events"]) == (True, HOOK["events"])
    (listed,) = (await shop.ask("GET", "/webhooks")).json()["items"]
    assert "secret" not in listed
    is_problem(await shop.ask("POST", "/webhooks", HOOK), 409, "webhook_exists", "/url")
    path = f"/webhooks/{made['id']}"
    off = (await shop.ask("PATCH", path, {"active": False, "events": ["*"]})).json()
    assert (off["active"], off["events"]) == (False, ["*"])
    assert (await shop.ask("PATCH", path, {"active": True})).json()["events"] == ["*"]
    fresh = (await shop.ask("POST", f"{path}/rotate")).json()["secret"]
    assert fresh != made["secret"]
    assert (await shop.ask("GET", path)).json()["secret"] == fresh
    assert (await shop.ask("DELETE", path)).status_code == 204
    is_problem(await shop.ask("GET", path), 404, "not_found")


async def test_calls_are_seen_and_replayed(shop: Shop, other: Business) -> None:
    made = await shop.make("/webhooks", HOOK)
    business = shop.business
    async with business.rt.db.transaction(business.id) as tx:
        call_id = await webhooks.call(tx, UUID(made["id"]), "draft.approved", tx.now, {"n": 1}, None)
    path = f"/webhooks/{made['id']}/calls"
    (call,) = (await shop.ask("GET", f"{path}?state=waiting")).json()["items"]
    assert (call["event"], call["attempts"], call["state"]) == ("draft.approved", 0, "waiting")
    assert (await shop.ask("GET", f"{path}/{call_id}")).json()["body"]["data"] == {"n": 1}
    is_problem(await shop.ask("POST", f"{path}/{call_id}/replay"), 409, "webhook_waiting")
    await shop.ask("PATCH", f"/webhooks/{made['id']}", {"active": False})
    assert (await shop.ask("GET", f"{path}/{call_id}")).json()["state"] == "cancelled"
    is_problem(await shop.ask("POST", f"{path}/{call_id}/replay"), 409, "webhook_disabled")
    await shop.ask("PATCH", f"/webhooks/{made['id']}", {"active": True})
    assert (await shop.ask("POST", f"{path}/{call_id}/replay")).json()["state"] == "waiting"
    theirs = Shop(shop.api, other)
    for method, where in (("GET", path), ("GET", f"{path}/{call_id}"), ("POST", f"{path}/{call_id}/replay"),
                          ("PATCH", f"/webhooks/{made['id']}"), ("DELETE", f"/webhooks/{made['id']}")):  # fmt: skip
        is_problem(await theirs.ask(method, where, {} if method == "PATCH" else None), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://10.0.0.1/x"}, "/url"), ({"url": "http://127.0.0.1:80/"}, "/url"),
        ({"url": "https://localhost/x"}, "/url"), ({"url": "http://[::1]/x"}, "/url"),
        ({"url": "http://2130706433/"}, "/url"), ({"url": "https://example.com:8443/"}, "/url"),
        ({"url": "ftp://example.com/"}, "/url"), ({"url": "https://exa mple.com/"}, "/url"),
        ({"url": "https://[bad/"}, "/url"), ({"events": ["draft"]}, "/events/0"), ({"colour": 1}, "/colour"),
    ],
)  # fmt: skip
async def test_what_is_not_taken(shop: Shop, change: dict[str, Any], pointer: str) -> None:
    is_problem(await shop.ask("POST", "/webhooks", HOOK | change), 422, "invalid", pointer)
    assert (await shop.ask("GET", "/webhooks")).json()["items"] == []


@pytest.mark.parametrize("who", ["viewer", "agent"])
async def test_only_who_runs_the_business(shop: Shop, who: str) -> None:
    is_problem(await shop.ask("GET", "/webhooks", who=who), 403, "not_permitted")
    is_problem(await shop.ask("POST", f"/webhooks/{new_id()}/rotate", who=who), 403, "not_permitted")

"""Payments over the API: people ask for what the business has priced, see what became of it, and call it off."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.payment import Seen
from store import payment_pages, settling
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, Customer, is_problem
from tests.rig import NOBODY

ITEMS = [{"name": "consultation", "amount": "150"}, {"name": "deposit", "amount": "49.5", "when": "person"}]


@pytest.fixture(scope="module")
async def firm(open_business: Callable[..., Awaitable[Business]]) -> Business:
    return await open_business(skills={"payment": {"items": ITEMS}})


@pytest.fixture(scope="module")
async def api(firm: Business, open_api: Callable[..., Awaitable[Api]]) -> Api:
    """Of an installation with a key; nothing is asked of Stripe by it."""
    return await open_api(replace(firm.rt, settings=replace(firm.rt.settings, stripe_key="sk_test")))


class Till:
    def __init__(self, api: Api, firm: Business, customer: Customer) -> None:
        self.api, self.firm, self.customer = api, firm, customer
        self.contact_id = ""

    async def post(self, rest: str, body: Any = None, who: str = "agent", **headers: str) -> Any:
        return await self.api.post(
            self.firm.path(f"/payments{rest}"), json=body or {}, headers=self.firm.key(who, **headers)
        )

    async def get(self, rest: str = "", who: str = "viewer", **params: str) -> Any:
        return await self.api.get(
            self.firm.path(f"/payments{rest}"), params=params, headers=self.firm.key(who)
        )

    def wanted(self, item: str = "consultation") -> dict[str, str]:
        return {"contact_id": self.contact_id, "item": item}

    async def happens(self, payment_id: str, **seen: Any) -> None:
        """The worker has asked Stripe."""
        told = Seen(
            f"cs_{payment_id}", "complete", "paid", 15000, "usd", payment_id, intent_id=f"pi_{payment_id}"
        )
        async with self.firm.rt.db.transaction(self.firm.id) as tx:
            await settling.settle(tx, UUID(payment_id), replace(told, **seen))


@pytest.fixture
async def till(api: Api, firm: Business) -> Till:
    found = Till(api, firm, await firm.customer())
    talk = await api.get(found.customer.path, headers=firm.key())
    found.contact_id = talk.json()["contact"]["id"]
    return found


async def test_a_person_asks_and_sees_what_became_of_it(till: Till) -> None:
    made = await till.post("", till.wanted())
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["state"], told["item"]) == ("asked", "consultation")
    assert told["amount"] == {"amount": "150.00", "currency": "USD"}
    assert told["url"].startswith(f"{till.firm.rt.settings.public_url}/pay/")
    assert told["requested_by"].startswith("person:")
    assert told["conversation_id"] == str(till.customer.conversation_id)
    await till.happens(told["id"])
    seen = await till.get(f"/{told['id']}")
    assert seen.headers["etag"] == f'"{seen.json()["version"]}"'
    assert (seen.json()["state"], seen.json()["url"], seen.json()["paid"]["amount"]) == (
        "paid",
        None,
        "150.00",
    )
    listed = (await till.get(state="paid", contact=till.contact_id)).json()["items"]
    assert [one["id"] for one in listed] == [told["id"]]
    assert (await till.get(state="open", contact=till.contact_id)).json()["items"] == []
    assert (await till.get(item="deposit", contact=till.contact_id)).json()["items"] == []
    is_problem(await till.post(f"/{told['id']}/cancel"), 409, "payment_paid")


async def test_asked_twice_is_refused_and_repeated_is_answered_again(till: Till) -> None:
    key = {"Idempotency_Key": new_id().hex}
    first, second = [await till.post("", till.wanted(), **key) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, second.json())
    is_problem(await till.post("", till.wanted()), 409, "payment_waits")
    assert (await till.post("", till.wanted("deposit"))).json()["amount"] == {
        "amount": "49.50",
        "currency": "USD",
    }


async def test_called_off_by_a_person(till: Till) -> None:
    told = (await till.post("", till.wanted())).json()
    is_problem(await till.post(f"/{told['id']}/cancel", who="viewer"), 403, "not_permitted")
    is_problem(await till.post(f"/{told['id']}/cancel", If_Match='"99"'), 412, "stale_version")
    assert (await till.post(f"/{told['id']}/cancel", If_Match=f'"{told["version"]}"')).json()[
        "state"
    ] == "cancelled"
    is_problem(await till.post(f"/{told['id']}/cancel"), 409, "payment_cancelled")
    assert (await till.post("", till.wanted())).status_code == 201


async def test_another_sum_is_shown_as_it_came(till: Till) -> None:
    told = (await till.post("", till.wanted())).json()
    await till.happens(told["id"], amount=500, currency="mxn")
    (one,) = (await till.get(state="mismatch", contact=till.contact_id)).json()["items"]
    assert (one["reason"], one["paid"]) == ("other_currency", {"amount": "5.00", "currency": "MXN"})


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointers"),
    [
        ({"item": "yacht"}, 422, "invalid", ["/item"]),
        ({"item": ""}, 422, "invalid", ["/item"]),
        ({"contact_id": NOBODY}, 404, "not_found", []),
        ({"contact_id": "nobody"}, 422, "invalid", ["/contact_id"]),
        ({"amount": "1"}, 422, "invalid", ["/amount"]),
    ],
)
async def test_what_cannot_be_asked_for(
    till: Till, changes: dict[str, str], status: int, code: str, pointers: list[str]
) -> None:
    is_problem(await till.post("", till.wanted() | changes), status, code, *pointers)
    assert (await till.get(contact=till.contact_id)).json()["items"] == []


@pytest.mark.parametrize("who", ["viewer", "reader", "program", "nothing"])
async def test_who_may_not_ask(till: Till, who: str) -> None:
    is_problem(await till.post("", till.wanted(), who=who), 403, "not_permitted")


async def test_pages_go_on_where_they_ended(till: Till) -> None:
    for item in ("consultation", "deposit"):
        await till.post("", till.wanted(item))
    first = (await till.get(contact=till.contact_id, limit="1")).json()
    second = (await till.get(contact=till.contact_id, limit="1", cursor=first["next_cursor"])).json()
    assert [one["item"] for one in (*first["items"], *second["items"])] == ["deposit", "consultation"]
    assert second["next_cursor"] is None


async def test_without_a_price_list_nobody_is_asked(till: Till, business: Business) -> None:
    other = await business.customer()
    talk = await till.api.get(other.path, headers=business.key())
    wanted = {"contact_id": talk.json()["contact"]["id"], "item": "consultation"}
    answer = await till.api.post(business.path("/payments"), json=wanted, headers=business.key())
    is_problem(answer, 409, "no_payments")


async def test_without_a_key_no_link_is_promised(till: Till, open_api: Callable[..., Awaitable[Api]]) -> None:
    keyless = await open_api(till.firm.rt)
    answer = await keyless.post(till.firm.path("/payments"), json=till.wanted(), headers=till.firm.key())
    is_problem(answer, 409, "payments_not_set_up")


async def test_only_the_very_address_leads_there(till: Till, other: Business) -> None:
    told = (await till.post("", till.wanted())).json()
    end, payment_id = told["url"].rpartition("/")[2], UUID(told["id"])
    assert (len(end), payment_pages.id_in(end)) == (32, payment_id)
    forged = end[:-2] + ("AA" if not end.endswith("AA") else "BB")
    async with till.firm.rt.db.transaction(till.firm.id) as tx:
        assert payment_pages.is_ours(tx, payment_id, end)
        assert not payment_pages.is_ours(tx, payment_id, forged)
        assert not payment_pages.is_ours(tx, UUID(int=7), end)
    async with other.rt.db.transaction(other.id) as tx:
        assert not payment_pages.is_ours(tx, payment_id, end)
    assert [payment_pages.id_in(one) for one in ("", "x", end[:-4], "é" * 32, end + "AAAA")] == [None] * 5

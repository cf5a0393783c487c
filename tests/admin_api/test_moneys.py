"""Money over the API: numbers go in and never come out, and nothing moves by one person's word."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.messages import Address, Scheme
from domain.money import account_number, routing_number
from domain.portfolio import Account
from store import banks, contacts, portfolios
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem, together
from tests.rig import NOBODY

Json = dict[str, Any]
MONEY = {
    "portfolio": {},
    "money": {"approve_above": 100, "two_above": 1000, "cool_off": "0s", "per_transfer": 5000},
}
NUMBERS = {"bank": "First Bank", "holder": "Ann Hale", "type": "checking", "routing_number": "011000015",
           "account_number": "000987651234"}  # fmt: skip


@pytest.fixture(scope="module")
async def firm(open_business: Callable[..., Awaitable[Business]]) -> Business:
    return await open_business(skills=MONEY)


class Client:
    def __init__(self, api: Api, firm: Business, contact_id: str, account_id: str) -> None:
        self.api, self.firm, self.contact_id, self.account_id = api, firm, contact_id, account_id

    async def post(self, rest: str, body: Json | None = None, who: str = "agent", **headers: str) -> Any:
        return await self.api.post(
            self.firm.path(rest), json=body or {}, headers=self.firm.key(who, **headers)
        )

    async def get(self, rest: str, who: str = "viewer", **params: str) -> Any:
        return await self.api.get(self.firm.path(rest), params=params, headers=self.firm.key(who))

    async def ready(self) -> str:
        """A bank account that may be used."""
        link = (await self.post("/bank-links", self.bank())).json()["id"]
        await self.post(f"/bank-links/{link}/vouch", who="admin")
        async with self.firm.rt.db.transaction(self.firm.id) as tx:
            mine = await banks.take(tx, link)
            await banks.set_(tx, mine, banks.BankState.READY, None, known={"relationship": "r1"})
        return str(link)

    def bank(self, **changes: str) -> Json:
        return {"contact_id": self.contact_id, "account_id": self.account_id, **NUMBERS, **changes}

    def transfer(self, link: str, amount: str = "500", **changes: str) -> Json:
        return {"contact_id": self.contact_id, "bank_link_id": link, "direction": "out", "amount": amount,
                "authorisation": "asked on the telephone", **changes}  # fmt: skip


@pytest.fixture
async def client(api: Api, firm: Business) -> Client:
    number = (await firm.customer()).number
    async with firm.rt.db.transaction(firm.id) as tx:
        who = await contacts.hold(tx, Address(Scheme.TEL, number))
        external = new_id().hex
        account = Account(new_id(), "Brokerage", "0007", "USD", Decimal(4000), (), "alpaca", external)
        held = await portfolios.put(tx, who.contact_id, account)
    return Client(api, firm, str(who.contact_id), str(held))


async def test_a_bank_is_typed_by_one_and_vouched_for_by_another(client: Client) -> None:
    made = await client.post("/bank-links", client.bank())
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["mask"], told["bank"]) == ("vouching", "1234", "First Bank")
    for number in ("011000015", "000987651234"):
        assert number not in made.text
        assert number not in (await client.get(f"/bank-links/{told['id']}")).text
    is_problem(await client.post(f"/bank-links/{told['id']}/vouch"), 409, "same_person")
    assert (await client.post(f"/bank-links/{told['id']}/vouch", who="admin")).json()["state"] == "linking"
    is_problem(await client.post(f"/bank-links/{told['id']}/vouch", who="owner"), 409, "bank_linking")
    is_problem(await client.post("/bank-links", client.bank()), 409, "bank_linked_already")
    assert (await client.post(f"/bank-links/{told['id']}/remove")).json()["state"] == "removed"
    assert (await client.post("/bank-links", client.bank())).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"routing_number": "011000016"}, "/routing_number"), ({"routing_number": "11000015"}, "/routing_number"),
     ({"account_number": "12-34"}, "/account_number"), ({"account_number": "1"}, "/account_number"),
     ({"type": "credit"}, "/type"), ({"holder": ""}, "/holder"), ({"account_id": NOBODY}, "/account_id")],
)  # fmt: skip
async def test_wrong_numbers_are_told(client: Client, changes: Json, pointer: str) -> None:
    is_problem(await client.post("/bank-links", client.bank(**changes)), 422, "invalid", pointer)


async def test_what_one_writes_down_others_approve(client: Client) -> None:
    link = await client.ready()
    made = await client.post("/transfers", client.transfer(link, "1500"))
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["needs"], told["amount"]) == (
        "approval",
        2,
        {"amount": "1500.00", "currency": "USD"},
    )
    path = f"/transfers/{told['id']}/approve"
    is_problem(await client.post(path), 409, "own_request")
    is_problem(await client.post(path, who="program"), 403, "not_permitted")
    is_problem(await client.post(path, who="viewer"), 403, "not_permitted")
    is_problem(await client.post(path, who="admin", If_Match='"99"'), 412, "stale_version")
    assert (await client.post(path, who="admin")).json()["state"] == "approval"
    is_problem(await client.post(path, who="admin"), 409, "same_person")
    assert (await client.post(path, who="owner")).json()["state"] == "queued"
    is_problem(await client.post(path, who="owner"), 409, "money_queued")
    is_problem(await client.post(f"/transfers/{told['id']}/refuse", who="owner"), 409, "money_queued")
    listed = (await client.get("/transfers", contact=client.contact_id)).json()["items"]
    assert [(one["id"], len(one["approved_by"])) for one in listed] == [(told["id"], 2)]
    assert (await client.get(f"/orders/{told['id']}")).status_code == 404


async def test_of_two_who_decide_at_once_each_counts_once(client: Client) -> None:
    link = await client.ready()
    made = (await client.post("/transfers", client.transfer(link, "1500"))).json()
    path = f"/transfers/{made['id']}/approve"
    answers = await together(*(client.post(path, who=who) for who in ("admin", "admin", "owner", "owner")))
    assert sorted(one.status_code for one in answers) == [200, 200, 409, 409]
    assert (await client.get(f"/transfers/{made['id']}")).json()["state"] == "queued"


async def test_a_repeated_request_asks_once(client: Client) -> None:
    link = await client.ready()
    body, key = client.transfer(link, "150"), {"Idempotency_Key": new_id().hex}
    first, second = await client.post("/transfers", body, **key), await client.post("/transfers", body, **key)
    assert first.json() == second.json()
    assert len((await client.get("/transfers", contact=client.contact_id)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [({"amount": "5000.01"}, 409, "over_transfer"), ({"amount": "4000.01"}, 409, "no_cash"),
     ({"amount": "0.10"}, 409, "too_small"),
     ({"amount": "-5"}, 422, "invalid"), ({"amount": "1.005"}, 422, "invalid"), ({"direction": "up"}, 422, "invalid"),
     ({"authorisation": " "}, 422, "invalid"), ({"bank_link_id": NOBODY}, 404, "not_found")],
)  # fmt: skip
async def test_what_stands_against_it_is_told(client: Client, changes: Json, status: int, code: str) -> None:
    link = await client.ready()
    answer = await client.post("/transfers", client.transfer(link) | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_a_client_holds_and_who_looked(client: Client) -> None:
    told = (await client.get("/portfolios", contact=client.contact_id)).json()
    assert [(one["mask"], one["value"]["amount"]) for one in told["accounts"]] == [("0007", "4000.00")]
    assert (await client.get("/positions", contact=client.contact_id)).json()["positions"] == []
    assert (await client.get("/portfolios", contact=str(new_id()))).status_code == 404
    read = await client.get("/audit", who="admin", object=client.contact_id)
    assert [one["verb"] for one in read.json()["items"]].count("portfolio_read") == 2


async def test_nothing_of_it_is_anothers(client: Client, other: Business, api: Api) -> None:
    link = await client.ready()
    made = (await client.post("/transfers", client.transfer(link))).json()
    for path in (f"/transfers/{made['id']}", f"/bank-links/{link}"):
        assert (await api.get(other.path(path), headers=other.key())).status_code == 404
    assert (await api.get(other.path("/ledger"), headers=other.key())).json()["items"] == []


@pytest.mark.parametrize(
    ("number", "right"),
    [("011000015", True), ("021000021", True), ("122105155", True), ("123456789", False), ("000000000", False),
     ("01100001", False), ("٠١١٠٠٠٠١٥", False), ("999999992", False)],
)  # fmt: skip
def test_routing_numbers(number: str, right: bool) -> None:
    assert routing_number(number) is right
    assert account_number(number) is (number.isascii() and number.isdigit())

"""A bank account on its way to the broker: whatever fails between, it is linked once or told not to be."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.money import BankState, WantBank
from frontdesk.stories import moneys
from simulators.plaid import BankAccount
from store import banks, money
from store.db import new_id
from tests.rig import Desk
from workers.banks import TRIES, BankWorker

MakeDesk = Callable[..., Awaitable[Desk]]


class Wish:
    """A client who wants to link a bank account."""

    def __init__(self, desk: Desk, contact_id: Any, account_id: Any, link_id: Any) -> None:
        self.desk, self.contact_id, self.account_id, self.link_id = desk, contact_id, account_id, link_id

    @property
    def plaid(self) -> Any:
        return self.desk.stage.plaid.state

    @property
    def broker(self) -> Any:
        return self.desk.stage.broker.state

    async def works(self, times: int = 1, wait: timedelta = timedelta(minutes=1)) -> str:
        for _ in range(times):
            assert self.desk.stage.clock.frozen is not None
            self.desk.stage.clock.frozen += wait
            worker = BankWorker(self.desk.rt, self.desk.workspace_id)
            for due in await worker.claim(8):
                await worker.work(due)
        return await self.state()

    async def state(self) -> str:
        return str((await self.linked()).bank.state)

    async def linked(self) -> banks.Linked:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return await banks.get(tx, self.link_id)

    async def chooses(self, *accounts: BankAccount) -> int:
        status: int = await self.plaid.choose(list(self.plaid.links)[-1], "First Platypus Bank", *accounts)
        return status

    def trouble(self, where: str, **rule: Any) -> None:
        getattr(self, where).chaos.load([rule])


@pytest.fixture
async def wish(make_desk: MakeDesk) -> Wish:
    desk = await make_desk(skills={"portfolio": {}, "money": {}})
    await moneys.prepare(
        desk.stage, desk.workspace_id, [{"phone": desk.handset, "number": "928770007", "cash": "5"}]
    )
    await desk.text("when are you open?")
    await desk.settle()
    talk = await desk.conversation()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        account = (await money.standing(tx, talk.contact_id)).accounts[0]
        effect = WantBank(new_id(), talk.contact_id, account.id)
        for _ in range(2):  # the same run wants it once
            await banks.want(tx, effect, talk.id)
    return Wish(desk, talk.contact_id, account.id, effect.id)


async def test_from_the_wish_to_ready_and_away_again(wish: Wish) -> None:
    assert await wish.works() == "offered"
    await wish.desk.settle()
    assert await wish.chooses() == 200
    assert await wish.works(3, timedelta(seconds=1)) == "ready"
    await wish.desk.settle()
    assert any("https://secure.plaid.com/hl/" in one for one in wish.desk.ledger())
    assert "First Platypus Bank ...1234 is linked" in wish.desk.ledger()[-1]
    linked = await wish.linked()
    assert set(linked.secrets) == {"name", "mask", "type", "access_token", "item_id", "relationship"}
    async with wish.desk.rt.db.transaction(wish.desk.workspace_id) as tx:
        await banks.remove(tx, await banks.take(tx, wish.link_id), "test")
    assert await wish.works() == "removed"
    assert (wish.plaid.items, [one.status for one in wish.broker.relationships.values()]) == (
        {},
        ["CANCELED"],
    )
    assert set((await wish.linked()).secrets) == {"name", "mask", "type"}


async def test_without_the_webhook_it_is_found_by_looking(wish: Wish) -> None:
    await wish.works()
    link = list(wish.plaid.links.values())[-1]
    link.body["webhook"] = f"{wish.desk.stage.plaid.url}/sim/nowhere"
    await wish.chooses()
    assert await wish.works(8) == "ready"


@pytest.mark.parametrize(
    ("where", "rule"),
    [
        ("plaid", {"kind": "status", "status": 500, "route": "accounts/get", "count": 2}),
        ("plaid", {"kind": "drop_before", "route": "processor/token/create", "count": 2}),
        ("plaid", {"kind": "drop_after", "route": "link/token/get", "count": 1}),
        ("broker", {"kind": "status", "status": 504, "route": "relationships.create", "count": 1}),
        ("broker", {"kind": "drop_after", "route": "relationships.create", "count": 1}),
        ("broker", {"kind": "status", "status": 429, "route": "relationships.create", "count": 1}),
        (
            "broker",
            {
                "kind": "html_error",
                "status": 504,
                "effect": "before",
                "route": "relationships.create",
                "count": 1,
            },
        ),
    ],
)
async def test_what_passes_is_tried_again_and_there_is_one(
    wish: Wish, where: str, rule: dict[str, Any]
) -> None:
    await wish.works()
    wish.trouble(where, **rule)
    await wish.chooses()
    assert await wish.works(12) == "ready"
    assert len(wish.broker.relationships) == 1


async def test_what_does_not_pass_is_told(wish: Wish) -> None:
    await wish.works()
    await wish.chooses()
    wish.trouble("plaid", kind="status", status=500, route="accounts/get")
    for _ in range(TRIES + 1):
        await wish.works(1, timedelta(hours=1))
    assert (await wish.state(), (await wish.linked()).reason) == ("failed", "internal_server_error")
    await wish.desk.settle()
    wish.desk.wait(hours=12)  # not at night
    await wish.desk.settle()
    assert "could not be linked" in wish.desk.ledger()[-1]


async def test_nobody_chooses(wish: Wish) -> None:
    await wish.works()
    assert await wish.works(8, timedelta(hours=1)) == "failed"
    assert (await wish.linked()).reason == "not_finished"


@pytest.mark.parametrize(
    ("accounts", "reason"),
    [
        ([BankAccount("1", "credit card")], "no_usable_account"),
        ([BankAccount("1234")], "another_bank_at_broker"),
    ],
)
async def test_what_cannot_be_used(wish: Wish, accounts: list[BankAccount], reason: str) -> None:
    await wish.works()
    if reason == "another_bank_at_broker":
        wish.broker.add_relationship(next(iter(wish.broker.clients)), {})
    await wish.chooses(*accounts)
    assert await wish.works(4) == "failed"
    assert (await wish.linked()).reason == reason


async def test_money_waits_while_the_bank_wants_a_sign_in(wish: Wish) -> None:
    await wish.works()
    await wish.chooses()
    await wish.works(4)
    item = next(iter(wish.plaid.items.values()))
    assert await wish.plaid.want_login(item) == 200
    assert await wish.state() == "login_required"
    async with wish.desk.rt.db.transaction(wish.desk.workspace_id) as tx:
        assert (await money.standing(tx, wish.contact_id)).banks[0].state is BankState.LOGIN_REQUIRED
    await wish.works(3)
    await wish.plaid.sign_in(list(wish.plaid.links)[-1])
    assert await wish.works(2, timedelta(minutes=11)) == "ready"


async def test_who_does_not_sign_is_refused_and_changes_nothing(wish: Wish) -> None:
    await wish.works()
    await wish.chooses()
    await wish.works(4)
    item = next(iter(wish.plaid.items.values()))
    raw = json.dumps(wish.plaid.about(item, "USER_PERMISSION_REVOKED")).encode()
    url = f"{wish.desk.rt.settings.public_url}/hooks/plaid/{wish.desk.workspace_id}"
    post = wish.desk.rt.http.post
    assert (await post(url, content=raw)).status_code == 403
    assert (await post(url, content=raw, headers={"plaid-verification": "a.b.c"})).status_code == 403
    assert (await post(url, content=b"x" * 200_000, headers=wish.plaid.headers(raw))).status_code == 413
    assert (
        await post(url.replace(str(wish.desk.workspace_id), str(new_id())), content=raw)
    ).status_code == 404
    assert await wish.state() == "ready"
    assert (await post(url, content=raw, headers=wish.plaid.headers(raw))).status_code == 200
    assert await wish.state() == "removed"


async def test_another_business_hears_nothing_of_it(wish: Wish, make_desk: MakeDesk) -> None:
    await wish.works()
    await wish.chooses()
    await wish.works(4)
    other = await make_desk()
    item = next(iter(wish.plaid.items.values()))
    url = f"{wish.desk.rt.settings.public_url}/hooks/plaid/{other.workspace_id}"
    assert await wish.plaid.hook(url, wish.plaid.about(item, "USER_PERMISSION_REVOKED")) == 200
    assert await wish.state() == "ready"

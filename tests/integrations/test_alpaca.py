"""Alpaca's wire against its simulator: what is read, what is not believed, and what a trouble leaves as it was."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from domain.messages import Address, Scheme
from integrations import alpaca
from integrations.alpaca import Alpaca, BrokerFailed
from runtime import broker
from runtime.broker import Synced
from runtime.http import open_client
from simulators.alpaca import Running, serve
from store import contacts, positions
from tests.rig import Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def firm() -> AsyncIterator[Running]:
    async with serve() as running:
        running.state.add_asset("AAPL", "Apple Inc. Common Stock", "271.49", "266.25")
        running.state.add_asset("BTC/USD", "Bitcoin", "91000.123456789", "90000", "crypto")
        yield running


def open_broker(desk: Desk, firm: Running) -> Alpaca:
    config = firm.state.config
    return Alpaca(desk.rt.http, firm.url, config.key, config.secret)


async def sync(desk: Desk, firm: Running) -> Synced:
    return await broker.sync(desk.rt.db, desk.workspace_id, open_broker(desk, firm))


async def kept(desk: Desk, number: str) -> list[Any]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = await contacts.find(tx, [Address(Scheme.TEL, number)])
        return [account for one in found for account in await positions.of_contact(tx, one.id)]


async def test_accounts_come_in_exact_and_come_again_as_they_stand(desk: Desk, firm: Running) -> None:
    number = new_number()
    client = firm.state.add_client("928774821", number, "0.1", {"AAPL": "85.5", "BTC/USD": "0.000000001"})
    assert await sync(desk, firm) == Synced(1, ())
    (account,) = await kept(desk, number)
    assert (account.mask, account.cash, account.source) == ("4821", Decimal("0.1"), "alpaca")
    apple, coin = account.positions
    assert (apple.name, apple.kind, apple.quantity) == ("Apple Inc. Common Stock", "stock", Decimal("85.5"))
    assert (coin.kind, coin.quantity, coin.price.amount) == (
        "crypto",
        Decimal("0.000000001"),
        Decimal("91000.123456789"),
    )
    assert (apple.price.amount, apple.price.previous) == (Decimal("271.49"), Decimal("266.25"))
    client.holdings.pop()
    client.cash = "20"
    assert await sync(desk, firm) == Synced(1, ())
    (account,) = await kept(desk, number)
    assert ([one.symbol for one in account.positions], account.cash) == (["AAPL"], Decimal(20))


async def test_names_are_asked_once_for_each_symbol(desk: Desk, firm: Running) -> None:
    for n in range(3):
        firm.state.add_client(f"10000{n}", new_number(), "0", {"AAPL": "1"})
    assert (await sync(desk, firm)).accounts == 3
    assert firm.state.asked.count("assets.get") == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"status": "ACCOUNT_CLOSED"}, "the broker calls it ACCOUNT_CLOSED"), ({"status": "A_NEW_WORD"}, "A_NEW_WORD"),
     ({"phone": ""}, "no telephone number"), ({"phone": "call me"}, "no telephone number"),
     ({"cash": "NaN"}, "cash is no decimal"), ({"cash": "1e5"}, "cash is no decimal")],
)  # fmt: skip
async def test_what_cannot_be_read_is_told_and_the_rest_comes_in(
    desk: Desk, firm: Running, changes: dict[str, str], why: str
) -> None:
    good = new_number()
    bad = {"number": "777770001", "phone": new_number(), "cash": "1", "status": "ACTIVE"} | changes
    firm.state.add_client(bad["number"], bad["phone"], bad["cash"], {}, bad["status"])
    firm.state.add_client("777770002", good, "5", {})
    result = await sync(desk, firm)
    assert (result.accounts, [one for one, _ in result.left]) == (1, ["0001"])
    assert why in result.left[0][1]
    assert len(await kept(desk, good)) == 1


@pytest.mark.parametrize(
    ("trouble", "asked"),
    [
        ({"kind": "status", "status": 429, "retry_after": 0}, 3),
        ({"kind": "status", "status": 504}, 3),
        ({"kind": "html_error"}, 3),
    ],
)
async def test_reading_is_repeated_and_then_well(
    desk: Desk, firm: Running, trouble: dict[str, Any], asked: int
) -> None:
    number = new_number()
    firm.state.add_client("1", number, "5", {})
    firm.state.chaos.load([{"route": "trading.account", "count": 2, **trouble}])
    assert await sync(desk, firm) == Synced(1, ())
    assert firm.state.asked.count("trading.account") == asked


@pytest.mark.parametrize(
    ("trouble", "code", "times"),
    [
        ({"kind": "unauthorized"}, "unauthorized", 1),
        ({"kind": "bad_json"}, "unreadable", 1),
        ({"kind": "status", "status": 422}, "refused", 1),
        ({"kind": "status", "status": 500}, "unreachable", alpaca.TRIES),
    ],
)
async def test_a_trouble_has_a_name(
    desk: Desk, firm: Running, trouble: dict[str, Any], code: str, times: int
) -> None:
    firm.state.chaos.load([{"route": "accounts.list", **trouble}])
    with pytest.raises(BrokerFailed) as failed:
        await sync(desk, firm)
    assert (failed.value.code, firm.state.asked.count("accounts.list")) == (code, times)


async def test_an_account_in_trouble_stays_as_it_was(desk: Desk, firm: Running) -> None:
    number = new_number()
    client = firm.state.add_client("4821", number, "5", {"AAPL": "1"})
    await sync(desk, firm)
    client.cash = "9"
    firm.state.chaos.load([{"kind": "status", "status": 500, "route": "trading.positions"}])
    result = await sync(desk, firm)
    assert (result.accounts, len(result.left)) == (0, 1)
    (account,) = await kept(desk, number)
    assert (account.cash, len(account.positions)) == (Decimal(5), 1)


async def test_who_never_answers_and_who_is_not_there(desk: Desk, firm: Running) -> None:
    with pytest.raises(BrokerFailed, match="does not answer"):
        await Alpaca(desk.rt.http, "http://127.0.0.1:9", "k", "s").accounts()
    with pytest.raises(BrokerFailed, match="refuses the key"):
        await Alpaca(desk.rt.http, firm.url, firm.state.config.key, "wrong").accounts()
    firm.state.chaos.load([{"kind": "hang", "seconds": 5, "route": "accounts.list"}])
    async with open_client() as http:
        http.timeout = 0.05
        with pytest.raises(BrokerFailed, match="does not answer"):
            await Alpaca(http, firm.url, "k", "s").accounts()

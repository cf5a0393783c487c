"""What accounts are worth, as prices move: each symbol asked for once, each change pushed to whoever follows, through
Redis and across a break. Heartbeat, places and slow followers are those of every event: test_live."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.messages import Address, Scheme
from domain.portfolio import Account, Position
from integrations.alpaca import BrokerFailed
from integrations.alpaca_money import AlpacaMoney
from runtime import live_prices
from runtime.runtime import Runtime, open_runtime
from simulators import alpaca
from store import contacts, portfolios
from store.db import new_id
from store.embedded import EmbeddedRedis
from tests.admin_api.api_rig import Business
from tests.admin_api.test_live import Server, open_server
from tests.rig import new_number
from workers.prices import PriceWorker

Open = Callable[..., Awaitable[Business]]


@pytest.fixture
async def firm() -> AsyncIterator[alpaca.Running]:
    async with alpaca.serve() as running:
        running.state.add_asset("AAPL", "Apple Inc.", "270", "266")
        running.state.add_asset("VTI", "Vanguard", "320", "319")
        yield running


@pytest.fixture(scope="module")
async def server(rt: Runtime) -> AsyncIterator[Server]:
    async with open_server(rt) as opened:
        yield opened


def broker(rt: Runtime, firm: alpaca.Running) -> AlpacaMoney:
    return AlpacaMoney(rt.http, firm.url, firm.state.config.key, firm.state.config.secret)


async def held(business: Business, cash: str, **quantities: str) -> str:
    """A client's account; its id."""
    positions = tuple(
        Position(symbol, symbol, "stock", Decimal(count)) for symbol, count in quantities.items()
    )
    async with business.rt.db.transaction(business.id) as tx:
        who = await contacts.hold(tx, Address(Scheme.TEL, new_number()))
        account = Account(
            new_id(), "Brokerage", "0007", "USD", Decimal(cash), positions, "alpaca", new_id().hex
        )
        return str(await portfolios.put(tx, who.contact_id, account))


async def refresh(business: Business, firm: alpaca.Running, *others: Business) -> int:
    rt = business.rt
    return await live_prices.refresh(
        rt.db, rt.wake, broker(rt, firm), [business.id, *(one.id for one in others)]
    )


async def test_a_change_is_pushed_with_what_accounts_are_worth(
    server: Server, open_business: Open, firm: alpaca.Running
) -> None:
    mine = await open_business()
    first, second = await held(mine, "100", AAPL="2"), await held(mine, "0", AAPL="1", VTI="0.5")
    async with server.follow(mine) as follower:
        assert await refresh(mine, firm) == 2
        told = (await follower.until("prices.changed"))["data"]
        assert [(one["symbol"], one["price"]) for one in told["prices"]] == [("AAPL", "270"), ("VTI", "320")]
        assert {one["account_id"]: one["value"]["amount"] for one in told["accounts"]} == {
            first: "640.00",
            second: "430.00",
        }
        firm.state.assets["VTI"].price = "330"
        assert await refresh(mine, firm) == 1
        while len(follower.seen) < 2:
            await follower.next()
        told = follower.seen[-1]["data"]
        assert [one["symbol"] for one in told["prices"]] == ["VTI"]
        assert [one["account_id"] for one in told["accounts"]] == [second]
        assert await refresh(mine, firm) == 0  # nothing has changed: nothing is said


async def test_each_symbol_is_asked_for_once_whoever_holds_it(
    open_business: Open, firm: alpaca.Running
) -> None:
    one, other = await open_business(), await open_business()
    for business in (one, other, one):
        await held(business, "0", AAPL="1", VTI="1")
    assert await refresh(one, firm, other) == 4
    assert firm.state.asked == ["trades.all"]


async def test_who_was_away_misses_nothing(server: Server, open_business: Open, firm: alpaca.Running) -> None:
    mine = await open_business()
    await held(mine, "0", AAPL="1")
    async with server.follow(mine) as follower:
        await refresh(mine, firm)
        cursor = (await follower.until("prices.changed"))["cursor"]
    for price in ("271", "272"):
        firm.state.assets["AAPL"].price = price
        await refresh(mine, firm)
    async with server.follow(mine, after=cursor) as follower:
        missed = await follower.until_n(2)
    assert [one["kind"] for one in missed] == ["prices.changed"] * 2
    assert missed[-1]["data"]["accounts"][0]["value"]["amount"] == "272.00"


async def test_nothing_of_it_is_anothers(server: Server, open_business: Open, firm: alpaca.Running) -> None:
    mine, other = await open_business(), await open_business()
    await held(mine, "0", AAPL="1")
    await held(other, "0", VTI="1")
    async with server.follow(other) as follower:
        await refresh(mine, firm, other)
        told = (await follower.until("prices.changed"))["data"]
    assert [one["symbol"] for one in told["prices"]] == ["VTI"]
    assert len(told["accounts"]) == 1


@pytest.mark.parametrize("rule", [{"kind": "status", "status": 401}, {"kind": "bad_json"}])
async def test_a_broker_in_trouble_changes_nothing(
    open_business: Open, firm: alpaca.Running, rule: dict[str, Any]
) -> None:
    mine = await open_business()
    await held(mine, "0", AAPL="1")
    firm.state.chaos.load([{"route": "trades.all", **rule}])
    with pytest.raises(BrokerFailed):
        await refresh(mine, firm)
    worker = PriceWorker(replace(mine.rt, settings=_settings(mine.rt, firm)), mine.id)
    for due in await worker.claim(1):
        await worker.work(due)
    firm.state.chaos.reset()
    assert await refresh(mine, firm) == 1


async def test_the_worker_asks_when_it_is_time(open_business: Open, firm: alpaca.Running) -> None:
    mine = await open_business()
    await held(mine, "0", AAPL="1")
    worker = PriceWorker(replace(mine.rt, settings=_settings(mine.rt, firm)), mine.id)
    for due in await worker.claim(1):
        await worker.work(due)
    assert await worker.claim(1) == []
    assert firm.state.asked == ["trades.all"]
    assert await PriceWorker(mine.rt, mine.id).claim(1) == []  # without a key nobody is asked


def _settings(rt: Runtime, firm: alpaca.Running) -> Any:
    return replace(rt.settings, alpaca_url=firm.url, alpaca=(firm.state.config.key, firm.state.config.secret))


async def test_through_redis_from_one_process_to_another(
    rt: Runtime, redis: EmbeddedRedis, open_business: Open, firm: alpaca.Running
) -> None:
    mine = await open_business()
    await held(mine, "0", AAPL="1")
    settings = replace(rt.settings, redis_url=redis.url, poll_s=60)
    async with (
        open_runtime(settings) as web,
        open_runtime(settings) as scheduler,
        open_server(web) as server,
        server.follow(mine) as follower,
    ):
        await live_prices.refresh(scheduler.db, scheduler.wake, broker(rt, firm), [mine.id])
        told = (await follower.until("prices.changed"))["data"]
    assert told["accounts"][0]["value"]["amount"] == "270.00"

"""What models cost, by business and day; answers given again; summaries. In the real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.errors import ModelFailed, Trouble
from domain.llm import Allowance, Call, Ended, Price, Purpose, Standing, Usage
from domain.turn import Summary
from store import answer_cache, conversations, models, summaries
from tests.rig import QUESTION, Desk

PRICE = Price("USD", Decimal("1.00"), Decimal("10.00"), cached=Decimal("0.10"))


def call(desk: Desk, usage: Usage, allowance: Allowance | None = None, price: Price | None = PRICE) -> Call:
    cost, currency = (price.of(usage), price.currency) if price else (None, None)
    return Call(desk.workspace_id, None, Purpose.COMPOSE, "openai:x", usage, cost, currency, allowance)


async def begin(desk: Desk, one: Call) -> UUID:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await models.begin(tx, one)


async def end(desk: Desk, call_id: UUID, usage: Usage | None, trouble: Trouble | None = None) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await models.end(tx, call_id, Ended(usage, PRICE.of(usage) if usage else None, 0.5, trouble))


async def standing(desk: Desk, allowance: Allowance) -> Standing:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await models.standing(tx, allowance)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(), "0"),
        (Usage(1_000_000, 0), "1.00"),
        (Usage(1_000_000, 1_000_000), "11.00"),
        (Usage(1_000_000, 0, cached=600_000), "0.46"),
        (Usage(3, 1), "0.000013"),
        (Usage(1_000_000, 0, written=1_000_000), "1.00"),
    ],
)
def test_cost_is_exact(usage: Usage, cost: str) -> None:
    assert PRICE.of(usage) == Decimal(cost)


async def test_what_was_held_becomes_what_was_used(desk: Desk) -> None:
    one = await begin(desk, call(desk, Usage(1_000, 2_000)))
    lost = await begin(desk, call(desk, Usage(100, 200)))
    await end(desk, one, Usage(900, 100, cached=500))
    await end(desk, one, Usage(9, 9))  # once
    await end(desk, lost, None, Trouble.TIMEOUT)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (spent,) = await models.spent(tx)
    assert spent.usage == Usage(1_000, 300)
    assert (spent.calls, spent.failed, spent.currency) == (2, 1, "USD")
    assert spent.cost == PRICE.of(Usage(900, 100, cached=500)) + PRICE.of(Usage(100, 200))


TOKENS = Allowance("America/Chicago", tokens=10_000)
MONEY = Allowance("America/Chicago", cost=Decimal("0.05"))


@pytest.mark.parametrize(
    ("allowance", "used", "expected"),
    [
        (TOKENS, Usage(7_999, 0), Standing.FREE),
        (TOKENS, Usage(8_000, 0), Standing.SOFT),
        (TOKENS, Usage(10_000, 0), Standing.SPENT),
        (MONEY, Usage(0, 3_000), Standing.FREE),
        (MONEY, Usage(0, 4_000), Standing.SOFT),
        (MONEY, Usage(0, 5_000), Standing.SPENT),
        (Allowance("UTC"), Usage(10**9, 10**9), Standing.FREE),
    ],
)
async def test_standing(desk: Desk, allowance: Allowance, used: Usage, expected: Standing) -> None:
    await end(desk, await begin(desk, call(desk, used)), used)
    assert await standing(desk, allowance) is expected


async def test_a_day_ends_at_midnight_of_the_business(desk: Desk) -> None:
    desk.stage.clock.frozen = datetime(2026, 3, 3, 5, 59, tzinfo=UTC)  # 23:59 in Chicago
    await end(desk, await begin(desk, call(desk, Usage(10_000, 0))), Usage(10_000, 0))
    assert await standing(desk, TOKENS) is Standing.SPENT
    desk.wait(minutes=2)
    assert await standing(desk, TOKENS) is Standing.FREE


async def test_fifty_at_once_do_not_take_more_than_there_is(desk: Desk) -> None:
    async def take() -> bool:
        try:
            await begin(desk, call(desk, Usage(900, 100), TOKENS))
        except ModelFailed as refused:
            return refused.trouble is not Trouble.BUDGET
        return True

    assert sum(await asyncio.gather(*(take() for _ in range(50)))) == 10


@pytest.mark.parametrize(
    ("price", "allowance", "detail"),
    [
        (None, MONEY, "its price is not known"),
        (Price("EUR", Decimal(1), Decimal(1)), MONEY, "its price is not known"),
        (PRICE, Allowance("UTC", cost=Decimal("0.000001")), "are spent today"),
        (PRICE, Allowance("UTC", tokens=10), "tokens are used today"),
    ],
)
async def test_refused(desk: Desk, price: Price | None, allowance: Allowance, detail: str) -> None:
    with pytest.raises(ModelFailed, match=detail):
        await begin(desk, call(desk, Usage(900, 100), allowance, price))


async def test_another_businesss_spending_is_not_ours(desk: Desk, make_desk: Any) -> None:
    other = await make_desk()
    await end(other, await begin(other, call(other, Usage(10_000, 0))), Usage(10_000, 0))
    assert await standing(desk, TOKENS) is Standing.FREE


async def test_answers_are_kept_for_a_while_and_sealed(desk: Desk, make_desk: Any, owner: Any) -> None:
    other = await make_desk()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await answer_cache.put(tx, "question", "Parking is free.", timedelta(hours=1))
        await answer_cache.put(tx, "question", "Parking is free, yes.", timedelta(hours=1))
        assert await answer_cache.get(tx, "question") == "Parking is free, yes."
        assert await answer_cache.get(tx, "another") is None
    async with other.rt.db.transaction(other.workspace_id) as tx:
        assert await answer_cache.get(tx, "question") is None
    rows = await owner.execute(
        "select answer, key from answer_cache where workspace_id = %s", (desk.workspace_id,)
    )
    ((answer, key),) = await rows.fetchall()
    assert b"Parking" not in answer
    assert b"question" not in key
    desk.wait(hours=2)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await answer_cache.get(tx, "question") is None
        await answer_cache.put(tx, "another", "Yes.", timedelta(hours=1))
    assert [row.n for row in await desk.rows("select count(*) as n from answer_cache")] == [1]


async def test_an_older_summary_does_not_replace_a_newer(desk: Desk) -> None:
    await desk.text(QUESTION)
    found = await desk.conversation()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await summaries.get(tx, found.id) is None
        await summaries.keep(tx, found.id, Summary("They asked for the hours.", 12))
        await summaries.keep(tx, found.id, Summary("They said hello.", 6))
        assert await summaries.get(tx, found.id) == Summary("They asked for the hours.", 12)
        assert await conversations.messages(tx, found.id, None, 5)

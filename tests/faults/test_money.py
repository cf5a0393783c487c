"""A process is killed at each step of a transfer's way, and another goes on: one transfer at the broker, or none."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from bench.crew import CEDAR, KILLED, Crew, open_crew, until
from domain.messages import Address, Scheme
from domain.money import BankState, Intent, Kind
from domain.portfolio import Account
from runtime.runtime import Runtime
from simulators import alpaca
from store import banks, contacts, money, moving, people, portfolios
from store.db import new_id
from tests.rig import new_number

BUSINESS = CEDAR | {"skills": {"portfolio": {}, "money": {"cool_off": "0s", "two_above": 10000}}}
NUMBERS = {
    "name": "First Bank",
    "holder": "A B",
    "type": "checking",
    "routing": "011000015",
    "account": "987651234",
}


@pytest.fixture
async def firm() -> AsyncIterator[alpaca.Running]:
    async with alpaca.serve() as running:
        running.state.add_client("928770007", "+15125550100", "5000", {})
        yield running


@pytest.fixture
async def crew(
    rt: Runtime, tmp_path: Path, redis_url: str | None, firm: alpaca.Running
) -> AsyncIterator[Crew]:
    keys = firm.state.config
    async with open_crew(
        rt, tmp_path, redis_url, [BUSINESS], FRONTDESK_ALPACA_URL=firm.url, ALPACA_API_KEY=keys.key,
        ALPACA_API_SECRET=keys.secret,
    ) as opened:  # fmt: skip
        yield opened


async def asked(crew: Crew, firm: alpaca.Running) -> UUID:
    """A transfer that may leave."""
    (client,) = firm.state.clients.values()
    related = firm.state.add_relationship(client.id, {})
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        who = (await contacts.hold(tx, Address(Scheme.TEL, new_number()))).contact_id
        account = Account(new_id(), "Brokerage", "0007", "USD", Decimal(5000), (), "alpaca", client.id)
        held = await portfolios.put(tx, who, account)
        assert held is not None
        one, other = [await people.add(tx, "admin", name, f"{name}@cedar.test") for name in ("ann", "ben")]
        made = await banks.by_hand(tx, who, held, one, NUMBERS, "test")
        mine = await banks.take(tx, made.bank.id)
        await banks.set_(tx, mine, BankState.READY, None, known={"relationship": related.id})
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        intent = Intent(
            Kind.TRANSFER, new_id(), who, held, Decimal(500), bank_id=made.bank.id, direction="out",
            details={"bank": "First Bank", "mask": "1234", "account": "Brokerage", "account_mask": "0007"},
        )  # fmt: skip
        stored = await money.ask(tx, intent, one, "on the telephone")
        await money.decide(tx, stored.id, other, "test", yes=True)
    return stored.id


async def state(crew: Crew, intent_id: UUID) -> str:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        return str((await money.get(tx, intent_id)).state)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "then", "there"),
    [("money_sending", "unknown", 0), ("money_sent", "sent", 1), ("money_recorded", "sent", 1)],
)
async def test_a_worker_killed_in_the_middle_of_a_transfer(
    crew: Crew, firm: alpaca.Running, step: str, then: str, there: int
) -> None:
    intent_id = await asked(crew, firm)
    doomed = await crew.start("doomed", crash_at=step)
    assert await asyncio.wait_for(doomed.wait(), 60) in KILLED
    await crew.start("heir")

    async def settled() -> bool:
        return await state(crew, intent_id) == then and firm.state.asked.count("transfers.list") > 0

    await until(settled, f"after {step}", crew)
    assert len(firm.state.transfers) == there
    assert firm.state.asked.count("transfers.create") == there
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        sums = await moving.sums(tx)
    assert sums == ({"brokerage": -500, "transit": 500} if there else {})
    assert "987651234" not in crew.log.read_text()

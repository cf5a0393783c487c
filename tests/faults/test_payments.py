"""A process is killed at each step of a payment's way, and another goes on: one page at Stripe, one link to its customer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from bench.crew import CEDAR, KILLED, Crew, open_crew, until
from runtime.runtime import Runtime
from simulators import stripe
from store import payments

BUSINESS = CEDAR | {"skills": {"payment": {"items": [{"name": "consultation", "amount": "150"}]}}}


@pytest.fixture
async def till() -> AsyncIterator[stripe.Running]:
    async with stripe.serve() as running:
        yield running


@pytest.fixture
async def crew(
    rt: Runtime, tmp_path: Path, redis_url: str | None, till: stripe.Running
) -> AsyncIterator[Crew]:
    config = till.state.config
    async with open_crew(
        rt, tmp_path, redis_url, [BUSINESS], FRONTDESK_STRIPE_URL=till.url, STRIPE_API_KEY=config.key,
        STRIPE_WEBHOOK_SECRET=",".join(config.webhook_secrets),
    ) as opened:  # fmt: skip
        till.state.webhook_url = f"{opened.url('web')}/hooks/stripe"
        yield opened


async def states(crew: Crew) -> list[tuple[UUID, str]]:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        found = await payments.page(tx, state=None, contact_id=None, item=None, before=None, limit=10)
    return [(one.id, str(one.state)) for one in found]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "asked"), [("payment_asked", 1), ("payment_made", 2), ("payment_recorded", 1)]
)
async def test_a_worker_killed_in_the_middle_of_a_payment(
    crew: Crew, till: stripe.Running, step: str, asked: int
) -> None:
    """Between commit and call; after the call and before its record; after that."""
    await crew.start("web")
    doomed = await crew.start("doomed", crash_at=step)
    await crew.text("I'd like a consultation")
    assert await asyncio.wait_for(doomed.wait(), 60) in KILLED
    await crew.start("heir")
    await crew.start("scheduler")

    async def linked() -> bool:
        return [one for _, one in await states(crew)] == ["open"] and any(
            "/pay/" in one for one in crew.sent()
        )

    await until(linked, f"after {step}", crew)
    assert len(till.state.sessions) == 1
    assert till.state.asked.count("sessions.create") == asked
    (session_id,) = till.state.sessions
    await till.state.pay(session_id)
    await till.state.quiet()

    async def paid() -> bool:
        told = [one for one in crew.sent() if "Payment received" in one]
        return [one for _, one in await states(crew)] == ["paid"] and len(told) == 1

    await until(paid, f"paid after {step}", crew)
    assert sum("/pay/" in one for one in crew.sent()) == 1
    assert till.state.config.key not in crew.log.read_text()

"""A process is killed at each step of bringing a customer to the CRM, and another goes on: one contact, one note."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from bench.crew import CEDAR, KILLED, Crew, open_crew, until
from runtime.runtime import Runtime
from simulators import gohighlevel
from store import conversations, crm_links
from tests.crm_rig import settings


@pytest.fixture
async def there() -> AsyncIterator[gohighlevel.Running]:
    async with gohighlevel.serve() as running:
        yield running


@pytest.fixture
async def crew(
    rt: Runtime, tmp_path: Path, redis_url: str | None, there: gohighlevel.Running
) -> AsyncIterator[Crew]:
    environ = {"FRONTDESK_GHL_URL": there.url, "FRONTDESK_GHL_WEBHOOK_KEYS": there.state.public_key}
    async with open_crew(rt, tmp_path, redis_url, [CEDAR | settings()], **environ) as opened:
        yield opened
    async with rt.db.transaction(opened.workspace_id) as tx:
        if (link := await crm_links.now(tx)) is not None:
            await crm_links.remove(tx, link.id)


async def closed(crew: Crew, there: gohighlevel.Running) -> None:
    """A customer who wrote, and whose conversation is over; nobody has told the CRM."""
    await crew.start("web")
    await crew.start("worker")
    await crew.text("hi there")

    async def answered() -> bool:
        return len(crew.sent()) > 0

    await until(answered, "the answer", crew)
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        page = await conversations.page(tx, state=None, owner=None, before=None, limit=1)
        await crm_links.connect(tx, there.state.config.location, there.state.config.token)
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        await conversations.close(tx, UUID(str(page[0].id)), "test")


@pytest.mark.slow
@pytest.mark.parametrize("step", ["crm_sending", "crm_sent", "crm_note_sending", "crm_note_sent"])
async def test_a_scheduler_killed_on_the_way(crew: Crew, there: gohighlevel.Running, step: str) -> None:
    await closed(crew, there)
    doomed = await crew.start("scheduler", crash_at=step)
    assert await asyncio.wait_for(doomed.wait(), 60) in KILLED
    async with crew.rt.db.transaction(crew.workspace_id) as tx:  # its lease is over
        await tx.execute(text("update crm_contact set lease_until = null"))
        await tx.execute(text("update crm_link set lease_until = null"))
    await crew.start("scheduler")

    async def settled() -> bool:
        async with crew.rt.db.transaction(crew.workspace_id) as tx:
            rows = (
                await tx.execute(text("select state from crm_note union all select state from crm_contact"))
            ).all()
        return [row.state for row in rows] == ["done"] * 2

    await until(settled, f"after {step}", crew)
    (contact,) = there.state.contacts.values()
    assert len(contact.notes) == 1
    assert there.state.asked.count("contacts.upsert") == 1

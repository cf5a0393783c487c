"""Timers: what happens later happens once, whoever is watching and whatever happened meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from domain.errors import Conflict
from store import conversations, drafts
from tests.rig import QUESTION, Desk
from workers.timers import TimerWorker

MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def drafting(make_desk: MakeDesk) -> Desk:
    """A draft waits; it expires after a day."""
    desk = await make_desk(policy={"default": "draft"})
    await desk.text(QUESTION)
    await desk.settle()
    return desk


async def draft(desk: Desk) -> tuple[UUID, str]:
    (row,) = await desk.rows("select id, state from draft")
    return row.id, row.state


async def fire(desk: Desk, workers: int = 1) -> int:
    """Every timer that is due, by so many schedulers at once; how many they found."""
    schedulers = [TimerWorker(desk.rt, desk.workspace_id) for _ in range(workers)]
    claims = [
        one for group in await asyncio.gather(*(worker.claim(8) for worker in schedulers)) for one in group
    ]
    await asyncio.gather(*(worker.work(claim) for worker in schedulers for claim in claims))
    return len(claims)


async def verbs(desk: Desk) -> list[str]:
    return [row.verb for row in await desk.rows("select verb from audit order by n")]


async def test_a_draft_that_nobody_decides_expires(drafting: Desk) -> None:
    drafting.wait(hours=23, minutes=59)
    assert await fire(drafting) == 0
    drafting.wait(minutes=1)
    assert await fire(drafting) == 1
    draft_id, state = await draft(drafting)
    assert state == "expired"
    assert await verbs(drafting) == ["draft_expired"]
    with pytest.raises(Conflict):
        async with drafting.rt.db.transaction(drafting.workspace_id) as tx:
            await drafts.approve(tx, draft_id, drafting.person_id, "person:test", None, drafting.rt.split)
    await drafting.settle()
    assert drafting.ledger() == []


async def test_a_draft_past_its_time_cannot_be_approved_before_the_timer_fires(drafting: Desk) -> None:
    drafting.wait(hours=24)
    draft_id, _ = await draft(drafting)
    with pytest.raises(Conflict) as refused:
        async with drafting.rt.db.transaction(drafting.workspace_id) as tx:
            await drafts.approve(tx, draft_id, drafting.person_id, "person:test", None, drafting.rt.split)
    assert refused.value.code == "draft_expired"


async def test_a_draft_that_was_decided_does_not_expire(drafting: Desk) -> None:
    draft_id, _ = await draft(drafting)
    async with drafting.rt.db.transaction(drafting.workspace_id) as tx:
        await drafts.approve(tx, draft_id, drafting.person_id, "person:test", None, drafting.rt.split)
    await drafting.settle()
    drafting.wait(hours=25)
    await fire(drafting)
    assert (await draft(drafting))[1] == "approved"
    assert await verbs(drafting) == ["draft_approved"]
    assert len(drafting.ledger()) == 1


async def test_approving_races_expiring(make_desk: MakeDesk) -> None:
    """The decision is made at the last moment: either it is sent, or it has expired, never both."""
    for _ in range(5):
        desk = await make_desk(policy={"default": "draft"})
        await desk.text(QUESTION)
        await desk.settle()
        draft_id, _ = await draft(desk)
        await desk.rows("update draft set expires_at = expires_at + interval '1 day' returning id")
        desk.wait(hours=24)

        async def approve(desk: Desk = desk, draft_id: UUID = draft_id) -> None:
            async with desk.rt.db.transaction(desk.workspace_id) as tx:
                await drafts.approve(tx, draft_id, desk.person_id, "person:test", None, desk.rt.split)

        results = await asyncio.gather(approve(), fire(desk), return_exceptions=True)
        assert all(isinstance(result, Conflict | int | None) for result in results)
        queued = await desk.states()
        assert ((await draft(desk))[1], queued) in (("approved", ["queued"]), ("expired", []))


async def test_a_pause_ends_and_the_next_message_is_the_assistants(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.settle()
    await desk.person_writes("Olive here")
    desk.wait(hours=7, minutes=59)
    assert await fire(desk) == 0
    desk.wait(minutes=1)
    assert await fire(desk) == 1
    found = await desk.conversation()
    assert (found.owner, found.paused_until, found.due_at) == ("ai", None, None)
    assert (await verbs(desk))[-1] == "conversation_released"


async def test_a_pause_that_a_person_renews_ends_later(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.settle()
    await desk.person_writes("Olive here")
    desk.wait(hours=5)
    await desk.person_writes("still me")
    desk.wait(hours=4)
    assert await fire(desk) == 0
    assert (await desk.conversation()).owner == "human"
    desk.wait(hours=4)
    assert await fire(desk) == 1
    assert (await desk.conversation()).owner == "ai"


async def test_two_schedulers_fire_once(drafting: Desk) -> None:
    drafting.wait(hours=24)
    assert await fire(drafting, workers=4) == 1
    assert await verbs(drafting) == ["draft_expired"]


async def test_a_scheduler_that_dies_after_its_claim_is_replaced(drafting: Desk) -> None:
    drafting.wait(hours=24)
    assert len(await TimerWorker(drafting.rt, drafting.workspace_id).claim(8)) == 1
    assert await fire(drafting) == 0
    drafting.wait(seconds=31)
    assert await fire(drafting) == 1
    assert (await draft(drafting))[1] == "expired"


async def test_a_pause_that_ends_while_a_person_writes_locks_nobody_out(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.settle()
    await desk.person_writes("Olive here")
    for n in range(8):
        desk.wait(hours=8)
        results = await asyncio.gather(fire(desk, 2), desk.person_writes(f"note {n}"), return_exceptions=True)
        assert [result for result in results if isinstance(result, BaseException)] == []
        (row,) = await desk.rows(
            "select count(*) as n from timer where kind = 'pause_ends' and state = 'pending'"
        )
        assert (await desk.conversation()).owner == "human" or row.n == 0
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            found = await desk.conversation()
            await conversations.take_over(
                tx, found.id, desk.person_id, "person:test", "asked", timedelta(hours=8)
            )

"""Calls and the clock: reminded of when overdue and not before, not after somebody has seen to it, and never twice for two
schedulers; and a conversation that nobody takes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from store import callbacks, erasure, notifications
from store.callbacks import REMINDED_AGAIN
from tests.rig import Desk
from workers.timers import TimerWorker

MakeDesk = Callable[..., Awaitable[Desk]]
SKILLS = {"callback": {"who": "Maria", "within": "20m", "overdue": "1h"}}
NIGHT = 12 * 60


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    """Monday ten in the morning; open from eight to five."""
    return await make_desk(skills=SKILLS)


async def waits(desk: Desk) -> callbacks.Callback:
    """At ten in the evening somebody asks for a call: Tuesday at eight."""
    desk.wait(minutes=NIGHT)
    await desk.text("please call me back")
    await desk.settle()
    return await the_call(desk)


async def the_call(desk: Desk) -> callbacks.Callback:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (one,) = await callbacks.page(tx, None, None, 9)
    return one


async def told(desk: Desk) -> list[tuple[str | None, int]]:
    """What the owner has unread of calls: why, and how often."""
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = await notifications.page(tx, desk.person_id, unread=True, before=None, limit=50)
    return [(one.reason, one.times) for one in found if one.kind == "callback"]


async def act(desk: Desk, verb: Any, *more: Any) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        mine = await callbacks.hold(tx, (await callbacks.page(tx, None, None, 9))[0].id)
        await verb(tx, mine, desk.person_id, "person:test", None, *more)


async def test_people_are_told_once_with_what_it_is_about(desk: Desk) -> None:
    one = await waits(desk)
    assert (one.number, one.reason, '"please call me back"' in one.summary) == (
        desk.handset,
        "want_human",
        True,
    )
    assert (one.due_at - one.call_at).total_seconds() == 3600
    await desk.text("call me!!")
    await desk.settle()
    assert await told(desk) == [("want_human", 1)]
    assert (await the_call(desk)).id == one.id


async def test_who_is_not_called_in_time_is_brought_to_mind_and_again_a_day_later(desk: Desk) -> None:
    await waits(desk)
    desk.wait(hours=10, minutes=59)
    await desk.settle()
    assert await told(desk) == [("want_human", 1)]
    desk.wait(minutes=2)
    await desk.settle()
    await desk.settle()
    assert await told(desk) == [("callback_overdue", 2)]
    desk.wait(seconds=REMINDED_AGAIN.total_seconds())
    await desk.settle()
    assert await told(desk) == [("callback_overdue", 3)]


@pytest.mark.parametrize("verb", [callbacks.done, callbacks.not_reached])
async def test_what_is_over_reminds_nobody(desk: Desk, verb: Any) -> None:
    await waits(desk)
    await act(desk, verb, *([None] if verb is callbacks.not_reached else []))
    desk.wait(days=2)
    await desk.settle()
    assert await told(desk) == []


async def test_taken_and_then_forgotten_is_brought_to_mind(desk: Desk) -> None:
    await waits(desk)
    await act(desk, callbacks.take)
    assert await told(desk) == []
    desk.wait(hours=12)
    await desk.settle()
    assert await told(desk) == [("callback_overdue", 1)]


async def test_another_time_is_another_reminder(desk: Desk) -> None:
    await waits(desk)
    await desk.text("tomorrow at 3pm please")
    await desk.settle()
    desk.wait(hours=15)
    await desk.settle()
    assert await told(desk) == [("want_human", 1)]
    desk.wait(hours=4)
    await desk.settle()
    assert await told(desk) == [("callback_overdue", 2)]


async def test_two_schedulers_remind_once(desk: Desk) -> None:
    await waits(desk)
    desk.wait(hours=12)
    both = [TimerWorker(desk.rt, desk.workspace_id) for _ in range(2)]
    due = [one for group in await asyncio.gather(*(one.claim(8) for one in both)) for one in group]
    await asyncio.gather(*(worker.work(one) for worker in both for one in due))
    assert await told(desk) == [("callback_overdue", 2)]


async def test_nobody_takes_the_conversation_at_the_end_of_the_day(desk: Desk) -> None:
    """At ten to five a person is asked for; at ten past it is a call for the morning, and said so."""
    desk.wait(hours=6, minutes=50)
    await desk.text("can I speak to a person?")
    await desk.settle()
    assert (await desk.conversation()).owner == "human"
    desk.wait(minutes=21)
    await desk.settle()
    assert "nobody has been free" in desk.ledger()[-1]
    assert "Tue, Mar 3 at 8:00 AM" in desk.ledger()[-1]
    assert (await desk.conversation()).owner == "ai"
    desk.wait(hours=1)
    await desk.settle()
    assert len(desk.ledger()) == 2


async def test_a_person_who_comes_in_time_is_not_overruled(desk: Desk) -> None:
    await desk.text("can I speak to a person?")
    await desk.settle()
    await desk.person_writes("Maria here.")
    desk.wait(hours=1)
    await desk.settle()
    assert await desk.rows("select id from callback") == []
    assert desk.ledger()[-1] == "Maria here."


async def test_without_the_skill_nothing_is_as_it_was_not(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    desk.wait(minutes=NIGHT)
    await desk.text("please call me back")
    await desk.settle()
    desk.wait(hours=2)
    await desk.settle()
    assert await desk.rows("select id from callback") == []
    assert (await desk.conversation()).owner == "human"
    assert await desk.rows("select id from timer where kind = 'handoff_waits'") == []


async def test_who_is_erased_waits_for_no_call(desk: Desk) -> None:
    one = await waits(desk)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        erased = await erasure.erase(tx, one.contact_id, "person:test")
    assert erased.rows["callback"] == 1
    desk.wait(days=1)
    await desk.settle()
    assert "callback_overdue" not in [reason for reason, _ in await told(desk)]

"""Turns: claimed by one, fenced against everybody else, one answer for everything that was said."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store import conversations, turns
from store.db import new_id
from tests.rig import QUESTION, Broken, Desk, Thinking, new_number, thinking
from workers.loop import Loop
from workers.turns import MAX_FAILURES

MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def library(make_desk: MakeDesk) -> Desk:
    """A business whose opening hours are in its documents: whoever is asked about them has to look them up."""
    return await make_desk(hours={})


async def outcomes(desk: Desk) -> list[tuple[str, int, int]]:
    return [(turn.state, turn.first_seq, turn.base_seq) for turn in await desk.turns()]


# --- what happens meanwhile ---


async def test_a_message_that_comes_while_the_turn_thinks_is_answered_with_it(library: Desk) -> None:
    await library.text(QUESTION)
    thought = Thinking()
    async with thinking(library, thought):
        await library.text("What time do you close?")
    await library.turn(knowledge=thought)
    assert await outcomes(library) == [("superseded", 1, 1), ("saved", 1, 2)]
    await library.settle()
    assert len(library.ledger()) == 1


async def test_many_messages_while_turns_think_end_in_one_answer(library: Desk) -> None:
    await library.text(QUESTION)
    for n in range(3):
        async with thinking(library, Thinking()):
            await library.text(f"What are your hours on day {n}?")
    thought = Thinking()
    thought.may_answer.set()
    await library.turn(knowledge=thought)
    await library.settle()
    assert [state for state, *_ in await outcomes(library)] == ["superseded"] * 3 + ["saved"]
    assert len(library.ledger()) == 1


async def test_the_newer_messages_own_burst_is_waited_for(make_desk: MakeDesk) -> None:
    desk = await make_desk(hours={}, channel={"debounce": "3s", "debounce_max": "30s"})
    await desk.text(QUESTION)
    desk.wait(seconds=4)
    async with thinking(desk, Thinking()):
        await desk.text("Actually,")
    assert await desk.turn_worker().claim(8) == []
    desk.wait(seconds=2)
    await desk.text("what time do you close?")
    desk.wait(seconds=4)
    thought = Thinking()
    thought.may_answer.set()
    await desk.turn(knowledge=thought)
    assert await outcomes(desk) == [("superseded", 1, 1), ("saved", 1, 3)]


async def test_a_person_who_replies_while_the_turn_thinks_is_the_only_one_heard(library: Desk) -> None:
    await library.text(QUESTION)
    async with thinking(library, Thinking()):
        await library.person_writes("Eight to five. Olive")
    await library.settle()
    assert library.ledger() == ["Eight to five. Olive"]
    assert await library.said("ai") == []
    assert [state for state, *_ in await outcomes(library)] == ["superseded"]


async def test_a_person_who_takes_over_while_the_turn_thinks(library: Desk) -> None:
    await library.text(QUESTION)
    found = await library.conversation()
    async with thinking(library, Thinking()), library.rt.db.transaction(library.workspace_id) as tx:
        await conversations.take_over(
            tx, found.id, library.person_id, "person:test", "asked", timedelta(hours=1)
        )
    await library.settle()
    assert library.ledger() == []


async def test_what_a_person_gives_back_is_answered_although_a_turn_was_lost(library: Desk) -> None:
    await library.text(QUESTION)
    found = await library.conversation()
    async with thinking(library, Thinking()), library.rt.db.transaction(library.workspace_id) as tx:
        await conversations.take_over(
            tx, found.id, library.person_id, "person:test", "asked", timedelta(hours=1)
        )
        await conversations.release(tx, found.id, "person:test")
    thought = Thinking()
    thought.may_answer.set()
    await library.turn(knowledge=thought)
    await library.settle()
    assert len(library.ledger()) == 1


async def test_a_conversation_closed_while_the_turn_thinks_stays_silent(library: Desk) -> None:
    await library.text(QUESTION)
    found = await library.conversation()
    async with thinking(library, Thinking()), library.rt.db.transaction(library.workspace_id) as tx:
        await conversations.close(tx, found.id, "person:test")
    await library.settle()
    assert library.ledger() == []


async def test_help_while_the_turn_thinks_does_not_lose_the_question(library: Desk) -> None:
    await library.text(QUESTION)
    thought = Thinking()
    async with thinking(library, thought):
        await library.text("HELP")
    await library.turn(knowledge=thought)
    await library.settle()
    assert len(library.ledger()) == 1


# --- leases and fences ---


async def test_a_lost_lease_fences_the_one_who_lost_it(library: Desk) -> None:
    """It has paused longer than its lease; another has answered. One reply leaves."""
    await library.text(QUESTION)
    async with thinking(library, Thinking(), "slow"):
        library.wait(seconds=library.rt.settings.lease_s + 1)
        thought = Thinking()
        thought.may_answer.set()
        other = library.turn_worker("other", knowledge=thought)
        (claim,) = await other.claim(8)
        await other.work(claim)
        assert len(await library.said("ai")) == 1
    await library.settle()
    assert len(library.ledger()) == 1
    rows = await library.rows("select state, worker from turn order by id")
    assert [tuple(row) for row in rows] == [("superseded", "slow"), ("saved", "other")]


async def test_the_slow_one_that_comes_back_first_is_fenced_too(library: Desk) -> None:
    await library.text(QUESTION)
    slow, quick = Thinking(), Thinking()
    async with thinking(library, quick, "quick"):
        library.wait(seconds=library.rt.settings.lease_s + 1)
        async with thinking(library, slow, "taken over"):
            quick.may_answer.set()
            await asyncio.sleep(0)
    await library.settle()
    assert len(library.ledger()) == 1


async def test_a_lease_that_is_renewed_is_not_lost(library: Desk) -> None:
    await library.text(QUESTION)
    worker = library.turn_worker("mine")
    (claim,) = await worker.claim(8)
    lease = timedelta(seconds=library.rt.settings.lease_s)
    for _ in range(3):
        library.wait(seconds=library.rt.settings.lease_s - 1)
        async with library.rt.db.dispatch() as dispatch:
            assert await turns.renew(dispatch, claim, lease)
        assert await library.turn_worker("other").claim(8) == []
    library.wait(seconds=library.rt.settings.lease_s + 1)
    (stolen,) = await library.turn_worker("other").claim(8)
    assert stolen.epoch > claim.epoch
    async with library.rt.db.dispatch() as dispatch:
        assert not await turns.renew(dispatch, claim, lease)
        await turns.give_back(dispatch, claim)  # it is not its own any more: nothing happens
    assert await library.turn_worker("third").claim(8) == []


async def test_a_killed_worker_costs_one_lease_and_its_turn_is_told_as_failed(desk: Desk) -> None:
    await desk.text(QUESTION)
    (claim,) = await desk.turn_worker("dies").claim(8)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await turns.load(tx, claim) is not None
    await desk.settle()
    rows = await desk.rows("select state, reason, worker from turn order by id")
    assert [tuple(row) for row in rows] == [("failed", "worker_lost", "dies"), ("saved", "answered", "story")]
    assert len(desk.ledger()) == 1


async def test_a_worker_that_is_told_to_stop_gives_its_conversation_back(library: Desk) -> None:
    await library.text(QUESTION)
    thought = Thinking()
    worker = library.turn_worker("leaving", knowledge=thought)
    (claim,) = await worker.claim(8)
    task = asyncio.create_task(worker.work(claim))
    await thought.asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await library.turn_worker("next").claim(8)) == 1


async def test_two_workers_never_take_the_same_conversation(desk: Desk) -> None:
    phones = [new_number() for _ in range(12)]
    for phone in phones:
        await desk.text(QUESTION, handset=phone)
    workers = [desk.turn_worker(f"worker {n}") for n in range(4)]
    claims = await asyncio.gather(*(worker.claim(5) for worker in workers))
    taken = [claim.conversation_id for group in claims for claim in group]
    assert len(taken) == len(set(taken)) == 12


async def test_many_conversations_at_once_are_all_answered_once(desk: Desk) -> None:
    desk.stage.clock.frozen = None  # workers by the clock on the wall
    phones = [new_number() for _ in range(20)]
    await asyncio.gather(*(desk.text(QUESTION, handset=phone) for phone in phones))
    workers = [desk.turn_worker(f"worker {n}") for n in range(3)]
    loops: list[Loop[Any]] = [worker.loop() for worker in workers]
    loops += [desk.delivery_worker().loop() for _ in range(2)]
    stop = asyncio.Event()
    running = [asyncio.create_task(loop.run(stop)) for loop in loops]
    while {phone for phone in phones if desk.ledger(phone)} != set(phones):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*running)
    desk.stage.clock.frozen = datetime.now(UTC)
    await desk.settle()
    assert [len(desk.ledger(phone)) for phone in phones] == [1] * 20
    rows = await desk.rows("select conversation_id, count(*) as n from turn where state = 'saved' group by 1")
    assert [row.n for row in rows] == [1] * 20


# --- what breaks ---


async def test_a_turn_that_breaks_is_tried_again_and_then_a_person_has_it(desk: Desk) -> None:
    await desk.text(QUESTION)
    for n in range(1, MAX_FAILURES + 1):
        await desk.turn(understander=Broken())
        assert (await desk.conversation()).owner == ("human" if n == MAX_FAILURES else "ai")
        desk.wait(seconds=2)
    found = await desk.conversation()
    assert (found.owner_reason, found.due_at) == ("turn_failed", None)
    assert [(turn.state, turn.reason) for turn in await desk.turns()] == [("failed", "RuntimeError")] * 3
    assert desk.ledger() == []
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await conversations.release(tx, found.id, "person:test")
    await desk.settle()
    assert len(desk.ledger()) == 1


async def test_a_turn_that_breaks_once_is_answered_the_second_time(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.turn(understander=Broken())
    await desk.settle()
    assert [turn.state for turn in await desk.turns()] == ["failed", "saved"]
    assert len(desk.ledger()) == 1
    (row,) = await desk.rows("select failures from conversation")
    assert row.failures == 0


async def test_a_log_of_what_broke_holds_nobodys_words(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    secret = f"my secret is {new_id()}"
    await desk.text(secret)
    await desk.turn(understander=Broken())
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text
    assert desk.handset not in caplog.text


# --- what has not left yet is taken back ---


async def test_an_answer_that_has_not_left_is_recalled_and_one_answers_both(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.turn()
    assert await desk.states() == ["queued"]
    await desk.text("What time do you close?")
    await desk.settle()
    assert [(row.state, row.reason) for row in await desk.deliveries()] == [
        ("cancelled", "newer_message"),
        ("delivered", None),
    ]
    assert await outcomes(desk) == [("saved", 1, 1), ("saved", 1, 3)]
    assert len(desk.ledger()) == 1
    assert "automated assistant" in desk.ledger()[0]  # the first one, which had said so, never left


async def test_an_answer_that_was_tried_once_is_not_recalled(desk: Desk) -> None:
    """It may have reached the customer."""
    await desk.text(QUESTION)
    await desk.turn()
    desk.trouble({"kind": "status", "status": 429, "retry_after": 1, "count": 1})
    await desk.deliver()
    assert await desk.states() == ["queued"]
    await desk.text("What time do you close?")
    await desk.settle()
    for _ in range(20):
        desk.wait(seconds=30)
        await desk.settle()
    assert await desk.states() == ["delivered", "delivered"]
    assert await outcomes(desk) == [("saved", 1, 1), ("saved", 3, 3)]


async def test_recalling_races_leaving(desk: Desk) -> None:
    for n in range(6):
        desk.handset = new_number()
        await desk.text(QUESTION)
        await desk.turn()
        await desk.text(f"What time do you close on day {n}?")
        await asyncio.gather(desk.turn(), desk.deliver())
        await desk.settle()
        found = (await desk.rows("select id from conversation order by id desc limit 1"))[0].id
        states = await desk.rows("select state from delivery where conversation_id = :id", id=found)
        assert len(desk.ledger()) == sum(row.state == "delivered" for row in states)
        assert len(states) == 2
        desk.wait(minutes=1)


async def test_what_a_person_wrote_or_approved_is_not_recalled(make_desk: MakeDesk) -> None:
    desk = await make_desk()
    await desk.text("hello")
    await desk.settle()
    await desk.person_writes("Olive here")
    found = await desk.conversation()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.release(tx, found.id, "person:test", answer=False)
    await desk.text(QUESTION)
    await desk.settle()
    assert [body for body in desk.ledger() if body == "Olive here"] == ["Olive here"]
    assert len(desk.ledger()) == 3

"""SIGTERM: what is running is finished or given back, nothing is lost or doubled; a second one ends it at once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.crew import Crew, open_crew, until
from bench.nursery import Nursery
from runtime.runtime import Runtime
from tests.rig import QUESTION, Desk, Thinking
from workers.loop import Loop

MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def crew(rt: Runtime, tmp_path: Path, redis_url: str | None, nursery: Nursery) -> AsyncIterator[Crew]:
    async with open_crew(rt, tmp_path, redis_url, nursery=nursery) as opened:
        yield opened


async def _is_waiting(owner: psycopg.AsyncConnection[Any], table: str, count: int = 1) -> bool:
    """Whether so many transactions wait for the table that the test holds."""
    row = await (
        await owner.execute(
            "select count(*) from pg_locks where relation = %s::regclass and not granted", [f"public.{table}"]
        )
    ).fetchone()
    return row is not None and row[0] >= count


async def test_a_web_process_told_to_stop_answers_what_it_has_begun(
    crew: Crew, owner: psycopg.AsyncConnection[Any]
) -> None:
    web = await crew.start("web")
    async with owner.transaction():
        await owner.execute("lock table inbound_receipt in exclusive mode")
        begun = [asyncio.create_task(crew.text(f"are you open? {n}")) for n in range(6)]
        await until(lambda: _is_waiting(owner, "inbound_receipt", 1), "requests in the middle", crew)
        await asyncio.sleep(0.5)
        web.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert web.returncode is None
    assert await asyncio.gather(*begun) == [[200]] * 6
    assert await asyncio.wait_for(web.wait(), 20) == 0
    await crew.start("web")
    await crew.start("worker")
    await until(crew.settled, "one answer to all", crew)  # and nothing is left for the next test's workers
    messages, _ = await crew.told()
    said = sorted(one.text for one in messages if one.author == "contact")
    assert said == [f"are you open? {n}" for n in range(6)]


async def test_a_worker_told_to_stop_finishes_its_turn(
    crew: Crew, owner: psycopg.AsyncConnection[Any]
) -> None:
    await crew.start("web")
    worker = await crew.start("worker")
    async with owner.transaction():
        await owner.execute("lock table context_value in access exclusive mode")
        assert await crew.text(QUESTION) == [200]
        await until(lambda: _is_waiting(owner, "context_value"), "a turn in the middle", crew)
        worker.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert worker.returncode is None
    assert await asyncio.wait_for(worker.wait(), 20) == 0
    _, told = await crew.told()
    assert [one.state for one in told] == ["saved"]
    await crew.start("heir")
    await until(crew.settled, "the answer", crew)
    assert len(crew.sent()) == 1


async def test_told_twice_it_ends_at_once_and_the_next_one_goes_on(
    crew: Crew, owner: psycopg.AsyncConnection[Any]
) -> None:
    await crew.start("web")
    worker = await crew.start("worker")
    async with owner.transaction():
        await owner.execute("lock table context_value in access exclusive mode")
        assert await crew.text(QUESTION) == [200]
        await until(lambda: _is_waiting(owner, "context_value"), "a turn in the middle", crew)
        worker.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 2) == 128 + signal.SIGTERM
    await crew.start("heir")
    await until(crew.settled, "the answer", crew)
    assert len(crew.sent()) == 1
    messages, _ = await crew.told()
    assert [(one.seq, one.author) for one in messages] == [(1, "contact"), (2, "ai")]


async def test_a_turn_that_takes_too_long_is_given_back_and_another_takes_it_at_once(
    make_desk: MakeDesk,
) -> None:
    desk = await make_desk(hours={})  # so that it must ask its knowledge
    slow, stop = Thinking(), asyncio.Event()
    assert await desk.text(QUESTION) == [200]
    loop: Loop[Any] = desk.turn_worker("slow", knowledge=slow).loop()
    running = asyncio.create_task(loop.run(stop, drain_s=0.1))
    await asyncio.wait_for(slow.asked.wait(), 60)
    assert await desk.turn_worker("other").claim(5) == []
    stop.set()
    await asyncio.wait_for(running, 5)
    assert len(await desk.turn_worker("other").claim(5)) == 1  # the clock stands still: no lease has run out
    desk.wait(seconds=60)
    await desk.settle()
    assert sorted(one.state for one in await desk.turns()) == ["failed", "saved"]

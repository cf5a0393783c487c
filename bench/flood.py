"""Ten thousand customers of one business write at once; how long do the customers of another wait?
`python -m bench.flood --messages 10000`. See docs/faults.md."""

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.checks import check
from bench.crew import Business, open_crew
from bench.faults import SECRET, Killer, Plan, businesses, percentile
from bench.load import Load
from bench.outages import Databases
from runtime.runtime import open_runtime
from runtime.settings import Settings

AT_ONCE = 24
PROBES = 20
_BACKLOG = "select count(*) from conversation where due_at is not null"
_QUEUE = "select count(*) from delivery where state in ('queued', 'sending', 'unknown')"


async def flood(messages: int, directory: Path) -> dict[str, Any]:
    bases = await Databases.start(directory)
    settings = Settings(
        database_url=bases.postgres.url, redis_url=None, data_dir=directory,
        public_url="http://127.0.0.1:1", secrets=(SECRET,),
    )  # fmt: skip
    redis_url = bases.redis.url if bases.redis else None
    try:
        async with open_runtime(settings) as rt, open_crew(rt, directory, redis_url, businesses()) as crew:
            killer = Killer(crew, bases, Plan(0, 1), random.Random(1))  # noqa: S311
            await killer.start()
            try:
                load = Load(crew, random.Random(1), 0)  # noqa: S311
                return await _measure(load, killer, messages)
            finally:
                await killer.end()
    finally:
        bases.stop()


async def _measure(load: Load, killer: Killer, messages: int) -> dict[str, Any]:
    quiet, flooded = load.crew.businesses[0], load.crew.businesses[2]
    before = [await _probe(load, quiet) for _ in range(PROBES)]
    started = time.monotonic()
    while_written = asyncio.create_task(_probes(load, quiet, lambda: True))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await load.text(flooded, load.new_handset(), "what are your opening hours?")

    await asyncio.gather(*(one() for _ in range(messages)))
    written_s = time.monotonic() - started
    while_written.cancel()
    written = (await asyncio.gather(while_written, return_exceptions=True))[0]
    backlog = await _count(killer, _BACKLOG)
    still = [backlog]

    async def watch() -> None:
        while still[0]:
            still[0] = await _count(killer, f"select ({_BACKLOG}) + ({_QUEUE})")
            await asyncio.sleep(0.5)

    watching = asyncio.create_task(watch())
    during = await _probes(load, quiet, lambda: bool(still[0]))
    await watching
    drained_s = time.monotonic() - started
    acks = [one.ack_ms for one in load.texts if one.business is flooded]
    found = await check(load.crew, killer.bases.postgres.owner_url, load.texts, final=True)
    return {
        "messages": messages, "written_s": round(written_s, 1), "backlog_then": backlog,
        "drained_s": round(drained_s, 1), "flood_ack_p50_ms": percentile(acks, 50),
        "flood_ack_p99_ms": percentile(acks, 99), "acknowledged": found.acknowledged,
        "lost": found.lost, "duplicated": found.duplicated,
        "answer_s_before": _told(before), "answer_s_while_written": _told(load_probes(written)),
        "answer_s_while_drained": _told(during), "violations": found.violations,
    }  # fmt: skip


def load_probes(found: Any) -> list[float]:
    return found if isinstance(found, list) else []


def _told(seconds: list[float]) -> dict[str, Any]:
    return {"n": len(seconds), "p50": percentile(seconds, 50), "p95": percentile(seconds, 95)}


async def _probes(load: Load, business: Business, wanted: Any) -> list[float]:
    found: list[float] = []
    try:
        while wanted():
            found.append(await _probe(load, business))
    except asyncio.CancelledError:
        pass  # enough of them
    return found


async def _probe(load: Load, business: Business) -> float:
    """Seconds from pressing send to the answer at the provider; the 0.2 s of quiet that end a burst included."""
    handset, started = load.new_handset(), time.monotonic()
    await load.text(business, handset, "hi, what are your opening hours?")
    messages = load.crew.provider.state.messages
    seen = 0
    while time.monotonic() - started < 120:
        fresh = list(itertools.islice(messages.values(), seen, None))
        if any(one.to == handset and one.origin == "api" for one in fresh):
            break
        seen += len(fresh)
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def _count(killer: Killer, sql: str) -> int:
    async with await psycopg.AsyncConnection.connect(killer.bases.postgres.owner_url) as owner:
        return int((await (await owner.execute(sql.encode())).fetchall())[0][0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flood")
    parser.add_argument("--messages", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flood-") as directory:
        told = asyncio.run(flood(given.messages, Path(directory)))
    told["load_average"] = round(os.getloadavg()[0], 1)
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    sys.exit(1 if told["violations"] else 0)


if __name__ == "__main__":
    main()

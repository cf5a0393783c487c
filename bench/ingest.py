"""How fast webhooks are stored and acknowledged, against a floor in the same minute on the same database: a bare
application that checks the signature and inserts one row. Rounds are interleaved; medians count."""

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from bench import floor
from bench.ground import Ground, cpu_s, load_average, open_ground, postgres_s
from bench.hammer import Blow, Order
from frontdesk.serving import listen

CONNECTIONS = (1, 4, 16, 64)
SHOWN = 16
"""The line whose figures stand at the top."""


@dataclass(frozen=True, slots=True)
class Line:
    """Medians of the rounds with so many connections."""

    connections: int
    rps: float
    floor_rps: float
    ratio: float
    p50_ms: float
    p99_ms: float
    floor_p50_ms: float
    floor_p99_ms: float
    cpu_us: float
    """Of the web process, a webhook: hardly touched by what else runs on the machine."""
    floor_cpu_us: float
    postgres_us: float
    """Of the database server, all its processes, a webhook."""
    floor_postgres_us: float
    client_us: float
    refused: int


async def run(rounds: int = 3, seconds: float = 2.0) -> dict[str, Any]:
    async with open_ground() as ground, _floor(ground) as (floor_url, floor_pid):
        web_pid = (await ground.crew.start("web")).pid
        business = ground.crew.businesses[0]
        ours = f"{ground.crew.url(business.web)}/channels/{business.channel_id}/messages"
        for url, pid in ((floor_url, floor_pid), (ours, web_pid)):
            await _strike(
                ground, url, pid, 16, 2 * seconds, 0
            )  # plans, pools, every customer's first message
        blows: dict[int, list[tuple[Blow, Blow]]] = {n: [] for n in CONNECTIONS}
        loads = [load_average()]
        for round_ in range(rounds):
            for n in CONNECTIONS:
                seed = 1 + round_ * 100 + n
                blow_floor = await _strike(ground, floor_url, floor_pid, n, seconds, seed)
                blows[n].append((await _strike(ground, ours, web_pid, n, seconds, seed), blow_floor))
            loads.append(load_average())
    lines = [_line(n, pairs) for n, pairs in blows.items()]
    shown = next(line for line in lines if line.connections == SHOWN)
    return {
        **asdict(shown), "rounds": rounds, "seconds": seconds, "load_average": loads,
        "table": [asdict(line) for line in lines],
    }  # fmt: skip


def _line(connections: int, pairs: list[tuple[Blow, Blow]]) -> Line:
    def middle(what: str, who: int) -> float:
        return round(float(statistics.median(getattr(pair[who], what) for pair in pairs)), 2)

    return Line(
        connections, middle("rps", 0), middle("rps", 1), round(middle("rps", 0) / middle("rps", 1), 2),
        middle("p50_ms", 0), middle("p99_ms", 0), middle("p50_ms", 1), middle("p99_ms", 1),
        middle("cpu_us", 0), middle("cpu_us", 1), middle("postgres_us", 0), middle("postgres_us", 1),
        middle("client_us", 0),
        sum(ours.refused + blow_floor.refused for ours, blow_floor in pairs),
    )  # fmt: skip


async def _strike(ground: Ground, url: str, pid: int, connections: int, seconds: float, seed: int) -> Blow:
    account, number = ground.crew.provider.state.config, ground.crew.businesses[0].number
    order = Order(url, account.account_sid, account.auth_token, number, connections, seconds, seed)
    hammer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.hammer", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    before, before_postgres = cpu_s(pid), postgres_s(ground.postgres.owner_url)
    async with asyncio.timeout(seconds + 60):
        out, _ = await hammer.communicate(json.dumps(asdict(order)).encode())
    blow = Blow(**json.loads(out))
    blow.cpu_us = round((cpu_s(pid) - before) / max(blow.answered, 1) * 1e6)
    used = postgres_s(ground.postgres.owner_url) - before_postgres
    blow.postgres_us = round(used / max(blow.answered, 1) * 1e6)
    return blow


@asynccontextmanager
async def _floor(ground: Ground) -> AsyncIterator[tuple[str, int]]:
    """The floor's address and process; its table is in the same database, and nobody's but its own."""
    async with await psycopg.AsyncConnection.connect(ground.postgres.owner_url, autocommit=True) as owner:
        await owner.execute(floor.TABLE)
        await owner.execute("grant select, insert on bench_floor to frontdesk")
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    listener.close()
    url = f"http://127.0.0.1:{port}"
    token = ground.crew.provider.state.config.auth_token
    arguments = (str(port), ground.postgres.url, url, token)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.floor", *arguments)
    try:
        async with asyncio.timeout(20):
            while not await _listens(port):  # noqa: ASYNC110  (the world outside has no event for it)
                await asyncio.sleep(0.05)
        yield f"{url}/webhook", process.pid
    finally:
        process.kill()
        await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def told(found: dict[str, Any]) -> str:
    """For people."""
    rows = [
        "connections   ours/s  floor/s  ratio   p50 ms   p99 ms  floor p50  floor p99"
        "  CPU µs  floor  Postgres  floor  client",
        *(
            f"{one['connections']:>11}  {one['rps']:>7.0f}  {one['floor_rps']:>7.0f}  {one['ratio']:>5.2f}"
            f"  {one['p50_ms']:>7.2f}  {one['p99_ms']:>7.2f}  {one['floor_p50_ms']:>9.2f}"
            f"  {one['floor_p99_ms']:>9.2f}  {one['cpu_us']:>6.0f}  {one['floor_cpu_us']:>5.0f}"
            f"  {one['postgres_us']:>8.0f}  {one['floor_postgres_us']:>5.0f}  {one['client_us']:>6.0f}"
            for one in found["table"]
        ),
        f"medians of {found['rounds']} rounds of {found['seconds']} s; load {found['load_average']}",
    ]
    return "\n".join(rows)

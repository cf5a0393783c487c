"""What a web chat's open sockets cost, and how soon an answer reaches one of them, beside a bare WebSocket server with
as many sockets, in the same minute. Ours reads the answer from the database; the bare one is told what to send.

An answer's time runs from the commit that makes it visible to the client's data_received: hint through Redis, one
query, one frame. The bare one's runs from the order over a socket to the same place."""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from bench import ears
from bench.crew import CEDAR, open_crew
from bench.ears import Ear
from bench.ground import load_average
from channels import webchat_token
from channels.webchat_token import Visitor
from domain.messages import Address, Inbound, Scheme
from frontdesk.serving import listen
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from runtime.wake import VISITORS
from store import channels, inbox, outbox, visitors, workspaces
from store.channels import ChannelRow
from store.embedded import EmbeddedPostgres, EmbeddedRedis
from store.migrate import migrate
from store.outbox import NewMessage

LONGEST_S = 240
SLOW_MESSAGES, SLOW_SIZE = 24, 400_000
_ACCEPT = text(
    "update delivery set state = 'accepted', provider_id = cast(message_id as text)"
    " where message_id = :message returning id"
)
_THREAD = text(
    "select t.id, t.conversation_id from thread t join visitor v on v.workspace_id = t.workspace_id"
    " and v.address_id = t.address_id where v.key = :key"
)


@dataclass(slots=True)
class Arrivals:
    """When what was sent was heard, by its text."""

    sent: dict[str, float] = field(default_factory=dict)
    took_ms: dict[str, float] = field(default_factory=dict)

    def heard(self, ear: Ear, payload: bytes, now: float) -> None:
        said = payload.decode()
        if said.startswith("{"):
            said = json.loads(said).get("text", "")
        if (began := self.sent.get(said)) is not None:
            self.took_ms.setdefault(said, (now - began) * 1000)

    def of(self, prefix: str) -> list[float]:
        return sorted(took for said, took in self.took_ms.items() if said.startswith(prefix))


@dataclass(slots=True)
class House:
    """Our web process, and its database seen from here."""

    rt: Runtime
    row: ChannelRow
    port: int
    pid: int

    async def visit(self, visitor: str) -> tuple[str, str, str]:
        """A visitor who has written once: (name, path, first frame)."""
        async with self.rt.db.transaction(self.row.workspace_id) as tx:
            profile = (await workspaces.get(tx)).profile
            said = Inbound(f"{visitor}:1", Address(Scheme.WEBCHAT, visitor), "hello")
            await inbox.save(tx, self.row, profile, [said])
            await visitors.add(tx, visitor, self.row.id, "1", None)
            token = webchat_token.write(tx.vault, Visitor(visitor, self.row.id, tx.now))
        first = json.dumps({"type": "auth", "token": token})
        return visitor, f"/channels/{self.row.id}/chat?after=1", first

    async def answer(self, visitor: str, words: str, arrivals: Arrivals) -> None:
        """As the delivery worker ends: the answer is accepted and shown; then the hint."""
        async with self.rt.db.transaction(self.row.workspace_id) as tx:
            thread = (await tx.execute(_THREAD, {"key": visitors.key(tx, visitor)})).one()
            message = await outbox.put(
                tx, NewMessage(thread.conversation_id, thread.id, "human", "human", words)
            )
            (delivery,) = (await tx.execute(_ACCEPT, {"message": message})).all()
            await visitors.show(tx, delivery.id)
        arrivals.sent[words] = time.perf_counter()
        await self.rt.wake.wake(f"{VISITORS}:{visitor}")


async def run(sockets: int = 2000, per_second: float = 20, seconds: float = 8) -> dict[str, Any]:
    """Stops by itself."""
    async with asyncio.timeout(LONGEST_S), _house() as house, _bare() as (bare_port, bare_pid):
        arrivals, loads = Arrivals(), [load_average()]
        names = [uuid4().hex for _ in range(sockets)]
        wanted = await _visits(house, names)
        found: dict[str, Any] = {"sockets": sockets}
        ours, found["kb_per_socket"], found["connects_per_s"] = await _open(
            house.pid, house.port, wanted, arrivals
        )
        bare_wanted = [(name, "/", name) for name in names]
        bare, found["floor_kb_per_socket"], found["floor_connects_per_s"] = await _open(
            bare_pid, bare_port, bare_wanted, arrivals
        )
        loads.append(load_average())
        try:
            await _pace(house, names, bare[0], arrivals, "quiet", per_second, seconds)
            before = rss_kb(house.pid)
            slow = ours[-1]
            assert slow.transport is not None
            slow.transport.pause_reading()
            stuffing = asyncio.create_task(_stuff(house, slow.name, arrivals))
            await _pace(house, names[:-1], bare[0], arrivals, "slow", per_second, seconds)
            await stuffing
            found["slow_reader_kb"] = rss_kb(house.pid) - before
            loads.append(load_average())
            lost = [
                one for one in arrivals.sent if one not in arrivals.took_ms and not one.startswith("stuff")
            ]
        finally:
            ears.close(ours)
            ears.close(bare)
    for phase in ("quiet", "slow"):
        found[phase] = _line(arrivals, phase)
    return found | {"lost": len(lost), "seconds": seconds, "per_second": per_second, "load_average": loads}


def _line(arrivals: Arrivals, phase: str) -> dict[str, float]:
    ours, bare = arrivals.of(f"{phase} ours"), arrivals.of(f"{phase} bare")
    return {
        "count": len(ours), "p50_ms": _at(ours, 0.5), "p99_ms": _at(ours, 0.99),
        "floor_p50_ms": _at(bare, 0.5), "floor_p99_ms": _at(bare, 0.99),
    }  # fmt: skip


def _at(ordered: Sequence[float], part: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2) if ordered else -1.0


def rss_kb(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def _visits(house: House, names: list[str]) -> list[tuple[str, str, str]]:
    gate = asyncio.Semaphore(6)

    async def one(name: str) -> tuple[str, str, str]:
        async with gate:
            return await house.visit(name)

    return list(await asyncio.gather(*(one(name) for name in names)))


async def _open(
    pid: int, port: int, wanted: list[tuple[str, str, str]], arrivals: Arrivals
) -> tuple[list[Ear], float, int]:
    """The sockets, what one costs the server in KB, and how many a second were opened."""
    warm = await ears.open_ears("127.0.0.1", port, wanted[: len(wanted) // 20], arrivals.heard)
    ears.close(warm)
    await asyncio.sleep(1)
    before, began = rss_kb(pid), time.perf_counter()
    opened = await ears.open_ears("127.0.0.1", port, wanted, arrivals.heard)
    took = time.perf_counter() - began
    await asyncio.sleep(1)
    return opened, round((rss_kb(pid) - before) / len(wanted), 1), round(len(wanted) / took)


async def _pace(
    house: House,
    names: list[str],
    bare: Ear,
    arrivals: Arrivals,
    phase: str,
    per_second: float,
    seconds: float,
) -> None:
    """One to a visitor of ours and one to a socket of the bare one, in turns."""
    dice = random.Random(7)  # noqa: S311
    for n in range(int(per_second * seconds)):
        next_at = time.perf_counter() + 1 / per_second
        await house.answer(dice.choice(names), f"{phase} ours {n}", arrivals)
        words = f"{phase} bare {n}"
        arrivals.sent[words] = time.perf_counter()
        bare.send(f"{dice.choice(names)} {words}")
        await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
    await asyncio.sleep(2)


async def _stuff(house: House, visitor: str, arrivals: Arrivals) -> None:
    for n in range(SLOW_MESSAGES):
        await house.answer(visitor, f"stuff {n} " + "x" * SLOW_SIZE, arrivals)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _house() -> AsyncIterator[House]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontdesk-fanout-")))
        postgres = EmbeddedPostgres.start(directory / "postgres")
        stack.callback(postgres.stop)
        migrate(postgres.owner_url)
        postgres.create_login()
        redis = EmbeddedRedis.start(directory / "redis")
        if redis:
            stack.callback(redis.stop)
            await redis.ready()
        settings = Settings(
            postgres.url, redis.url if redis else None, directory, "http://unused", ("benches are public",)
        )
        business = CEDAR | {"channels": [*CEDAR["channels"], {"kind": "webchat", "debounce": "1h"}]}
        async with (
            open_runtime(settings) as rt,
            open_crew(rt, directory, settings.redis_url, [business]) as crew,
        ):
            process = await crew.start("web")
            async with rt.db.transaction(crew.workspace_id) as tx:
                row = next(one for one in await channels.listed(tx) if one.kind == "webchat")
            yield House(rt, row, crew.ports["web"], process.pid)


@asynccontextmanager
async def _bare() -> AsyncIterator[tuple[int, int]]:
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    listener.close()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.bare_socket", str(port))
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.kill()
        await process.wait()


def told(found: dict[str, Any]) -> str:
    """For people."""
    rows = [
        f"{found['sockets']} sockets: {found['kb_per_socket']} KB each (bare {found['floor_kb_per_socket']}),"
        f" {found['connects_per_s']} connects/s (bare {found['floor_connects_per_s']})",
    ]
    for phase, words in (("quiet", "nobody slow"), ("slow", "one reader that takes nothing")):
        one = found[phase]
        rows.append(
            f"{words}: p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms; bare {one['floor_p50_ms']}, {one['floor_p99_ms']}"
        )
    rows.append(
        f"the slow reader cost {found['slow_reader_kb']} KB; lost {found['lost']}; load {found['load_average']}"
    )
    return "\n".join(rows)


if __name__ == "__main__":
    outcome = asyncio.run(run(int(os.environ.get("SOCKETS", "2000"))))  # noqa: TID251
    sys.stdout.write((json.dumps(outcome) if "--json" in sys.argv else told(outcome)) + "\n")

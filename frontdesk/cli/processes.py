"""One process each, for compose, systemd, Kubernetes: serve, worker, scheduler; and migrate."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Annotated, NoReturn

import typer
import uvloop

from frontdesk import health, logs, restoring
from frontdesk.app import create_app
from frontdesk.serving import listen, serving
from runtime import settings as reading
from runtime.runtime import Runtime, open_runtime
from runtime.settings import BadSettings, Settings
from store import installation
from store.crypto import Unreadable
from store.db import NOT_MIGRATED, UNAVAILABLE
from store.installation import Restored
from store.migrate import Copy, NewerDatabase, NotPrepared, settle_here
from store.migrate import migrate as to_newest
from workers.run import run_scheduler, run_worker

logger = logging.getLogger(__name__)

HARD_STOP_S = 45
"""After this long, what still runs is cut off: its lease runs out and another process goes on."""
MetricsPort = Annotated[
    int, typer.Option(help="Serve /metrics, /healthz and /readyz on this port; 0: do not.", min=0, max=65535)
]
MetricsHost = Annotated[str, typer.Option(help="Address for --metrics-port.")]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """The web process: webhooks, admin API, pages.

    Example: `DATABASE_URL=postgresql://… frontdesk serve --host 0.0.0.0`
    """
    _run("web", lambda rt, stop: _serve(rt, stop, host, port))


def worker(
    name: Annotated[str, typer.Option(help="How leases and logs call it.")] = "",
    metrics_port: MetricsPort = 0,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Answers conversations, sends messages, fetches attachments. Start as many as you like.

    Example: `DATABASE_URL=postgresql://… frontdesk worker --metrics-port 9101`
    """
    called = name or f"{socket.gethostname()}-{os.getpid()}"
    _run(
        called,
        lambda rt, stop: _watched(rt, stop, metrics_host, metrics_port, run_worker(rt, stop, called)),
        sends=True,
    )


def scheduler(metrics_port: MetricsPort = 0, metrics_host: MetricsHost = "127.0.0.1") -> None:
    """Fires timers: drafts that expire, pauses that end. Two at once do no harm.

    Example: `DATABASE_URL=postgresql://… frontdesk scheduler --metrics-port 9102`
    """
    _run(
        "scheduler",
        lambda rt, stop: _watched(rt, stop, metrics_host, metrics_port, run_scheduler(rt, stop)),
        sends=True,
    )


def migrate(
    restored: Annotated[
        bool, typer.Option("--restored", help="This database comes from a backup: make it fit to run.")
    ] = False,
    moved: Annotated[
        bool,
        typer.Option("--moved", help="It was moved while every process stood still: nothing is unknown."),
    ] = False,
    look_after: Annotated[
        float,
        typer.Option(
            help="With --restored: seconds before the provider is first asked what had left.", min=0
        ),
    ] = 120,
    without_asking: Annotated[
        bool,
        typer.Option("--without-asking", help="With --restored: go on although a provider does not answer."),
    ] = False,
    grant_to: Annotated[
        str, typer.Option(help="Let this login role do the application's work; it needs to own nothing.")
    ] = "",
) -> None:
    """Bring the database to the newest schema; a newer database is refused.

    Example: `DATABASE_URL=postgresql://… frontdesk migrate`
    """
    settings = _settings()
    try:
        before, after = to_newest(
            settings.database_url,
            grant_to=grant_to,
            copy="restored" if restored else "moved" if moved else None,
        )
        if restored:
            typer.echo(asyncio.run(_restored(settings, look_after, without_asking)).told())
    except (NewerDatabase, NotPrepared, Copy, Unreadable) as error:
        fail(str(error), 1)
    except UNAVAILABLE as error:
        fail(f"the database does not answer, or refuses the login ({type(error).__name__})", 4)
    typer.echo(
        f"already at revision {after}"
        if before == after
        else f"migrated from {before or 'nothing'} to {after}"
    )


async def _restored(settings: Settings, look_after_s: float, without_asking: bool) -> restoring.Settled:
    """Look after what was open; only then is the database one that may be sent from."""
    async with open_runtime(settings) as rt:
        settled = await restoring.settle(rt, timedelta(seconds=look_after_s))
    if settled.unasked and not without_asking:
        names = ", ".join(str(one) for one in settled.unasked)
        raise Copy(
            f"the providers of these channels do not say what came after the backup: {names}. Try again, or give "
            "--without-asking: then what came is lost, opt-outs too"
        )
    settle_here(settings.database_url, restored=True)
    return settled


async def _watched(
    rt: Runtime, stop: asyncio.Event, host: str, port: int, work: Coroutine[None, None, None]
) -> None:
    """`work`, and beside it, when a port is given, a small door for watchers."""
    if not port:
        await work
        return
    try:
        listener = listen(host, port)
    except OSError as error:
        work.close()
        fail(f"cannot listen on {host}:{port}: {error.strerror}; choose another --metrics-port", 1)
    async with serving(health.create_app(rt), listener):
        await work


def fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _settings() -> Settings:
    try:
        return reading.read()
    except BadSettings as error:
        fail(str(error), 2)


def _run(
    process: str, work: Callable[[Runtime, asyncio.Event], Awaitable[None]], *, sends: bool = False
) -> None:
    """`work` until SIGTERM or SIGINT sets its event; then it has time to end well. A second signal, or the end
    of that time, ends it at once, like a kill: nothing is lost by that either, it only costs a lease."""
    settings = _settings()
    logs.set_up(process)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _stop, stop)
        if settings.supervised:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end, stop)
        async with open_runtime(settings) as rt:
            if sends:
                await _only_from_the_original(rt)
            await work(rt, stop)

    uvloop.run(main())


def _stop(stop: asyncio.Event) -> None:
    if stop.is_set():
        logger.warning("told twice to stop: ending at once")
        os._exit(128 + signal.SIGTERM)
    stop.set()
    asyncio.get_running_loop().call_later(HARD_STOP_S, _cut_off)


def _cut_off() -> None:
    logger.error("not ended after %s s: cut off", HARD_STOP_S)
    os._exit(128 + signal.SIGKILL)


async def _only_from_the_original(rt: Runtime) -> None:
    """Not from a restored copy. A database that is away, or not migrated yet, is another matter: work waits for it."""
    try:
        async with rt.db.dispatch() as dispatch:
            await installation.check(dispatch)
    except Restored as error:
        fail(str(error), 1)
    except (*UNAVAILABLE, *NOT_MIGRATED):
        return


def _stop_at_end(stop: asyncio.Event) -> None:
    """Our supervisor is gone, however it went: nobody would stop us later."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


async def _serve(rt: Runtime, stop: asyncio.Event, host: str, port: int) -> None:
    try:
        listener = listen(host, port)
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port", 1)
    async with serving(create_app(rt), listener) as task:
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

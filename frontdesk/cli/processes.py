"""One process each, for compose, systemd, Kubernetes: serve, worker, scheduler; and migrate."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn

import typer
import uvloop

from frontdesk import logs
from frontdesk.app import create_app
from frontdesk.serving import listen, serving
from runtime import settings as reading
from runtime.runtime import Runtime, open_runtime
from runtime.settings import BadSettings, Settings
from store.migrate import NewerDatabase
from store.migrate import migrate as to_newest
from workers.run import run_scheduler, run_worker


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """The web process: webhooks, admin API, pages.

    Example: `DATABASE_URL=postgresql://… frontdesk serve --host 0.0.0.0`
    """
    _run("web", lambda rt, stop: _serve(rt, stop, host, port))


def worker(name: Annotated[str, typer.Option(help="How leases and logs call it.")] = "") -> None:
    """Answers conversations, sends messages, fetches attachments. Start as many as you like.

    Example: `DATABASE_URL=postgresql://… frontdesk worker`
    """
    called = name or f"{socket.gethostname()}-{os.getpid()}"
    _run(called, lambda rt, stop: run_worker(rt, stop, called))


def scheduler() -> None:
    """Fires timers: drafts that expire, pauses that end. Two at once do no harm.

    Example: `DATABASE_URL=postgresql://… frontdesk scheduler`
    """
    _run("scheduler", run_scheduler)


def migrate() -> None:
    """Bring the database to the newest schema; a newer database is refused.

    Example: `DATABASE_URL=postgresql://… frontdesk migrate`
    """
    try:
        before, after = to_newest(_settings().database_url)
    except NewerDatabase as error:
        fail(str(error), 1)
    typer.echo(
        f"already at revision {after}"
        if before == after
        else f"migrated from {before or 'nothing'} to {after}"
    )


def fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _settings() -> Settings:
    try:
        return reading.read()
    except BadSettings as error:
        fail(str(error), 2)


def _run(process: str, work: Callable[[Runtime, asyncio.Event], Awaitable[None]]) -> None:
    """`work` until SIGTERM or SIGINT sets its event; then it has time to end well."""
    settings = _settings()
    logs.set_up(process)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if settings.supervised:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end, stop)
        async with open_runtime(settings) as rt:
            await work(rt, stop)

    uvloop.run(main())


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

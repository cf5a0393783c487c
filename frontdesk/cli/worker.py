"""`frontdesk worker` and `frontdesk scheduler`."""

import asyncio
import os
import socket
from collections.abc import Coroutine
from typing import Annotated

import typer

from frontdesk import health
from frontdesk.cli.ending import fail
from frontdesk.cli.processes import run
from frontdesk.serving import listen, serving
from runtime.runtime import Runtime
from workers.run import run_scheduler, run_worker

MetricsPort = Annotated[
    int, typer.Option(help="Serve /metrics, /healthz and /readyz on this port; 0: do not.", min=0, max=65535)
]
MetricsHost = Annotated[str, typer.Option(help="Address for --metrics-port.")]


def worker(
    name: Annotated[str, typer.Option(help="How leases and logs call it.")] = "",
    metrics_port: MetricsPort = 0,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Answers conversations, sends messages, fetches attachments. Start as many as you like.

    Example: `DATABASE_URL=postgresql://… frontdesk worker --metrics-port 9101`
    """
    called = name or f"{socket.gethostname()}-{os.getpid()}"
    run(
        called,
        lambda rt, stop: _watched(rt, stop, metrics_host, metrics_port, run_worker(rt, stop, called)),
        sends=True,
    )


def scheduler(metrics_port: MetricsPort = 0, metrics_host: MetricsHost = "127.0.0.1") -> None:
    """Fires timers: drafts that expire, pauses that end. Two at once do no harm.

    Example: `DATABASE_URL=postgresql://… frontdesk scheduler --metrics-port 9102`
    """
    run(
        "scheduler",
        lambda rt, stop: _watched(rt, stop, metrics_host, metrics_port, run_scheduler(rt, stop)),
        sends=True,
    )


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

"""`frontdesk serve`."""

import asyncio
from typing import Annotated

import typer

from frontdesk.app import create_app
from frontdesk.cli.ending import fail
from frontdesk.cli.processes import run
from frontdesk.serving import listen, serving
from runtime.runtime import Runtime


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """The web process: webhooks, admin API, pages.

    Example: `DATABASE_URL=postgresql://… frontdesk serve --host 0.0.0.0`
    """
    run("web", lambda rt, stop: _serve(rt, stop, host, port))


async def _serve(rt: Runtime, stop: asyncio.Event, host: str, port: int) -> None:
    try:
        listener = listen(host, port)
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port", 1)
    async with serving(create_app(rt), listener) as task:
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

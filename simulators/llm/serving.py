"""Running it: inside a test's event loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn

from simulators.llm.app import create_app
from simulators.llm.state import Config, Simulation
from simulators.twilio.serving import Quiet, listen


@dataclass(frozen=True)
class Running:
    url: str
    state: Simulation


@contextlib.asynccontextmanager
async def serve(
    port: int = 0, host: str = "127.0.0.1", config: Config | None = None
) -> AsyncIterator[Running]:
    """`async with serve() as running:` listens until the block ends; port 0 takes a free one."""
    app = create_app(config)
    listener = listen(host, port)
    app.simulation.origin = f"http://{host}:{listener.getsockname()[1]}"
    server = Quiet(
        uvicorn.Config(app, log_level="warning", access_log=False, proxy_headers=False, timeout_keep_alive=75)
    )
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield Running(app.simulation.origin, app.simulation)
    finally:
        app.simulation.close()
        server.should_exit = True
        await task
        listener.close()

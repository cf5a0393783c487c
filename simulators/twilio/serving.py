"""Running it: inside a test's event loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn

from simulators.twilio.app import create_app
from simulators.twilio.state import Config, Simulation


@dataclass(frozen=True)
class Running:
    url: str
    state: Simulation


class Quiet(uvicorn.Server):
    """A server that leaves the process's signals to their owner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Names the protocol: asyncio turns Nagle's delay (40 ms an answer) off only where it reads TCP there."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


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
        await app.simulation.close()
        server.should_exit = True
        await task
        listener.close()

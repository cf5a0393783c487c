"""Running a simulator: inside a test's event loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp


class Simulated(Protocol):
    """The state behind an application."""

    origin: str

    def close(self) -> Awaitable[None] | None: ...


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
async def serving(app: ASGIApp, simulation: Simulated, host: str, port: int) -> AsyncIterator[str]:
    """Its address, until the block ends; port 0 takes a free one."""
    listener = listen(host, port)
    simulation.origin = f"http://{host}:{listener.getsockname()[1]}"
    server = Quiet(
        uvicorn.Config(app, log_level="warning", access_log=False, proxy_headers=False, timeout_keep_alive=75)
    )
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield simulation.origin
    finally:
        closing = simulation.close()
        if inspect.isawaitable(closing):
            await closing
        server.should_exit = True
        await task
        listener.close()

"""Running a simulator: inside a test's event loop, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


class Simulated(Protocol):
    """The state behind an application."""

    origin: str

    def close(self) -> Awaitable[None] | None: ...


State = TypeVar("State", bound=Simulated)
State_co = TypeVar("State_co", bound=Simulated, covariant=True)
Config = TypeVar("Config")
Config_contra = TypeVar("Config_contra", contravariant=True)


class App(Protocol[State_co]):
    """An application with its state."""

    @property
    def simulation(self) -> State_co: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass(frozen=True)
class Running(Generic[State]):
    url: str
    state: State


class Serve(Protocol[State, Config_contra]):
    """`async with serve() as running:` listens until the block ends; port 0 takes a free one."""

    def __call__(
        self, port: int = 0, host: str = "127.0.0.1", config: Config_contra | None = None
    ) -> AbstractAsyncContextManager[Running[State]]: ...


def serve_with(create_app: Callable[[Config | None], App[State]]) -> Serve[State, Config]:
    """How an application of this kind is run."""

    @contextlib.asynccontextmanager
    async def serve(
        port: int = 0, host: str = "127.0.0.1", config: Config | None = None
    ) -> AsyncIterator[Running[State]]:
        app = create_app(config)
        async with serving(app, app.simulation, host, port) as url:
            yield Running(url, app.simulation)

    return serve


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

"""An application whose every provider's request meets its troubles on the way: performed, broken, or both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulators.common.exchange import Exchange, run
from simulators.common.simulation import Clock, Simulation


class Troubled(Simulation, ABC):
    """A provider that names its requests, and refuses in its own words."""

    def __init__(self, seed: int, routes: frozenset[str], clock: Clock | None = None) -> None:
        super().__init__(seed, routes, clock)
        self.asked: list[str] = []
        """Names of the routes that were asked, in order."""

    def forget(self) -> None:
        self.asked.clear()
        self.chaos.reset()

    @abstractmethod
    def route(self, method: str, path: str) -> str:
        """As chaos rules name it."""

    @abstractmethod
    def refuse(self, status: int, code: int | None, headers: dict[str, str] | None) -> Response:
        """In the provider's words."""


class Provider(Starlette):
    simulation: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/sim/"):
            return await super().__call__(scope, receive, send)
        here: Troubled = self.simulation
        exchange = Exchange(super().__call__, here, scope, receive, send, here.refuse)
        await exchange.read()
        route = here.route(scope["method"], scope["path"])
        here.asked.append(route)
        await run(exchange, here.chaos.plan(route, "").wire)

"""The application: OAuth and the Calendar API behind chaos, and the control routes beside them."""

from __future__ import annotations

import time
from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from simulators.common.exchange import Exchange, run
from simulators.google_calendar import control, errors, events, oauth
from simulators.google_calendar.state import Config, Json, Simulation

_VERBS = {"GET": "get", "PATCH": "patch", "DELETE": "delete"}


class Google(Starlette):
    """Starlette, except that requests to Google's addresses go through an Exchange and into the request log."""

    simulation: Simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/sim/"):
            return await self._exchange(scope, receive, send)
        await super().__call__(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        here: Any = self.simulation
        exchange = Exchange(super().__call__, here, scope, receive, send, errors.refuse)
        await exchange.read()
        route = name_route(scope["method"], scope["path"])
        rule = here.chaos.plan(route, "").wire
        entry: Json = {
            "at": time.time(), "route": route, "path": scope["path"], "query": scope["query_string"].decode(),
            "chaos": rule.kind if rule else None, "status": None,
        }  # fmt: skip
        here.requests.append(entry)
        await run(exchange, rule)
        entry["status"] = exchange.status


def name_route(method: str, path: str) -> str:
    """As chaos rules name them."""
    if path in ("/token", "/revoke"):
        return f"oauth.{path[1:]}"
    if path.endswith("/channels/stop"):
        return "channels.stop"
    if path.endswith("/events/watch"):
        return "events.watch"
    if path.endswith("/events"):
        return "events.insert" if method == "POST" else "events.list"
    return f"events.{_VERBS.get(method, 'get')}" if "/events/" in path else "oauth.consent"


def create_app(config: Config | None = None) -> Google:
    """One Google, empty; its state is `app.state.simulation`."""
    here = Simulation(config or Config())
    app = Google(
        routes=[*oauth.routes(), *events.routes(), *control.routes()],
        exception_handlers={errors.GoogleError: errors.answer},
    )
    app.simulation = app.state.simulation = here
    return app

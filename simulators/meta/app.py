"""The application: the Graph API behind chaos, and the control routes beside it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.common.exchange import Exchange, run
from simulators.meta import control, errors, graph
from simulators.meta.state import Config, Json, Simulation

VERSION = re.compile(r"^/v\d+\.\d+/")


class Meta(Starlette):
    """Starlette, except that requests to the Graph API go through an Exchange and into the request log."""

    simulation: Simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/sim/"):
            return await self._exchange(scope, receive, send)
        await super().__call__(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, here = time.time(), self.simulation
        exchange = Exchange(super().__call__, here, scope, receive, send, errors.refuse)
        body = _body(await exchange.read())
        route = name_route(scope["method"], scope["path"])
        plan = here.chaos.plan(route, str(body.get("to") or body.get("recipient") or ""))
        request_id = here.new_id("trace-")
        scope["plan"], scope["request_id"] = plan, request_id
        entry: Json = {"id": request_id, "at": started, "method": scope["method"], "path": scope["path"]}
        entry |= {
            "route": route,
            "body": body,
            "chaos": plan.wire.kind if plan.wire else None,
            "status": None,
        }
        here.requests.append(entry)
        await run(exchange, plan.wire)
        entry["status"], entry["ms"] = exchange.status, round((time.time() - started) * 1000, 3)


def _body(raw: bytes) -> Json:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def name_route(method: str, path: str) -> str:
    """As chaos rules name them."""
    if path.endswith("/messages"):
        return "messages.create"
    if path.endswith("/message_templates"):
        return "templates.create" if method == "POST" else "templates.list"
    if path.endswith("/media"):
        return "media.create"
    return "media.fetch" if VERSION.match(path) else "media.content"


def create_app(config: Config | None = None) -> Meta:
    """One Meta, empty; its state is `app.state.simulation`."""
    here = Simulation(config or Config())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await here.close()

    routes = [
        Route("/{version}/{id}/messages", graph.post_message, methods=["POST"]),
        Route("/{version}/{id}/media", graph.post_media, methods=["POST"]),
        Route("/{version}/{id}/message_templates", graph.post_template, methods=["POST"]),
        Route("/{version}/{id}/message_templates", graph.list_templates),
        Route("/whatsapp_business/attachments/", graph.get_content),
        *control.routes(),
        Route("/{version}/{id}", graph.get_media),
    ]
    app = Meta(routes=routes, exception_handlers={errors.MetaError: errors.answer}, lifespan=lifespan)
    app.simulation = app.state.simulation = here
    return app

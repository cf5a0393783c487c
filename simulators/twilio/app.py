"""The application: Twilio's REST routes behind chaos, and the control routes beside them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.common.exchange import Exchange, run
from simulators.twilio import calls, content, control, errors, media, messages, numbers
from simulators.twilio.state import VERSION, Config, Json, Simulation

ROOT = f"/{VERSION}/Accounts/{{account_sid}}"
CONTENT = re.compile(r"^/v1/Content(?P<one>/[^/]+)?(?P<approval>/ApprovalRequests.*)?$")
NAMES = {"Messages": "messages", "Calls": "calls", "IncomingPhoneNumbers": "numbers"}
PATH = re.compile(
    rf"^/{VERSION}/Accounts/[^/]+/(?P<noun>\w+)(?:\.json)?(?P<one>/[^/]+)?(?P<media>/Media.*)?$"
)


class Twilio(Starlette):
    """Starlette, except that REST requests go through an Exchange and into the request log."""

    simulation: Simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith((f"/{VERSION}/", "/v1/", "/v2/")):
            return await self._exchange(scope, receive, send)
        await super().__call__(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.time()
        exchange = Exchange(super().__call__, self.simulation, scope, receive, send, errors.refuse)
        form = dict(parse_qsl((await exchange.read()).decode("utf-8", "replace"), keep_blank_values=True))
        route = name_route(scope["method"], scope["path"])
        plan = self.simulation.chaos.plan(route, form.get("To", ""))
        request_id = self.simulation.sid("RQ")
        scope["simulation"], scope["plan"], scope["request_id"] = self.simulation, plan, request_id
        entry: Json = {
            "id": request_id,
            "at": started,
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
            "route": route,
            "form": form,
            "chaos": plan.wire.kind if plan.wire else None,
            "status": None,
            "ms": None,
        }
        self.simulation.requests.append(entry)
        await run(exchange, plan.wire)
        entry["status"], entry["ms"] = exchange.status, round((time.time() - started) * 1000, 3)


def name_route(method: str, path: str) -> str:
    """ "messages.create" and the like, as chaos rules name them; accounts.fetch for the rest."""
    if path.startswith("/v2/"):
        return "indicators.create"
    if CONTENT.match(path):
        return "contents.create" if method == "POST" else "contents.fetch"
    found = PATH.match(path)
    noun = NAMES.get(found["noun"]) if found else None
    if found is None or noun is None:
        return "accounts.fetch"
    if found["media"]:
        noun = "media"
    if method == "DELETE":
        return f"{noun}.delete"
    if noun == "media":
        return "media.list" if path.endswith("/Media.json") else "media.fetch"
    verbs = ("fetch", "update") if found["one"] else ("list", "create")
    return f"{noun}.{verbs[method == 'POST']}"


def create_app(config: Config | None = None) -> Twilio:
    """One Twilio, empty but for the configured account; its state is `app.state.simulation`."""
    simulation = Simulation(config or Config())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await simulation.close()

    app = Twilio(
        routes=[*_rest(), *control.routes()],
        exception_handlers={errors.TwilioError: errors.answer, HTTPException: errors.answer_unknown},
        lifespan=lifespan,
    )
    app.simulation = app.state.simulation = simulation
    return app


def _rest() -> list[Route]:
    one = f"{ROOT}/Messages/{{message_sid}}/Media"
    return [
        Route(f"{ROOT}.json", numbers.fetch_account),
        Route(f"{ROOT}/Messages.json", messages.create, methods=["POST"]),
        Route(f"{ROOT}/Messages.json", messages.find),
        Route(f"{ROOT}/Messages/{{sid}}.json", messages.fetch),
        Route(f"{ROOT}/Messages/{{sid}}.json", messages.update, methods=["POST"]),
        Route(f"{ROOT}/Messages/{{sid}}.json", messages.delete, methods=["DELETE"]),
        Route(f"{one}.json", media.find),
        Route(f"{one}/{{sid}}.json", media.fetch),
        Route(f"{one}/{{sid}}.json", media.delete, methods=["DELETE"]),
        Route(f"{one}/{{sid}}", media.redirect),
        Route("/media/{sid}", media.content),
        Route("/v1/Content", content.create, methods=["POST"]),
        Route("/v1/Content/{sid}", content.fetch),
        Route("/v1/Content/{sid}/ApprovalRequests/whatsapp", content.submit, methods=["POST"]),
        Route("/v1/Content/{sid}/ApprovalRequests", content.review),
        Route("/v2/Indicators/Typing.json", content.typing, methods=["POST"]),
        Route(f"{ROOT}/Calls.json", calls.create, methods=["POST"]),
        Route(f"{ROOT}/Calls.json", calls.find),
        Route(f"{ROOT}/Calls/{{sid}}.json", calls.fetch),
        Route(f"{ROOT}/Calls/{{sid}}.json", calls.update, methods=["POST"]),
        Route(f"{ROOT}/IncomingPhoneNumbers.json", numbers.create, methods=["POST"]),
        Route(f"{ROOT}/IncomingPhoneNumbers.json", numbers.find),
        Route(f"{ROOT}/IncomingPhoneNumbers/{{sid}}.json", numbers.fetch),
        Route(f"{ROOT}/IncomingPhoneNumbers/{{sid}}.json", numbers.update, methods=["POST"]),
        Route(f"{ROOT}/IncomingPhoneNumbers/{{sid}}.json", numbers.delete, methods=["DELETE"]),
    ]

"""The application: both wires behind the script, and the control routes beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import ModuleType

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.llm import anthropic, openai
from simulators.llm.sending import HTML, Sending
from simulators.llm.state import Config, Json, Rule, Simulation

WIRES: dict[str, Callable[[Simulation, Json, Rule | None], Sending]] = {
    "responses": openai.responses,
    "chat": openai.chat,
    "embeddings": openai.embeddings,
    "messages": anthropic.messages,
}


class Models(Starlette):
    """Starlette, except that an answer may reach for the connection itself."""

    simulation: Simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["raw_send"] = send
        await super().__call__(scope, receive, send)


def create_app(config: Config | None = None) -> Models:
    here = Simulation(config or Config())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        here.close()

    app = Models(routes=[*_providers(here), *_control(here)], lifespan=lifespan)
    app.simulation = here
    return app


def _providers(here: Simulation) -> list[Route]:
    """With and without /v1: OpenAI's base URL ends in it, Anthropic's does not."""
    paths = {
        "/v1/responses": "responses",
        "/v1/chat/completions": "chat",
        "/v1/embeddings": "embeddings",
        "/v1/messages": "messages",
    }
    found = [Route(path, _asked(here, wire), methods=["POST"]) for path, wire in paths.items()]
    return [*found, Route("/v1/models/{name:path}", _asked(here, "models"))]


def _asked(here: Simulation, wire: str) -> Callable[[Request], Awaitable[Sending]]:
    async def endpoint(request: Request) -> Sending:
        body: Json = await request.json() if request.method == "POST" else {}
        provider: ModuleType = anthropic if "anthropic-version" in request.headers else openai
        rule = here.rule(wire, body)
        trouble = rule.trouble if rule else ""
        entry: Json = {"wire": wire, "path": request.url.path, "body": body, "trouble": trouble}
        here.requests.append(
            entry | {"headers": {k: v for k, v in request.headers.items() if k != "authorization"}}
        )
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix(
            "Bearer "
        )
        if not key or (here.config.key and key != here.config.key):
            trouble = "unauthorized"
        if trouble == "gateway":
            return Sending(here, [HTML], status=502, media_type="text/html")
        if openai.refuses(trouble):
            refused: Sending = provider.refuse(here, trouble, rule)
            return refused
        if wire == "models":
            found: Sending = provider.model(here, request.path_params["name"], rule)
            return found
        return WIRES[wire](here, body, rule)

    return endpoint


def _control(here: Simulation) -> list[Route]:
    async def script(request: Request) -> Response:
        if request.method == "POST":
            try:
                here.load((await request.json())["rules"])
            except (ValueError, KeyError, TypeError) as wrong:
                return JSONResponse({"error": f"{type(wrong).__name__}: {wrong}"}, 400)
        return JSONResponse({"rules": [rule.as_json() for rule in here.rules]})

    async def requests(request: Request) -> Response:
        return JSONResponse({"requests": here.requests})

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok", "url": here.origin, "requests": len(here.requests)})

    async def reset(request: Request) -> Response:
        here.reset()
        return JSONResponse({"status": "ok"})

    return [
        Route("/sim/healthz", healthz),
        Route("/sim/script", script, methods=["GET", "POST"]),
        Route("/sim/requests", requests),
        Route("/sim/reset", reset, methods=["POST"]),
    ]

"""The control plane, /sim: what a test, the demo and the chaos driver say to a simulator; nothing of it is a provider's."""

from __future__ import annotations

import binascii
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.simulation import Simulation

Json = dict[str, Any]
State = TypeVar("State")
Handler = Callable[[State, Request, Json], Awaitable[Json]]


class Misused(Exception):
    """The control call makes no sense: 400 with `{error}`."""


async def set_chaos(here: Simulation, request: Request, body: Json) -> Json:
    """{rules}: they take the place of those before."""
    here.chaos.load(body["rules"])
    return await get_chaos(here, request, body)


async def get_chaos(here: Simulation, request: Request, body: Json) -> Json:
    return {"rules": [rule.as_json() for rule in here.chaos.rules]}


def route(method: str, path: str, handler: Handler[State], state: Callable[[Request], State]) -> Route:
    """JSON in, JSON out; what makes no sense is a 400 that says why."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            return JSONResponse(await handler(state(request), request, body))
        except (Misused, ValueError, LookupError, TypeError, binascii.Error) as wrong:
            return JSONResponse({"error": f"{type(wrong).__name__}: {wrong}"}, 400)

    return Route(path, endpoint, methods=[method])

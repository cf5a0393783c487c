"""The wire: what Alpaca's Broker API answers, errors included."""

from __future__ import annotations

import base64
import hmac
import inspect
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.alpaca import money, reading
from simulators.alpaca.state import Config, Simulation
from simulators.common.troubled import Provider

Answer = Callable[[Simulation, Request], Response | Awaitable[Response]]


def create_app(config: Config | None = None) -> Provider:
    here = Simulation(config or Config())
    account, trading = "/v1/accounts/{id}", "/v1/trading/accounts/{id}"
    table: tuple[tuple[str, str, Answer], ...] = (
        ("GET", "/v1/accounts", reading.accounts),
        ("POST", "/v1/accounts", money.apply),
        ("GET", account, reading.account),
        ("GET", account + "/ach_relationships", money.relationships),
        ("POST", account + "/ach_relationships", money.relate),
        ("DELETE", account + "/ach_relationships/{relationship}", money.unrelate),
        ("GET", account + "/transfers", money.transfers),
        ("POST", account + "/transfers", money.transfer),
        ("GET", trading + "/account", reading.trading),
        ("GET", trading + "/positions", reading.positions),
        ("POST", trading + "/orders", money.order),
        ("GET", trading + "/orders:by_client_order_id", money.order_of),
        ("GET", "/v1/assets/{symbol:path}", reading.asset),
        ("GET", "/v2/stocks/trades/latest", money.latest_of_all),
        ("GET", "/v2/stocks/{symbol}/trades/latest", money.latest),
    )
    app = Provider(routes=[Route(path, _asked(here, answer), methods=[verb]) for verb, path, answer in table])
    app.simulation = here
    return app


def _asked(here: Simulation, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if not _authorised(here, request):
            return JSONResponse({"code": 40110000, "message": "request is not authorized"}, 401)
        said = answer(here, request)
        return await said if inspect.isawaitable(said) else said

    return endpoint


def _authorised(here: Simulation, request: Request) -> bool:
    wanted = base64.b64encode(f"{here.config.key}:{here.config.secret}".encode()).decode()
    return hmac.compare_digest(request.headers.get("authorization", ""), f"Basic {wanted}")

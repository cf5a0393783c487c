"""The wire: what Alpaca's Broker API answers, errors included."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from collections.abc import Awaitable, Callable
from decimal import Decimal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.alpaca.state import Client, Config, Simulation
from simulators.common.chaos import Rule

HANG_S = 30.0
Answer = Callable[[Simulation, Request], Response]


class Broker(Starlette):
    simulation: Simulation


def create_app(config: Config | None = None) -> Broker:
    here = Simulation(config or Config())
    app = Broker(
        routes=[
            Route("/v1/accounts", _asked(here, "accounts.list", _accounts)),
            Route("/v1/accounts/{id}", _asked(here, "accounts.get", _account)),
            Route("/v1/trading/accounts/{id}/account", _asked(here, "trading.account", _trading)),
            Route("/v1/trading/accounts/{id}/positions", _asked(here, "trading.positions", _positions)),
            Route("/v1/assets/{symbol:path}", _asked(here, "assets.get", _asset)),
        ]
    )
    app.simulation = here
    return app


def _asked(here: Simulation, route: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        here.asked.append(route)
        rule = here.chaos.plan(route, "").wire
        if rule is not None and rule.kind == "hang":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(here.closing.wait(), rule.seconds(HANG_S))
        elif rule is not None:
            return _trouble(rule)
        if not _authorised(here, request):
            return JSONResponse({"code": 40110000, "message": "request is not authorized"}, 401)
        return answer(here, request)

    return endpoint


def _trouble(rule: Rule) -> Response:
    match rule.kind:
        case "unauthorized":
            return JSONResponse({"code": 40110000, "message": "request is not authorized"}, 401)
        case "html_error":
            return Response("<html><h1>502 Bad Gateway</h1></html>", 502, media_type="text/html")
        case "bad_json":
            return Response('[{"id": ', media_type="application/json")
        case _:
            status = int(rule.settings.get("status", 500))
            after = rule.settings.get("retry_after")
            headers = {} if after is None else {"retry-after": str(after)}
            return JSONResponse({"code": status * 100000, "message": "trouble as ordered"}, status, headers)


def _authorised(here: Simulation, request: Request) -> bool:
    wanted = base64.b64encode(f"{here.config.key}:{here.config.secret}".encode()).decode()
    return hmac.compare_digest(request.headers.get("authorization", ""), f"Basic {wanted}")


def _accounts(here: Simulation, request: Request) -> Response:
    return JSONResponse([_summary(one) for one in here.clients.values()])


def _summary(client: Client) -> dict[str, object]:
    return {
        "id": client.id, "account_number": client.number, "status": client.status, "currency": "USD",
        "account_type": "trading", "created_at": "2026-01-05T15:00:00Z", "last_equity": client.cash,
    }  # fmt: skip


def _account(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return _missing("account")
    return JSONResponse(_summary(client) | {"contact": {"phone_number": client.phone, "city": "New York"}})


def _trading(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return _missing("account")
    equity = f"{here.value(client):f}"
    return JSONResponse(
        {"id": client.id, "account_number": client.number, "status": client.status, "currency": "USD",
         "cash": client.cash, "equity": equity, "portfolio_value": equity, "buying_power": client.cash}
    )  # fmt: skip


def _positions(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return _missing("account")
    found = []
    for one in client.holdings:
        asset = here.assets[one.symbol]
        value = Decimal(one.quantity) * Decimal(asset.price)
        found.append(
            {"asset_id": f"asset-{one.symbol}", "symbol": one.symbol, "exchange": "NASDAQ", "side": "long",
             "asset_class": one.asset_class, "qty": one.quantity, "avg_entry_price": asset.last_day,
             "market_value": f"{value:f}", "current_price": asset.price, "lastday_price": asset.last_day}
        )  # fmt: skip
    return JSONResponse(found)


def _asset(here: Simulation, request: Request) -> Response:
    asset = here.assets.get(request.path_params["symbol"])
    if asset is None:
        return _missing("asset")
    return JSONResponse(
        {"id": f"asset-{asset.symbol}", "class": asset.asset_class, "symbol": asset.symbol, "name": asset.name,
         "exchange": "NASDAQ", "status": "active", "tradable": True}
    )  # fmt: skip


def _missing(what: str) -> Response:
    return JSONResponse({"code": 40410000, "message": f"{what} not found"}, 404)

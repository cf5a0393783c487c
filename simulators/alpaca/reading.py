"""What is only looked at: accounts, what is in them, assets."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.alpaca.state import Client, Simulation


def accounts(here: Simulation, request: Request) -> Response:
    wanted = request.query_params.get("query", "").lower()
    return JSONResponse([summary(one) for one in here.clients.values() if wanted in one.email.lower()])


def summary(client: Client) -> dict[str, object]:
    return {
        "id": client.id, "account_number": client.number, "status": client.status, "currency": "USD",
        "account_type": "trading", "created_at": "2026-01-05T15:00:00Z", "last_equity": client.cash,
    }  # fmt: skip


def account(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return missing("account")
    contact = {"phone_number": client.phone, "email_address": client.email, "city": "New York"}
    return JSONResponse(summary(client) | {"contact": contact})


def trading(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return missing("account")
    equity = f"{here.value(client):f}"
    return JSONResponse(
        {"id": client.id, "account_number": client.number, "status": client.status, "currency": "USD",
         "cash": client.cash, "equity": equity, "portfolio_value": equity, "buying_power": client.cash}
    )  # fmt: skip


def positions(here: Simulation, request: Request) -> Response:
    client = here.clients.get(request.path_params["id"])
    if client is None:
        return missing("account")
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


def asset(here: Simulation, request: Request) -> Response:
    asset = here.assets.get(request.path_params["symbol"])
    if asset is None:
        return missing("asset")
    return JSONResponse(
        {"id": f"asset-{asset.symbol}", "class": asset.asset_class, "symbol": asset.symbol, "name": asset.name,
         "exchange": "NASDAQ", "status": "active", "tradable": True}
    )  # fmt: skip


def missing(what: str) -> Response:
    return JSONResponse({"code": 40410000, "message": f"{what} not found"}, 404)

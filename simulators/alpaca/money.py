"""Where money moves: bank relationships, ACH transfers, orders, and accounts that are applied for."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.alpaca.reading import missing, summary
from simulators.alpaca.state import Asset, Client, Order, Relationship, Simulation, Transfer

_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")
_ALIVE = ("QUEUED", "PENDING", "APPROVED")


def wrong(status: int, code: int, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status)


async def _body(request: Request) -> dict[str, Any]:
    try:
        said = await request.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def relationships(here: Simulation, request: Request) -> Response:
    account_id = request.path_params["id"]
    if account_id not in here.clients:
        return missing("account")
    return JSONResponse(
        [_related(one) for one in here.relationships.values() if one.account_id == account_id]
    )


async def relate(here: Simulation, request: Request) -> Response:
    account_id, body = request.path_params["id"], await _body(request)
    if account_id not in here.clients:
        return missing("account")
    if any(one.account_id == account_id and one.status in _ALIVE for one in here.relationships.values()):
        return wrong(409, 40910000, "only one active ach relationship allowed")
    numbers = ("account_owner_name", "bank_account_type", "bank_account_number", "bank_routing_number")
    token = str(body.get("processor_token", ""))
    if not token.startswith("processor-") and not all(body.get(name) for name in numbers):
        return wrong(422, 42210000, "processor_token or account details are required")
    return JSONResponse(_related(here.add_relationship(account_id, {k: str(v) for k, v in body.items()})))


def unrelate(here: Simulation, request: Request) -> Response:
    found = here.relationships.get(request.path_params["relationship"])
    if found is None or found.account_id != request.path_params["id"]:
        return missing("ach relationship")
    found.status = "CANCELED"
    return Response(status_code=204)


def transfers(here: Simulation, request: Request) -> Response:
    account_id = request.path_params["id"]
    if account_id not in here.clients:
        return missing("account")
    mine = [one for one in here.transfers.values() if one.account_id == account_id]
    return JSONResponse([_moved(one) for one in sorted(mine, key=lambda one: one.created_at, reverse=True)])


async def transfer(here: Simulation, request: Request) -> Response:
    client, body = here.clients.get(request.path_params["id"]), await _body(request)
    if client is None:
        return missing("account")
    related = here.relationships.get(str(body.get("relationship_id")))
    amount, direction = body.get("amount"), body.get("direction")
    if (
        body.get("transfer_type") != "ach"
        or body.get("timing") != "immediate"
        or direction not in ("INCOMING", "OUTGOING")
    ):
        return wrong(422, 42210000, "transfer_type, timing and direction are required")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount) or not Decimal(amount):
        return wrong(422, 42210000, "amount is not a positive decimal string")
    if related is None or related.account_id != client.id or related.status != "APPROVED":
        return wrong(422, 42210000, "relationship is not approved")
    if direction == "OUTGOING" and Decimal(amount) > Decimal(client.cash):
        return wrong(403, 40310000, "insufficient balance")
    return JSONResponse(_moved(here.add_transfer(client.id, related.id, direction, amount)))


async def order(here: Simulation, request: Request) -> Response:
    client, body = here.clients.get(request.path_params["id"]), await _body(request)
    if client is None:
        return missing("account")
    mine = str(body.get("client_order_id") or uuid4())
    if any(one.client_order_id == mine and one.account_id == client.id for one in here.orders.values()):
        return wrong(422, 42210000, "client_order_id must be unique")
    if (
        body.get("symbol") not in here.assets
        or body.get("side") not in ("buy", "sell")
        or not body.get("limit_price")
    ):
        return wrong(422, 42210000, "symbol, side and limit_price are required")
    made = Order(str(uuid4()), mine, client.id, {key: str(value) for key, value in body.items()})
    here.orders[made.id] = made
    return JSONResponse(_ordered(made))


def order_of(here: Simulation, request: Request) -> Response:
    wanted = (request.path_params["id"], request.query_params.get("client_order_id"))
    found = [one for one in here.orders.values() if (one.account_id, one.client_order_id) == wanted]
    return JSONResponse(_ordered(found[0])) if found else missing("order")


async def apply(here: Simulation, request: Request) -> Response:
    body = await _body(request)
    contact, identity = body.get("contact") or {}, body.get("identity") or {}
    email = str(contact.get("email_address", ""))
    if "@" not in email or not identity.get("given_name") or not identity.get("family_name"):
        return wrong(422, 42210000, "contact.email_address and identity are required")
    if any(one.email == email for one in here.clients.values()):
        return wrong(409, 40910000, "email address is already in use")
    number = f"{900_000_000 + len(here.clients)}"
    made = Client(str(uuid4()), number, str(contact.get("phone_number", "")), "SUBMITTED", "0", [], email)
    here.clients[made.id] = made
    return JSONResponse(summary(made))


def latest(here: Simulation, request: Request) -> Response:
    asset = here.assets.get(request.path_params["symbol"])
    if asset is None:
        return missing("symbol")
    return JSONResponse({"symbol": asset.symbol, "trade": _trade(here, asset)})


def latest_of_all(here: Simulation, request: Request) -> Response:
    wanted = request.query_params.get("symbols", "").split(",")
    known = {one: here.assets[one] for one in wanted if one in here.assets}
    return JSONResponse({"trades": {symbol: _trade(here, asset) for symbol, asset in known.items()}})


def _trade(here: Simulation, asset: Asset) -> dict[str, object]:
    return {"t": here.now().isoformat(), "p": float(asset.price), "s": 100}


def _related(one: Relationship) -> dict[str, object]:
    return {
        "id": one.id, "account_id": one.account_id, "status": one.status, "nickname": one.nickname,
        "bank_account_type": one.body.get("bank_account_type", "CHECKING"),
        "created_at": one.created_at.isoformat(), "updated_at": one.created_at.isoformat(),
    }  # fmt: skip


def _moved(one: Transfer) -> dict[str, object]:
    return {
        "id": one.id, "relationship_id": one.relationship_id, "account_id": one.account_id, "type": "ach",
        "status": one.status, "reason": one.reason, "amount": one.amount, "direction": one.direction,
        "created_at": one.created_at.isoformat(), "updated_at": one.created_at.isoformat(),
    }  # fmt: skip


def _ordered(one: Order) -> dict[str, object]:
    return {"id": one.id, "client_order_id": one.client_order_id, "status": one.status, **one.body}

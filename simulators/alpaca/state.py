"""The simulator's accounts, what is in them, money on its way, and the troubles that were ordered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from simulators.common.simulation import Clock, utcnow
from simulators.common.troubled import Troubled

ROUTES = {
    r"GET /v1/accounts": "accounts.list",
    r"POST /v1/accounts": "accounts.create",
    r"GET /v1/accounts/[^/]+": "accounts.get",
    r"GET /v1/accounts/[^/]+/ach_relationships": "relationships.list",
    r"POST /v1/accounts/[^/]+/ach_relationships": "relationships.create",
    r"DELETE /v1/accounts/[^/]+/ach_relationships/[^/]+": "relationships.delete",
    r"GET /v1/accounts/[^/]+/transfers": "transfers.list",
    r"POST /v1/accounts/[^/]+/transfers": "transfers.create",
    r"GET /v1/trading/accounts/[^/]+/account": "trading.account",
    r"GET /v1/trading/accounts/[^/]+/positions": "trading.positions",
    r"POST /v1/trading/accounts/[^/]+/orders": "orders.create",
    r"GET /v1/trading/accounts/[^/]+/orders:by_client_order_id": "orders.get",
    r"GET /v1/assets/.+": "assets.get",
    r"GET /v2/stocks/trades/latest": "trades.all",
    r"GET /v2/stocks/[^/]+/trades/latest": "trades.latest",
}
"""What a chaos rule calls each request."""
OVER = frozenset({"REJECTED", "CANCELED", "RETURNED", "EXPIRED"})


@dataclass(frozen=True)
class Config:
    key: str = "CKSIMULATED"
    secret: str = "simulated"  # noqa: S105  (of nobody)
    seed: int = 1
    clock: Clock = utcnow
    slow_relationships: bool = False
    """They stay QUEUED until somebody approves them."""


@dataclass
class Holding:
    symbol: str
    quantity: str
    asset_class: str = "us_equity"


@dataclass
class Client:
    id: str
    number: str
    phone: str
    status: str
    cash: str
    holdings: list[Holding]
    email: str = ""


@dataclass
class Asset:
    symbol: str
    name: str
    price: str
    last_day: str
    asset_class: str = "us_equity"


@dataclass
class Relationship:
    id: str
    account_id: str
    status: str
    nickname: str
    body: dict[str, str]
    created_at: datetime


@dataclass
class Transfer:
    id: str
    account_id: str
    relationship_id: str
    direction: str
    amount: str
    status: str
    created_at: datetime
    reason: str | None = None
    was: list[str] = field(default_factory=list)


@dataclass
class Order:
    id: str
    client_order_id: str
    account_id: str
    body: dict[str, str]
    status: str = "accepted"


class Simulation(Troubled):
    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, frozenset(ROUTES.values()), config.clock)
        self.config = config
        self.forget()

    def forget(self) -> None:
        """Everything but the keys."""
        self.clients: dict[str, Client] = {}
        self.assets: dict[str, Asset] = {}
        self.relationships: dict[str, Relationship] = {}
        self.transfers: dict[str, Transfer] = {}
        self.orders: dict[str, Order] = {}
        super().forget()

    def route(self, method: str, path: str) -> str:
        return next(
            (name for shape, name in ROUTES.items() if re.fullmatch(shape, f"{method} {path}")), "unknown"
        )

    def refuse(self, status: int, code: int | None, headers: dict[str, str] | None) -> Response:
        number = {401: 40110000, 404: 40410000, 422: 42210000}.get(status, status * 100000)
        message = {401: "request is not authorized"}.get(status, "trouble as ordered")
        return JSONResponse({"code": number, "message": message}, status, headers)

    def add_asset(
        self, symbol: str, name: str, price: str, last_day: str, asset_class: str = "us_equity"
    ) -> None:
        self.assets[symbol] = Asset(symbol, name, price, last_day, asset_class)

    def add_client(
        self, number: str, phone: str, cash: str, holdings: dict[str, str], status: str = "ACTIVE"
    ) -> Client:
        held = [
            Holding(symbol, quantity, self.assets[symbol].asset_class)
            for symbol, quantity in holdings.items()
        ]
        client = Client(str(uuid4()), number, phone, status, cash, held)
        self.clients[client.id] = client
        return client

    def value(self, client: Client) -> Decimal:
        held = (Decimal(one.quantity) * Decimal(self.assets[one.symbol].price) for one in client.holdings)
        return Decimal(client.cash) + sum(held, Decimal(0))

    def add_relationship(self, account_id: str, body: dict[str, str]) -> Relationship:
        status = "QUEUED" if self.config.slow_relationships else "APPROVED"
        made = Relationship(str(uuid4()), account_id, status, body.get("nickname", ""), body, self.now())
        self.relationships[made.id] = made
        return made

    def add_transfer(self, account_id: str, relationship_id: str, direction: str, amount: str) -> Transfer:
        """Money out is gone from the account at once; money in comes when it is complete."""
        made = Transfer(str(uuid4()), account_id, relationship_id, direction, amount, "QUEUED", self.now())
        self.transfers[made.id] = made
        if direction == "OUTGOING":
            self._book(made, -1)
        return made

    def move(self, transfer_id: str, status: str, reason: str | None = None) -> None:
        """The broker or the bank goes on with it; the account's cash follows."""
        one = self.transfers[transfer_id]
        complete, over = one.status == "COMPLETE", one.status in OVER
        one.was.append(one.status)
        one.status, one.reason = status, reason
        if status == "COMPLETE" and one.direction == "INCOMING" and not complete:
            self._book(one, 1)
        if status in OVER and not over and (one.direction == "OUTGOING" or complete):
            self._book(one, 1 if one.direction == "OUTGOING" else -1)

    def _book(self, one: Transfer, sign: int) -> None:
        client = self.clients[one.account_id]
        client.cash = f"{Decimal(client.cash) + sign * Decimal(one.amount):f}"

"""The simulator's accounts, what is in them, and the troubles that were ordered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from simulators.common.chaos import Chaos

ROUTES = frozenset({"accounts.list", "accounts.get", "trading.account", "trading.positions", "assets.get"})


@dataclass(frozen=True)
class Config:
    key: str = "CKSIMULATED"
    secret: str = "simulated"  # noqa: S105  (of nobody)
    seed: int = 1


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


@dataclass
class Asset:
    symbol: str
    name: str
    price: str
    last_day: str
    asset_class: str = "us_equity"


class Simulation:
    def __init__(self, config: Config) -> None:
        self.config, self.origin = config, ""
        self.chaos = Chaos(config.seed, ROUTES)
        self.closing = asyncio.Event()
        self.clients: dict[str, Client] = {}
        self.assets: dict[str, Asset] = {}
        self.asked: list[str] = []

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

    def close(self) -> None:
        self.closing.set()

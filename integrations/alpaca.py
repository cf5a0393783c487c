"""Alpaca's Broker API, reading only: accounts, what is in them, and prices. Basic authorisation, decimals as strings.

https://docs.alpaca.markets/reference/getallaccounts, /getpositionsforaccount, /gettradingaccount. Their own SDK is not
used: it has no time limit, and repeats POSTs that move money after a 504.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import httpx2

from domain.errors import FrontdeskError
from domain.portfolio import Position

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

TRIES, PAUSE_S = 3, 0.5
LONGEST_PAUSE_S = 30.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_PHONE = re.compile(r"[0-9+() .-]{7,20}")


class BrokerFailed(FrontdeskError):
    """The broker gave no answer that can be used; `code` says of which kind: unreachable, unauthorized, refused or
    unreadable. Nothing was changed: this file only reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as the list tells it; `status` is the broker's own word, ACTIVE is one that trades."""

    id: str
    number: str
    status: str
    currency: str


@dataclass(frozen=True, slots=True)
class Held:
    """A position with what the broker says of its price."""

    position: Position
    price: Decimal
    last_day: Decimal


@dataclass(frozen=True, slots=True)
class Contents:
    phone: str
    """As the broker knows it, digits and signs only; "" for none."""
    cash: Decimal
    held: tuple[Held, ...]


class Alpaca:
    def __init__(self, http: Http, url: str, key: str, secret: str) -> None:
        self._http, self._url, self._auth = http, url.rstrip("/"), httpx2.BasicAuth(key, secret)
        self._names: dict[str, tuple[str, str]] = {}

    async def accounts(self) -> list[Listed]:
        """Every account of the firm. Raise BrokerFailed."""
        return [
            Listed(text_in(row, "id"), text_in(row, "account_number"), text_in(row, "status"), row.get("currency") or "USD")
            for row in rows_in(await self._get("/v1/accounts"))
        ]  # fmt: skip

    async def contents(self, account_id: str) -> Contents:
        """Raise BrokerFailed."""
        named = quote(account_id, safe="")
        known = object_in(await self._get(f"/v1/accounts/{named}"))
        money = object_in(await self._get(f"/v1/trading/accounts/{named}/account"))
        rows = rows_in(await self._get(f"/v1/trading/accounts/{named}/positions"))
        said = known.get("contact") or {}
        phone = said.get("phone_number") if isinstance(said, dict) else None
        held = [await self._held(row) for row in rows]
        valid = isinstance(phone, str) and _PHONE.fullmatch(phone)
        return Contents(phone if valid and phone else "", decimal_in(money, "cash"), tuple(held))

    async def _held(self, row: dict[str, Any]) -> Held:
        symbol, kind = text_in(row, "symbol").upper(), row.get("asset_class")
        name, found = await self._asset(symbol)
        position = Position(
            symbol, name, "crypto" if "crypto" in (kind, found) else "stock", decimal_in(row, "qty")
        )
        return Held(position, decimal_in(row, "current_price"), decimal_in(row, "lastday_price"))

    async def _asset(self, symbol: str) -> tuple[str, str]:
        """(name, class), asked once for each symbol, whoever holds it."""
        if symbol not in self._names:
            try:
                row = object_in(await self._get(f"/v1/assets/{quote(symbol, safe='')}"))
            except BrokerFailed as error:
                if error.code != "refused":
                    raise
                row = {}  # delisted: it goes by its symbol
            name = row.get("name")
            known = name[:120] if isinstance(name, str) and name else symbol
            self._names[symbol] = known, str(row.get("class", ""))
        return self._names[symbol]

    async def _get(self, path: str) -> Any:
        """Reading may be repeated: what is too busy or away is asked again, a few times."""
        failed = BrokerFailed("unreachable", "the broker does not answer")
        for n in range(TRIES):
            pause = PAUSE_S * 2**n
            try:
                reply = await self._http.get(
                    self._url + path, auth=self._auth, headers={"accept": "application/json"}
                )
            except httpx2.HTTPError as error:
                failed = BrokerFailed("unreachable", f"the broker does not answer ({type(error).__name__})")
            else:
                if reply.status_code not in _AGAIN:
                    return readable(reply)
                failed = BrokerFailed("unreachable", f"the broker answers {reply.status_code}")
                pause = _retry_after(reply) or pause
            if n < TRIES - 1:
                await asyncio.sleep(min(pause, LONGEST_PAUSE_S))
        raise failed


def readable(reply: httpx2.Response) -> Any:
    if reply.status_code in (401, 403):
        raise BrokerFailed(
            "unauthorized", "the broker refuses the key: set ALPACA_API_KEY and ALPACA_API_SECRET anew"
        )
    if not reply.is_success:
        raise BrokerFailed("refused", f"the broker answers {reply.status_code}")
    try:
        return reply.json()
    except ValueError:
        raise BrokerFailed("unreadable", "the broker's answer is no JSON") from None


def _retry_after(reply: httpx2.Response) -> float:
    said = reply.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0.0


def rows_in(body: Any) -> Sequence[dict[str, Any]]:
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise BrokerFailed("unreadable", "the broker's answer is no list of objects")
    return body


def object_in(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BrokerFailed("unreadable", "the broker's answer is no object")
    return body


def text_in(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise BrokerFailed("unreadable", f"the broker's answer has no {name}")
    return value


def decimal_in(row: dict[str, Any], name: str) -> Decimal:
    """From a string only: a number in JSON has been a float somewhere."""
    value = row.get(name)
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise BrokerFailed("unreadable", f"the broker's {name} is no decimal in a string")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise BrokerFailed("unreadable", f"the broker's {name} is no decimal in a string") from None

"""Alpaca's Broker API, where it moves money: bank relationships, ACH transfers, orders, accounts. A POST leaves once:
there is no key that would make a second one harmless, so that what is unknown is looked for and never sent again.

https://docs.alpaca.markets/reference/createachrelationshipforaccount, /createtransferforaccount,
/createorderforaccount, /createaccount.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2

from domain.errors import Disposition, SendFailed, SendUnknown
from domain.money import State
from integrations.alpaca import Alpaca, BrokerFailed, decimal_in, object_in, readable, rows_in, text_in

_NOT_TAKEN = frozenset({400, 401, 403, 404, 405, 409, 410, 415, 422})
"""Said before anything happens. 429 as well, but later it may be taken."""
_SAID = 200
T = TypeVar("T")


TRANSFERS = {
    **dict.fromkeys(("QUEUED", "APPROVAL_PENDING", "PENDING", "SENT_TO_CLEARING", "APPROVED"), State.SENT),
    **dict.fromkeys(("COMPLETE", "SETTLED"), State.COMPLETED),
    "REJECTED": State.FAILED, "EXPIRED": State.FAILED, "CANCELED": State.CANCELLED, "RETURNED": State.RETURNED,
}  # fmt: skip
"""What the broker's words mean here; one that is not among them changes nothing."""
ORDERS = {
    "filled": State.COMPLETED, "canceled": State.CANCELLED, "expired": State.FAILED, "rejected": State.FAILED,
}  # fmt: skip
ACCOUNTS = {
    "ACTIVE": State.COMPLETED, "REJECTED": State.FAILED, "ACCOUNT_CLOSED": State.FAILED, "DISABLED": State.FAILED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relationship:
    """A bank account as the broker knows it. `status`: QUEUED, PENDING, APPROVED, CANCEL_REQUESTED, CANCELED…"""

    id: str
    status: str
    nickname: str
    created_at: datetime

    @property
    def alive(self) -> bool:
        return self.status in ("QUEUED", "PENDING", "APPROVED", "SENT_TO_CLEARING")


@dataclass(frozen=True, slots=True)
class Transfer:
    """`status` is the broker's own word; new ones may come any day. `direction`: in or out."""

    id: str
    relationship_id: str
    status: str
    direction: str
    amount: Decimal
    created_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    client_order_id: str
    status: str


class AlpacaMoney(Alpaca):
    async def relationships(self, account_id: str) -> list[Relationship]:
        """Raise BrokerFailed."""
        return [
            _relationship(one) for one in rows_in(await self._get(self._of(account_id, "ach_relationships")))
        ]

    async def relate(self, account_id: str, body: dict[str, str]) -> Relationship:
        """By a processor token of Plaid, or by the numbers. Raise SendFailed, SendUnknown."""
        return await self._made(_relationship, self._of(account_id, "ach_relationships"), body)

    async def unrelate(self, account_id: str, relationship_id: str) -> None:
        """It need not be there any more. Raise BrokerFailed."""
        path = self._of(account_id, f"ach_relationships/{quote(relationship_id, safe='')}")
        try:
            reply = await self._http.delete(self._url + path, auth=self._auth)
        except httpx2.HTTPError as error:
            raise BrokerFailed(
                "unreachable", f"the broker does not answer ({type(error).__name__})"
            ) from None
        if not reply.is_success and reply.status_code != 404:
            readable(reply)

    async def transfers(self, account_id: str) -> list[Transfer]:
        """The account's, as the broker lists them. Raise BrokerFailed."""
        rows = rows_in(await self._get(self._of(account_id, "transfers?limit=500")))
        return [_transfer(one) for one in rows if one.get("type", "ach") == "ach"]

    async def transfer(
        self, account_id: str, relationship_id: str, amount: Decimal, direction: str
    ) -> Transfer:
        """Once. Raise SendFailed when the broker has not taken it, SendUnknown when nobody can say."""
        body = {
            "transfer_type": "ach", "relationship_id": relationship_id, "amount": f"{amount:.2f}",
            "direction": "INCOMING" if direction == "in" else "OUTGOING", "timing": "immediate",
        }  # fmt: skip
        return await self._made(_transfer, self._of(account_id, "transfers"), body)

    async def order(self, account_id: str, body: dict[str, str]) -> Order:
        """Once; `client_order_id` is ours. Raise SendFailed, SendUnknown."""
        return await self._made(_order, self._trading(account_id, "orders"), body)

    async def order_of(self, account_id: str, client_order_id: str) -> Order | None:
        """By our own id; None when the broker has none of it. Raise BrokerFailed."""
        path = self._trading(account_id, f"orders:by_client_order_id?client_order_id={client_order_id}")
        found = await self._maybe(path)
        return _order(found) if found is not None else None

    async def open(self, body: dict[str, Any]) -> tuple[str, str]:
        """An account is applied for: (id, status). Raise SendFailed, SendUnknown."""
        return await self._made(
            lambda row: (text_in(row, "id"), text_in(row, "status")), "/v1/accounts", body
        )

    async def applied(self, email: str) -> tuple[str, str] | None:
        """The account of this e-mail address, if there is one: (id, status). Raise BrokerFailed."""
        for row in rows_in(await self._get(f"/v1/accounts?query={quote(email, safe='')}")):
            known = object_in(await self._get(f"/v1/accounts/{quote(text_in(row, 'id'), safe='')}"))
            contact = known.get("contact")
            if isinstance(contact, dict) and str(contact.get("email_address", "")).lower() == email.lower():
                return text_in(known, "id"), text_in(known, "status")
        return None

    async def price(self, symbol: str) -> tuple[str, str, Decimal]:
        """(symbol, name, what one costs now). Raise BrokerFailed; `refused` when there is no such symbol."""
        named = quote(symbol.upper(), safe="")
        asset = object_in(await self._get(f"/v1/assets/{named}"))
        if asset.get("tradable") is not True:
            raise BrokerFailed("refused", "it is not traded there")
        trade = object_in(await self._get(f"/v2/stocks/{named}/trades/latest")).get("trade")
        price = trade.get("p") if isinstance(trade, dict) else None
        if isinstance(price, bool) or not isinstance(price, int | float | str):
            raise BrokerFailed("unreadable", "the broker's answer has no price")
        return text_in(asset, "symbol"), str(asset.get("name") or symbol)[:120], Decimal(str(price))

    async def latest(self, symbols: Sequence[str]) -> dict[str, Decimal]:
        """What one of each costs now, all in one request; those that are not traded there are left out. Raise
        BrokerFailed."""
        named = quote(",".join(symbols), safe=",")
        trades = object_in(await self._get(f"/v2/stocks/trades/latest?symbols={named}")).get("trades")
        if not isinstance(trades, dict):
            raise BrokerFailed("unreadable", "the broker's answer has no trades")
        prices = {symbol: one.get("p") for symbol, one in trades.items() if isinstance(one, dict)}
        return {
            symbol: Decimal(str(price))
            for symbol, price in prices.items()
            if isinstance(price, int | float) and not isinstance(price, bool) and price >= 0
        }

    async def _maybe(self, path: str) -> dict[str, Any] | None:
        try:
            return object_in(await self._get(path))
        except BrokerFailed as error:
            if error.code == "refused":
                return None
            raise

    async def _made(self, read: Callable[[dict[str, Any]], T], path: str, body: dict[str, Any]) -> T:
        """What came back but cannot be read was taken all the same, perhaps: it is unknown."""
        try:
            return read(object_in(readable(await self._post(path, body))))
        except BrokerFailed as error:
            raise SendUnknown(str(error)) from None

    async def _post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """One request, one try."""
        try:
            reply = await self._http.post(self._url + path, json=body, auth=self._auth)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise SendFailed(Disposition.RETRY, detail=f"no connection ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise SendUnknown(f"no answer ({type(error).__name__})") from None
        if reply.status_code == 429:
            raise SendFailed(Disposition.RETRY, http_status=429)
        if reply.status_code in _NOT_TAKEN:
            raise SendFailed(
                Disposition.ALARM if reply.status_code == 401 else Disposition.GIVE_UP,
                http_status=reply.status_code,
                provider_code=_code(reply),
                detail=_why(reply),
            )
        return reply

    def _of(self, account_id: str, rest: str) -> str:
        return f"/v1/accounts/{quote(account_id, safe='')}/{rest}"

    def _trading(self, account_id: str, rest: str) -> str:
        return f"/v1/trading/accounts/{quote(account_id, safe='')}/{rest}"


def _said(reply: httpx2.Response) -> dict[str, Any]:
    try:
        said = reply.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _code(reply: httpx2.Response) -> str:
    return str(_said(reply).get("code", ""))[:20]


def _why(reply: httpx2.Response) -> str:
    """The broker's words, for people of the business only."""
    return str(_said(reply).get("message", f"HTTP {reply.status_code}"))[:_SAID]


def _moment(row: dict[str, Any], name: str) -> datetime:
    try:
        said = datetime.fromisoformat(text_in(row, name))
    except ValueError:
        raise BrokerFailed("unreadable", f"the broker's {name} is no time") from None
    if said.tzinfo is None:
        raise BrokerFailed("unreadable", f"the broker's {name} has no zone")
    return said


def _relationship(row: dict[str, Any]) -> Relationship:
    nickname = row.get("nickname")
    return Relationship(
        text_in(row, "id"),
        text_in(row, "status"),
        nickname if isinstance(nickname, str) else "",
        _moment(row, "created_at"),
    )


def _transfer(row: dict[str, Any]) -> Transfer:
    relationship = str(row.get("relationship_id") or "")
    direction = {"INCOMING": "in", "OUTGOING": "out"}.get(text_in(row, "direction"), "")
    reason = row.get("reason")
    return Transfer(
        text_in(row, "id"), relationship, text_in(row, "status"), direction, decimal_in(row, "amount"),
        _moment(row, "created_at"), reason if isinstance(reason, str) else "",
    )  # fmt: skip


def _order(row: dict[str, Any]) -> Order:
    return Order(text_in(row, "id"), text_in(row, "client_order_id"), text_in(row, "status"))

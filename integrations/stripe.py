"""Stripe's API, as far as somebody pays by a page of theirs: a Checkout Session made, looked at, closed and found again; and
whether a webhook is theirs.

https://docs.stripe.com/api/checkout/sessions, /api/idempotent_requests, /webhooks#verify-manually.
Their SDK is asked in the tests what it thinks of our signatures and of the simulator; why it is not used here: ADR 32.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2

from domain.errors import BadPayload, BadSignature, FrontdeskError
from domain.payment import Seen

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

VERSION = "2026-10-28.endive"
PAGES = "checkout.stripe.com"
"""Where the pages are of businesses without a domain of their own for them."""
TOLERANCE = timedelta(seconds=300)
"""A webhook's signature is good for so long."""
KINDS = frozenset(
    {
        "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
        "checkout.session.expired", "charge.refunded",
    }
)  # fmt: skip
"""What we want to hear of."""
_EXPAND = "expand[]=payment_intent.latest_charge"
_LISTED, _MOST_PAGES = 100, 20
_SAID = 200


class StripeFailed(FrontdeskError):
    """Stripe gave no answer that can be used. `code`: unreachable, unreadable, busy, or Stripe's own (card_declined,
    resource_missing)."""

    def __init__(self, code: str, message: str, *, passes: bool = False, spent: bool = False) -> None:
        super().__init__(message)
        self.code, self.passes, self.spent = code, passes, spent
        # passes: later it may be well again. spent: this idempotency key will never have another answer.


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page on which one thing is paid for once. The same key with the same page makes it once."""

    reference: str
    workspace: str
    name: str
    amount: int
    """In the currency's smallest unit."""
    currency: str
    language: str
    back_to: str
    """Where the customer goes afterwards."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook about a payment of ours. What has become of it is asked of Stripe itself."""

    id: str
    kind: str
    workspace: str
    reference: str


class Stripe:
    def __init__(self, http: Http, url: str, key: str) -> None:
        self._http, self._url, self._key = http, url.rstrip("/"), key

    async def create(self, wanted: Wanted, key: str, account: str = "") -> Seen:
        """The page for this. May be asked again with the same key as often as need be: there is one. Raise
        StripeFailed."""
        return _seen(await self._ask("POST", "checkout/sessions", account, _form(wanted), key))

    async def retrieve(self, session_id: str, account: str = "") -> Seen:
        """Raise StripeFailed."""
        return _seen(
            await self._ask("GET", f"checkout/sessions/{quote(session_id, safe='')}?{_EXPAND}", account)
        )

    async def expire(self, session_id: str, account: str = "") -> Seen:
        """Nobody can pay there any more; what is over or paid is told as it is. Raise StripeFailed."""
        path = f"checkout/sessions/{quote(session_id, safe='')}/expire"
        try:
            return _seen(await self._ask("POST", path, account, {}, f"expire-{session_id}"))
        except StripeFailed as error:
            if error.passes or error.code == "resource_missing":
                raise
            return await self.retrieve(session_id, account)

    async def find(self, reference: str, since: datetime, account: str = "") -> Seen | None:
        """The page that was made for this since then; their list knows no other way to ask. Raise StripeFailed."""
        start, after = f"checkout/sessions?limit={_LISTED}&created[gte]={int(since.timestamp())}", ""
        for _ in range(_MOST_PAGES):
            said = await self._ask("GET", start + (f"&starting_after={after}" if after else ""), account)
            rows = said.get("data")
            if not isinstance(rows, list):
                raise StripeFailed("unreadable", "Stripe's list has no data", passes=True)
            for row in rows:
                if isinstance(row, dict) and row.get("client_reference_id") == reference:
                    return await self.retrieve(_text(row, "id"), account)
            if not rows or said.get("has_more") is not True:
                return None
            after = quote(_text(rows[-1], "id"), safe="")
        raise StripeFailed(
            "too_many", "more pages were made meanwhile than can be looked through", passes=True
        )

    async def check(self, account: str = "") -> None:
        """Whether the key opens anything. Raise StripeFailed."""
        await self._ask("GET", "checkout/sessions?limit=1", account)

    async def _ask(
        self, method: str, path: str, account: str, form: Mapping[str, str] | None = None, key: str = ""
    ) -> dict[str, Any]:
        """One request, one try: who drives the payment asks again."""
        headers = {"Stripe-Version": VERSION, "Authorization": f"Bearer {self._key}"}
        headers |= {"Stripe-Account": account} if account else {}
        headers |= {"Idempotency-Key": key} if key else {}
        try:
            reply = await self._http.request(method, f"{self._url}/v1/{path}", data=form, headers=headers)
        except httpx2.HTTPError as error:
            why = f"Stripe does not answer ({type(error).__name__})"
            raise StripeFailed("unreachable", why, passes=True) from None
        try:
            said = reply.json()
        except ValueError:
            said = None
        if reply.is_success and isinstance(said, dict):
            return said
        raise _failed(reply, said if isinstance(said, dict) else {})


def verify(header: str, body: bytes, secrets: Sequence[str], now: datetime) -> dict[str, Any]:
    """What the webhook says, if it is Stripe's and new. Several signatures and several secrets stand side by side while
    one is replaced by another. Raise BadSignature; BadPayload when it is signed and still says nothing."""
    pairs = [tuple(part.strip().split("=", 1)) for part in header.split(",") if "=" in part]
    times = [value for name, value in pairs if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        raise BadSignature
    if abs(now.timestamp() - int(times[0])) > TOLERANCE.total_seconds():
        raise BadSignature
    signed = f"{times[0]}.".encode() + body
    right = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    given = [value.encode() for name, value in pairs if name == "v1"]
    if not any(hmac.compare_digest(a, b) for a in right for b in given):
        raise BadSignature
    try:
        said = json.loads(body)
    except ValueError:
        raise BadPayload("the webhook is signed and is no JSON") from None
    if not isinstance(said, dict):
        raise BadPayload("the webhook is signed and is no object")
    return said


def event(said: Mapping[str, Any]) -> Event | None:
    """None for what is not about a payment of ours: the business may sell elsewhere, too."""
    data = said.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    marks = about.get("metadata") if isinstance(about, dict) else None
    if said.get("type") not in KINDS or not isinstance(marks, dict):
        return None
    told = [
        said.get("id"),
        said.get("type"),
        marks.get("frontdesk_workspace"),
        marks.get("frontdesk_payment"),
    ]
    if not all(isinstance(one, str) and 0 < len(one) <= 255 for one in told):
        return None
    return Event(*(str(one) for one in told))


def _form(wanted: Wanted) -> dict[str, str]:
    """The price is said here and in no other place: no promotion codes, no conversion into another currency."""
    marks = {"frontdesk_workspace": wanted.workspace, "frontdesk_payment": wanted.reference}
    price = "line_items[0][price_data]"
    return {
        "mode": "payment",
        "client_reference_id": wanted.reference,
        "line_items[0][quantity]": "1",
        f"{price}[currency]": wanted.currency.lower(),
        f"{price}[unit_amount]": str(wanted.amount),
        f"{price}[product_data][name]": wanted.name,
        "adaptive_pricing[enabled]": "false",
        "locale": wanted.language,
        "expires_at": str(int(wanted.expires_at.timestamp())),
        "success_url": f"{wanted.back_to}?done=1",
        "cancel_url": f"{wanted.back_to}?back=1",
        **{f"metadata[{name}]": value for name, value in marks.items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in marks.items()},
    }


def _seen(said: Mapping[str, Any]) -> Seen:
    intent = said.get("payment_intent")
    charge = intent.get("latest_charge") if isinstance(intent, dict) else None
    refunded = charge.get("amount_refunded") if isinstance(charge, dict) else None
    tried = isinstance(intent, dict) and intent.get("status") in ("requires_payment_method", "canceled")
    amount = said.get("amount_total")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise StripeFailed("unreadable", "Stripe's answer has no amount_total", passes=True)
    return Seen(
        _text(said, "id"), _text(said, "status"), _text(said, "payment_status"), amount, _text(said, "currency"),
        str(said.get("client_reference_id") or ""), str(said.get("url") or ""),
        str((intent.get("id") if isinstance(intent, dict) else intent) or ""),
        failed=tried and said.get("status") == "complete",
        refunded=refunded if isinstance(refunded, int) else 0,
    )  # fmt: skip


def _failed(reply: httpx2.Response, said: Mapping[str, Any]) -> StripeFailed:
    """What it is called, whether it passes, and whether the key is used up: Stripe gives the answer that a key had
    first, a 500 too, to everybody who comes with it again."""
    told = said.get("error")
    error: Mapping[str, Any] = told if isinstance(told, dict) else {}
    again = reply.headers.get("idempotent-replayed") == "true"
    code, status = str(error.get("code") or error.get("type") or "")[:60], reply.status_code
    why = f"HTTP {status} {code}: {str(error.get('message', ''))[:_SAID]}"
    if error.get("type") == "idempotency_error":
        in_use = status == 409
        return StripeFailed(code or "idempotency_error", why, passes=True, spent=not in_use)
    if status == 401:
        return StripeFailed("unauthorized", "Stripe refuses the key")
    if status in (409, 429):
        return StripeFailed(code or "busy", why, passes=True)
    if status >= 500:
        return StripeFailed(code or "unreachable", why, passes=True, spent=again)
    if reply.is_success or status in (301, 302, 307, 308):
        return StripeFailed("unreadable", f"HTTP {status} without an object of theirs", passes=True)
    return StripeFailed(code or "refused", why, spent=again)


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise StripeFailed("unreadable", f"Stripe's answer has no {name}", passes=True)
    return value

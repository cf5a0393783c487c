"""Plaid's API, as far as a bank account is linked: a hosted link, its public token, the item's token, a token for the
broker; and whether a webhook is theirs.

https://plaid.com/docs/link/hosted-link/, /docs/api/items/, /docs/api/processors/, /docs/api/webhooks/webhook-verification/.
Their SDK is not used: it has no time limit of its own, and lets transport errors through as another library's.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt

from domain.errors import BadSignature, FrontdeskError

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

PROCESSOR = "alpaca"
OLDEST = timedelta(minutes=5)
"""A webhook's signature is good for so long."""
_PASSING = frozenset(
    {"unreachable", "unreadable", "rate_limit_exceeded", "internal_server_error", "institution_down"}
)
_BUSY = frozenset({429, 500, 502, 503, 504})


class PlaidFailed(FrontdeskError):
    """Plaid gave no answer that can be used. `code`: unreachable, unreadable, or Plaid's own error_code in small
    letters (invalid_public_token, item_login_required)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def passes(self) -> bool:
        """Later it may be well again."""
        return self.code in _PASSING


@dataclass(frozen=True, slots=True)
class Link:
    token: str = field(repr=False)
    url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    access_token: str = field(repr=False)
    item_id: str


@dataclass(frozen=True, slots=True)
class BankAccount:
    id: str
    name: str
    mask: str
    type: str
    """checking or savings; anything else cannot be moved to or from."""


class Plaid:
    def __init__(self, http: Http, url: str, client_id: str, secret: str) -> None:
        self._http, self._url, self._client_id, self._secret = http, url.rstrip("/"), client_id, secret
        self._keys: dict[str, Any] = {}

    async def link(self, user: str, business: str, language: str, webhook: str, update: str = "") -> Link:
        """A page of Plaid's on which the client chooses their bank. `update` is the token of an item that wants its
        client to sign in again. Raise PlaidFailed."""
        body: dict[str, Any] = {
            "client_name": business[:30], "language": language, "country_codes": ["US"], "webhook": webhook,
            "user": {"client_user_id": user}, "hosted_link": {},
        }  # fmt: skip
        body |= {"access_token": update} if update else {"products": ["auth"]}
        said = await self._ask("link/token/create", body)
        try:
            expires = datetime.fromisoformat(_text(said, "expiration"))
        except ValueError:
            raise PlaidFailed("unreadable", "Plaid's expiration is no time") from None
        return Link(_text(said, "link_token"), _text(said, "hosted_link_url"), expires)

    async def finished(self, link_token: str) -> str:
        """The public token, once the client is through; "" before. Raise PlaidFailed."""
        said = await self._ask("link/token/get", {"link_token": link_token})
        for session in said.get("link_sessions") or ():
            for one in (session.get("results") or {}).get("item_add_results") or ():
                return _text(one, "public_token")
        return ""

    async def exchange(self, public_token: str) -> Item:
        """Raise PlaidFailed."""
        said = await self._ask("item/public_token/exchange", {"public_token": public_token})
        return Item(_text(said, "access_token"), _text(said, "item_id"))

    async def accounts(self, access_token: str) -> tuple[str, list[BankAccount]]:
        """(bank, its accounts). Raise PlaidFailed."""
        said = await self._ask("accounts/get", {"access_token": access_token})
        bank = (said.get("item") or {}).get("institution_name")
        found = [
            BankAccount(
                _text(one, "account_id"),
                _text(one, "name"),
                str(one.get("mask") or ""),
                str(one.get("subtype")),
            )
            for one in said.get("accounts") or ()
        ]
        return str(bank or "Bank")[:60], found

    async def processor_token(self, access_token: str, account_id: str) -> str:
        """By which the broker knows the account. Raise PlaidFailed."""
        body = {"access_token": access_token, "account_id": account_id, "processor": PROCESSOR}
        return _text(await self._ask("processor/token/create", body), "processor_token")

    async def remove(self, access_token: str) -> None:
        """What is there no longer is removed. Raise PlaidFailed."""
        try:
            await self._ask("item/remove", {"access_token": access_token})
        except PlaidFailed as error:
            if error.code not in ("item_not_found", "invalid_access_token"):
                raise

    async def verify(self, signature: str, body: bytes, now: datetime) -> dict[str, Any]:
        """The webhook's body, if it is Plaid's and new. Raise BadSignature, or PlaidFailed when their key cannot be
        had."""
        try:
            header = jwt.get_unverified_header(signature)
            if header.get("alg") != "ES256" or not isinstance(header.get("kid"), str):
                raise BadSignature
            key = (await self._key(header["kid"])).key
            claims = jwt.decode(signature, key, ["ES256"], options={"verify_iat": False, "verify_exp": False})
            age = now.timestamp() - float(claims["iat"])
            if not -60 <= age <= OLDEST.total_seconds():
                raise BadSignature
            if not hmac.compare_digest(str(claims["request_body_sha256"]), hashlib.sha256(body).hexdigest()):
                raise BadSignature
            said = json.loads(body)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise BadSignature from None
        if not isinstance(said, dict):
            raise BadSignature
        return said

    async def _key(self, key_id: str) -> Any:
        """Asked for once; a key id that Plaid does not know is nobody's."""
        if key_id not in self._keys:
            try:
                said = await self._ask("webhook_verification_key/get", {"key_id": key_id})
            except PlaidFailed as error:
                if error.passes:
                    raise
                raise BadSignature from None
            key = said.get("key")
            if not isinstance(key, dict) or key.get("expired_at"):
                raise BadSignature
            self._keys[key_id] = jwt.PyJWK(key, "ES256")
        return self._keys[key_id]

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Once: what is busy is asked again by whoever drives the link."""
        whole = {"client_id": self._client_id, "secret": self._secret, **body}
        try:
            reply = await self._http.post(f"{self._url}/{path}", json=whole)
        except httpx2.HTTPError as error:
            raise PlaidFailed("unreachable", f"Plaid does not answer ({type(error).__name__})") from None
        try:
            said = reply.json()
        except ValueError:
            said = None
        if reply.is_success and isinstance(said, dict):
            return said
        if isinstance(said, dict) and isinstance(said.get("error_code"), str):
            raise PlaidFailed(said["error_code"].lower(), f"Plaid answers {said['error_code']}")
        code = "unreachable" if reply.status_code in _BUSY else "unreadable"
        raise PlaidFailed(code, f"Plaid answers {reply.status_code} without an error of its own")


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise PlaidFailed("unreadable", f"Plaid's answer has no {name}")
    return value

"""What Plaid knows: links that were made, who went through them, items, keys; and the troubles that were ordered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.responses import JSONResponse, Response

from simulators.common.simulation import Clock, utcnow
from simulators.common.troubled import Troubled

Json = dict[str, Any]
ROUTES = frozenset(
    [
        "link/token/create", "link/token/get", "item/public_token/exchange", "accounts/get",
        "processor/token/create", "item/remove", "webhook_verification_key/get",
    ]
)  # fmt: skip
LINK_LIFE = timedelta(hours=4)


@dataclass(frozen=True)
class Config:
    client_id: str = "plaid-simulated"
    secret: str = "simulated"  # noqa: S105  (of nobody)
    seed: int = 1
    clock: Clock = utcnow


@dataclass(frozen=True)
class BankAccount:
    mask: str = "1234"
    subtype: str = "checking"
    name: str = "Plaid Checking"
    id: str = field(default_factory=lambda: f"account-{uuid4().hex}")


@dataclass
class Link:
    token: str
    body: Json
    made_at: datetime
    public_token: str = ""
    finished: bool = False


@dataclass
class Item:
    id: str
    access_token: str
    bank: str
    accounts: list[BankAccount]
    webhook: str
    login_required: bool = False


class Simulation(Troubled):
    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.key_id = uuid4().hex
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.forget()

    def forget(self) -> None:
        """Everything but the keys."""
        self.links: dict[str, Link] = {}
        self.waiting: dict[str, Item] = {}
        """By public token: chosen, and not yet exchanged."""
        self.items: dict[str, Item] = {}
        """By access token."""
        self.hooks: list[Json] = []
        super().forget()

    def route(self, method: str, path: str) -> str:
        return path.lstrip("/")

    def refuse(self, status: int, code: int | None, headers: dict[str, str] | None) -> Response:
        kinds = {429: "RATE_LIMIT_EXCEEDED", 401: "INVALID_API_KEYS", 400: "INVALID_FIELD"}
        return error(status, kinds.get(status, "INTERNAL_SERVER_ERROR"), headers)

    # --- what clients of the bank do ---

    async def choose(self, link_token: str, bank: str = "First Platypus Bank", *accounts: BankAccount) -> int:
        """The client goes through the page and chooses; what the webhook answered."""
        link = self.links[link_token]
        url = str(link.body.get("webhook", ""))
        item = Item(
            f"item-{uuid4().hex}", f"access-sandbox-{uuid4()}", bank, list(accounts or (BankAccount(),)), url
        )
        link.public_token, link.finished = f"public-sandbox-{uuid4()}", True
        self.waiting[link.public_token] = item
        said = {
            "webhook_type": "LINK",
            "webhook_code": "SESSION_FINISHED",
            "status": "SUCCESS",
            "link_token": link_token,
        }
        return await self.hook(url, said | {"public_tokens": [link.public_token]})

    async def sign_in(self, link_token: str) -> None:
        """The client has signed in again."""
        token = self.links[link_token].body["access_token"]
        self.items[token].login_required = False
        self.links[link_token].finished = True

    async def want_login(self, item: Item) -> int:
        item.login_required = True
        said = {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}
        return await self.hook(item.webhook, self.about(item, "ERROR") | {"error": said})

    def about(self, item: Item, code: str) -> Json:
        return {"webhook_type": "ITEM", "webhook_code": code, "item_id": item.id, "environment": "sandbox"}

    # --- webhooks ---

    async def hook(self, url: str, said: Json) -> int:
        """Signed, over the very bytes that are sent."""
        raw = json.dumps(said).encode()
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:  # noqa: TID251  (a provider's own)
            reply = await client.post(url, content=raw, headers=self.headers(raw))
        self.hooks.append({"url": url, "body": said, "status": reply.status_code})
        return reply.status_code

    def headers(self, raw: bytes, at: datetime | None = None, key_id: str = "") -> dict[str, str]:
        claims = {"iat": int((at or self.now()).timestamp()), "request_body_sha256": sha256(raw).hexdigest()}
        signed = jwt.encode(claims, self.key, "ES256", headers={"kid": key_id or self.key_id})
        return {"content-type": "application/json", "plaid-verification": signed}

    def public_key(self) -> Json:
        shown: Json = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return shown | {
            "alg": "ES256",
            "kid": self.key_id,
            "use": "sig",
            "created_at": 1_700_000_000,
            "expired_at": None,
        }


def error(status: int, code: str, headers: dict[str, str] | None = None) -> Response:
    said = {
        "error_type": "SIMULATED",
        "error_code": code,
        "error_message": "as it is",
        "request_id": uuid4().hex,
    }
    return JSONResponse(said, status, headers)

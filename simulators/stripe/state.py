"""What Stripe knows: pages that were made, what was paid on them, idempotency keys; and the troubles that were ordered."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
from starlette.responses import JSONResponse, Response

from simulators.common.simulation import Clock, utcnow
from simulators.common.troubled import Troubled

Json = dict[str, Any]
ROUTES = frozenset(
    ["sessions.create", "sessions.get", "sessions.expire", "sessions.list", "page", "other", "events.create"]
)
API = "2026-10-28.endive"


@dataclass(frozen=True)
class Config:
    key: str = "sk_test_simulated"
    webhook_secrets: tuple[str, ...] = ("whsec_simulated",)
    """Signed with each of them, as while one is replaced by another."""
    webhook_url: str = ""
    seed: int = 1
    clock: Clock = utcnow


@dataclass
class Session:
    id: str
    form: dict[str, str]
    account: str
    created: datetime
    expires: datetime
    amount: int
    currency: str
    status: str = "open"
    payment_status: str = "unpaid"
    intent_id: str = ""
    intent_status: str = ""
    refunded: int = 0

    @property
    def metadata(self) -> Json:
        return {name[9:-1]: value for name, value in self.form.items() if name.startswith("metadata[")}


@dataclass
class Kept:
    """What an idempotency key was used for, and what was answered; None while that is not known."""

    print: str
    status: int = 0
    body: bytes | None = None


@dataclass
class Inside:
    """A mistake of Stripe's own, within the request: it is kept with its key, and given again."""

    after_deed: bool
    left: int = 1


class Simulation(Troubled):
    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.webhook_url = config.webhook_url
        self.forget()

    def forget(self) -> None:
        """Everything but the keys."""
        self.sessions: dict[str, Session] = {}
        self.keys: dict[str, Kept] = {}
        self.inside: list[Inside] = []
        self.hooks: list[Json] = []
        self.held: list[Json] = []
        super().forget()

    def route(self, method: str, path: str) -> str:
        parts = path.strip("/").split("/")
        if parts[:1] == ["c"]:
            return "page"
        if parts[:3] != ["v1", "checkout", "sessions"]:
            return "other"
        if len(parts) == 3:
            return "sessions.create" if method == "POST" else "sessions.list"
        return "sessions.expire" if parts[-1] == "expire" else "sessions.get"

    def refuse(self, status: int, code: int | None, headers: dict[str, str] | None) -> Response:
        told = {
            401: ("invalid_request_error", ""), 402: ("card_error", "card_declined"),
            409: ("invalid_request_error", "lock_timeout"), 429: ("invalid_request_error", "rate_limit"),
        }  # fmt: skip
        kind, said = told.get(status, ("invalid_request_error" if status < 500 else "api_error", ""))
        return error(status, kind, said, headers=headers)

    # --- what people do ---

    async def pay(
        self, session_id: str, by: str = "card", *, amount: int | None = None, currency: str = ""
    ) -> bool:
        """`by` card, bank (takes days), or declined. False when nobody can pay there. `amount` and `currency`: what
        arrives is something else than what was asked for."""
        self.tick()
        session = self.sessions[session_id]
        if session.status != "open":
            return False
        if by == "declined":
            return True
        session.amount, session.currency = amount or session.amount, currency or session.currency
        session.status, session.intent_id = "complete", f"pi_{uuid4().hex[:24]}"
        session.intent_status = "succeeded" if by == "card" else "processing"
        session.payment_status = "paid" if by == "card" else "unpaid"
        await self.emit("checkout.session.completed", self.shown(session))
        return True

    async def clear(self, session_id: str, *, arrives: bool = True) -> None:
        """The days are over."""
        session = self.sessions[session_id]
        session.intent_status = "succeeded" if arrives else "requires_payment_method"
        session.payment_status = "paid" if arrives else "unpaid"
        said = "succeeded" if arrives else "failed"
        await self.emit(f"checkout.session.async_payment_{said}", self.shown(session))

    async def refund(self, session_id: str, amount: int | None = None) -> None:
        session = self.sessions[session_id]
        session.refunded += session.amount if amount is None else amount
        await self.emit("charge.refunded", charge(session) | {"metadata": session.metadata})

    def tick(self) -> list[Session]:
        """Pages whose time is over; nobody has told it yet."""
        late = [one for one in self.sessions.values() if one.status == "open" and self.now() >= one.expires]
        for one in late:
            one.status = "expired"
        return late

    async def run_out(self) -> None:
        for one in self.tick():
            await self.emit("checkout.session.expired", self.shown(one))

    # --- how it is told ---

    def shown(self, session: Session, *, whole: bool = False) -> Json:
        """As their API shows it; `whole` with payment and charge."""
        intent: Any = session.intent_id or None
        if whole and intent:
            paid = session.intent_status == "succeeded"
            intent = {
                "id": intent, "object": "payment_intent", "status": session.intent_status,
                "latest_charge": charge(session) if paid else None,
            }  # fmt: skip
        return {
            "id": session.id, "object": "checkout.session", "amount_total": session.amount,
            "client_reference_id": session.form.get("client_reference_id"), "currency": session.currency,
            "created": int(session.created.timestamp()), "expires_at": int(session.expires.timestamp()),
            "livemode": False, "metadata": session.metadata, "mode": "payment", "payment_intent": intent,
            "payment_status": session.payment_status, "status": session.status,
            "success_url": session.form.get("success_url"), "cancel_url": session.form.get("cancel_url"),
            "url": f"{self.origin}/c/pay/{session.id}" if session.status == "open" else None,
        }  # fmt: skip

    # --- webhooks ---

    async def emit(self, kind: str, about: Json) -> None:
        """Under way at once; late, twice, after the next one or not at all, as chaos rules for `events.create` say."""
        said = {
            "id": f"evt_{uuid4().hex[:24]}", "object": "event", "api_version": API, "type": kind, "livemode": False,
            "created": int(self.now().timestamp()), "data": {"object": about}, "pending_webhooks": 1,
        }  # fmt: skip
        after = self.chaos.plan("events.create", "").after
        if "drop_callbacks" in after or not self.webhook_url:
            return
        if "reorder_callbacks" in after:
            self.held.append(said)
            return
        twice = after.get("duplicate_callbacks")
        late = after.get("delay_callbacks")
        for one in (said, *self.held):
            for _ in range(int(twice.settings.get("times", 2)) if twice else 1):
                self.spawn(self._deliver(one, late.seconds(0.05) if late else 0))
        self.held.clear()

    async def _deliver(self, said: Json, seconds: float) -> None:
        if seconds:
            await self.pause(seconds)
        await self.hook(said)

    async def quiet(self) -> None:
        """Until everything that is under way has arrived."""
        while self.tasks:
            await asyncio.gather(*list(self.tasks))

    async def hook(self, said: Json, *, at: datetime | None = None) -> int:
        """Signed, over the very bytes that are sent; what was answered, 0 for nothing."""
        raw = json.dumps(said).encode()
        status = 0
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:  # noqa: TID251  (a provider's own)
            with contextlib.suppress(httpx2.HTTPError):
                status = (
                    await client.post(self.webhook_url, content=raw, headers=self.headers(raw, at))
                ).status_code
        self.hooks.append({"body": said, "status": status})
        return status

    def headers(self, raw: bytes, at: datetime | None = None, *secrets: str) -> dict[str, str]:
        seconds = int((at or self.now()).timestamp())
        signed = f"{seconds}.".encode() + raw
        marks = [
            hmac.new(one.encode(), signed, sha256).hexdigest()
            for one in secrets or self.config.webhook_secrets
        ]
        told = ",".join([f"t={seconds}", *(f"v1={one}" for one in marks), "v0=" + "0" * 64])
        return {"content-type": "application/json", "stripe-signature": told}

    async def close(self) -> None:
        """What is under way arrives first."""
        self.closing.set()
        await self.quiet()
        await super().close()


def charge(session: Session) -> Json:
    return {
        "id": "ch_" + session.intent_id[3:], "object": "charge", "amount": session.amount, "currency": session.currency,
        "amount_refunded": session.refunded, "refunded": session.refunded >= session.amount,
        "payment_intent": session.intent_id,
    }  # fmt: skip


def error(
    status: int, kind: str, code: str = "", said: str = "as it is", *, headers: dict[str, str] | None = None
) -> Response:
    told = {"type": kind, "message": said, "doc_url": "https://docs.stripe.com/error-codes"}
    return JSONResponse({"error": told | ({"code": code} if code else {})}, status, headers)


OPEN_FOR = (timedelta(minutes=30), timedelta(hours=24))

"""Requests from Meta to its customer: signed over the raw bytes, tried again when they fail, written down."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx2

from simulators.common.chaos import Rule
from simulators.meta.errors import CODES
from simulators.meta.state import Client, Json, Message, Number, Simulation


def value_of(number: Number) -> Json:
    metadata = {"display_phone_number": number.display, "phone_number_id": number.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata}


def batch(number: Number, *values: Json) -> Json:
    changes = [{"value": value, "field": "messages"} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": number.waba_id, "changes": changes}]}


def sign(secret: str, raw: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, sha256).hexdigest()


async def post(simulation: Simulation, number: Number, body: Json, sign_with: str | None = None) -> Json:
    """Deliver it, and again while the answer is not 2xx; never raises for what the other side does."""
    raw = json.dumps(body, ensure_ascii=True).encode()
    entry: Json = {"url": number.webhook, "body": body, "status": None, "attempts": 0, "answer": ""}
    simulation.webhooks.append(entry)
    if not number.webhook:
        return entry
    headers = {
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "x-hub-signature-256": sign(sign_with or number.app_secret, raw),
    }
    for attempt in range(1 + simulation.config.retries):
        await simulation.pause(simulation.config.retry_delay * 2**attempt) if attempt else None
        entry["attempts"] = attempt + 1
        started = time.monotonic()
        try:
            reply = await _client(simulation).post(
                _dialled(simulation, number.webhook),
                content=raw,
                headers=headers,
                timeout=simulation.config.timeout,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL):
            entry["status"] = None
            continue
        entry |= {"status": reply.status_code, "answer": reply.text}
        entry["ms"] = round((time.monotonic() - started) * 1000, 3)
        if reply.is_success or sign_with:
            break
    return entry


async def subscribe(simulation: Simulation, number: Number, token: str | None = None) -> Json:
    """The GET with which Meta asks whether the address is the customer's."""
    challenge = simulation.new_id("challenge-")
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": token or number.verify_token,
        "hub.challenge": challenge,
    }
    reply = await _client(simulation).get(_dialled(simulation, number.webhook), params=query)
    return {"status": reply.status_code, "verified": reply.status_code == 200 and reply.text == challenge}


def _dialled(simulation: Simulation, url: str) -> str:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    return simulation.config.origins.get(origin, origin) + url[len(origin) :]


def _client(simulation: Simulation) -> Client:
    if simulation.client is None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        simulation.client = Client(trust_env=False, limits=limits)
    return simulation.client


def status_of(simulation: Simulation, message: Message, status: str) -> Json:
    """https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components#statuses-object"""
    told: Json = {
        "id": message.id,
        "status": status,
        "timestamp": str(int(simulation.now().timestamp())),
        "recipient_id": message.peer,
    }
    if message.mark:
        told["biz_opaque_callback_data"] = message.mark
    if status == "failed" and message.error_code:
        title = CODES.get(message.error_code, (400, "Unknown"))[1]
        told["errors"] = [{"code": message.error_code, "title": title, "message": title}]
    if status in ("sent", "delivered"):
        told["conversation"] = {"id": "c" + message.peer, "origin": {"type": "service"}}
        told["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "service"}
    return told


class Mailer:
    """The statuses of one message, in order unless its chaos rules say otherwise."""

    def __init__(self, simulation: Simulation, number: Number, rules: dict[str, Rule]) -> None:
        self.simulation, self.number, self.rules = simulation, number, rules
        self.held: list[Json] = []
        self.last: asyncio.Task[None] | None = None

    def tell(self, message: Message, status: str) -> None:
        message.status = status
        message.history.append(status)
        drop: Any = self.rules.get("drop_callbacks")
        if drop is not None and status in drop.settings.get("statuses", [status]):
            return
        body = batch(
            self.number, value_of(self.number) | {"statuses": [status_of(self.simulation, message, status)]}
        )
        if "reorder_callbacks" in self.rules:
            self.held.append(body)
        else:
            self.last = self.simulation.spawn(self._post(body, self.last))

    async def finish(self) -> None:
        for body in reversed(self.held):
            self.last = self.simulation.spawn(self._post(body, self.last))
        self.held.clear()
        if self.last:
            await asyncio.wait([self.last])

    async def _post(self, body: Json, previous: asyncio.Task[None] | None) -> None:
        if "delay_callbacks" in self.rules:
            await self.simulation.pause(self.rules["delay_callbacks"].seconds(1))
        if previous:
            await asyncio.wait([previous])
        again = self.rules.get("duplicate_callbacks")
        for _ in range(int(again.settings.get("times", 2)) if again else 1):
            await post(self.simulation, self.number, body)

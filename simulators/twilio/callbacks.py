"""Requests from Twilio to its customer: signed, timed, tried again as Twilio tries, and written down."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

import httpx2

from simulators.twilio.signature import sign
from simulators.twilio.state import Client, Config, Json, Message, Simulation


@dataclass(frozen=True)
class Webhook:
    """What to post where. `sign_with` is a forger's token; `idempotency_token` stays over retries."""

    kind: str  # message | status | voice | call-status
    url: str
    params: Mapping[str, str]
    auth_token: str
    method: str = "POST"
    idempotency_token: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Delivery:
    """How it went: `status` None means no answer came, then `error` has Twilio's 11200, 11205 or 11206."""

    kind: str
    url: str
    params: Mapping[str, str]
    idempotency_token: str
    at: float
    status: int | None = None
    ms: float = 0
    attempts: int = 0
    error: int | None = None
    body: str = ""
    content_type: str = ""

    def as_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True)
class Overrides:
    """The URL fragment `#ct=&rt=&tt=&rc=&rp=`: ms, ms, ms, 0..5, and of ct | rt | 4xx | 5xx | all.

    Source: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
    """

    connect: float
    read: float
    total: float
    retries: int
    policy: frozenset[str]

    @classmethod
    def parse(cls, fragment: str, config: Config) -> Overrides:
        given = dict(parse_qsl(fragment))
        return cls(
            connect=_ms(given.get("ct"), config.connect_timeout),
            read=_ms(given.get("rt"), config.read_timeout),
            total=_ms(given.get("tt"), config.total_timeout),
            retries=min(max(int(given.get("rc", "1")), 0), 5),
            policy=frozenset(given.get("rp", "ct").split(",")),
        )

    def allow(self, failure: str) -> bool:
        return bool(failure) and bool({failure, "all"} & self.policy)


def _ms(text: str | None, default: float) -> float:
    return int(text) / 1000 if text else default


async def post(simulation: Simulation, webhook: Webhook) -> Delivery:
    """Deliver it, trying again where the policy allows; never raises for what the other side does."""
    url, fragment = urldefrag(webhook.url)
    rules = Overrides.parse(fragment, simulation.config)
    started = time.time()
    delivery = Delivery(webhook.kind, url, dict(webhook.params), webhook.idempotency_token, started)
    simulation.webhooks.append(entry := delivery.as_json())
    try:
        async with asyncio.timeout(rules.total):
            await _try(simulation, webhook, url, rules, delivery)
    except TimeoutError:
        delivery.status, delivery.error = None, 11205
    delivery.ms = round((time.time() - started) * 1000, 3)
    entry.update(delivery.as_json())
    return delivery


async def _try(
    simulation: Simulation, webhook: Webhook, url: str, rules: Overrides, delivery: Delivery
) -> None:
    timeout = httpx2.Timeout(rules.read, connect=rules.connect)
    for attempt in range(1 + rules.retries):
        await simulation.pause(simulation.config.retry_delay) if attempt else None
        delivery.attempts = attempt + 1
        request = _request(simulation, webhook, url)
        if not rules.allow(await _send(simulation, request, timeout, delivery)):
            return


def _request(simulation: Simulation, webhook: Webhook, url: str) -> httpx2.Request:
    """The signature covers the URL as configured, even where the request goes to a stand-in origin."""
    params = dict(webhook.params)
    if webhook.method == "GET":
        url, params = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}", {}
    headers = {
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "X-Twilio-Signature": sign(webhook.auth_token, url, params),
        "I-Twilio-Idempotency-Token": webhook.idempotency_token,
    }
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    url = simulation.config.origins.get(origin, origin) + url[len(origin) :]
    if webhook.method == "GET":
        return httpx2.Request("GET", url, headers=headers)
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    return httpx2.Request("POST", url, headers=headers, content=urlencode(params).encode())


def _client(simulation: Simulation) -> Client:
    """One for the simulation; it keeps no connection, so that a restarted receiver meets no stale one."""
    if simulation.client is None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        simulation.client = Client(trust_env=False, limits=limits)
    return simulation.client


async def _send(
    simulation: Simulation, request: httpx2.Request, limits: httpx2.Timeout, delivery: Delivery
) -> str:
    """Fills in the delivery; returns which failure it was: ct, rt, 4xx, 5xx or "" (none)."""
    delivery.status, delivery.error = None, None
    request.extensions["timeout"] = limits.as_dict()
    try:
        response = await _client(simulation).send(request)
    except (httpx2.ReadTimeout, httpx2.WriteTimeout):
        delivery.error = 11205
        return "rt"
    except (httpx2.RequestError, httpx2.InvalidURL):
        delivery.error = 11205
        return "ct"
    delivery.status, delivery.body = response.status_code, response.text
    delivery.content_type = response.headers.get("content-type", "")
    delivery.error = None if response.status_code < 400 else 11200
    return f"{response.status_code // 100}xx" if response.status_code >= 400 else ""


class Mailer:
    """The status callbacks of one message or call, in order unless its chaos rules say otherwise."""

    def __init__(
        self,
        simulation: Simulation,
        url: str,
        auth_token: str,
        rules: Mapping[str, Any],
        kind: str = "status",
        method: str = "POST",
    ) -> None:
        self.simulation, self.url, self.auth_token, self.rules = simulation, url, auth_token, rules
        self.kind, self.method = kind, method
        self.held: list[Webhook] = []
        self.last: asyncio.Task[None] | None = None

    def tell(self, status: str, params: Mapping[str, str]) -> None:
        """Does not wait: a slow receiver does not slow the message."""
        if not self.url or self._dropped(status):
            return
        webhook = Webhook(self.kind, self.url, params, self.auth_token, self.method)
        if "reorder_callbacks" in self.rules:
            self.held.append(webhook)
        else:
            self._schedule(webhook)

    async def finish(self) -> None:
        """Send what was held, last first, and wait for everything under way."""
        for webhook in reversed(self.held):
            self._schedule(webhook)
        self.held.clear()
        if self.last:
            await asyncio.wait([self.last])

    def _dropped(self, status: str) -> bool:
        rule = self.rules.get("drop_callbacks")
        return rule is not None and status in rule.settings.get("statuses", [status])

    def _schedule(self, webhook: Webhook) -> None:
        self.last = self.simulation.spawn(self._post(webhook, self.last))

    async def _post(self, webhook: Webhook, previous: asyncio.Task[None] | None) -> None:
        if "delay_callbacks" in self.rules:
            await self.simulation.pause(self.rules["delay_callbacks"].seconds(1))
        if previous:
            await asyncio.wait([previous])
        again = self.rules.get("duplicate_callbacks")
        for _ in range(int(again.settings.get("times", 2)) if again else 1):
            await post(self.simulation, webhook)


def describe(message: Message, status: str) -> dict[str, str]:
    """The parameters of a status callback; the initial status has none.

    Source: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
    """
    params = {
        "SmsSid": message.sid,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": message.to,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender,
        "ApiVersion": "2010-04-01",
    }
    if message.service_sid:
        params["MessagingServiceSid"] = message.service_sid
    if message.to.startswith("whatsapp:"):
        params |= {"ChannelPrefix": "whatsapp", "ChannelToAddress": message.to}
    if status in ("delivered", "undelivered"):
        params["RawDlrDoneDate"] = time.strftime("%y%m%d%H%M", time.gmtime())
    if message.error_code and status in ("failed", "undelivered"):
        params["ErrorCode"] = str(message.error_code)
    return params

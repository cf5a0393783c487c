"""Everything the simulated Twilio remembers, in memory; no HTTP here."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx2

from simulators.common import simulation

_VERBS = ("create", "list", "fetch", "update", "delete")
ROUTES = frozenset(
    [
        *(f"{noun}.{verb}" for noun in ("messages", "calls", "numbers") for verb in _VERBS),
        "media.list",
        "media.fetch",
        "media.delete",
        "accounts.fetch",
        "contents.create",
        "contents.fetch",
        "indicators.create",
    ]
)

Json = dict[str, Any]
Client = httpx2.AsyncClient  # noqa: TID251 - the simulator is a program of its own, with its own client
VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "canceled", "read", "received"})
CALL_ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


@dataclass(frozen=True)
class Config:
    """How this Twilio behaves. Times are seconds.

    `origins` maps an origin in a webhook URL to the one really dialled ({"https://desk.test":
    "http://127.0.0.1:8000"}); the signature is still made over the URL as configured.
    `media_origin` is where media content is redirected to; by default this server under the name `localhost`.
    `seed` is for chaos alone.
    """

    account_sid: str = "AC" + "0" * 31 + "1"
    auth_token: str = "simulated-auth-token"  # noqa: S105 - opens nothing but this simulator
    seed: int = 0
    step_delay: float = 0.01
    messages_per_second: float | None = None
    queue_length: int | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    total_timeout: float = 15.0
    retry_delay: float = 0.05
    origins: dict[str, str] = field(default_factory=dict)
    media_origin: str | None = None
    review_delay: float = 0.0  # until a template is decided: approved, unless its name holds "reject"
    clock: simulation.Clock | None = None  # what time it is for windows; None: the real one


@dataclass
class Content:
    """A template: ContentSid, and how WhatsApp's review of it stands."""

    sid: str
    account_sid: str
    name: str
    language: str
    body: str
    variables: dict[str, str]
    created: datetime
    submitted: float | None = None
    status: str = "approved"  # what the review will say, or a test wants it to say
    category: str = ""
    approval_name: str = ""


@dataclass
class Account:
    sid: str
    auth_token: str
    created: datetime


@dataclass
class Number:
    sid: str
    account_sid: str
    number: str
    created: datetime
    settings: dict[str, str] = field(default_factory=dict)  # SmsUrl, SmsMethod, VoiceUrl, StatusCallback, …


@dataclass
class Service:
    sid: str
    account_sid: str
    numbers: list[str]
    status_callback: str = ""


@dataclass
class Media:
    sid: str
    account_sid: str
    message_sid: str
    content_type: str
    created: datetime
    content: bytes = b""
    source_url: str = ""  # outbound media stays where the sender keeps it
    name: str = ""
    deleted: bool = False

    @property
    def uri(self) -> str:
        return f"/{VERSION}/Accounts/{self.account_sid}/Messages/{self.message_sid}/Media/{self.sid}"


@dataclass
class Message:
    """One text, in or out. `origin`: api, twiml (answer to a webhook), opt_out (Twilio's own), handset."""

    sid: str
    seq: int
    account_sid: str
    sender: str
    to: str
    body: str
    origin: str
    status: str
    created: datetime
    segments: int
    content_sid: str = ""
    clocked: datetime | None = None  # when it was by the configured clock: for the window alone
    extra: dict[str, str] = field(default_factory=dict)  # parameters of the webhook: buttons, lists, places
    media: list[Media] = field(default_factory=list)
    updated: datetime | None = None
    sent: datetime | None = None
    error_code: int | None = None
    service_sid: str | None = None
    status_callback: str = ""
    request_id: str | None = None
    validity: int = 36_000
    send_at: datetime | None = None
    opt_out_type: str | None = None
    redacted: bool = False
    deleted: bool = False
    history: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.become(self.status)

    def become(self, status: str, error_code: int | None = None) -> None:
        now = datetime.now(UTC)
        self.status, self.updated = status, now
        self.error_code = error_code or self.error_code
        if status in ("sent", "received"):
            self.sent = self.sent or now
        self.history.append({"status": status, "at": now.timestamp(), "error_code": error_code})

    @property
    def outbound(self) -> bool:
        return self.origin != "handset"

    @property
    def direction(self) -> str:
        return {"api": "outbound-api", "handset": "inbound"}.get(self.origin, "outbound-reply")


@dataclass
class Call:
    sid: str
    account_sid: str
    sender: str
    to: str
    direction: str
    status: str
    created: datetime
    url: str = ""
    method: str = "POST"
    twiml: str = ""
    status_callback: str = ""
    status_method: str = "POST"
    events: tuple[str, ...] = ("completed",)
    started: datetime | None = None
    ended: datetime | None = None
    steps: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    history: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)  # the TwiML verbs it was given, in order


@dataclass
class Handset:
    """A customer's phone and how it behaves: a delivery error to come, and how it takes calls."""

    number: str
    fail_with: int | None = None
    answers: str = "completed"
    reads: bool = False  # WhatsApp: sends read receipts


class Simulation(simulation.Simulation):
    """The state and the tasks of one simulated Twilio."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, Number] = {}
        self.services: dict[str, Service] = {}
        self.handsets: dict[str, Handset] = {}
        self.forget()

    def forget(self, *, keep_numbers: bool = False) -> None:
        """Back to the beginning; with `keep_numbers`, accounts, numbers and services stay."""
        for task in self.tasks:
            task.cancel()
        self.chaos.reset()
        self.messages: dict[str, Message] = {}
        self.calls: dict[str, Call] = {}
        self.media: dict[str, Media] = {}
        self.contents: dict[str, Content] = {}
        self.seen: list[str] = []  # inbound messages that were marked as read, with "typing…" shown
        self.stops: set[tuple[str, str]] = set()  # (our number, their number)
        self.free_at: dict[str, float] = {}  # sender → when it may send its next message
        self.requests: list[Json] = []
        self.webhooks: list[Json] = []
        self.handsets.clear()
        if not keep_numbers:
            self.accounts.clear()
            self.numbers.clear()
            self.services.clear()
            self.add_account(self.config.account_sid, self.config.auth_token)

    def add_account(self, sid: str, auth_token: str) -> Account:
        """Twice for one sid is a change of token."""
        account = Account(sid, auth_token, datetime.now(UTC))
        self.accounts[sid] = account
        return account

    def add_number(self, account_sid: str, number: str, settings: dict[str, str]) -> Number:
        """Twice for one number changes its settings, and its account."""
        found = self.find_number(number) or Number(self.sid("PN"), account_sid, number, datetime.now(UTC))
        found.account_sid = account_sid
        found.settings.update(settings)
        self.numbers[found.sid] = found
        return found

    def sid(self, prefix: str) -> str:
        """Never the same twice, resets and restarts included: the other side may remember sids for long."""
        return prefix + secrets.token_hex(16)

    def find_number(self, number: str) -> Number | None:
        return next((found for found in self.numbers.values() if found.number == number), None)

    def handset(self, number: str) -> Handset:
        return self.handsets.setdefault(number, Handset(number))

    def senders_alike(self, sender: str) -> Iterable[str]:
        """Opt-outs hold for a number, or for every number of its messaging service."""
        pools = [service.numbers for service in self.services.values() if sender in service.numbers]
        return {sender, *(number for pool in pools for number in pool)}


def rfc2822(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None

"""Everything the simulated Meta remembers, in memory; no HTTP here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from simulators.common import simulation

Json = dict[str, Any]
Client = httpx2.AsyncClient  # noqa: TID251 - the simulator is a program of its own, with its own client
WINDOW = timedelta(hours=24)
ROUTES = frozenset(
    ["messages.create", "media.create", "media.fetch", "media.content", "templates.create", "templates.list"]
)


@dataclass(frozen=True)
class Config:
    """How this Meta behaves. Times are seconds. `origins` maps an origin in a webhook URL to the one really
    dialled. A template is decided `review_delay` after it was submitted: approved, unless its name holds
    "reject". `clock` is what time it is for timestamps and windows."""

    seed: int = 0
    step_delay: float = 0.01
    retry_delay: float = 0.05
    retries: int = 3
    timeout: float = 15.0
    review_delay: float = 0.0
    refuse_outside_window: bool = False
    origins: dict[str, str] = field(default_factory=dict)
    clock: simulation.Clock = simulation.utcnow


@dataclass
class Number:
    """One business number and the application that serves it."""

    phone_number_id: str
    waba_id: str
    display: str  # digits
    access_token: str
    app_secret: str
    verify_token: str
    webhook: str = ""


@dataclass
class Media:
    id: str
    content_type: str
    content: bytes
    name: str = ""


@dataclass
class Template:
    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[Json]
    status: str
    submitted: float


@dataclass
class Message:
    """One message, in or out. `body` is the request, or the message as the webhook told it."""

    id: str
    seq: int
    phone_number_id: str
    peer: str  # digits, or a user id
    outbound: bool
    kind: str
    text: str
    body: Json
    created: datetime
    status: str
    mark: str = ""
    error_code: int | None = None
    request_id: str | None = None
    history: list[str] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    seen: bool = False


class Simulation(simulation.Simulation):
    """The state and the tasks of one simulated Meta."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.numbers: dict[str, Number] = {}
        self.forget()

    def forget(self, *, keep_numbers: bool = False) -> None:
        for task in self.tasks:
            task.cancel()
        self.chaos.reset()
        self.messages: dict[str, Message] = {}
        self.media: dict[str, Media] = {}
        self.templates: dict[str, Template] = {}
        self.fates: dict[str, int] = {}  # receiver → the error that awaits its messages
        self.readers: set[str] = set()  # who reads what they get
        self.requests: list[Json] = []
        self.webhooks: list[Json] = []
        if not keep_numbers:
            self.numbers.clear()

    def add_number(self, display: str, webhook: str = "", **known: str) -> Number:
        """Twice for one number brings it up to date. What is not given is made up."""
        digits = display.lstrip("+")
        found = next((one for one in self.numbers.values() if one.display == digits), None)
        if found is None:
            made = (
                known.get(name) or secrets.token_hex(16)
                for name in ("access_token", "app_secret", "verify_token")
            )
            key = known.get("phone_number_id") or str(secrets.randbelow(10**15) + 10**15)
            waba = known.get("waba_id") or str(secrets.randbelow(10**15) + 10**15)
            found = self.numbers[key] = Number(key, waba, digits, *made)
        for name, value in known.items():
            setattr(found, name, value)
        found.webhook = webhook or found.webhook
        return found

    def find_number(self, name: str) -> Number | None:
        """By phone number id or by the number itself."""
        digits = name.lstrip("+")
        return self.numbers.get(name) or next((n for n in self.numbers.values() if n.display == digits), None)

    def window_open(self, number: Number, peer: str) -> bool:
        return any(
            not one.outbound
            and (one.phone_number_id, one.peer) == (number.phone_number_id, peer)
            and one.kind not in ("reaction", "system")
            and self.now() - one.created < WINDOW
            for one in self.messages.values()
        )

    def new_id(self, prefix: str = "wamid.") -> str:
        return prefix + secrets.token_urlsafe(24)

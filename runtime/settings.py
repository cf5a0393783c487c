"""The only reader of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dialogue import llm_choice
from integrations import gohighlevel_hooks
from knowledge.embedding import choice

OPENAI_URL = "https://api.openai.com/v1"
ANTHROPIC_URL = "https://api.anthropic.com"
GOOGLE_URL = "https://www.googleapis.com"
GHL_URL = "https://services.leadconnectorhq.com"
GHL_WEBHOOK_KEYS = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
"""https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide (X-GHL-Signature)"""
STRIPE_URL = "https://api.stripe.com"
FETCH_INSIDE = "FRONTDESK_FETCH_INSIDE"


class BadSettings(Exception):
    """A setting is missing or wrong; the message says which, and what would be right."""


@dataclass(frozen=True, slots=True)
class Settings:
    database_url: str
    redis_url: str | None
    data_dir: Path
    public_url: str
    """What providers call, without a slash at the end: signatures are checked against it."""
    secrets: tuple[str, ...] = field(repr=False)
    """Newest first."""
    demo: bool = False
    twilio_url: str = "https://api.twilio.com"
    twilio: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Credentials for a channel that has none of its own: account_sid, auth_token."""
    meta_url: str = "https://graph.facebook.com"
    alpaca_url: str = "https://broker-api.alpaca.markets"
    alpaca: tuple[str, str] | None = field(default=None, repr=False)
    """The firm's key and secret at its broker."""
    plaid_url: str = "https://production.plaid.com"
    plaid: tuple[str, str] | None = field(default=None, repr=False)
    """The firm's client id and secret at Plaid, by whom its clients link their banks."""
    stripe_url: str = STRIPE_URL
    stripe_key: str = field(default="", repr=False)
    """The secret key under which customers pay at Stripe."""
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """What Stripe signs its webhooks with; two while one is replaced by the other."""
    google_url: str = GOOGLE_URL
    google: tuple[str, str] | None = field(default=None, repr=False)
    """The client id and secret under which calendars are connected."""
    ghl_url: str = GHL_URL
    ghl_webhook_keys: str = GHL_WEBHOOK_KEYS
    """The public keys of who may tell us of changes in a CRM."""
    simulator_url: str | None = None
    """Where the handset of the demo phone is, when demos are on."""
    embedder: choice.Choice = choice.LOCAL
    embedder_without_key: str = ""
    """What FRONTDESK_EMBEDDER names where no key for it is set: this machine's own serves instead."""
    openai_url: str = OPENAI_URL
    openai_key: str = field(default="", repr=False)
    anthropic_url: str = ANTHROPIC_URL
    anthropic_key: str = field(default="", repr=False)
    llm: tuple[llm_choice.Choice, ...] = ()
    """Models in the order in which they are asked; what needs none is always behind them."""
    llm_seconds: float = 10.0
    """How long a customer may wait for models, per question to them."""
    llm_prices: Path | None = None
    lease_s: float = 15.0
    """How long a turn is a worker's without a sign of life: what a killed worker costs."""
    send_lease_s: float = 30.0
    """The same for a message being sent: longer than a provider may take to answer."""
    poll_s: float = 1.0
    prices_s: float = 60.0
    """How often the broker is asked what the shares that clients hold cost."""
    sweep_s: float = 60.0
    """How often a provider is asked for messages whose webhook did not reach us."""
    event_days: float = 30.0
    """How long what happened can be followed from a cursor."""
    supervised: bool = False
    """Started by `frontdesk up`: end when its end of our standard input closes."""
    registration: bool = True
    """Whoever comes may make an account with a workspace of their own."""
    metrics_token: str = field(default="", repr=False)
    """Whoever reads /metrics must bring it; empty: whoever reaches the port may read."""
    fetch_inside: frozenset[str] = frozenset()
    """Hosts that may be reached, for documents, webhooks and actions, although they are not on the internet."""
    shut_in: bool = False
    """No address that a business names is reached at all."""
    crash_at: str | None = None
    """A step at which the process ends at once, as if killed; for the fault tests."""

    @property
    def stripe_hosts(self) -> tuple[str, ...]:
        """Where pages to pay at may be besides Stripe's own: at the simulator."""
        return () if self.stripe_url == STRIPE_URL else (urlsplit(self.stripe_url).netloc.lower(),)


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("FRONTDESK_DATA_DIR", ".data")).absolute()


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raise BadSettings when something is missing or wrong."""
    directory = data_dir(environ)
    return Settings(
        database_url=_needed(
            environ, "DATABASE_URL", "run `frontdesk up` for an embedded one, or point it at a Postgres 18"
        ),
        redis_url=environ.get("REDIS_URL") or None,
        data_dir=directory,
        public_url=_url(environ, "FRONTDESK_PUBLIC_URL", "http://127.0.0.1:8000"),
        secrets=_secrets(environ, directory),
        demo=environ.get("FRONTDESK_DEMO", "") == "1",
        twilio_url=_url(environ, "FRONTDESK_TWILIO_URL", "https://api.twilio.com"),
        twilio=_twilio(environ),
        meta_url=_url(environ, "FRONTDESK_META_URL", "https://graph.facebook.com"),
        alpaca_url=_url(environ, "FRONTDESK_ALPACA_URL", "https://broker-api.alpaca.markets"),
        alpaca=_pair(environ, "ALPACA_API_KEY", "ALPACA_API_SECRET"),
        plaid_url=_url(environ, "FRONTDESK_PLAID_URL", "https://production.plaid.com"),
        plaid=_pair(environ, "PLAID_CLIENT_ID", "PLAID_SECRET"),
        stripe_url=_url(environ, "FRONTDESK_STRIPE_URL", STRIPE_URL),
        stripe_key=environ.get("STRIPE_API_KEY", ""),
        stripe_webhook_secrets=tuple(environ.get("STRIPE_WEBHOOK_SECRET", "").replace(",", " ").split()),
        google_url=_url(environ, "FRONTDESK_GOOGLE_URL", GOOGLE_URL),
        google=_pair(environ, "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
        ghl_url=_url(environ, "FRONTDESK_GHL_URL", GHL_URL),
        ghl_webhook_keys=_webhook_keys(environ),
        simulator_url=environ.get("FRONTDESK_SIMULATOR_URL") or None,
        embedder=choice.LOCAL if _lacks_key(environ) else _embedder(environ),
        embedder_without_key=environ["FRONTDESK_EMBEDDER"] if _lacks_key(environ) else "",
        **models(environ),
        lease_s=_seconds(environ, "FRONTDESK_LEASE_S", 15.0),
        send_lease_s=_seconds(environ, "FRONTDESK_SEND_LEASE_S", 30.0),
        poll_s=_seconds(environ, "FRONTDESK_POLL_S", 1.0),
        prices_s=_seconds(environ, "FRONTDESK_PRICES_S", 60.0),
        sweep_s=_seconds(environ, "FRONTDESK_SWEEP_S", 60.0),
        event_days=_days(environ, "FRONTDESK_EVENT_DAYS", 30.0),
        supervised=environ.get("FRONTDESK_SUPERVISED", "") == "1",
        registration=_registration(environ),
        metrics_token=environ.get("FRONTDESK_METRICS_TOKEN", ""),
        fetch_inside=fetch_inside(environ),
        crash_at=environ.get("FRONTDESK_CRASH_AT") or None,
    )


def secret_file(directory: Path) -> Path:
    return directory / "secret.key"


def _needed(environ: Mapping[str, str], name: str, help_: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise BadSettings(f"{name} is not set: {help_}")
    return value


def _url(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name) or default
    if not value.startswith(("http://", "https://")):
        raise BadSettings(f"{name} is {value!r}: it must begin with http:// or https://")
    return value.rstrip("/")


def _secrets(environ: Mapping[str, str], directory: Path) -> tuple[str, ...]:
    """From the environment, else the file that `frontdesk up` made in the data directory."""
    value = environ.get("FRONTDESK_SECRET_KEY", "")
    file = secret_file(directory)
    if not value and file.exists():
        value = file.read_text().strip()
    secrets = tuple(secret.strip() for secret in value.split(",") if secret.strip())
    if not secrets or any(len(secret) < 16 for secret in secrets):
        raise BadSettings(
            "FRONTDESK_SECRET_KEY is missing or shorter than 16 characters: personal data is encrypted with it; "
            "set it to a long random string and keep a copy (several, comma-separated, newest first, while rotating)"
        )
    return secrets


def models(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What concerns language models, as fields of Settings. Raise BadSettings."""
    return {
        "openai_url": _url(environ, "OPENAI_BASE_URL", OPENAI_URL),
        "openai_key": environ.get("OPENAI_API_KEY", ""),
        "anthropic_url": _url(environ, "ANTHROPIC_BASE_URL", ANTHROPIC_URL),
        "anthropic_key": environ.get("ANTHROPIC_API_KEY", ""),
        "llm": _llm(environ),
        "llm_seconds": _seconds(environ, "FRONTDESK_LLM_SECONDS", 10.0),
        "llm_prices": Path(file) if (file := environ.get("FRONTDESK_LLM_PRICES")) else None,
    }


def fetch_inside(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    return frozenset(environ.get(FETCH_INSIDE, "").replace(",", " ").split())


def _llm(environ: Mapping[str, str]) -> tuple[llm_choice.Choice, ...]:
    try:
        chosen = llm_choice.read(environ.get("FRONTDESK_LLM") or "local")
    except ValueError as error:
        raise BadSettings(f"FRONTDESK_LLM: {error}") from error
    for one in chosen:
        key, url = f"{one.provider.upper()}_API_KEY", f"{one.provider.upper()}_BASE_URL"
        if one.provider != "scripted" and not environ.get(key) and not environ.get(url):
            raise BadSettings(
                f"FRONTDESK_LLM names {one}: set {key}, or {url} for a server that wants no key"
            )
    return chosen


def _twilio(environ: Mapping[str, str]) -> dict[str, str]:
    sid, token = environ.get("TWILIO_ACCOUNT_SID", ""), environ.get("TWILIO_AUTH_TOKEN", "")
    if bool(sid) != bool(token):
        raise BadSettings("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN belong together: set both, or neither")
    return {"account_sid": sid, "auth_token": token} if sid else {}


def _pair(environ: Mapping[str, str], one: str, other: str) -> tuple[str, str] | None:
    key, secret = environ.get(one, ""), environ.get(other, "")
    if bool(key) != bool(secret):
        raise BadSettings(f"{one} and {other} belong together: set both, or neither")
    return (key, secret) if key else None


def _lacks_key(environ: Mapping[str, str]) -> bool:
    keyed = environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")
    return _embedder(environ).kind == "openai" and not keyed


def _embedder(environ: Mapping[str, str]) -> choice.Choice:
    try:
        chosen = choice.read(environ.get("FRONTDESK_EMBEDDER") or "local")
    except choice.BadChoice as error:
        raise BadSettings(f"FRONTDESK_EMBEDDER is {error}") from error
    return chosen


def _webhook_keys(environ: Mapping[str, str]) -> str:
    said = environ.get("FRONTDESK_GHL_WEBHOOK_KEYS") or GHL_WEBHOOK_KEYS
    try:
        gohighlevel_hooks.public_keys(said)
    except ValueError as error:
        raise BadSettings(
            f"FRONTDESK_GHL_WEBHOOK_KEYS: {error}; write base64 keys, comma-separated"
        ) from None
    return said


def _registration(environ: Mapping[str, str]) -> bool:
    """As it says; else open on one's own machine only."""
    said = environ.get("FRONTDESK_REGISTRATION", "")
    if said not in ("", "open", "closed"):
        raise BadSettings(f"FRONTDESK_REGISTRATION is {said!r}: it must be open or closed")
    host = urlsplit(_url(environ, "FRONTDESK_PUBLIC_URL", "http://127.0.0.1:8000")).hostname
    return said == "open" or (not said and host in ("127.0.0.1", "localhost", "::1"))


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name) or default)
    except ValueError:
        value = -1
    if not 0 < value <= 3600:
        raise BadSettings(f"{name} is {environ[name]!r}: it must be a number of seconds between 0 and 3600")
    return value


def _days(environ: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(environ.get(name) or default)
    except ValueError:
        value = -1
    if not 1 <= value <= 3650:
        raise BadSettings(f"{name} is {environ[name]!r}: it must be a number of days between 1 and 3650")
    return value

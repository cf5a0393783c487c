"""What a channel is. To add one: one file like twilio_sms.py, one line in registry.py, one table of cases."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

import httpx2

from channels.forms import MAX_BYTES
from domain.errors import Disposition, SendFailed
from domain.messages import Event, Outbound, Scheme

Http = httpx2.AsyncClient  # noqa: TID251 - named here as a type; runtime/http.py opens the one that is handed in


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook call, already read off the wire, so that a channel never awaits a request.

    `url` is the public URL that the provider called (FRONTDESK_PUBLIC_URL + raw path + raw query), never
    what the Host header claims. `form` keeps repeated keys in order. Header names are lower case.
    """

    url: str
    headers: Mapping[str, str]
    form: Sequence[tuple[str, str]] = ()
    query: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Ack:
    """What the provider wants to hear back."""

    body: str = ""
    media_type: str = "text/plain"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it. `provider_id` is its name for the message."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template to be approved: the body holds {{1}}, {{2}}, …; one example for each."""

    name: str
    language: str
    category: str
    body: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where it stands at the provider: submitted, approved, rejected, paused or disabled; draft when the provider
    does not know it (any more)."""

    provider_id: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Everything an adapter may know of its channel: who we are there, and where the provider lives."""

    address: str
    credentials: Mapping[str, str] = field(repr=False)
    base_url: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetch:
    """How to get an attachment: hosts that may be asked, and the credentials for the first of them only.
    With a `bearer`, every one of these hosts gets it. `named`: the first answer is JSON that names the `url`
    where the bytes are, and their `sha256`.

    A host is a name ("api.twilio.com"), everything below a name ("*.twilio.com"), both over https on its
    own port only, or a name with a port ("127.0.0.1:4010": an overridden provider), over http or https.
    """

    hosts: tuple[str, ...]
    auth: tuple[str, str] | None = field(default=None, repr=False)
    bearer: str = field(default="", repr=False)
    named: bool = False

    def allows(self, url: str) -> bool:
        """May this be asked? To be put again for every redirect."""
        return any(_is_at(url, host) for host in self.hosts)

    def auth_for(self, url: str) -> tuple[str, str] | None:
        """The credentials, if they may travel to where this URL points."""
        return self.auth if self.hosts and _is_at(url, self.hosts[0]) else None

    def headers_for(self, url: str) -> dict[str, str]:
        """The bearer token, if it may travel to where this URL points."""
        return {"authorization": f"Bearer {self.bearer}"} if self.bearer and self.allows(url) else {}


def _is_at(url: str, host: str) -> bool:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or "\\" in parts.netloc or parts.scheme not in ("http", "https"):
        return False
    if ":" in host:
        return f"{name}:{port or (443 if parts.scheme == 'https' else 80)}" == host
    if parts.scheme != "https" or port not in (None, 443):
        return False
    return name.endswith(host[1:]) if host.startswith("*.") else name == host


class Channel(ABC):
    """One provider's wire. verify and parse are pure; send and find speak to the provider; nothing is
    stored."""

    kind: ClassVar[str]
    scheme: ClassVar[Scheme]
    hosted: ClassVar[bool] = False
    """There is no provider: the customer is connected to us, and what is sent has arrived when it stands in the
    conversation. verify refuses everybody; send and find say where it stands and touch no network."""
    largest: ClassVar[int] = MAX_BYTES
    """How long a webhook of this provider may be."""
    searchable: ClassVar[bool] = True
    """The provider can be asked what it holds. False: only its reports tell, and an outcome that stays
    unknown ends as failed, for a person to see; it is not sent again."""
    shows_reading: ClassVar[bool] = False
    """`seen` does something."""
    templates: ClassVar[bool] = False
    """Outside a window only templates that the provider approved may leave."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def verify(self, hook: Hook) -> None:
        """Raise BadSignature unless the provider sent this to this account."""

    @abstractmethod
    def parse(self, hook: Hook) -> list[Event]:
        """The provider's words in ours; what is not for us is []. Raise BadPayload when it is nothing the
        provider documents."""

    @abstractmethod
    def ack(self) -> Ack:
        """What the provider wants to hear back."""

    def challenge(self, hook: Hook) -> Ack | None:
        """The answer when the provider asks by GET whether we are there: None when it never does. Raise
        BadSignature for a stranger."""
        return None

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The text as the parts that this channel can carry, in order, none empty."""

    @abstractmethod
    async def send(self, http: Http, message: Outbound) -> Sent:
        """Deliver one part. Raise SendFailed, or SendUnknown when no answer came back. Never repeats
        itself."""

    @abstractmethod
    async def find(self, http: Http, message: Outbound, since: datetime) -> list[Sent]:
        """What the provider holds that could be this part, oldest first: same sender, receiver and words,
        created at or after `since`. For reconciling an unknown outcome."""

    async def missed(self, http: Http, since: datetime) -> list[Event]:
        """The messages that customers have sent here since then, oldest first, as the provider remembers them,
        for those whose webhook never reached us. [] where it keeps no list; raises SendFailed."""
        return []

    @abstractmethod
    def fetch(self) -> Fetch:
        """How attachments of this channel are got."""

    async def seen(self, http: Http, provider_id: str) -> None:
        """Show the customer that their message was read and that an answer is being written. Does nothing
        where the provider has no such thing; raises SendFailed."""
        return

    async def submit(self, http: Http, template: Template) -> Submitted:
        """Put a template before the provider for approval. Raise SendFailed, or SendUnknown."""
        raise SendFailed(Disposition.GIVE_UP, detail="this channel has no templates")

    async def review(self, http: Http, template: Template, provider_id: str) -> Submitted:
        """How far the provider's review of a template is. Raise SendFailed."""
        raise SendFailed(Disposition.GIVE_UP, detail="this channel has no templates")

"""What travels over a channel, in the same shape whichever channel carries it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import Disposition


class Scheme(StrEnum):
    """What kind of address it is. A value is unique within its scheme and workspace."""

    TEL = "tel"
    WHATSAPP = "whatsapp"
    WEBCHAT = "webchat"
    EMAIL = "email"


WINDOWS: dict[Scheme, timedelta] = {Scheme.WHATSAPP: timedelta(hours=24)}
"""How long after the customer's last message free text may be sent; later only an approved template."""


@dataclass(frozen=True, slots=True)
class Address:
    """One way to reach somebody. `value` is normalised: E.164 for telephone numbers ("+15125550100"),
    the bare digits for short codes ("72345"), lower case for e-mail. Who uses WhatsApp without showing a
    number is a business-scoped user id ("US.1234")."""

    scheme: Scheme
    value: str


@dataclass(frozen=True, slots=True)
class Media:
    """An attachment as the provider announced it; nothing of it is believed until it is fetched."""

    url: str
    content_type: str
    name: str | None = None


class Keyword(StrEnum):
    """What carriers and providers recognise in a message from a customer."""

    STOP = "stop"
    START = "start"
    HELP = "help"


class Kind(StrEnum):
    """What sort of message it is, where words and attachments alone do not say it."""

    TEXT = "text"  # words, attachments, or both
    CHOICE = "choice"  # a button or a row of a list was tapped; the text is its title
    FORM = "form"  # a form (WhatsApp flow) was filled in; the text is what was filled in
    LOCATION = "location"
    CONTACTS = "contacts"
    ORDER = "order"
    REACTION = "reaction"  # the text is the emoji, "" when it was taken back
    SYSTEM = "system"  # the provider tells us something: a number was changed, a message was taken back
    UNSUPPORTED = "unsupported"  # something came that the provider would not show us


SILENT_KINDS = frozenset({Kind.REACTION, Kind.SYSTEM})
"""Kept with the conversation; nobody answers them, and no turn is run: a thumb under an old message is not the
answer to the question that was asked last."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that somebody sent to a channel."""

    provider_id: str
    sender: Address
    text: str
    media: tuple[Media, ...] = ()
    sent_at: datetime | None = None
    sender_name: str | None = None
    keyword: Keyword | None = None
    """Set when the provider says that it recognised, and itself answered, a keyword."""
    kind: Kind = Kind.TEXT
    choice: str | None = None
    """Our own id of the button or row that was tapped."""
    reply_to: str | None = None
    """The provider's id of the message that this one answers, or reacts to."""
    moved_to: Address | None = None
    """The provider says that the sender has this address from now on."""


class DeliveryState(StrEnum):
    """The life of one part of one outgoing message. Order is `RANK`; it only ever moves forward."""

    QUEUED = "queued"  # waits for its turn
    SENDING = "sending"  # handed to the provider; the answer is not written down yet
    UNKNOWN = "unknown"  # handed over, no answer: reconciled, never blindly resent
    ACCEPTED = "accepted"  # the provider has it
    SENT = "sent"  # the carrier has it
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CANCELLED = "cancelled"  # never left: the gate refused, a person took over, a newer message came


RANK: dict[DeliveryState, int] = {
    DeliveryState.QUEUED: 0,
    DeliveryState.SENDING: 1,
    DeliveryState.UNKNOWN: 2,
    DeliveryState.ACCEPTED: 3,
    DeliveryState.SENT: 4,
    DeliveryState.DELIVERED: 5,
    DeliveryState.READ: 6,
    DeliveryState.FAILED: 9,
    DeliveryState.CANCELLED: 9,
}
FINAL = frozenset(
    {DeliveryState.DELIVERED, DeliveryState.READ, DeliveryState.FAILED, DeliveryState.CANCELLED}
)


def advance(current: DeliveryState, reported: DeliveryState) -> DeliveryState:
    """The state after a provider's report: reports come late, twice and out of order, so the state only
    moves up; a failure after the handset had it, or anything after a failure, changes nothing."""
    if current in FINAL and reported is not DeliveryState.READ:
        return current
    if current in (DeliveryState.FAILED, DeliveryState.CANCELLED):
        return current
    return reported if RANK[reported] > RANK[current] else current


@dataclass(frozen=True, slots=True)
class Status:
    """A provider's report about a message of ours."""

    provider_id: str
    state: DeliveryState
    raw_state: str
    error_code: str | None = None
    message_id: UUID | None = None
    """Our own id, when it rode along: a report can arrive before the answer to our request."""
    part: int = 0
    disposition: Disposition | None = None
    """For a failure: what the provider's table of codes says about it."""
    opted_out: bool = False


Event = Inbound | Status


@dataclass(frozen=True, slots=True)
class Button:
    """An answer to tap. `id` comes back as `Inbound.choice`."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class TemplateCall:
    """A template that the provider approved, and what stands in for {{1}}, {{2}}, …"""

    name: str
    language: str
    provider_id: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbound:
    """One part of one message, ready to leave."""

    message_id: UUID
    part: int
    to: Address
    text: str
    status_url: str
    """Where the provider shall report; carries `message_id` and `part`."""
    media_urls: tuple[str, ...] = field(default=())
    buttons: tuple[Button, ...] = ()
    """At most ten; a channel that has none writes them under the text."""
    template: TemplateCall | None = None
    """Instead of free words; `text` is then what the customer will read."""

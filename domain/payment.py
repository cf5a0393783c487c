"""Payments that customers are asked for: what costs how much, how far each has come, and what a provider's word about it
means. No clock."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from domain.skill import WorldEffect
from domain.workspace import Duration, Model, Name, SkillSettings

NO_CENTS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_PLACES = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Smallest units of currencies, as Stripe counts them: https://docs.stripe.com/currencies#zero-decimal."""
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
"""How long a page of Stripe's may stay open."""
_ACCOUNT = r"^(acct_[A-Za-z0-9]{1,60})?$"
_HOST = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$"


class PaymentItem(Model):
    """Something that costs money here. Nothing but this says how much."""

    name: Name
    label: Annotated[dict[str, Name], Field(default_factory=dict)]
    """What customers read, by language (en, es); else the name."""
    amount: Annotated[Decimal, Field(gt=0, le=Decimal(1_000_000))]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    synonyms: tuple[Name, ...] = ()
    """Other words by which customers call it."""
    when: Literal["asked", "paying", "booked", "person"] = "asked"
    """asked: when a customer wants it, or to pay for it. paying: when they say that they want to pay. booked: when one of
    `services` is booked. person: when somebody of the business says so."""
    services: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "PaymentItem":
        if self.amount * 10 ** places(self.currency) % 1:
            raise ValueError(f"{self.amount} {self.currency} has more places than that currency")
        if (self.when == "booked") != bool(self.services):
            raise ValueError("services and when: booked belong together")
        if unknown := sorted(self.label.keys() - {"en", "es"}):
            raise ValueError(f"labels are in en and es, not in {', '.join(unknown)}")
        return self

    @property
    def on_request(self) -> bool:
        """Customers may ask for it themselves."""
        return self.when in ("asked", "paying")

    def called(self, language: str) -> str:
        return self.label.get(language, self.name)


class PaymentSettings(SkillSettings):
    """`skills.payment` of a workspace."""

    items: Annotated[tuple[PaymentItem, ...], Field(min_length=1, max_length=50)]
    good_for: Duration = timedelta(hours=24)
    """How long a link may be paid by: 30 minutes to 24 hours."""
    account: Annotated[str, Field(pattern=_ACCOUNT)] = ""
    """The business's own account at Stripe (Connect), where the installation's key is a platform's."""
    domain: Annotated[str, Field(pattern=_HOST)] = ""
    """Where its page of Stripe's is, when it has a domain of its own: pay.example.com."""

    @model_validator(mode="after")
    def _sane(self) -> "PaymentSettings":
        names = [one.name.casefold() for one in self.items]
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise ValueError(f"two items are named {twice[0]!r}")
        if not SHORTEST <= self.good_for <= LONGEST:
            raise ValueError("good_for is from 30m to 24h: a page of Stripe's stays open for no other time")
        return self

    def item(self, name: str) -> PaymentItem | None:
        return next((one for one in self.items if one.name.casefold() == name.casefold()), None)

    def for_service(self, service: str) -> PaymentItem | None:
        """What booking it costs."""
        wanted = service.casefold()
        return next((one for one in self.items if wanted in [s.casefold() for s in one.services]), None)


class State(StrEnum):
    ASKED = "asked"  # a link is to be made
    OPEN = "open"  # there is one
    PROCESSING = "processing"  # paid by a way that takes days
    PAID = "paid"
    MISMATCH = "mismatch"  # something was paid, and it is not what was asked for
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELLING = "cancelling"  # the link is to be closed
    CANCELLED = "cancelled"
    FAILED = "failed"


WAITS = (State.ASKED, State.OPEN, State.PROCESSING)
"""These may still be paid, and are not asked for a second time."""
OVER = (State.EXPIRED, State.CANCELLED, State.FAILED)
"""Only money that came after all brings these back."""
SETTLED = (State.PAID, State.MISMATCH, State.REFUNDED)


@dataclass(frozen=True, slots=True)
class Payment:
    """As it is stored. `page` is the end of its address here, which sends whoever opens it to the provider's page."""

    id: UUID
    contact_id: UUID | None
    conversation_id: UUID | None
    item: str
    amount: Decimal
    currency: str
    state: State
    requested_by: str
    page: str
    created_at: datetime
    appointment_id: UUID | None = None
    label: str = ""
    language: str = "en"
    url: str = ""
    """The provider's page, while it may be paid by."""
    session_id: str | None = None
    intent_id: str | None = None
    paid: Decimal | None = None
    paid_currency: str | None = None
    refunded: Decimal = Decimal(0)
    reason: str | None = None
    expires_at: datetime | None = None
    paid_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 1

    @property
    def minor(self) -> int:
        return minor(self.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the provider says of one of its pages. Amounts are in the currency's smallest unit."""

    session_id: str
    status: str
    """open, complete, expired"""
    payment_status: str
    """paid, unpaid, no_payment_required"""
    amount: int
    currency: str
    reference: str
    """Our id of the payment."""
    url: str = ""
    intent_id: str = ""
    failed: bool = False
    """It was tried by a way that takes days, and did not come."""
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """What one customer was asked to pay, the newest first. `ready`: links can be made here."""

    payments: Sequence[Payment] = ()
    ready: bool = True
    links: Mapping[UUID, str] | None = None
    """Where each that waits may be paid."""


@dataclass(frozen=True, slots=True)
class AskPayment(WorldEffect):
    """The customer wants to pay for `item`: the amount is the business's own, as it was told. While one waits there is no
    other. Raises Overtaken when it costs something else by now."""

    id: UUID
    contact_id: UUID
    item: str
    amount: Decimal
    currency: str
    appointment_id: UUID | None = None
    """Whose link has run out."""


@dataclass(frozen=True, slots=True)
class LookPayment(WorldEffect):
    """The customer says that they have paid: the provider is asked now."""

    payment_id: UUID
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class CallOffPayment(WorldEffect):
    """The customer does not want to pay it. What is paid already stays."""

    payment_id: UUID
    contact_id: UUID


def verdict(mine: Payment, seen: Seen) -> tuple[State, str]:
    """How far it has come, and why. What was paid and is not what was asked for settles nothing; what is over stays so
    unless money came."""
    if seen.payment_status == "unpaid":
        return _unpaid(mine, seen)
    if wrong := difference(mine, seen):
        whole = seen.amount > 0 and seen.refunded >= seen.amount
        return (State.REFUNDED if whole else State.MISMATCH), wrong
    return (State.REFUNDED, "refunded") if seen.refunded >= seen.amount else (State.PAID, "")


def _unpaid(mine: Payment, seen: Seen) -> tuple[State, str]:
    if mine.state in (*OVER, *SETTLED):
        return mine.state, mine.reason or ""
    if seen.status == "open":
        return (State.CANCELLING if mine.state is State.CANCELLING else State.OPEN), mine.reason or ""
    if seen.status == "expired":
        called_off = mine.state is State.CANCELLING
        return (State.CANCELLED, mine.reason or "") if called_off else (State.EXPIRED, "not_paid_in_time")
    return (State.FAILED, "payment_failed") if seen.failed else (State.PROCESSING, "")


def difference(mine: Payment, seen: Seen) -> str:
    """What is not as it was asked for; "" when all is."""
    if seen.reference != str(mine.id):
        return "other_reference"
    if seen.payment_status != "paid":
        return "nothing_paid"
    if seen.currency.upper() != mine.currency:
        return "other_currency"
    return "other_amount" if seen.amount != mine.minor else ""


def places(currency: str) -> int:
    """Decimals that the provider counts."""
    return 0 if currency in NO_CENTS else 3 if currency in THREE_PLACES else 2


def minor(amount: Decimal, currency: str) -> int:
    """12.50 USD are 1250; 500 JPY are 500."""
    return int(amount * 10 ** places(currency))


def major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-places(currency))


def of_appointment(appointment_id: UUID, item: str) -> UUID:
    """An appointment is paid for once, however often it is moved."""
    return uuid5(appointment_id, f"payment:{item}")


def is_page(url: str, hosts: Sequence[str]) -> bool:
    """Whether a customer may be sent there: by https to one of these hosts, or by what is ours on this machine."""
    found = re.fullmatch(r"(https?)://([^/?#@\\\s]+)(?:[/?#]\S*)?", url)
    if found is None or found[2].lower() not in hosts:
        return False
    return found[1] == "https" or found[2].partition(":")[0] in ("127.0.0.1", "localhost")

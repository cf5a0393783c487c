"""Money that moves: bank accounts, what a client asks for, what it is bound to, and what stands against it. No clock."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from domain.skill import WorldEffect
from domain.workspace import Duration, Model, SkillSettings

Amount = Annotated[Decimal, Field(ge=0, le=Decimal("1000000000"), decimal_places=2)]
CURRENCY = "USD"
"""ACH knows no other."""


class MoneySettings(SkillSettings):
    """`skills.money` of a workspace. Amounts are in US dollars."""

    per_transfer: Amount = Decimal(25_000)
    per_day: Amount = Decimal(50_000)
    """Of one client within 24 hours, both directions together."""
    workspace_per_day: Amount = Decimal(500_000)
    """Of all clients together."""
    least: Amount = Decimal(1)
    approve_above: Amount = Decimal(0)
    """Above this, a person of the business approves it; 0 is every transfer."""
    two_above: Amount = Decimal(10_000)
    """Above this two people approve it, and neither is who asked for it."""
    approve_within: Duration = timedelta(hours=24)
    """What nobody has approved by then is void."""
    cool_off: Duration = timedelta(days=3)
    """A bank account that is new here moves no money for so long."""
    fee_out: Amount = Decimal(0)
    fee_in: Amount = Decimal(0)
    trade: bool = False
    """Orders to trade may be asked for here; each is approved by a person."""
    per_order: Amount = Decimal(25_000)
    open_accounts: bool = False
    """Brokerage accounts may be asked for here; each is approved by a person."""

    @model_validator(mode="after")
    def _sane(self) -> "MoneySettings":
        if self.two_above < self.approve_above:
            raise ValueError("two_above is less than approve_above: two people approve more, not less")
        return self

    def needs(self, kind: "Kind", amount: Decimal) -> int:
        """How many people approve it."""
        if kind is not Kind.TRANSFER:
            return 2 if amount > self.two_above else 1
        return 2 if amount > self.two_above else 1 if amount > self.approve_above else 0


class CompanySettings(Model):
    """`skills.company` of a workspace: nothing to set; it is there or not."""


class Kind(StrEnum):
    TRANSFER = "transfer"
    ORDER = "order"
    ACCOUNT = "account"


class State(StrEnum):
    """Of what was asked for."""

    APPROVAL = "approval"  # people of the business decide
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"  # it may be there or not; it is looked for, never sent again
    SENT = "sent"  # the provider has it
    COMPLETED = "completed"
    FAILED = "failed"  # the provider has refused it, or does not have it
    RETURNED = "returned"  # the bank sent it back
    REFUSED = "refused"  # a person said no
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # nobody said anything


MOVED = (State.SENT, State.COMPLETED)
ON_ITS_WAY = (State.APPROVAL, State.QUEUED, State.SENDING, State.UNKNOWN, State.SENT)
"""These may still move money."""


class BankState(StrEnum):
    WANTED = "wanted"  # the client asked for a link
    OFFERED = "offered"  # and has it
    VOUCHING = "vouching"  # typed by hand; a second person looks
    LINKING = "linking"  # to be told to the broker
    CHECKING = "checking"  # the broker looks
    READY = "ready"
    LOGIN_REQUIRED = "login_required"  # the bank wants its client to sign in again
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Bank:
    """`mask`: the last digits of its number, the only ones that are ever shown."""

    id: UUID
    account_id: UUID
    name: str
    mask: str
    type: str
    """checking or savings"""
    state: BankState
    kind: str = "plaid"
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Brokerage:
    """An account at the broker from and to which money can move. `cash`: as the broker said last."""

    id: UUID
    name: str
    mask: str
    cash: Decimal
    holdings: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a client asks for, whole: a code and a yes are for this and nothing else. `details` are of its kind: of a
    transfer direction, bank and masks; of an order symbol, side, quantity; of an account who it is for."""

    kind: Kind
    run_id: UUID
    contact_id: UUID
    account_id: UUID | None
    amount: Decimal
    fee: Decimal = Decimal(0)
    bank_id: UUID | None = None
    direction: str = ""
    """in: from the bank to the brokerage account; out: the other way."""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        told = [
            self.kind, self.run_id, self.contact_id, self.account_id, f"{self.amount:.2f}", f"{self.fee:.2f}", CURRENCY,
            self.bank_id, self.direction, dict(sorted(self.details.items())),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()

    @property
    def id(self) -> UUID:
        """Of the run, whatever it was changed to on the way: it happens once."""
        return uuid5(self.run_id, "money")


@dataclass(frozen=True, slots=True)
class Asked:
    """As it was stored; `state` says how far it has come."""

    id: UUID
    intent: Intent
    state: State
    needs: int
    requested_by: str
    confirmed_at: datetime
    approved_by: tuple[UUID, ...] = ()
    provider_id: str | None = None
    provider_state: str | None = None
    reason: str | None = None
    conversation_id: UUID | None = None
    version: int = 1
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that counts when a client wants to move money."""

    banks: Sequence[Bank] = ()
    accounts: Sequence[Brokerage] = ()
    asked: Sequence[Asked] = ()
    """Theirs, the newest first."""
    day: Decimal = Decimal(0)
    """What they have moved or want to move since a day ago."""
    business_day: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Quote:
    symbol: str
    name: str
    price: Decimal


@dataclass(frozen=True, slots=True)
class MoveMoney(WorldEffect):
    """The client has confirmed `intent`; `words` are those that were read back to them. Happens once for its run.
    Raises Overtaken when the code was not for exactly this, or something stands against it by now."""

    intent: Intent
    words: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class WantBank(WorldEffect):
    """The client wants to link a bank account: a link is made and sent to them."""

    id: UUID
    contact_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class DropBank(WorldEffect):
    bank_id: UUID
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class CallOffMoney(WorldEffect):
    """The client wants it no longer. Raises Overtaken when it has left already."""

    intent_id: UUID
    contact_id: UUID


def routing_number(said: str) -> bool:
    """Nine digits whose checksum (3-7-1, ABA) fits, of a Federal Reserve district or another range in use."""
    if len(said) != 9 or not said.isascii() or not said.isdigit():
        return False
    first = int(said[:2])
    known = first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    digits = [int(one) for one in said]
    return (
        known and said != "0" * 9 and sum(a * b for a, b in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0
    )


def account_number(said: str) -> bool:
    """4 to 17 digits, as Nacha's field has them."""
    return 4 <= len(said) <= 17 and said.isascii() and said.isdigit()


Entry = tuple[str, Decimal]
"""(account, amount): what comes in is positive."""


def entries(direction: str, amount: Decimal, event: str) -> tuple[Entry, Entry]:
    """Both sides of what happened: sent, completed, or reversed (from `completed` or from `sent`, as `event` says)."""
    start, end = ("bank", "brokerage") if direction == "in" else ("brokerage", "bank")
    match event:
        case "sent":
            return (start, -amount), ("transit", amount)
        case "completed":
            return ("transit", -amount), (end, amount)
        case "reversed_sent":
            return ("transit", -amount), (start, amount)
        case "reversed_completed":
            return (end, -amount), (start, amount)
    raise ValueError(event)


def as_facts(intent: Intent) -> dict[str, Any]:
    """As the templates show it."""
    return {
        **intent.details,
        "direction": intent.direction,
        "amount": {"amount": f"{intent.amount:.2f}", "currency": CURRENCY},
        "fee": {"amount": f"{intent.fee:.2f}", "currency": CURRENCY} if intent.fee else None,
    }

"""A story as its file tells it: read and checked before anything runs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from domain.workspace import Duration
from runtime.files import BadFile


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Event = Literal[
    "delivery_failed", "duplicate", "worker_lost", "transfer_completed", "transfer_returned", "transfer_rejected",
    "order_filled", "account_active", "bank_chosen", "bank_revoked", "bank_login",
    "customer_pays", "customer_pays_unheard", "customer_pays_by_bank", "card_declined", "bank_payment_arrives",
    "bank_payment_fails", "payment_refunded", "customer_pays_too_late", "customer_pays_less",
]  # fmt: skip
"""What happens: to a message, at the broker, at the bank, where customers pay."""
Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class ExpectedReply(_Model):
    """`all` must occur, `none` must not (both without regard to case), `match` is a regular expression."""

    all: Words = ()
    none: Words = ()
    match: str | None = None


class ExpectedStep(_Model):
    intent: str | None = None
    skill: str | None = None
    action: Literal["send", "draft", "handoff", "silence"] | None = None
    reason: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    reply: ExpectedReply | None = None
    delivery: str | None = None
    via: str | None = None
    """Over which kind of channel the last message left, for example twilio_whatsapp."""
    waits: str | None = None
    """Why the last delivery that has not left is still here, for example needs_template."""
    error: str | None = None
    """The code with which the owner's act is refused."""


class ExpectedEnd(_Model):
    context: dict[str, Any] = Field(default_factory=dict)
    drafts: int | None = None
    sent: int | None = None
    consent: Literal["opted_in", "opted_out", "none"] | None = None
    owner: Literal["ai", "human"] | None = None
    turns: int | None = None
    contacts: int | None = None
    """How many people the business knows, those who have become others not counted."""
    conversations: int | None = None
    """How many of them are open."""
    appointments: list[Any] | None = None
    waitlist: list[str] | None = None
    """What became of everybody who waits or waited for a time, who came first, first."""
    callbacks: list[Any] | None = None
    """Every call that was waited for, oldest first: state, reason, number, call_at, wanted_at."""
    money: list[Any] | None = None
    """All that was asked for, oldest first: kind, amount, direction, state. The broker has each once, and the books say
    the same."""
    payments: list[Any] | None = None
    """All that customers were asked to pay, oldest first: item, amount, state. Stripe has each once."""
    crm: list[Any] | None = None
    """Everybody in the CRM, who came first, first, by fields there; `tags`, `dnd`, and `notes`: how many."""
    priority: str | None = None
    tags: list[str] | None = None
    """By the alphabet."""
    rules: list[str] | None = None
    """Every time that a rule did something, oldest first."""
    notified: list[str] | None = None
    """What rules told the owner."""


class Step(_Model):
    """One of: what the customer writes (a list is a burst), time passing, what the owner does, what happens, a number
    that the visitor of the web chat proves by the code that is sent there, a code that is typed."""

    user: Words | None = None
    channel: Literal["sms", "whatsapp", "webchat"] | None = None
    """By which way the customer writes this time, when it is not the story's."""
    contact: str | None = None
    """From which number, when it is not the story's."""
    verify: str | None = None
    code: str | None = None
    """The customer types the last code that came to this number, by `channel`; `wrong` types another one."""
    wrong: bool = False
    media: tuple[str, ...] = ()
    """Content types of what the customer sends along."""
    kind: Literal["text", "button", "list", "location", "reaction"] = "text"
    """What the customer does, on channels that have more than words."""
    choice: str = ""
    """Of a button or a row of a list: its id."""
    advance: Duration | None = None
    owner: Any = None
    crm: dict[str, Any] | None = None
    """What somebody does in the CRM: new, set, tag, untag, dnd, delete; see `stories.crms`."""
    event: Event | None = None
    expect: ExpectedStep = ExpectedStep()

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        said = [
            name
            for name in ("user", "advance", "owner", "crm", "event", "verify", "code")
            if getattr(self, name) is not None
        ]
        if len(said) != 1:
            raise ValueError(
                f"a step is one of user, advance, owner, crm, event, verify, code; this one has {said or 'none of them'}"
            )
        return self


class Story(_Model):
    story: str
    workspace: str | dict[str, Any]
    now: datetime
    channel: Literal["sms", "whatsapp", "webchat", "voice"] = "sms"
    contact: str = "+15125550100"
    holdings: str | None = None
    """A CSV of what the business's clients hold, imported before the first step; `prices` likewise."""
    prices: str | None = None
    listings: str | None = None
    """Homes as RESO-style JSON or CSV."""
    crm: bool = False
    """The business has connected its CRM before the first step."""
    broker: list[dict[str, Any]] = Field(default_factory=list)
    """Clients of the business at its broker: {phone, number, cash, holdings, bank}."""
    steps: tuple[Step, ...]
    expect: ExpectedEnd = ExpectedEnd()


def read(path: Path) -> list[Story]:
    """Every story of the file (several are separated by ---). Raise BadFile."""
    try:
        documents = list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, MarkedYAMLError) as error:
        raise BadFile([f"{path}: {error}"]) from None
    stories, mistakes = list[Story](), list[str]()
    for n, document in enumerate(one for one in documents if one is not None):
        try:
            stories.append(Story.model_validate(document))
        except ValidationError as error:
            mistakes += [
                f"{path}: story {n + 1}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
                for one in error.errors()
            ]
    if mistakes:
        raise BadFile(mistakes)
    return stories


def find(paths: list[Path]) -> list[Path]:
    """The story files below these paths, in order."""
    files = [sorted(path.rglob("*.yaml")) if path.is_dir() else [path] for path in paths]
    return [file for group in files for file in group]

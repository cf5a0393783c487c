"""What is asked of a language model and what comes back: frozen, the same for every provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from domain.errors import Trouble


class Purpose(StrEnum):
    """Why a model is asked; the ledger counts by it."""

    UNDERSTAND = "understand"
    COMPOSE = "compose"
    SUMMARISE = "summarise"


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The form an answer must have. `schema` is JSON Schema in the subset that every provider takes: each object
    closed, each property required. `read` turns the text into a value, or raises ValueError saying what is wrong."""

    name: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model reads: ours in `system`, everybody else's words fenced in `messages`."""

    purpose: Purpose
    system: str
    messages: tuple[Message, ...]
    max_tokens: int = 600
    shape: Shape | None = None
    """None: plain words are wanted."""

    @property
    def characters(self) -> int:
        return len(self.system) + sum(len(one.text) for one in self.messages)


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt, and on whose account it is asked. `seconds` is all the time there is, retries included."""

    prompt: Prompt
    workspace_id: UUID
    conversation_id: UUID | None = None
    seconds: float = 12.0
    allowance: "Allowance | None" = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them. `cached` and `written` (to the provider's cache) are part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


class Finish(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """`value` is what the request's shape read; None where plain words were asked for."""

    text: str
    usage: Usage
    model: str
    """provider:model, as it was asked."""
    finish: Finish = Finish.STOP
    refusal: str = ""
    value: Any = None


Piece = str | Answer
"""Of a stream: words as they come, and at the end the whole answer."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens. None where it is not known: then nothing is charged for what nobody can price."""

    currency: str
    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    written: Decimal | None = None

    def of(self, usage: Usage) -> Decimal:
        """What this costs, exactly."""
        plain = usage.input - usage.cached - usage.written
        parts = (
            (plain, self.input),
            (usage.cached, self.input if self.cached is None else self.cached),
            (usage.written, self.input if self.written is None else self.written),
            (usage.output, self.output),
        )
        return sum((Decimal(count) * price for count, price in parts), Decimal(0)) / 1_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one business lets models cost in a day of its own zone. None: no limit."""

    timezone: str
    tokens: int | None = None
    cost: Decimal | None = None
    currency: str = "USD"
    soft: Decimal = Decimal("0.8")
    """From this share on, models are asked only where nothing else will do, and the owner is told."""


class Standing(StrEnum):
    """Of a day's allowance."""

    FREE = "free"
    SOFT = "soft"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at one model, for the ledger."""

    workspace_id: UUID
    conversation_id: UUID | None
    purpose: Purpose
    model: str
    reserved: Usage
    """The most it can come to, held until it is known."""
    cost: Decimal | None
    currency: str | None
    allowance: Allowance | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. `usage` None: the provider has not said, and what was reserved stays."""

    usage: Usage | None
    cost: Decimal | None
    seconds: float
    trouble: Trouble | None = None

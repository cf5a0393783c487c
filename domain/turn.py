"""What one exchange is made of. Frozen: a stage takes a Turn and returns a new one; what should happen in the
world is listed as effects, and only `store.conversations.save` makes them happen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.entities import Entity
from domain.identity import Identity
from domain.purpose import Purpose
from domain.skill import Run, WorldEffect
from domain.workspace import Profile


class Author(StrEnum):
    CONTACT = "contact"
    AI = "ai"
    HUMAN = "human"
    SYSTEM = "system"  # confirmations of STOP, START and HELP


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the conversation, in or out. `seq` orders them; times do not."""

    seq: int
    author: Author
    text: str
    at: datetime
    media: tuple[str, ...] = ()
    """Content types of what came along."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who we talk with, where, and how far we have come. `epoch` is the fence: whoever holds an older one has
    lost the conversation."""

    id: UUID
    workspace_id: UUID
    contact_id: UUID
    thread_id: UUID
    channel_kind: str
    epoch: int
    contact_name: str | None = None
    disclosed: bool = False
    """An AI message with the disclosure has reached this thread, or is on its way."""
    language: str | None = None
    channel_address: str = ""
    """Of the business's own side."""


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of a burst and what it wants."""

    intent: str
    confidence: float
    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """Words of the customer that a model takes for a field's value. Nothing is kept before our own reader has read
    them."""

    field: str
    words: str


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How the customer feels: `score` is -1..1, `label` is negative, neutral or positive."""

    score: float = 0.0
    label: str = "neutral"


@dataclass(frozen=True, slots=True)
class Understanding:
    """What the burst means. `confidence` is 0..1; an intent of "unknown" is out of scope."""

    intent: str
    confidence: float
    language: str = "en"
    entities: tuple[Entity, ...] = ()
    nearest: str = ""
    """The example sentence that decided it."""
    runner_up: str = ""
    automatic: bool = False
    """It reads like a machine's answer."""
    parts: tuple[Part, ...] = ()
    """The burst sentence by sentence; `intent` is that of the weightiest."""
    slots: tuple[Slot, ...] = ()
    sentiment: Sentiment = Sentiment()
    urgency: float = 0.0
    """0..1: how much hurry there is."""
    topics: tuple[str, ...] = ()
    """What the sentences are about, in their order: price, appointment…, or the workspace's own intents."""
    safety: str = ""
    """What must reach a person at once: self_harm, medical, danger, emergency, threat or legal."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the workspace's knowledge. `score` is 0..1: how much of the question it covers. `similarity` is the
    cosine of its meaning to the question's; None when nobody has compared them."""

    id: UUID
    source: str
    heading: str
    text: str
    score: float
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What could be said. `grounded` is False when nothing in the knowledge supports it."""

    text: str
    kind: str
    sources: tuple[str, ...] = ()
    confidence: float = 1.0
    grounded: bool = True
    model: str = ""
    """Which language model worded it; empty: our own templates and the documents' own sentences."""
    unanswered: tuple[str, ...] = ()
    """The customer's questions that no document answers."""
    published: str = ""
    """The words of it whose figures of money are advertised to everybody."""
    approve: str = ""
    """Why a person has to see it first, whatever the policy says."""


class Action(StrEnum):
    SEND = "send"
    DRAFT = "draft"
    HANDOFF = "handoff"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class SetField:
    """Put a value into the conversation's context. A person's value is never overwritten by it."""

    name: str
    value: Any
    confidence: float
    evidence_seq: int
    words: str
    source: str = "ai"
    """Or rule."""


@dataclass(frozen=True, slots=True)
class SuggestField:
    """The customer said something else than what a person set: shown beside it, for a person to take over."""

    name: str
    value: Any
    confidence: float
    evidence_seq: int
    words: str


@dataclass(frozen=True, slots=True)
class UseSchema:
    """The conversation fills another schema from here on. `schema` "" leaves it to the channel, or to the first; nothing
    happens unless `before` is still so. Of the fields that change with it, `left` leave the context and `back` return."""

    schema: str
    before: str
    by: str
    why: str
    left: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    left_with: str = ""
    """The schema that was left, to return with which they leave."""
    goes_to: str = ""
    """The one that it fills now."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send this."""

    text: str
    purpose: Purpose = Purpose.REPLY


@dataclass(frozen=True, slots=True)
class ProposeDraft:
    """Put this before a person; it leaves only when approved, and `then` happens with it."""

    text: str
    reason: str
    then: tuple[WorldEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOff:
    """A person takes over. `text` is what the customer is told meanwhile ("" = nothing)."""

    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class NameContact:
    """The customer told us their name."""

    name: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    language: str


@dataclass(frozen=True, slots=True)
class NoteGap:
    """The customer asked this, and no document says it."""

    question: str
    language: str


Effect = (
    NoteGap
    | SetField
    | SuggestField
    | UseSchema
    | Say
    | ProposeDraft
    | HandOff
    | NameContact
    | SetLanguage
    | WorldEffect
)


@dataclass(frozen=True, slots=True)
class Value:
    """A context field as it stands. `source` is ai, human, rule or import."""

    value: Any
    source: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What the conversation came to, up to and with the message `upto_seq`. A model made it from what customers
    wrote: it is data, and nothing in it is believed."""

    text: str
    upto_seq: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the conversation stands in its workflow, and how people of the business have marked it. `spent` are the
    rules that have done what they may do once."""

    status: str = ""
    status_at: datetime | None = None
    priority: str = "normal"
    tags: tuple[str, ...] = ()
    spent: frozenset[str] = frozenset()
    owner: str = "ai"
    schema: str = ""
    """The schema that was chosen for it; "": none was, it fills the first."""
    schema_by: str = ""
    """Who chose it: rule, channel, skill or human."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One burst of a customer's messages and everything known when it is answered."""

    conversation: Conversation
    profile: Profile
    """With the schema that this conversation fills before the others."""
    burst: tuple[Line, ...]
    now: datetime
    """Aware, in the workspace's zone."""
    history: tuple[Line, ...] = ()
    """What came before the burst, oldest first."""
    summary: Summary | None = None
    """Of a long conversation: what was said before the history begins, and perhaps some of it."""
    context: Mapping[str, Value] = field(default_factory=dict)
    put_by: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """Of each schema that the conversation has left, the values that left with it."""
    runs: tuple[Run, ...] = ()
    """What skills have under way here, the one touched last first."""
    understood: Understanding | None = None
    passages: tuple[Passage, ...] = ()
    found: Mapping[str, tuple[Passage, ...]] = field(default_factory=dict)
    """The same by the sentence that they were found for: scores compare a passage with one question."""
    spoken: Reply | None = None
    """What a skill says in this turn; `compose` puts the answers to other questions before it."""
    spoken_after: bool = False
    """It is said only to come back to what was under way."""
    taken: frozenset[str] = frozenset()
    """Intents of parts that the skill has dealt with, and the words of single ones."""
    skill: str = ""
    """The skill that took a step."""
    pending: tuple[WorldEffect, ...] = ()
    """What that step wants done, if its words may leave."""
    standing: Standing = Standing()
    identity: Identity = field(default_factory=Identity)
    """What the customer has proved, and what became of a code in this burst."""
    added: tuple[str, ...] = ()
    """Words that rules add to the reply."""
    handed: str = ""
    """Why a rule wants a person to go on."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """What had changed when the turn began, as it was: for rules outside of a message."""
    wanted: tuple[str, str] | None = None
    """The skill and its goal that a rule wants to begin."""
    reply: Reply | None = None
    decision: Decision | None = None
    effects: tuple[Effect, ...] = ()
    notes: tuple[str, ...] = ()
    """Why, in the order of thinking: one sentence a stage. Kept with the turn (G7)."""

    @property
    def text(self) -> str:
        """The burst as one text."""
        return "\n".join(line.text for line in self.burst if line.text.strip())

    @property
    def base_seq(self) -> int:
        """The newest message this turn answers; outside of a message the newest there is."""
        lines = self.burst or self.history
        return lines[-1].seq if lines else 0

    def doing(self, *effects: Effect) -> "Turn":
        return replace(self, effects=self.effects + effects)

    def noting(self, note: str) -> "Turn":
        return replace(self, notes=(*self.notes, note))

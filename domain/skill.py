"""What a skill is made of: a run, what it heard, and the step it takes. A skill proposes steps; who may take them
is decided by the frame, the policy and the store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.entities import Entity
from domain.workspace import Field_, Profile

if TYPE_CHECKING:
    from domain.identity import Identity
    from domain.ports import Identities


class Risk(IntEnum):
    """What a wrong step could cost, least first."""

    PUBLIC = 0
    OWN_DATA = 1
    REVERSIBLE = 2
    PORTFOLIO = 3
    MONEY = 4


class RunState(StrEnum):
    ACTIVE = "active"
    WAITING = "waiting"  # a person decides
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One go at one goal. `slots` are the values it works with, `memory` is the skill's own (what it offered);
    both are JSON. `id` follows from the message that began it, so the same turn run twice begins it once."""

    id: UUID
    skill: str
    goal: str
    began_seq: int
    state: RunState = RunState.ACTIVE
    slots: Mapping[str, Any] = dataclass_field(default_factory=dict)
    memory: Mapping[str, Any] = dataclass_field(default_factory=dict)
    read_back: str = ""
    """The words by which the customer was asked to confirm: a yes counts only as the answer to them."""
    touched_at: datetime | None = None
    result: Mapping[str, Any] = dataclass_field(default_factory=dict)

    def holding(self, **slots: Any) -> "Run":
        return replace(self, slots={**self.slots, **slots})

    def recalling(self, **memory: Any) -> "Run":
        return replace(self, memory={**self.memory, **memory})

    def ended(self, state: RunState, **result: Any) -> "Run":
        return replace(self, state=state, read_back="", result={**self.result, **result})


class Command(StrEnum):
    """What a customer may say to any skill."""

    CANCEL = "cancel"
    BACK = "back"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a customer points at while they talk to one skill, and another skill can be about."""

    kind: str
    """What sort of thing it is: home."""
    key: str
    called: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of the conversation. `ours`: the business said it, else the customer."""

    text: str
    at: datetime
    ours: bool


Reads = Callable[[tuple[Field_, ...], str], Mapping[str, Any]]
"""Values of these fields in what was just written; the second names the field that our last message asked for."""


def _reads_nothing(fields: tuple[Field_, ...], asked: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Heard:
    """All that a skill may look at."""

    text: str
    intent: str
    language: str
    now: datetime
    """Aware, in the workspace's zone."""
    profile: Profile
    workspace_id: UUID
    contact_id: UUID
    conversation_id: UUID
    channel_kind: str
    seq: int
    entities: tuple[Entity, ...] = ()
    context: Mapping[str, Any] = dataclass_field(default_factory=dict)
    """The fields' values, those of this very message included."""
    told: frozenset[str] = frozenset()
    """Names of the fields that this very message filled."""
    contact_name: str | None = None
    affirms: bool | None = None
    """Yes, no, or neither."""
    confirmed: bool = False
    """They say yes, and our last message asked them to confirm this run."""
    command: Command | None = None
    begins: bool = False
    """This message began the run."""
    identity: "Identity | None" = None
    """What they have proved of who they are; None is nothing."""
    thread_id: UUID | None = None
    """From where they write."""
    part: str = ""
    """The one sentence that is looked at, when a goal is asked for."""
    subject: Subject | None = None
    """What this message points at, among the things that some skill has shown."""
    past: tuple[Spoken, ...] = ()
    """What was said before, oldest first."""
    sure: float = 1.0
    """Of the intent, 0..1."""
    reads: Reads = _reads_nothing


class WorldEffect:
    """Something that a skill or a rule wants done in the world; the store knows how, in the turn's own transaction."""


class Overtaken(Exception):
    """What the turn was sure of is no longer so (the slot is taken): nothing is done, and the turn runs again."""


@dataclass(frozen=True, slots=True)
class SaveRun(WorldEffect):
    run: Run


@dataclass(frozen=True, slots=True)
class Said:
    """Words by key; `facts` are plain values that the templates show in the customer's language."""

    key: str
    facts: Mapping[str, Any] = dataclass_field(default_factory=dict)
    field: str = ""
    """Ask for this field of the context, in the words that fields of its type are asked for."""
    slot: Field_ | None = None
    """The same for a field of the skill's own."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the run stands now, what is said, and what is to happen if that may be said. `asks_yes`: what is said
    asks the customer to confirm the run as it stands."""

    run: Run
    said: tuple[Said, ...] = ()
    effects: tuple[WorldEffect, ...] = ()
    asks_yes: bool = False
    for_person: str = ""
    """Why a person must go on with it; "" when nobody need."""
    sources: tuple[str, ...] = ()
    proof: str = ""
    """A digest of what this step is about: it is said and done only after a code that was sent for exactly this."""
    proof_says: Said | None = None
    """What the code allows, in words: they stand in the very message that brings it, so that nobody types it for
    something else."""
    fills: Mapping[str, Any] = dataclass_field(default_factory=dict)
    """Context fields of these names get these values, where the workspace has them."""
    published: bool = False
    """Its figures of money are advertised to everybody: no offer of ours that a person would have to see first."""
    approve: str = ""
    """Why a person sees these words before the customer does, whatever the policy says; "" when the policy decides."""


class Skill(ABC):
    """Deterministic code over slots. It is handed what it may know and returns a step; it reads the world through
    the ports it was made with and never writes."""

    name: str
    description: str
    risk: Risk
    verification: int = 0
    """The level that the customer must have proved; 0 is none, 1 a one-time code. The frame sees to it: before, the
    skill takes no step and says nothing."""
    identities: "Identities | None" = None
    """By which the frame finds where a code can go. Without it nobody can prove anything, and a person goes on."""
    one_run: bool = False
    """Who asks for it again goes on with their run of it, also when another skill was spoken to in between."""
    goals: Mapping[str, str]
    """Intent → goal."""

    def begun_by(self, profile: Profile) -> Mapping[str, str]:
        """Intents that begin it in this workspace, each with what it then does, for a model that reads messages."""
        return dict.fromkeys(self.goals, self.description)

    def verifies(self, run: Run, heard: Heard) -> int:
        """The level that this run asks for."""
        return self.verification

    def goal(self, intent: str, heard: Heard) -> str | None:
        """What this intent wants of the skill, None for nothing."""
        return self.goals.get(intent)

    def continues(self, run: Run, goal: str, heard: Heard) -> bool:
        """Whether who asks for this goal goes on with the run, rather than beginning another."""
        return run.goal == goal

    def calls_off(self, run: Run) -> bool:
        """A bare "cancel" means the run itself, not what it is about."""
        return True

    @abstractmethod
    def concerns(self, run: Run, heard: Heard) -> bool:
        """Whether this message goes on with the run, rather than being about something else."""

    def about(self, run: Run) -> Subject | None:
        """What the run itself is about: "it", in a question beside it."""
        return None

    def holds(self, run: Run, heard: Heard) -> bool:
        """This message is about what the run has shown, whatever else it looks like: "remove the second" from a list
        calls off no appointment."""
        return False

    def answers(self, run: Run, heard: Heard) -> bool:
        """Whether this question, the text of `heard`, is answered by the step, and not by the documents."""
        return False

    async def points_at(self, run: Run | None, heard: Heard) -> Subject | None:
        """What of this run the message points at; without a run, what it names of this skill's things."""
        return None

    @abstractmethod
    async def step(self, run: Run, heard: Heard) -> Step: ...

    @abstractmethod
    async def resume(self, run: Run, heard: Heard) -> Step:
        """Where we were, said again after a digression, a question back, or a pause."""

    def release(self, run: Run) -> tuple[WorldEffect, ...]:
        """What must be given back when the run is cancelled."""
        return ()

"""What did the customer want? The prompt, the shape of the answer, and nothing that decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from dialogue.prompts.fencing import UNTRUSTED, fenced, shown
from domain.llm import Message, Prompt, Purpose, Shape
from domain.turn import Author, Line, Turn
from domain.workspace import Field_, Profile

LINES = 10
"""Messages before this one that are shown."""
EXAMPLES, EXAMPLE = 3, 120
MOST_TOKENS = 700
LANGUAGES = ("en", "es")
_INTENTS = Path(__file__).with_name("intents.yaml")
_SYSTEM = """\
You read messages that customers wrote to a business, and say what they want. You do not answer them.
{untrusted}

The business: {business}, {industry}. Its assistant writes as {role}.
Time there: {now}.

Give, as JSON of the schema:
- parts: the sentences of new_message that want or tell something, in their order. words is copied from new_message
  letter by letter, intent is one of the names below. Of several wishes in one sentence make several parts.
- slots: values that new_message gives for a field below. words is copied from new_message letter by letter, as short
  as it can be ("tomorrow at 3", not "I'd like tomorrow at 3 please"). Do not compute, complete or translate. Leave a
  field out that new_message says nothing of. expected_field is the field that the business has just asked for.
- language: of new_message. sentiment: of its writer. urgency: none, soon, or now.
When in doubt say unknown. Never guess what is not written.

Intents:
{intents}

Fields:
{fields}
"""


@dataclass(frozen=True, slots=True)
class Card:
    """A skill as a model sees it. `intent` is what begins it."""

    intent: str
    description: str


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProposedPart(_Closed):
    words: str
    intent: str


class ProposedSlot(_Closed):
    field: str
    words: str


class Proposal(_Closed):
    parts: tuple[ProposedPart, ...]
    slots: tuple[ProposedSlot, ...]
    language: str
    sentiment: Literal["negative", "neutral", "positive"]
    urgency: Literal["none", "soon", "now"]


def prompt(turn: Turn, skills: Sequence[Card] = (), expected: Field_ | None = None) -> Prompt:
    """`expected` is the field that our last message asked for."""
    profile = turn.profile
    system = _SYSTEM.format(
        untrusted=UNTRUSTED,
        business=shown(profile.workspace.name, 120),
        industry=profile.workspace.industry,
        role=shown(profile.assistant.role, 120),
        now=turn.now.strftime("%A %Y-%m-%d %H:%M %Z"),
        intents="\n".join(f"- {name}: {said}" for name, said in intents(profile, skills).items()),
        fields="\n".join(_field(field) for field in profile.fields) or "- none",
    )
    data = {
        "conversation": [told(line) for line in turn.history[-LINES:]],
        "summary_of_what_came_before": shown(turn.summary.text) if turn.summary else "",
        "expected_field": expected.name if expected else "",
        "new_message": shown(turn.text, 4_000),
    }
    return Prompt(
        Purpose.UNDERSTAND, system, (Message("user", fenced(data)),), MOST_TOKENS, shape(profile, skills)
    )


def intents(profile: Profile, skills: Sequence[Card] = ()) -> Mapping[str, str]:
    """Every intent that may be proposed, and what it is: ours, the skills', the business's own by its examples."""
    own = {
        name: "for example " + "; ".join(f'"{shown(one, EXAMPLE)}"' for one in examples[:EXAMPLES])
        for name, examples in sorted(profile.intents.items())
    }
    return {**{card.intent: shown(card.description, 300) for card in skills}, **_built_in(), **own}


def shape(profile: Profile, skills: Sequence[Card] = ()) -> Shape:
    fields = [field.name for field in profile.fields]
    part = closed(words=_TEXT, intent=_one_of(intents(profile, skills)))
    slot = closed(words=_TEXT, field=_one_of(fields) if fields else _TEXT)
    schema = closed(
        parts={"type": "array", "items": part},
        slots={"type": "array", "items": slot},
        language=_one_of((*LANGUAGES, "other")),
        sentiment=_one_of(("negative", "neutral", "positive")),
        urgency=_one_of(("none", "soon", "now")),
    )
    return Shape("understanding", schema, Proposal.model_validate_json)


_TEXT = {"type": "string"}


def closed(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _one_of(names: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(names)}


def _field(field: Field_) -> str:
    said = f"- {field.name} ({field.type}): {shown(field.description, 200) or field.name.replace('_', ' ')}"
    return said + (f"; one of {', '.join(field.options)}" if field.options else "")


def told(line: Line) -> dict[str, str]:
    who = "customer" if line.author is Author.CONTACT else "business"
    return {"from": who, "text": shown(line.text, 600)}


@cache
def _built_in() -> Mapping[str, str]:
    found: Mapping[str, str] = YAML(typ="safe", pure=True).load(_INTENTS.read_text(encoding="utf-8"))
    return found

"""What a rule may look at: the message, what was understood, the context, the conversation, the clock."""

from collections.abc import Mapping
from typing import Any

from dialogue import hours
from dialogue.asking import context_of
from domain.completion import reckon
from domain.rules import Facts
from domain.turn import NameContact, SetField, Turn

NAMES = (
    "message.text", "message.length", "message.channel", "intent", "intent.confidence", "language", "contact.name",
    "conversation.messages", "sentiment", "sentiment.score", "sentiment.urgency", "topics", "status", "priority", "tags",
    "business.open", "skill", "action", "schema.name", "schema.completion", "schema.missing",
)  # fmt: skip
"""Beside the names of the context's fields."""


def facts_of(turn: Turn) -> Facts:
    understood = turn.understood
    named = next((e.name for e in turn.effects if isinstance(e, NameContact)), None)
    values: dict[str, Any] = {name: value.value for name, value in context_of(turn).items()}
    values |= {
        "message.text": turn.text, "message.length": len(turn.text),
        "message.channel": turn.conversation.channel_kind,
        "contact.name": named or turn.conversation.contact_name,
        "conversation.messages": len(turn.history) + len(turn.burst),
        "status": turn.standing.status, "priority": turn.standing.priority, "tags": list(turn.standing.tags),
        "business.open": hours.closing(turn.profile.hours, turn.now) is not None,
        "skill": turn.skill or None,
    }  # fmt: skip
    values |= _of_schema(turn, values)
    if understood is not None:
        values |= {
            "intent": understood.intent, "intent.confidence": understood.confidence, "language": understood.language,
        }  # fmt: skip
        values |= _feeling(understood)
    since = {"status": turn.standing.status_at} if turn.standing.status_at else {}
    return Facts(values, turn.now, {**turn.changed, **_before(turn)}, since)


def _of_schema(turn: Turn, values: Mapping[str, Any]) -> Mapping[str, Any]:
    if not turn.profile.schemas:
        return {}
    schema = turn.profile.schemas[0]
    found = reckon(schema, values, turn.now)
    return {
        "schema.name": schema.name, "schema.completion": found.share, "schema.missing": list(found.missing),
    }  # fmt: skip


def _feeling(understood: Any) -> Mapping[str, Any]:
    mood = getattr(understood, "sentiment", None)
    return {
        "sentiment": getattr(mood, "label", None), "sentiment.score": getattr(mood, "score", None),
        "sentiment.urgency": getattr(understood, "urgency", None), "topics": list(getattr(understood, "topics", ())),
    }  # fmt: skip


def _before(turn: Turn) -> dict[str, Any]:
    """The fields that this turn sets, as they were."""
    changed = (effect.name for effect in turn.effects if isinstance(effect, SetField))
    return {name: turn.context[name].value if name in turn.context else None for name in changed}

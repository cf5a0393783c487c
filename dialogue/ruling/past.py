"""What a rule would have done: its conditions over past moments. Nothing happens."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from dialogue.ruling.facts import facts_of
from domain.rules import Rule, evaluate
from domain.rules.conditions import test_of
from domain.turn import Sentiment, Turn, Understanding

TODAYS = ("priority", "tags", "contact.name", "conversation.messages", "business.open")
"""Facts of which nothing keeps what they were: they are today's, or by today's settings."""


@dataclass(frozen=True, slots=True)
class Then:
    """A moment at which the rule would have looked. `turn` is the conversation as it was: its context, schema and status of
    then; `contact_id` is whom `once` counts by."""

    turn: Turn
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class Would:
    conversation_id: UUID
    contact_id: UUID
    at: datetime
    why: str


def understood_then(told: Mapping[str, Any]) -> Understanding:
    """What the message meant to us when it was answered; not read anew."""
    mood = told.get("sentiment") or {}
    return Understanding(
        str(told.get("intent", "unknown")),
        float(told.get("confidence", 0.0)),
        str(told.get("language", "en")),
        automatic=bool(told.get("automatic")),
        sentiment=Sentiment(float(mood.get("score", 0.0)), str(mood.get("label", "neutral"))),
        urgency=float(told.get("urgency", 0.0)),
        topics=tuple(told.get("topics") or ()),
    )


def replay(rule: Rule, moments: Iterable[Then]) -> Iterator[Would]:
    """Each customer's moments stand together, in the order of time: so often as `once` lets it."""
    test, spent = test_of(rule.when), set[tuple[object, ...]]()
    for then in moments:
        facts = facts_of(then.turn)
        key = _once(rule, then)
        if (key is not None and key in spent) or not test(facts):
            continue
        if key is not None:
            spent.add(key)
        yield Would(then.turn.conversation.id, then.contact_id, then.turn.now, evaluate(rule.when, facts).why)


def _once(rule: Rule, then: Then) -> tuple[object, ...] | None:
    day: date = then.turn.now.date()
    keys: dict[str, tuple[object, ...]] = {
        "conversation": (then.turn.conversation.id,), "contact": (then.contact_id,), "day": (then.contact_id, day),
    }  # fmt: skip
    return keys.get(rule.once)

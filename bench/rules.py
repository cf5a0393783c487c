"""How long a message event takes when a business has many rules, beside parsing the same rules from their JSON."""

import json
import statistics
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import process_time
from typing import Any
from uuid import UUID

from dialogue import ruling
from domain.turn import Author, Conversation, Line, Turn, Understanding, Value
from domain.workspace import Profile

NOBODY = UUID(int=0)
WORDS = "Hi there, we would like the pontoon this Saturday for six people, is that possible?"


def rules(count: int) -> list[dict[str, Any]]:
    """Each with three conditions of different kinds; one in a hundred holds."""
    return [
        {
            "name": f"rule {n}", "on": "message_received", "priority": n % 1000,
            "when": {"all": [
                {"field": "guests", "op": "gte", "value": n % 100 - 93},
                {"any": [
                    {"field": "message.text", "op": "matches", "value": f"(?i)pontoon|kayak {n}"},
                    {"field": "status", "op": "in", "value": ["asking", f"status {n}"]},
                ]},
                {"not": {"field": "boat", "op": "ne" if n % 100 == 0 else "eq", "value": "pontoon"}},
            ]},
            "then": [{"add_tag": f"tag {n}"}],
        }
        for n in range(count)
    ]  # fmt: skip


def turn_of(profile: Profile) -> Turn:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    talk = Conversation(NOBODY, NOBODY, NOBODY, NOBODY, "twilio_sms", 1)
    context = {"guests": Value(6, "ai", 0.9), "boat": Value("pontoon", "ai", 0.9)}
    line = Line(1, Author.CONTACT, WORDS, now)
    return Turn(talk, profile, (line,), now, context=context, understood=Understanding("unknown", 0.5, "en"))


def run(count: int = 1_000, rounds: int = 15) -> dict[str, float]:
    """Milliseconds of CPU, medians of rounds that take turns."""
    made = rules(count)
    written = json.dumps(made)
    profile = Profile.model_validate({"workspace": {"slug": "bench", "name": "Bench"}, "rules": made})
    turn = turn_of(profile)
    began = process_time()
    fired = len(ruling.rule(turn).notes)
    first = process_time() - began
    assert fired == -(-count // 100), fired
    took: dict[str, list[float]] = {"rules": [], "json": []}
    for _ in range(rounds):
        took["rules"].append(_timed(lambda: ruling.rule(turn)))
        took["json"].append(_timed(lambda: json.loads(written)))
    rules_ms, json_ms = (statistics.median(took[name]) * 1000 for name in ("rules", "json"))
    return {
        "rules": count, "fired": fired, "rules_ms": round(rules_ms, 3), "json_ms": round(json_ms, 3),
        "ratio": round(rules_ms / json_ms, 2), "first_ms": round(first * 1000, 1),
    }  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def told(found: Mapping[str, float]) -> str:
    return (
        f"{found['rules']:.0f} rules on one message: {found['rules_ms']} ms of CPU, {found['fired']:.0f} fired; parsing"
        f" the same rules' JSON {found['json_ms']} ms; ratio {found['ratio']}. The first time {found['first_ms']} ms."
    )

"""What the tests share: the demo businesses, their documents behind an ordinary Retriever, and turns."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from ruamel.yaml import YAML

from dialogue.vocabulary import terms
from domain.turn import Author, Conversation, Line, Passage, Turn, Value
from domain.workspace import Profile
from tests import learnt

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).with_name("cases")
NONE = UUID(int=0)
MINILM = learnt.MINILM
UNDERSTANDER = learnt.understander()


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@cache
def profile(name: str) -> Profile:
    return Profile.model_validate(load(ROOT / "demos" / f"{name}.yaml"))


class Shelf:
    """Passages in memory. A score is the share of the question's words, rare ones counting more, that a passage
    holds: what the product's own search promises."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = [(p, terms(f"{p.source} {p.heading} {p.text}")) for p in passages]

    async def search(
        self, workspace_id: UUID, question: str, limit: int, *, asked_as: str = ""
    ) -> Sequence[Passage]:
        weights = {term: self._weight(term) for term in sorted(terms(question))}
        total = sum(weights.values()) or 1.0
        scored = [
            Passage(
                p.id,
                p.source,
                p.heading,
                p.text,
                round(sum(weights[t] for t in weights if t in words) / total, 3),
            )
            for p, words in self._passages
        ]
        return sorted((p for p in scored if p.score), key=lambda p: -p.score)[:limit]

    def _weight(self, term: str) -> float:
        holding = sum(term in words for _, words in self._passages)
        return math.log(1 + (len(self._passages) + 1) / (holding + 0.5))


@cache
def shelf(name: str) -> Shelf:
    """A demo's documents, one passage a section."""
    return Shelf([passage for path in profile(name).knowledge for passage in sections(ROOT / path)])


def sections(path: Path) -> list[Passage]:
    title, *rest = re.split(r"^#{1,2} ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    name = title.splitlines()[0].strip()
    parts = [part.partition("\n") for part in rest]
    return [
        Passage(uuid5(NONE, f"{path}{head}"), name, head.strip(), body.strip(), 0.0)
        for head, _, body in parts
    ]


def turn(
    who: Profile,
    burst: str | Sequence[str],
    now: datetime,
    *,
    history: Sequence[Mapping[str, str]] = (),
    context: Mapping[str, Any] | None = None,
    **conversation: Any,
) -> Turn:
    """`history` as [{us: …}, {them: …}]; `context` as {field: value} or {field: {value, source}}."""
    past = [next(iter(line.items())) for line in history]
    said = [(Author.CONTACT if who == "them" else Author.AI, text) for who, text in past]
    texts = [burst] if isinstance(burst, str) else list(burst)
    lines = [*said, *((Author.CONTACT, text) for text in texts)]
    told = [
        Line(seq, author, text, now - timedelta(minutes=len(lines) - seq))
        for seq, (author, text) in enumerate(lines, start=1)
    ]
    facts = {"channel_kind": "twilio_sms", "epoch": 1, "disclosed": True} | conversation
    return Turn(
        Conversation(NONE, NONE, NONE, NONE, **facts),
        who,
        burst=tuple(told[len(past) :]),
        now=now,
        history=tuple(told[: len(past)]),
        context={name: _value(value) for name, value in (context or {}).items()},
    )


def _value(value: Any) -> Value:
    return Value(**value) if isinstance(value, dict) and "source" in value else Value(value, "ai", 0.9)

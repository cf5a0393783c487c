"""Turns with a scripted model beside them: what it says is written in the test."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dialogue.llm_chain import Chain
from dialogue.llm_scripted import Scripted
from dialogue.models import Models
from dialogue.turns import answer
from domain.llm import Prompt, Purpose
from domain.turn import HandOff, ProposeDraft, Say, Turn
from domain.workspace import Profile
from tests.dialogue.library import UNDERSTANDER, profile, shelf, turn
from tests.llm.llm_rig import Book

MONDAY = "2026-11-23T09:00:00"
NOTHING = {"parts": [], "slots": [], "language": "en", "sentiment": "neutral", "urgency": "none"}


class Drawer:
    """A cache in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[UUID, str], str] = {}

    async def get(self, workspace_id: UUID, key: str) -> str | None:
        return self.kept.get((workspace_id, key))

    async def put(self, workspace_id: UUID, key: str, answer: str, keep_s: float) -> None:
        self.kept[workspace_id, key] = answer


def models(says: Callable[[Prompt], Any], name: str = "test") -> tuple[Models, Scripted]:
    scripted = Scripted(name, says)
    book = Book()
    return Models(Chain([scripted], book, {}), book, Drawer(), seconds=2), scripted


def saying(reading: Any = None, words: Any = None, summary: Any = "Nothing.") -> Callable[[Prompt], Any]:
    """`words` as {known, statements: [{text, of: heading}]}: the heading's passage is cited."""

    def says(prompt: Prompt) -> Any:
        match prompt.purpose:
            case Purpose.UNDERSTAND:
                return NOTHING | reading if isinstance(reading, dict) else reading or NOTHING
            case Purpose.COMPOSE:
                return _cited(words, json.loads(prompt.messages[0].text)["passages"])
        return summary

    return says


def _cited(said: Any, passages: Mapping[str, Mapping[str, str]]) -> Any:
    if not isinstance(said, list):
        return said or {"known": False, "statements": []}
    return {"known": True, "statements": [_statement(one, passages) for one in said]}


def _statement(one: Mapping[str, Any], passages: Mapping[str, Mapping[str, str]]) -> Any:
    wanted = [one["of"]] if isinstance(one["of"], str) else one["of"]
    names = [next((n for n, p in passages.items() if head in p["heading"]), "P99") for head in wanted]
    return {"text": one["text"], "passages": names}


def asked(who: str | Profile, text: str | Sequence[str], **more: Any) -> Turn:
    known = profile(who) if isinstance(who, str) else who
    now = datetime.fromisoformat(MONDAY).replace(tzinfo=ZoneInfo(known.workspace.timezone))
    return turn(known, text, now, **more)


async def answered(who: str, before: Turn, with_: Models | None) -> Turn:
    return await answer(before, UNDERSTANDER, shelf(who), models=with_)


def heard(after: Turn) -> str:
    """Everything that could reach the customer, drafts included."""
    texts = [e.text for e in after.effects if isinstance(e, Say | ProposeDraft | HandOff)]
    return "\n".join(texts)

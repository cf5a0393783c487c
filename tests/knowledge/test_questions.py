"""What the three demo businesses are asked: seventy-nine questions that their documents answer, each from the right section,
and forty-one that they do not, of which none is answered. The whole turn, over the real search, words and vectors."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dialogue.turns import answer
from domain.turn import NoteGap, Turn
from domain.workspace import Profile
from runtime import files
from runtime.runtime import Runtime
from store.db import new_id
from tests.dialogue.library import ROOT, load, turn
from workers.embeddings import EmbeddingWorker

CASES: dict[str, dict[str, list[Any]]] = load(Path(__file__).with_name("cases") / "questions.yaml")
NOW = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("America/Chicago"))
ANSWERED = [(name, *one) for name, asked in CASES.items() for one in asked["answered"]]
UNKNOWN = [(name, one) for name, asked in CASES.items() for one in asked["unknown"]]


@dataclass(frozen=True, slots=True)
class Open:
    id: UUID
    profile: Profile


@pytest.fixture(scope="module")
async def businesses(rt: Runtime) -> dict[str, Open]:
    made = {}
    for name in CASES:
        file = files.read(ROOT / "demos" / f"{name}.yaml", ROOT)
        identity = file.profile.workspace.model_copy(update={"slug": f"{name}-{new_id()}"})
        file = replace(file, profile=file.profile.model_copy(update={"workspace": identity}))
        workspace_id = await files.apply(rt, file, {"account_sid": "AC1", "auth_token": "token"})
        worker = EmbeddingWorker(rt, workspace_id)
        for one in await worker.claim(1):
            await worker.work(one)
        made[name] = Open(workspace_id, file.profile)
    return made


async def asked(rt: Runtime, business: Open, question: str) -> Turn:
    one = turn(business.profile, question, NOW)
    one = replace(one, conversation=replace(one.conversation, workspace_id=business.id))
    return await answer(one, rt.understander, rt.knowledge)


def test_there_are_enough() -> None:
    assert (len(ANSWERED), len(UNKNOWN)) == (79, 41)


@pytest.mark.parametrize(("name", "question", "section", "words"), ANSWERED)
async def test_it_is_answered_from_the_right_section(
    rt: Runtime, businesses: dict[str, Open], name: str, question: str, section: str, words: str
) -> None:
    done = await asked(rt, businesses[name], question)
    assert done.reply is not None
    assert (done.reply.kind, words.casefold() in done.reply.text.casefold()) == ("knowledge", True), (
        done.reply.text
    )
    cited = [
        one
        for one in done.passages
        if one.source in done.reply.sources and words.casefold() in one.text.casefold()
    ]
    assert section in {one.heading.rpartition(" › ")[2] for one in cited}
    assert all(one.similarity is not None for one in done.passages)


@pytest.mark.parametrize(("name", "question"), UNKNOWN)
async def test_what_no_document_says_is_not_answered(
    rt: Runtime, businesses: dict[str, Open], name: str, question: str
) -> None:
    done = await asked(rt, businesses[name], question)
    assert done.reply is not None
    assert (done.reply.kind, done.reply.sources) == ("unknown", ()), done.reply.text
    assert [effect.question for effect in done.effects if isinstance(effect, NoteGap)] == [question]

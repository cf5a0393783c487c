"""How well a business's questions are answered: its file and documents are learnt into an embedded database, and every
question goes through a whole turn, skills and all, without a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dialogue.answers import units_of
from dialogue.turns import answer
from domain.turn import Action, Author, Conversation, Line, Turn
from domain.workspace import Profile
from frontdesk.quality.labelled import OUT_OF_SCOPE, BadFile, Sentence
from frontdesk.quality.retrieval import bare_runtime
from runtime import files
from runtime.runtime import Runtime
from store.db import new_id
from workers.embeddings import EmbeddingWorker

DAY, CLOCK = date(2026, 11, 23), time(10)
"""A Monday morning at the business, so that two runs say the same."""
_NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the section that answers it, `oos` for none, and what was said."""

    text: str
    label: str
    said: str
    cited: frozenset[str]
    answered: bool
    first: bool
    """A person is asked before it leaves."""
    ms: float

    @property
    def right(self) -> bool:
        return not self.answered if self.label == OUT_OF_SCOPE else self.label in self.cited


@dataclass(frozen=True, slots=True)
class Figures:
    asked: Sequence[Asked]

    def as_json(self) -> dict[str, Any]:
        known = [one for one in self.asked if one.label != OUT_OF_SCOPE]
        unknown = [one for one in self.asked if one.label == OUT_OF_SCOPE]
        times = sorted(one.ms for one in self.asked)
        return {
            "n": len(self.asked), "answerable": len(known), "unanswerable": len(unknown),
            "right": sum(one.right for one in known),
            "wrong": sum(one.answered and not one.right for one in known),
            "not_answered": sum(not one.answered for one in known),
            "invented": sum(one.answered for one in unknown),
            "a_person_first": sum(one.first for one in self.asked),
            "p50_ms": round(times[len(times) // 2], 1),
        }  # fmt: skip

    def misses(self) -> list[dict[str, str]]:
        return [
            {"text": one.text, "label": one.label, "said": one.said} for one in self.asked if not one.right
        ]


async def measure(file: Path, sentences: Sequence[Sentence]) -> Figures:
    """Raise BadFile, `files.BadFile`."""
    business = files.read(file)
    _known(business, sentences, file)
    async with bare_runtime() as (rt, _):
        workspace = business.profile.workspace.model_copy(update={"slug": f"eval-{new_id()}"})
        profile = business.profile.model_copy(update={"workspace": workspace})
        workspace_id = await files.apply(rt, replace(business, profile=profile))
        worker = EmbeddingWorker(rt, workspace_id)
        for one in await worker.claim(1):
            await worker.work(one)
        return Figures([await _ask(rt, workspace_id, business.profile, one) for one in sentences])


def _known(business: files.WorkspaceFile, sentences: Sequence[Sentence], file: Path) -> None:
    sections = {_last(chunk.heading) or one.title for one in business.documents for chunk in one.chunks}
    strange = sorted({one.label for one in sentences} - sections - {OUT_OF_SCOPE})
    if strange:
        raise BadFile(
            f"no document of {file} has a section {strange[0]!r}; a label is a heading, or {OUT_OF_SCOPE}"
        )


async def _ask(rt: Runtime, workspace_id: UUID, profile: Profile, sentence: Sentence) -> Asked:
    now = datetime.combine(DAY, CLOCK, ZoneInfo(profile.workspace.timezone))
    conversation = Conversation(
        new_id(), workspace_id, _NOWHERE, _NOWHERE, channel_kind="twilio_sms", epoch=1, disclosed=True
    )
    before = Turn(conversation, profile, (Line(1, Author.CONTACT, sentence.text, now),), now)
    begun = perf_counter()
    after = await answer(before, rt.understander, rt.knowledge, rt.skills)
    ms = (perf_counter() - begun) * 1000
    reply, decided = after.reply, after.decision
    cited = [
        _last(one.heading) or one.source
        for one in after.passages
        if reply and one.source in reply.sources and any(u.text in reply.text for u in units_of(one))
    ]
    return Asked(
        sentence.text, sentence.label, reply.text if reply else "", frozenset(cited), bool(cited),
        bool(decided and decided.action is Action.DRAFT), ms,
    )  # fmt: skip


def _last(heading: str) -> str:
    return heading.rpartition(" › ")[2]

"""Questions that nobody could answer, as the business sees them: what customers ask and no document says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from store.db import Tx, new_id

_ADD = text(
    "insert into knowledge_gap (workspace_id, id, conversation_id, turn_id, question, language)"
    " values (:w, :id, :conversation, :turn, :question, :language)"
)
_UNGROUPED = text(
    "select id, question from knowledge_gap where group_id is null and state = 'open' order by created_at, id limit :limit"
)
_KNOWN = text(
    "select distinct on (group_id) group_id, question from knowledge_gap where group_id is not null and state = 'open'"
    " order by group_id, created_at limit :limit"
)
_GROUP = text("update knowledge_gap set group_id = :group where id = :id and group_id is null")
_LISTED = text(
    "select * from (select coalesce(group_id, id) as group_id, count(*) as times, max(created_at) as last_at,"
    "  min(created_at) as first_at, (array_agg(question order by created_at desc))[1:5] as questions,"
    "  (array_agg(conversation_id order by created_at desc))[1:5] as conversations"
    "  from knowledge_gap where state = :state group by 1) g"
    " where cast(:before as timestamptz) is null or (last_at, group_id) < (:before, cast(:before_id as uuid))"
    " order by last_at desc, group_id desc limit :limit"
)
_SETTLE = text(
    "update knowledge_gap set state = :state where coalesce(group_id, id) = :group and state = 'open'"
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask the same: the newest five in the customers' words, and how often it was asked."""

    id: UUID
    times: int
    questions: tuple[str, ...]
    conversations: tuple[UUID, ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """`id` is the gap's, or the group's that it stands for."""

    id: UUID
    text: str


async def add(tx: Tx, conversation_id: UUID, turn_id: UUID, question: str, language: str) -> None:
    values = {
        "w": tx.workspace_id, "id": new_id(), "conversation": conversation_id, "turn": turn_id, "language": language,
        "question": tx.vault.seal("knowledge_gap.question", question),
    }  # fmt: skip
    await tx.execute(_ADD, values)


async def ungrouped(tx: Tx, limit: int) -> list[Question]:
    return [_question(tx, row.id, row.question) for row in await tx.execute(_UNGROUPED, {"limit": limit})]


async def known(tx: Tx, limit: int) -> list[Question]:
    """One question of every group that is open."""
    return [_question(tx, row.group_id, row.question) for row in await tx.execute(_KNOWN, {"limit": limit})]


def _question(tx: Tx, key: UUID, sealed: bytes) -> Question:
    return Question(key, tx.vault.open("knowledge_gap.question", bytes(sealed)))


async def group(tx: Tx, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """(gap, group) pairs."""
    for gap, group_id in pairs:
        await tx.execute(_GROUP, {"id": gap, "group": group_id})


async def listed(tx: Tx, state: str, before: tuple[datetime, UUID] | None, limit: int) -> list[Gap]:
    """The newest first."""
    at, key = before or (None, None)
    rows = await tx.execute(_LISTED, {"state": state, "before": at, "before_id": key, "limit": limit})
    return [
        Gap(
            row.group_id, row.times,
            tuple(tx.vault.open("knowledge_gap.question", bytes(one)) for one in row.questions),
            tuple(row.conversations), row.first_at, row.last_at,
        )
        for row in rows
    ]  # fmt: skip


async def settle(tx: Tx, group_id: UUID, state: str) -> bool:
    """Answered meanwhile, or not worth a document; False when nothing of it is open."""
    return bool((await tx.execute(_SETTLE, {"group": group_id, "state": state})).rowcount)

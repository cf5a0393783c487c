"""Runs of skills: what is under way in a conversation, and what became of it."""

import json
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.skill import Run, RunState
from store.db import Tx

MOST = 8
"""Runs under way at once in one conversation; older ones wait unseen until these end."""

_COLUMNS = "id, skill, goal, state, began_seq, body, touched_at"
_ACTIVE = text(
    f"select {_COLUMNS} from skill_run where conversation_id = :conversation and state = 'active'"  # noqa: S608
    " order by touched_at desc, began_seq desc limit :limit"
)
_SAVE = text(
    "insert into skill_run (workspace_id, id, conversation_id, contact_id, skill, goal, state, began_seq, body, turn_id)"
    " values (:w, :id, :conversation, :contact, :skill, :goal, :state, :began, :body, :turn)"
    " on conflict (workspace_id, id) do update set state = excluded.state, goal = excluded.goal, body = excluded.body,"
    " turn_id = excluded.turn_id, version = skill_run.version + 1, touched_at = frontdesk_now()"
    " where skill_run.state in ('active', 'waiting')"
)
_ONE = text(f"select {_COLUMNS}, contact_id from skill_run where id = :id")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS}, conversation_id, contact_id from skill_run"  # noqa: S608
    " where (cast(:skill as text) is null or skill = :skill) and (cast(:state as text) is null or state = :state)"
    " and (cast(:conversation as uuid) is null or conversation_id = :conversation)"
    " and (cast(:before as uuid) is null or (touched_at, id) < (select touched_at, id from skill_run where id = :before))"
    " order by touched_at desc, id desc limit :limit"
)


async def active(tx: Tx, conversation_id: UUID) -> tuple[Run, ...]:
    """The one touched last comes first."""
    rows = await tx.execute(_ACTIVE, {"conversation": conversation_id, "limit": MOST})
    return tuple(_run(tx, row) for row in rows)


async def get(tx: Tx, run_id: UUID) -> tuple[Run, UUID] | None:
    """The run as it stands, and its contact."""
    row = (await tx.execute(_ONE, {"id": run_id})).first()
    return (_run(tx, row), row.contact_id) if row else None


async def save(tx: Tx, conversation_id: UUID, contact_id: UUID, turn_id: UUID | None, run: Run) -> None:
    """As it stands now. What has ended stays as it ended."""
    body = {"slots": run.slots, "memory": run.memory, "read_back": run.read_back, "result": run.result}
    await tx.execute(
        _SAVE,
        {
            "w": tx.workspace_id, "id": run.id, "conversation": conversation_id, "contact": contact_id,
            "skill": run.skill, "goal": run.goal, "state": run.state.value, "began": run.began_seq,
            "body": tx.vault.seal("skill_run.body", json.dumps(to_jsonable_python(body, fallback=str))),
            "turn": turn_id,
        },
    )  # fmt: skip


async def page(
    tx: Tx,
    *,
    skill: str | None,
    state: str | None,
    conversation_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[tuple[Run, UUID, UUID]]:
    """(run, conversation, contact), the one touched last first."""
    values = {
        "skill": skill,
        "state": state,
        "conversation": conversation_id,
        "before": before,
        "limit": limit,
    }
    rows = await tx.execute(_PAGE, values)
    return [(_run(tx, row), row.conversation_id, row.contact_id) for row in rows]


def _run(tx: Tx, row: Any) -> Run:
    body = json.loads(tx.vault.open("skill_run.body", bytes(row.body)))
    return Run(
        row.id, row.skill, row.goal, row.began_seq, RunState(row.state), body["slots"], body["memory"],
        body["read_back"], row.touched_at, body["result"],
    )  # fmt: skip

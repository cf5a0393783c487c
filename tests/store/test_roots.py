"""One contact is read where one is asked for, however many the business has."""

import pytest
from sqlalchemy import TextClause, text

from store import outbox, templates, turns
from store.db import new_id
from tests.rig import Desk

ASKED = {"turn": turns._HOLD, "message": outbox._THREAD, "template": templates._WAITING}

_MANY = text(
    "insert into contact (workspace_id, id) select frontdesk_workspace(), uuidv7() from generate_series(1, 3000)"
)


@pytest.mark.parametrize("statement", ASKED.values(), ids=ASKED)
async def test_their_contact_is_found_in_the_index(desk: Desk, statement: TextClause) -> None:
    """Under the application's role: row-level security is what kept Postgres from it."""
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await tx.execute(_MANY)
        rows = await tx.execute(text(f"explain {statement.text}"), {"id": new_id()})
        plan = "\n".join(row[0] for row in rows)
    assert "Index Scan using contact_pkey on contact p" in plan, plan
    assert "AND (id = CASE WHEN" in plan, plan

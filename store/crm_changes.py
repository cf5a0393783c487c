"""What passed between a contact and its other half in a CRM, value by value."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.crm_contacts import Half
from store.db import Tx, new_id

_CHANGED = text(
    "insert into crm_change (workspace_id, id, link_id, contact_id, conversation_id, field, outcome, ours, theirs)"
    " values (:w, :id, :link, :contact, :conversation, :field, :outcome, :ours, :theirs)"
)
_HISTORY = text(
    "select n, contact_id, conversation_id, field, outcome, ours, theirs, at from crm_change"
    " where (cast(:contact as uuid) is null or contact_id = :contact)"
    " and (cast(:before as bigint) is null or n < :before) order by n desc limit :limit"
)


@dataclass(frozen=True, slots=True)
class Passed:
    """One value that passed, or did not. `outcome` as in domain.crm.Verdict."""

    field: str
    outcome: str
    ours: Any
    theirs: Any


async def passed(tx: Tx, half: Half, conversation_id: UUID | None, changes: Collection[Passed]) -> None:
    for one in changes:
        values: dict[str, Any] = {
            "w": tx.workspace_id, "id": new_id(), "link": half.link_id, "contact": half.contact_id,
            "conversation": conversation_id, "field": one.field, "outcome": one.outcome,
        }  # fmt: skip
        for name in ("ours", "theirs"):
            values[name] = tx.vault.seal(f"crm_change.{name}", json.dumps(getattr(one, name), default=str))
        await tx.execute(_CHANGED, values)


async def history(tx: Tx, contact_id: UUID | None, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Newest first."""
    rows = await tx.execute(_HISTORY, {"contact": contact_id, "before": before, "limit": limit})
    return [dict(row._mapping) | {
        name: json.loads(tx.vault.open(f"crm_change.{name}", bytes(getattr(row, name)))) for name in ("ours", "theirs")
    } for row in rows]  # fmt: skip

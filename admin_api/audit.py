"""The audit: who did what to which thing, as a chain that shows when somebody changed it. Ids and codes only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from admin_api import pagination
from admin_api.auth import Admitted, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Told
from store import audit

router = APIRouter(prefix="/audit", route_class=guarded(read=Right.AUDIT), tags=["audit"])


class Entry(Told):
    n: int
    at: Moment
    actor: str
    verb: str
    object_kind: str
    object_id: UUID | None
    details: dict[str, Any]


@router.get("")
async def listed(
    here: Admitted, object_id: UUID | None = None,
    verb: Annotated[str | None, Query(max_length=60, pattern="^[a-z_]*$")] = None,
    limit: Limit = LIMIT, cursor: Cursor = None,
) -> Page[Entry]:  # fmt: skip
    """The newest first; of one thing, or of one kind of deed."""
    before = pagination.read_seq("audit", cursor)
    async with here.transaction() as tx:
        rows = await audit.page(tx, object_id=object_id, verb=verb or None, before=before, limit=limit + 1)
    return pagination.page(rows, limit, Entry.model_validate, lambda row: pagination.write("audit", row.n))

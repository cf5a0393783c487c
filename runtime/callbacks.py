"""Who waits for a call, from our own tables."""

from uuid import UUID

from domain.callback import Awaited
from store import callbacks
from store.db import Database


class StoredCalls:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def standing(self, workspace_id: UUID, contact_id: UUID) -> Awaited:
        async with self._db.transaction(workspace_id) as tx:
            return await callbacks.standing(tx, contact_id)

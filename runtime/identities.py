"""Where one-time codes can go: what the store knows of a contact's verified addresses."""

from uuid import UUID

from domain.identity import Way
from store import identities
from store.db import Database


class StoredIdentities:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def way(self, workspace_id: UUID, contact_id: UUID, thread_id: UUID) -> Way | None:
        async with self._db.transaction(workspace_id) as tx:
            return await identities.way(tx, contact_id, thread_id)

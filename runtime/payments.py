"""What a customer was asked to pay, and where: from our own tables."""

from uuid import UUID

from domain.payment import WAITS, Due
from store import payments
from store.db import Database


class StoredPayments:
    def __init__(self, db: Database, public_url: str, *, ready: bool) -> None:
        self._db, self._public_url, self._ready = db, public_url, ready

    async def due(self, workspace_id: UUID, contact_id: UUID) -> Due:
        async with self._db.transaction(workspace_id) as tx:
            found = await payments.of_contact(tx, contact_id)
        links = {one.id: page(self._public_url, one.page) for one in found if one.state in WAITS and one.url}
        return Due(found, self._ready, links)


def page(public_url: str, end: str) -> str:
    """Where a customer pays, or reads what became of it."""
    return f"{public_url}/pay/{end}"

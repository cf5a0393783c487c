"""How files of listings come in: batch by batch, each kept when it is done, so that an import that stopped half-way
goes on when it is started again."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.listings import feed
from domain.listings.feed import Format, Row
from domain.tables import Bad
from store import audit, listings
from store.db import Database
from store.listings import Counted

BATCH = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """Every row is counted in one of these: new, changed, same, older, bad."""

    rows: int
    counted: Counted
    bad: tuple[Bad, ...]


async def take(
    db: Database, workspace_id: UUID, text: str, actor: str, format_: Format | None = None
) -> Taken:
    """Raise ValueError when it is no file of listings at all."""
    async with db.transaction(workspace_id) as tx:
        now = tx.now
    found, bad = feed.read(text, now, format_)
    counted = Counted()
    for batch in _batches(found):
        async with db.transaction(workspace_id) as tx:
            counted += await listings.put(tx, [row.listing for row in batch])
    async with db.transaction(workspace_id) as tx:
        told = {"rows": len(found), "refused": len(bad), "new": counted.new, "changed": counted.changed}
        await audit.add(tx, actor, "listings_imported", "workspace", workspace_id, **told)
    return Taken(len(found) + len(bad), counted, tuple(bad))


def _batches(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

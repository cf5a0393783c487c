"""Homes that customers keep in mind, the one kept last at the end."""

from uuid import UUID

from sqlalchemy import text

from domain.listings.home import Listing
from domain.listings.shortlist import MOST, KeepHome, LetHomeGo
from store.db import Tx
from store.listings import COLUMNS, listing

# Whoever was merged into them has kept theirs under the contact that they were.
_THEIRS = "s.contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
_OF = "l." + COLUMNS.replace(", ", ", l.")
_LIST = text(
    f"select {_OF} from shortlisted s join listing l on l.workspace_id = s.workspace_id and l.key = s.key"  # noqa: S608
    f" where {_THEIRS} group by l.workspace_id, l.key order by min(s.added_at), l.key limit :most"
)
_KEEP = text(
    "insert into shortlisted (workspace_id, contact_id, key)"
    " select :w, :contact, l.key from listing l where l.key = :key on conflict do nothing"
)
_DROP = text(f"delete from shortlisted s where s.key = :key and {_THEIRS}")  # noqa: S608


async def of_contact(tx: Tx, contact_id: UUID) -> list[Listing]:
    """As they stand now, those that are sold included."""
    return [listing(row) for row in await tx.execute(_LIST, {"contact": contact_id, "most": MOST})]


async def keep(tx: Tx, effect: KeepHome) -> None:
    """A second time changes nothing."""
    await tx.execute(_KEEP, {"w": tx.workspace_id, "contact": effect.contact_id, "key": effect.key})


async def drop(tx: Tx, effect: LetHomeGo) -> None:
    await tx.execute(_DROP, {"contact": effect.contact_id, "key": effect.key})

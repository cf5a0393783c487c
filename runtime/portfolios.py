"""Portfolios from our own tables, and how files of them come in."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain import holdings
from domain.holdings import Bad
from domain.portfolio import Account
from store import portfolios, positions
from store.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Taken:
    """`rows` that are in now, and those that are not, each with its line and why."""

    rows: int
    bad: tuple[Bad, ...]


class StoredPortfolio:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def accounts(self, workspace_id: UUID, contact_id: UUID) -> Sequence[Account]:
        async with self._db.transaction(workspace_id) as tx:
            return await positions.of_contact(tx, contact_id)


async def take_holdings(tx: Tx, text: str, actor: str = "system") -> Taken:
    """Raise ValueError when it is no file of holdings at all."""
    found, bad = holdings.accounts(text)
    rows, refused = await portfolios.take(tx, found, actor)
    return Taken(rows, tuple(sorted([*bad, *refused], key=lambda one: one.line)))


async def take_prices(tx: Tx, text: str) -> Taken:
    """Raise ValueError when it is no file of prices at all."""
    found, bad = holdings.closes(text)
    await portfolios.put_closes(tx, found)
    return Taken(len(found), tuple(bad))

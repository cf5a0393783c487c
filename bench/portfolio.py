"""What a client holds, read, priced and added up, among very many clients; beside its rows as one bare SQL query."""

import random
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.search import spread
from domain.messages import Address, Scheme
from domain.portfolio import Account, Position, since, standing
from frontdesk.quality.retrieval import bare_runtime
from runtime import files
from store import contacts, portfolios, positions
from store.db import Database, Tx, new_id
from store.portfolios import Close

SYMBOLS = [f"{first}{second}X" for first in "ABCDEFGHIJ" for second in "KLMNOPQRST"]
HELD, DAYS, TOGETHER = 12, 30, 500
BARE = (
    "select a.id, a.body, p.symbol, p.quantity, c.day, c.amount from portfolio_account a join portfolio_position p"
    " on p.workspace_id = a.workspace_id and p.account_id = a.id left join price c on c.workspace_id = p.workspace_id"
    " and c.symbol = p.symbol where a.workspace_id = %s and a.contact_id = %s"
)


async def run(clients: int = 10_000, questions: int = 300) -> dict[str, Any]:
    async with bare_runtime() as (rt, postgres):
        business = {"workspace": {"slug": "adviser", "name": "adviser", "timezone": "UTC"}}
        home = await files.apply(rt, files.check(business, "portfolio", Path.cwd()))
        known = await _fill(rt.db, home, clients)
        async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as owner:
            await owner.execute("vacuum analyze")
            drawn = random.Random(7)  # noqa: S311
            month_ago = datetime.now(UTC).date() - timedelta(days=20)
            times: list[float] = []
            floor: list[float] = []
            for one in (drawn.choice(known) for _ in range(questions)):
                begun = time.perf_counter()
                await (await owner.execute(BARE, (home, one))).fetchall()
                floor.append((time.perf_counter() - begun) * 1000)
                begun = time.perf_counter()
                async with rt.db.transaction(home) as tx:
                    held = await positions.of_contact(tx, one)
                standing(held, "USD")
                since(held, "USD", month_ago)
                times.append((time.perf_counter() - begun) * 1000)
    found = spread("floor_", floor) | spread("", times)
    ratio = round(found["p99_ms"] / max(found["floor_p99_ms"], 0.01), 1)
    return {
        "clients": clients,
        "positions": clients * HELD,
        "questions": questions,
        **found,
        "ratio_p99": ratio,
    }


async def _fill(db: Database, home: UUID, clients: int) -> list[UUID]:
    drawn, known = random.Random(3), list[UUID]()  # noqa: S311
    async with db.transaction(home) as tx:
        today = datetime.now(UTC).date()
        await portfolios.put_closes(tx, [one for symbol in SYMBOLS for one in _closes(drawn, symbol, today)])
    while len(known) < clients:
        async with db.transaction(home) as tx:
            for _ in range(min(TOGETHER, clients - len(known))):
                known.append(await _client(tx, drawn, len(known)))
    return known


async def _client(tx: Tx, drawn: random.Random, n: int) -> UUID:
    who = await contacts.hold(tx, Address(Scheme.TEL, f"+1512{2_000_000 + n}"))
    held = tuple(
        Position(symbol, symbol.title(), "stock", Decimal(drawn.randint(1, 500)))
        for symbol in drawn.sample(SYMBOLS, HELD)
    )
    account = Account(new_id(), "Brokerage", "0007", "USD", Decimal(4000), held, "csv", str(n))
    await portfolios.put(tx, who.contact_id, account)
    return who.contact_id


def _closes(drawn: random.Random, symbol: str, today: date) -> list[Close]:
    return [
        Close(symbol, "USD", today - timedelta(days=day), Decimal(drawn.randint(1_000, 90_000)) / 100)
        for day in range(DAYS)
    ]


def told(found: dict[str, Any]) -> str:
    """For people."""
    return (
        f"{found['clients']:,} clients with {found['positions']:,} positions; one of them read, priced and added up: p50"
        f" {found['p50_ms']} ms, p99 {found['p99_ms']} ms; the rows as bare SQL: p50 {found['floor_p50_ms']} ms, p99"
        f" {found['floor_p99_ms']} ms ({found['ratio_p99']} times)"
    )

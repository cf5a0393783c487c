"""One statement with the transaction around it, in one round trip: for the door, where every one of them is waited for."""

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.wire import Wire, sql_of

_ALIVE = text("select 1")
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Stroke:
    """`enter` begins the transaction; its parameters and the statement's have different names. The statement is planned
    once a connection, under the role that `enter` takes: a plan of another role is no good under row-level security."""

    def __init__(self, name: str, enter: str, statement: TextClause) -> None:
        written = sql_of(statement)
        order = list(dict.fromkeys(_PARAMETER.findall(written)))
        placed = _PARAMETER.sub(lambda found: f"${order.index(found[1]) + 1}", written)
        given = ", ".join(f"%({one})s" for one in order)
        self._name, execute = name, f"execute {name} ({given}); commit"
        self._later = f"{enter}; {execute}"
        self._first = f"{enter}; prepare {name} as {placed.replace('%', '%%')}; {execute}"

    async def strike(self, connection: AsyncConnection, values: Mapping[str, Any]) -> None:
        """Committed when it returns. Raise what the engine would; the connection is then not used again, and what was
        done may have been committed, if it was the answer that was lost."""
        raw: Any = (await connection.get_raw_connection()).driver_connection
        planned: set[str] = connection.info.setdefault("strokes", set())
        try:
            if self._name not in planned or not await self._again(raw, values):
                await psycopg.AsyncClientCursor(raw).execute(self._first, values)
        except psycopg.Error as error:
            if raw.closed:  # the engine finds out for itself, and drops all that are as old
                await connection.execute(_ALIVE)
            await connection.invalidate(error)
            raise await Wire(connection, raw).named(error, self._name) from error
        planned.add(self._name)

    async def _again(self, raw: Any, values: Mapping[str, Any]) -> bool:
        """False, and nothing is done, when the plan is gone: the driver drops all of a connection's after a rollback."""
        try:
            await psycopg.AsyncClientCursor(raw).execute(self._later, values)
        except psycopg.errors.InvalidSqlStatementName:
            await raw.rollback()
            return False
        return True

"""One statement with the transaction around it, in one round trip: for the door, where every one of them is waited for."""

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.wire import Wire, sql_of

_ALIVE = text("select 1")
_PLANS = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)
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
        try:
            await self._execute(raw, values)
        except psycopg.Error as error:
            if raw.closed:  # the engine finds out for itself, and drops all that are as old
                await connection.execute(_ALIVE)
            await connection.invalidate(error)
            raise await Wire(connection, raw).named(error, self._name) from error

    async def _execute(self, raw: Any, values: Mapping[str, Any]) -> None:
        """The plan may be gone, for the driver drops all of a connection's after a rollback; behind a pooler it may also
        be another's. Then nothing was done."""
        for sql in (self._later, self._first):
            try:
                await psycopg.AsyncClientCursor(raw).execute(sql, values)
                return
            except _PLANS:
                await raw.rollback()
        await psycopg.AsyncClientCursor(raw).execute(self._later, values)

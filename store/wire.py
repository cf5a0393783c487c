"""Statements on their way to Postgres: SQLAlchemy keeps the pool and names the errors, the driver executes."""

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import RowMaker, no_result
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]

Values = Mapping[str, Any]


class Result:
    """What a statement returned, all of it. Reads like SQLAlchemy's; a row's columns are its attributes."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:
        if len(self._rows) > 1:
            raise MultipleResultsFound("more than one row where at most one was to be")
        return self.first()

    def one(self) -> Any:
        if not self._rows:
            raise NoResultFound("no row where one was to be")
        return self.one_or_none()

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalars(self) -> list[Any]:
        return [row[0] for row in self._rows]


class Wire:
    """A pool's connection inside a transaction that was begun on it. The way through the engine costs as much CPU again
    as the statement, for compiling, events and results that one written by hand does not need: ADR 20."""

    __slots__ = ("_connection", "_raw")

    def __init__(self, connection: AsyncConnection, raw: "psycopg.AsyncConnection[Any]") -> None:
        self._connection, self._raw = connection, raw

    async def execute(self, statement: TextClause, values: Values | Sequence[Values] | None = None) -> Result:
        """Raise what the engine would: OperationalError and the rest of sqlalchemy.exc, without the values."""
        sql = sql_of(statement)
        try:
            cursor = self._raw.cursor(row_factory=_row)
            if isinstance(values, Sequence):
                await cursor.executemany(sql, values)
                return Result([], cursor.rowcount)
            await cursor.execute(sql, values or {})
            rows = await cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []
            return Result(rows, cursor.rowcount)
        except psycopg.Error as error:
            raise await self.named(error, sql) from error

    async def scalar(self, statement: TextClause, values: Values | None = None) -> Any:
        return (await self.execute(statement, values)).scalar()

    async def commit(self) -> None:
        try:
            await self._raw.commit()
        except psycopg.Error as error:
            raise await self.named(error, "commit") from error

    async def close(self) -> None:
        """Rolls back what was not committed."""
        await self._connection.close()

    async def named(self, error: psycopg.Error, sql: str) -> BaseException:
        """The error in the engine's family. A connection that is gone does not come back to the pool."""
        gone = self._raw.closed
        if gone:
            await self._connection.invalidate(error)
        return DBAPIError.instance(
            sql,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=_DIALECT,
        )


@lru_cache(maxsize=1024)
def sql_of(statement: TextClause) -> str:
    """With the driver's placeholders."""
    return str(statement.compile(dialect=_DIALECT))


def _row(cursor: "psycopg.AsyncCursor[Any]") -> RowMaker[Any]:
    result = cursor.pgresult
    if result is None or not result.nfields:
        return no_result
    make: RowMaker[Any] = _row_class(tuple(result.fname(n) or b"" for n in range(result.nfields)))._make
    return make


@lru_cache(maxsize=1024)
def _row_class(names: tuple[bytes, ...]) -> Any:
    fields = namedtuple("Row", [name.decode() for name in names], rename=True)  # type: ignore[misc]
    return type("Row", (fields,), {"__slots__": (), "_mapping": property(fields._asdict)})

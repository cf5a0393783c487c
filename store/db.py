"""The only engine and the only commit."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import uuid_utils.compat as uuids
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import ProgrammingError as ProgrammingFault
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from domain.ports import Clock
from store.crypto import Keyring, SealedKey, Vault
from store.stroke import Stroke
from store.wire import Result, Wire

TRACE: ContextVar[str] = ContextVar("trace", default="")
"""The id of the request that this task serves. Messages that are written keep it (their column's default), so that
logs can follow one from the webhook to the provider."""

_ENTER = text(
    "select set_config('role', :role, true), set_config('app.workspace', :workspace, true),"
    " set_config('app.now', :now, true), frontdesk_now(), set_config('app.trace', :trace, true)"
)
BEGIN = "begin; " + re.sub(r":(\w+)", r"%(\1)s", _ENTER.text)
"""Begins a transaction in a workspace; as the driver reads it."""
_ROLE = text("select set_config('role', :role, true)")
_KEY_COLUMNS = (
    "id, purpose, sealed, sealed_by, created_at <= frontdesk_now() - cast(:settles as interval) as settled"
)
_KEYS = text(f"select {_KEY_COLUMNS} from data_key order by id")  # noqa: S608  (constant columns)
_ACCOUNT_KEYS = text(f"select {_KEY_COLUMNS} from account_key order by id")  # noqa: S608
_ADD_ACCOUNT_KEY = text(
    "insert into account_key (id, purpose, sealed, sealed_by) values (:id, :purpose, :sealed, :sealed_by)"
    " on conflict (id) do nothing"
)

NOBODYS = UUID(int=0)
"""What the keys of accounts are bound to, as a workspace's are to its id."""

KEYS_KEPT_S = 60.0
"""After this the keys of a workspace are read again: somebody may have added one."""
KEY_SETTLES = timedelta(minutes=5)
"""From this age on a new data key is used: by then everybody has read it, and can open what it sealed."""

NOT_MIGRATED = (ProgrammingFault,)
"""What a database without our tables or functions raises."""

UNAVAILABLE = (OperationalError, PoolTimeout, ConnectionError)
"""What a database that is away, full or stopping raises."""

UNWRITABLE = (DataError,)
"""What it raises at a value that no column can hold: the NUL character, a number beyond all bounds."""


def is_collision(error: Exception) -> bool:
    """Two transactions stood in each other's way; the same one, tried again, will do."""
    code = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return code in ("40001", "40P01", "55P03")


def new_id() -> UUID:
    """A UUIDv7: sorts by the time it was made."""
    return uuids.uuid7()


class SystemClock:
    """The database's clock is the truth."""

    frozen: datetime | None = None


@dataclass(slots=True)
class Tx:
    """One transaction in one workspace. `now` is the database's clock when it began."""

    db: Wire
    workspace_id: UUID
    now: datetime
    vault: Vault

    async def execute(self, statement: Any, values: Any = None) -> Result:
        return await self.db.execute(statement, values)


@dataclass(frozen=True, slots=True)
class PoolUse:
    in_use: int
    most: int


@dataclass(slots=True)
class Dispatch:
    """One transaction over all workspaces, which sees ids, due times and leases only."""

    db: Wire
    now: datetime


@dataclass(slots=True)
class Accounts:
    """One transaction over those who sign in and the businesses that they are in; nothing of the businesses."""

    db: Wire
    now: datetime
    vault: Vault


_SHARED: ContextVar[Dispatch | None] = ContextVar("shared", default=None)


class Database:
    def __init__(self, url: str, keyring: Keyring, *, clock: Clock | None = None, pool: int = 8) -> None:
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url), pool_size=pool, max_overflow=0, pool_timeout=10, pool_pre_ping=False,
            isolation_level="AUTOCOMMIT",  # the driver begins nothing: `_enter` does, in one round trip with the rest
            pool_use_lifo=True,  # the connection used last has the plans that are wanted next
        )  # fmt: skip
        self.keyring = keyring
        self.clock: Clock = clock or SystemClock()
        self._vaults: dict[UUID, tuple[float, Vault]] = {}

    @asynccontextmanager
    async def transaction(self, workspace_id: UUID) -> AsyncIterator[Tx]:
        """Everything inside sees this workspace only, and is committed together at the end, or not at all."""
        async with self._begin("frontdesk_app", str(workspace_id)) as (connection, now):
            yield Tx(connection, workspace_id, now, await self._vault(connection, workspace_id))

    @asynccontextmanager
    async def dispatch(self) -> AsyncIterator[Dispatch]:
        shared = _SHARED.get()
        if shared is not None:
            yield shared
            return
        async with self._begin("frontdesk_dispatch", "") as (connection, now):
            yield Dispatch(connection, now)

    @asynccontextmanager
    async def dispatch_shared(self) -> AsyncIterator[None]:
        """Every `dispatch` that this task begins inside is one and the same: many may ask for what is due at the
        price of one. What one of them claims is theirs when the block ends."""
        async with self.dispatch() as dispatch:
            before = _SHARED.set(dispatch)
            try:
                yield
            finally:
                _SHARED.reset(before)

    @asynccontextmanager
    async def found(self, workspace_id: UUID) -> AsyncIterator[Tx]:
        """The transaction in which a workspace that has no keys yet is created."""
        keys = self.keyring.new_keys(workspace_id)
        async with self._begin("frontdesk_app", str(workspace_id)) as (connection, now):
            yield Tx(connection, workspace_id, now, self.keyring.vault(workspace_id, keys))
            for key in keys:
                await connection.execute(_ADD_KEY, {"workspace": workspace_id, **vars_of(key)})

    @asynccontextmanager
    async def accounts(self) -> AsyncIterator[Accounts]:
        if NOBODYS not in self._vaults:
            await self._make_account_keys()
        async with self._begin("frontdesk_accounts", "") as (connection, now):
            yield Accounts(connection, now, await self._vault(connection, NOBODYS))

    @asynccontextmanager
    async def accounts_within(self, tx: Tx) -> AsyncIterator[Accounts]:
        """The same inside a workspace's transaction: both are committed, or neither. Somebody has looked at the
        accounts before, so that their keys are there."""
        await tx.execute(_ROLE, {"role": "frontdesk_accounts"})
        yield Accounts(tx.db, tx.now, await self._vault(tx.db, NOBODYS))
        await tx.execute(_ROLE, {"role": "frontdesk_app"})

    async def strike(self, workspace_id: UUID, stroke: Stroke, values: Mapping[str, Any]) -> None:
        """`transaction`, for one statement whose answer nobody needs, in one round trip."""
        connection = await self.engine.connect()
        try:
            entry = self._entry("frontdesk_app", str(workspace_id))
            await stroke.strike(connection, {**entry, **values})
        finally:
            await asyncio.shield(connection.close())

    async def vault(self, workspace_id: UUID) -> Vault:
        """To seal with before a transaction is begun."""
        known = self._known_vault(workspace_id)
        if known is not None:
            return known
        async with self.transaction(workspace_id) as tx:
            return tx.vault

    def forget_keys(self, workspace_id: UUID) -> None:
        """After a rotation: read them again."""
        self._vaults.pop(workspace_id, None)

    def pool_use(self) -> PoolUse:
        """How many connections this process uses, of how many."""
        pool = self.engine.pool
        assert isinstance(pool, AsyncAdaptedQueuePool)
        return PoolUse(pool.checkedout(), pool.size())

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def _begin(self, role: str, workspace: str) -> AsyncIterator[tuple[Wire, datetime]]:
        try:
            connection, now = await self._enter(role, workspace)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # the server has closed what lay in the pool (a restart); nothing was begun yet
            connection, now = await self._enter(role, workspace)
        try:
            yield connection, now
            await connection.commit()
        finally:
            await asyncio.shield(connection.close())  # rolls back what was not committed

    async def _enter(self, role: str, workspace: str) -> tuple[Wire, datetime]:
        values = self._entry(role, workspace)
        connection = await self.engine.connect()
        try:
            return await _enter_at_once(connection, values)
        except BaseException:
            await asyncio.shield(connection.close())
            raise

    def _entry(self, role: str, workspace: str) -> dict[str, str]:
        frozen = self.clock.frozen
        now = frozen.isoformat() if frozen else ""
        return {"role": role, "workspace": workspace, "now": now, "trace": TRACE.get()}

    def _known_vault(self, workspace_id: UUID) -> Vault | None:
        until, vault = self._vaults.get(workspace_id, (0.0, None))
        return vault if until > asyncio.get_running_loop().time() else None

    async def _vault(self, connection: Wire, workspace_id: UUID) -> Vault:
        vault = self._known_vault(workspace_id)
        if vault is None:
            vault = await self._open_vault(connection, workspace_id)
            self._vaults[workspace_id] = (asyncio.get_running_loop().time() + KEYS_KEPT_S, vault)
        return vault

    async def _open_vault(self, connection: Wire, workspace_id: UUID) -> Vault:
        query = _ACCOUNT_KEYS if workspace_id == NOBODYS else _KEYS
        rows = (await connection.execute(query, {"settles": KEY_SETTLES})).all()
        if not rows:
            raise LookupError(f"there is no workspace {workspace_id}")
        keys = [SealedKey(row.id, row.purpose, bytes(row.sealed), row.sealed_by, row.settled) for row in rows]
        return self.keyring.vault(workspace_id, keys)

    async def _make_account_keys(self) -> None:
        """In a transaction of their own, before anything is sealed by them. Who comes second takes the first's."""
        async with self._begin("frontdesk_accounts", "") as (connection, _):
            if (await connection.execute(_ACCOUNT_KEYS, {"settles": KEY_SETTLES})).first() is None:
                for key in self.keyring.new_keys(NOBODYS):
                    await connection.execute(_ADD_ACCOUNT_KEY, vars_of(key))


async def _enter_at_once(connection: AsyncConnection, values: dict[str, str]) -> tuple[Wire, datetime]:
    """Begin and enter in one round trip, which the driver's own way makes two. What fails is said again through
    the engine, which knows the error's family and what to do with a connection that is gone."""
    raw: Any = (await connection.get_raw_connection()).driver_connection
    try:
        cursor = await psycopg.AsyncClientCursor(raw).execute(BEGIN, values)
        cursor.nextset()
        row = await cursor.fetchone()
        assert row is not None
        return Wire(connection, raw), row[3]
    except psycopg.Error:
        if not raw.closed:
            await raw.rollback()
        await connection.execute(_ENTER, values)
        raise


_ADD_KEY = text(
    "insert into data_key (workspace_id, id, purpose, sealed, sealed_by)"
    " values (:workspace, :id, :purpose, :sealed, :sealed_by)"
)


def vars_of(key: SealedKey) -> dict[str, Any]:
    return {"id": key.id, "purpose": key.purpose, "sealed": key.sealed, "sealed_by": key.sealed_by}


def sqlalchemy_url(url: str) -> str:
    """postgres://… and postgresql://… as SQLAlchemy's psycopg 3 wants it."""
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL must begin with postgresql://, not {scheme}://")
    return f"postgresql+psycopg://{rest}"

"""What the database says of itself: for `doctor` and `audit security`. Counts and names, never words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import migrate
from store.db import Database, Dispatch, Tx

ROLES = ("frontdesk_app", "frontdesk_dispatch", "frontdesk_eraser", "frontdesk_accounts")

_SERVER = text(
    "select current_setting('server_version') as version, clock_timestamp() as now, session_user::text as login,"
    " r.rolsuper as super, r.rolbypassrls as bypasses,"
    " (select extversion from pg_extension where extname = 'vector') as vector,"
    " (to_regclass('alembic_version') is not null) as migrated from pg_roles r where r.rolname = session_user"
)
_ROLES = text(
    "select rolname, rolsuper, rolbypassrls, pg_has_role(session_user, oid, 'member') as ours from pg_roles"
    " where rolname = any(:roles)"
)
_BARE = text(
    "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'"
    " and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))"
    " order by 1"
)
_OWNED = text(
    "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname = 'public' and c.relkind = 'r' and pg_get_userbyid(c.relowner) = session_user"
)
_LATE = {
    "inbox": text(
        "select count(*) as n, min(due_at) as since from unread where due_at < frontdesk_now() - :late"
    ),
    "turns": text(
        "select count(*) as n, min(due_at) as since from conversation where due_at < frontdesk_now() - :late"
        " and (lease_until is null or lease_until < frontdesk_now())"
    ),
    "deliveries": text(
        "select count(*) as n, min(next_attempt_at) as since from delivery where state in ('queued', 'sending', 'unknown')"
        " and next_attempt_at < frontdesk_now() - :late and (lease_until is null or lease_until < frontdesk_now())"
    ),
    "timers": text(
        "select count(*) as n, min(fire_at) as since from timer where state = 'pending'"
        " and fire_at < frontdesk_now() - :late and (lease_until is null or lease_until < frontdesk_now())"
    ),
    "attachments": text(
        "select count(*) as n, min(next_attempt_at) as since from attachment where state = 'pending'"
        " and next_attempt_at < frontdesk_now() - :late and (lease_until is null or lease_until < frontdesk_now())"
    ),
}
_FOREVER = text("select count(*) as n from api_key where revoked_at is null and expires_at is null")
_OWNERS = text(
    "select count(*) filter (where state = 'active') as active,"
    " count(*) filter (where state = 'active' and email is null) as unreachable from person where role = 'owner'"
)


@dataclass(frozen=True, slots=True)
class Server:
    """`revision` is None before the first migration; `now` is the server's own clock."""

    version: str
    login: str
    superuser: bool
    vector: str | None
    revision: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Late:
    """So many have waited longer than they should, the oldest since then."""

    what: str
    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    there: bool
    powerful: bool
    ours: bool
    """May our login take it?"""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do something in one workspace."""

    keys_without_expiry: int
    owners: int
    owners_without_email: int


async def server(db: Database) -> Server:
    async with db.engine.connect() as connection:
        row = (await connection.execute(_SERVER)).one()
    revision = None
    if row.migrated and all(one.ours for one in await roles(db) if one.name == "frontdesk_dispatch"):
        async with db.dispatch() as dispatch:
            revision = await migrate.current(dispatch.db)
    return Server(row.version, row.login, row.super or row.bypasses, row.vector, revision, row.now)


async def roles(db: Database) -> list[Role]:
    """Each role that we need, whether it is there or not."""
    async with db.engine.connect() as connection:
        found = {row.rolname: row for row in await connection.execute(_ROLES, {"roles": list(ROLES)})}
    return [_role(name, found.get(name)) for name in ROLES]


def _role(name: str, row: Any) -> Role:
    if row is None:
        return Role(name, there=False, powerful=False, ours=False)
    return Role(name, there=True, powerful=row.rolsuper or row.rolbypassrls, ours=row.ours)


async def tables_without_security(db: Database) -> list[str]:
    async with db.engine.connect() as connection:
        return [row.relname for row in await connection.execute(_BARE)]


async def owned_tables(db: Database) -> int:
    """How many tables our login owns: an owner may switch row-level security off."""
    async with db.engine.connect() as connection:
        return await _count(connection)


async def _count(connection: AsyncConnection) -> int:
    return int(await connection.scalar(_OWNED) or 0)


async def late(dispatch: Dispatch, by: timedelta) -> list[Late]:
    """What is due for longer than `by` and nobody works on."""
    found = []
    for what, sql in _LATE.items():
        row = (await dispatch.db.execute(sql, {"late": by})).one()
        found.append(Late(what, row.n, row.since))
    return found


async def access(tx: Tx) -> Access:
    keys = (await tx.execute(_FOREVER)).one().n
    owners = (await tx.execute(_OWNERS)).one()
    return Access(keys, owners.active, owners.unreachable)

"""To the newest schema. A newer database than this code is refused, not guessed at."""

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

import migrations
from store import installation
from store.db import sqlalchemy_url
from store.wire import Wire

_LOCK = 7_262_801_941_220_110  # any fixed number: two migrations at once wait for each other
_SCRIPTS = Path(migrations.__file__).parent
ROLES = ("frontdesk_app", "frontdesk_dispatch", "frontdesk_eraser", "frontdesk_accounts")
_MINE = text("select rolname from pg_roles where rolname = any(:roles) and not pg_has_role(rolname, 'SET')")
_THERE = text("select rolname from pg_roles where rolname = any(:roles)")


class NewerDatabase(Exception):
    """The database was migrated by a newer Frontdesk than this one."""


class NotPrepared(Exception):
    """The database lacks a role, a right or an extension; the message says which and what to do."""


class Copy(Exception):
    """The database is a copy that nobody has looked after yet; the message says what to do."""


def migrate(
    url: str, *, grant_to: str = "", copy: Literal["restored", "moved"] | None = None
) -> tuple[str | None, str]:
    """Bring the database at `url` to the newest schema; return (revision before, revision now). `grant_to` is a
    login role that may do the application's work from then on. `copy` says what is known of a database that is
    not where it was; after "restored", `settle_here` ends the matter. Raise NewerDatabase, NotPrepared, Copy."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            before = MigrationContext.configure(connection).get_current_revision()
            _refuse_newer(before)
            _vector(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.execute(text("grant select on alembic_version to frontdesk_app, frontdesk_dispatch"))
            _roles(connection, grant_to)
            _settle(connection, copy)
            return before, newest()
    finally:
        engine.dispose()


def settle_here(url: str, *, restored: bool) -> None:
    """From now on this is the database, and it may be sent from."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            installation.settle(connection, restored=restored)
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this code needs."""
    return str(_scripts().get_current_head())


async def current(connection: Wire) -> str | None:
    """The revision that the database has."""
    revision: str | None = await connection.scalar(text("select version_num from alembic_version"))
    return revision


def _vector(connection: Connection) -> None:
    """Some builds of pgvector let only a superuser create it."""
    if connection.scalar(text("select count(*) from pg_extension where extname = 'vector'")):
        return
    try:
        with connection.begin_nested():
            connection.execute(text("create extension vector"))
    except DBAPIError as error:
        raise NotPrepared(
            f"the extension vector cannot be created ({type(error.orig).__name__}): let a superuser run"
            " `create extension vector` in this database; it is pgvector, for Postgres 18"
        ) from None


def is_new_enough(revision: str | None) -> bool:
    """Ours, or one that we do not know: then newer code has migrated already and is about to replace us; what it
    changed only adds (docs/how-to/upgrade.md)."""
    return revision is not None and (revision == newest() or revision not in _known())


def _roles(connection: Connection, grant_to: str) -> None:
    """The owner must be able to take the roles; so must the login that the application uses."""
    mine = connection.scalars(_MINE, {"roles": list(ROLES)}).all()
    if mine:
        raise NotPrepared(
            f"this login may not take the role{'s' * (len(mine) > 1)} {', '.join(mine)}, which another one has made; "
            f"let a superuser run: grant {', '.join(mine)} to {connection.scalar(text('select current_user'))}"
        )
    if not grant_to:
        return
    if (
        connection.scalar(text("select count(*) from pg_roles where rolname = :name"), {"name": grant_to})
        == 0
    ):
        raise NotPrepared(f"there is no role {grant_to!r}: create it first, with login and nothing else")
    quoted = connection.dialect.identifier_preparer.quote_identifier(grant_to)
    there = connection.scalars(_THERE, {"roles": list(ROLES)}).all()
    connection.execute(text(f"grant {', '.join(there)} to {quoted}"))


def _settle(connection: Connection, copy: str | None) -> None:
    """A new database is at home here. One that comes from elsewhere is not before somebody has said how."""
    known = installation.known(connection)
    if copy is not None:
        installation.begin_era(connection)
    if known is None or copy == "moved":
        installation.settle(connection)
    elif known is False and copy is None:
        raise Copy(installation.WHAT_TO_DO)


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision not in _known():
        raise NewerDatabase(
            f"the database is at revision {revision}, which this version of Frontdesk does not know; "
            "install the newer version, or restore a backup made by this one"
        )


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_SCRIPTS))

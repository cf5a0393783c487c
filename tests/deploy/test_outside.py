"""The very commands of compose, as plain processes, on a Postgres of somebody else."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from ruamel.yaml import YAML

from bench.crew import open_crew, until
from frontdesk.serving import listen
from runtime.runtime import open_runtime
from runtime.settings import Settings
from tests.deploy.outside import ROOT, Outside, frontdesk, outside, psql

SERVICES = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(tmp_path_factory.mktemp("outside") / "pg") as server:
        psql(server, "-f", ROOT / "deploy" / "postgres.sql")
        yield server


def test_migrate_as_an_owner_without_superpowers(pg: Outside) -> None:
    command = SERVICES["migrate"]["command"][1:]
    assert command == ["migrate", "--grant-to", "frontdesk"]
    done = frontdesk(command, pg.url("frontdesk_owner"))
    assert (done.returncode, done.stdout.split()[:4]) == (0, ["migrated", "from", "nothing", "to"]), (
        done.stderr
    )
    again = frontdesk(command, pg.url("frontdesk_owner"))
    assert (again.returncode, again.stdout[:19]) == (0, "already at revision")


def test_migrate_says_what_is_missing(pg: Outside) -> None:
    pg.run("create database bare owner frontdesk_owner")
    bare = frontdesk(["migrate"], pg.url("frontdesk_owner", "bare"))
    assert bare.returncode == 1
    assert "create extension vector" in bare.stderr
    nobody = frontdesk(["migrate", "--grant-to", "nobody"], pg.url("frontdesk_owner"))
    assert nobody.returncode == 1
    assert "'nobody'" in nobody.stderr
    away = frontdesk(["migrate"], "postgresql://frontdesk@127.0.0.1:1/frontdesk")
    assert away.returncode == 4


def test_a_copy_is_not_sent_from_until_somebody_says_how_it_came(pg: Outside) -> None:
    frontdesk(["migrate", "--grant-to", "frontdesk"], pg.url("frontdesk_owner"))
    pg.run("create database copied template frontdesk owner frontdesk_owner")
    for command in (["migrate"], ["worker"], ["scheduler"]):
        refused = frontdesk(command, pg.url("frontdesk_owner", "copied"))
        assert refused.returncode == 1, refused
        assert "frontdesk migrate --restored" in refused.stderr
    moved = frontdesk(["migrate", "--moved"], pg.url("frontdesk_owner", "copied"))
    assert moved.returncode == 0
    assert frontdesk(["migrate"], pg.url("frontdesk_owner", "copied")).returncode == 0


async def test_the_services_of_compose_answer_a_customer(
    pg: Outside, settings: Settings, tmp_path: Path, redis_url: str | None
) -> None:
    """Migrated by the owner, run by the login that owns nothing, two workers; then SIGTERM, as compose does."""
    assert frontdesk(SERVICES["migrate"]["command"][1:], pg.url("frontdesk_owner")).returncode == 0
    async with (
        open_runtime(replace(settings, database_url=pg.url("frontdesk"))) as rt,
        open_crew(rt, tmp_path, redis_url) as crew,
    ):
        ports = {
            "web": crew.ports["web"],
            "worker": free_port(),
            "worker-2": free_port(),
            "scheduler": free_port(),
        }
        log = crew.log.open("ab")
        for name, port in ports.items():
            command = [str(port) if one in ("8000", "9100") else one for one in command_of(name)]
            crew.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "frontdesk", *command, env=crew.environ, cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

        async def all_ready() -> bool:
            return [await ready(rt.http, port) for port in ports.values()] == [200] * 4

        await until(all_ready, "the services", crew)
        assert await crew.text("what are your opening hours?") == [200]
        await until(crew.settled, "the answer", crew)
        assert len(crew.sent()) == 1
        figures = [(await rt.http.get(f"http://127.0.0.1:{port}/metrics")).text for port in ports.values()]
        assert all("frontdesk_database_up 1.0" in one for one in figures)
        for process in crew.processes.values():
            process.send_signal(signal.SIGTERM)
        ended = [await asyncio.wait_for(process.wait(), 30) for process in crew.processes.values()]
        assert ended == [0, 0, 0, 0]
        log.close()


def command_of(service: str) -> list[str]:
    command: list[str] = SERVICES[service.partition("-")[0]]["command"][1:]
    return command


async def ready(http: httpx2.AsyncClient, port: int) -> int:  # noqa: TID251
    try:
        return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code
    except httpx2.HTTPError:
        return 0


def free_port() -> int:
    with listen("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port

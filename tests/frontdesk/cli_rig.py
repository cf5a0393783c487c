"""Commands as people call them, against databases that a test has for itself."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from click.testing import Result
from typer.testing import CliRunner

from frontdesk.cli import app
from runtime.settings import Settings
from store.embedded import EmbeddedPostgres
from store.migrate import migrate

SECRET = "test-secret-test-secret"
_UNSET = (
    "REDIS_URL",
    "FRONTDESK_PUBLIC_URL",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "FRONTDESK_TWILIO_URL",
)
_names = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A database with the newest schema, empty, and a data directory."""

    url: str
    owner_url: str
    data_dir: Path

    def run(self, *arguments: str, said: str | None = None, **environ: str | None) -> Result:
        """`said` comes on standard input."""
        given = dict.fromkeys(_UNSET) | {
            "DATABASE_URL": self.url,
            "FRONTDESK_SECRET_KEY": SECRET,
            "FRONTDESK_DATA_DIR": str(self.data_dir),
        }
        return CliRunner().invoke(app, list(arguments), input=said, env=given | environ)

    def ok(self, *arguments: str, **environ: str | None) -> Result:
        ended = self.run(*arguments, **environ)
        assert ended.exit_code == 0, (ended.output, ended.exception)
        return ended

    def settings(self) -> Settings:
        return Settings(self.url, None, self.data_dir, "http://testserver", (SECRET,))


def new_place(postgres: EmbeddedPostgres, data_dir: Path) -> Place:
    """A copy of one database that was migrated once."""
    name, template = f"place_{next(_names)}", "place_template"
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [template]).fetchone():
            connection.execute(f"create database {template}")
            migrate(_in(postgres.owner_url, template))
        connection.execute(f"create database {name} template {template}")
    data_dir.mkdir(parents=True, exist_ok=True)
    return Place(_in(postgres.url, name), _in(postgres.owner_url, name), data_dir)


def _in(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()

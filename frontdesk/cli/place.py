"""Where a command's database is, and what a command does when it is not there."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from frontdesk.cli.ending import fail
from frontdesk.demos import without_credentials
from runtime import demo as demo_file
from runtime import settings as reading
from runtime.demo import BadDemo, Demo
from runtime.runtime import Runtime, open_runtime
from runtime.settings import BadSettings, Settings
from store import workspaces
from store.crypto import Unreadable
from store.db import UNAVAILABLE, sqlalchemy_url

DataDir = Annotated[Path | None, typer.Option(help="Where `up` keeps everything. Default: .data")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Workspace = Annotated[str, typer.Option("--workspace", "-w", help="The business: its slug or id.")]

_T = TypeVar("_T")


def process_environment() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251  (handed on to those who are given values to read)


def environment(data_dir: Path | None = None) -> dict[str, str]:
    """The environment; when it names no database, that of the `up` which runs on `data_dir`. Raise BadDemo."""
    environ = process_environment()
    if data_dir is not None:
        environ["FRONTDESK_DATA_DIR"] = str(data_dir.absolute())
    if environ.get("DATABASE_URL"):
        return environ
    up = demo_file.read(reading.data_dir(environ))
    return environ if up is None or not up.database_url else of_up(up, environ)


def of_up(up: Demo, environ: dict[str, str]) -> dict[str, str]:
    """The environment in which the processes of this `up` run, as far as it is not set already."""
    environ = environ | {
        "DATABASE_URL": up.database_url,
        "FRONTDESK_DATA_DIR": str(reading.data_dir(environ)),
    }
    environ.setdefault("FRONTDESK_PUBLIC_URL", up.public_url or up.url)
    for name, value in (("REDIS_URL", up.redis_url), ("FRONTDESK_TWILIO_URL", up.simulator_url)):
        if value:
            environ.setdefault(name, value)
    if up.simulator_url:
        environ |= {"FRONTDESK_SIMULATOR_URL": up.simulator_url} | without_credentials(environ)
    return environ


def settings(data_dir: Path | None = None) -> Settings:
    """From the environment, else from a running `up`. Raise BadSettings, BadDemo."""
    found = reading.read(environment(data_dir))
    try:
        sqlalchemy_url(found.database_url)
    except ValueError as error:
        raise BadSettings(str(error)) from None
    return found


def with_runtime(work: Callable[[Runtime], Awaitable[_T]], data_dir: Path | None = None) -> _T:
    """Do it against the database, or end the process with what is wrong: 2 for a setting, 4 when nothing answers."""

    async def main(found: Settings) -> _T:
        async with open_runtime(found) as rt:
            return await work(rt)

    try:
        return asyncio.run(main(settings(data_dir)))
    except (BadSettings, BadDemo, Unreadable) as error:
        fail(str(error), 2)
    except UNAVAILABLE as error:
        fail(f"the database does not answer ({type(error).__name__}); is frontdesk running? (make run)", 4)


async def find_workspace(rt: Runtime, name: str) -> UUID:
    """By slug or id; the only one when no name is given."""
    async with rt.db.dispatch() as dispatch:
        there = await workspaces.listed(dispatch)
    found = [key for key, slug in there if name in ("", slug, str(key))]
    if len(found) == 1:
        return found[0]
    known = (
        ", ".join(slug for _, slug in there[:20]) or "none yet: frontdesk apply demos/clinic.yaml makes one"
    )
    if not name:
        fail(f"which workspace? name one with -w; there are {known}", 2)
    fail(f"there is no workspace {name!r}; there are {known}", 2)


def id_of(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fail(f"{text!r} is no {what}'s id; it looks like 0199f0c4-5a7e-7d0a-8c11-2f6d0b9e4a55", 2)

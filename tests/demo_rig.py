"""A running demo for the tests of the phones: the pages on a port, one business, its telephone network and workers."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from frontdesk.app import create_app
from frontdesk.serving import listen, serving, url_of
from runtime import demo
from runtime.demo import Business, Demo
from runtime.runtime import Runtime
from runtime.settings import secret_file
from store import people, workspaces
from tests.rig import Desk


@dataclass(frozen=True)
class Door:
    """Where the page is, and whose business it shows."""

    url: str
    desk: Desk
    rt: Runtime
    business: Business
    data_dir: Path

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers at work, as in another process."""
        task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if task.done() and not task.cancelled() and task.exception():
                raise task.exception() or AssertionError

    async def _work(self) -> None:
        while True:
            await self.desk.settle()
            await asyncio.sleep(0.03)


@asynccontextmanager
async def open_door(desk: Desk, data_dir: Path) -> AsyncIterator[Door]:
    listener = listen("127.0.0.1", 0)
    url, stage = url_of(listener), desk.stage
    config = stage.provider.state.config
    settings = replace(
        stage.rt.settings, demo=True, simulator_url=stage.provider.url, data_dir=data_dir, public_url=url,
        twilio={"account_sid": config.account_sid, "auth_token": config.auth_token},
    )  # fmt: skip
    rt = replace(stage.rt, settings=settings)
    async with rt.db.transaction(desk.workspace_id) as tx:
        key = await people.add_key(tx, "demo", desk.person_id)
        found = await workspaces.get(tx)
    name = found.profile.workspace.name
    business = Business(found.slug, str(found.id), name, desk.number, str(desk.channel_id), key)
    started = Demo(url, stage.provider.url, os.getpid(), (business,), settings.database_url)
    demo.write(data_dir, started)
    secret_file(data_dir).write_text(settings.secrets[0])
    async with serving(create_app(rt), listener):
        yield Door(url, desk, rt, business, data_dir)


@contextmanager
def nowhere(directory: Path) -> Iterator[Path]:
    """A data directory in which nothing is up any more: the file is there, the process is gone."""
    listener = listen("127.0.0.1", 0)
    url = url_of(listener)
    listener.close()
    database = url.replace("http", "postgresql") + "/gone"
    demo.write(
        directory, Demo(url, url, 1, (Business("gone", "w", "Gone", "+15125550199", "c", "k"),), database)
    )
    secret_file(directory).write_text("a secret of sixteen or more")
    yield directory

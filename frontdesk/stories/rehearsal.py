"""A stage with a database of its own, which is gone afterwards: nothing said on it leaves the machine."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from frontdesk.stories.stage import Stage, open_stage
from runtime.settings import Settings
from store.embedded import EmbeddedPostgres
from store.migrate import migrate


@asynccontextmanager
async def open_rehearsal(**chosen: Any) -> AsyncIterator[Stage]:
    """`chosen` are fields of Settings: which models are asked, and who of the outside may be reached. Without any, no
    model is asked, and only public addresses are reached."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontdesk-test-")))
        postgres = EmbeddedPostgres.start(directory / "postgres")
        stack.callback(postgres.stop)
        migrate(postgres.owner_url)
        postgres.create_login()
        settings = Settings(
            postgres.url, None, directory, "http://unused", ("stories are played in public",), **chosen
        )
        async with open_stage(settings) as stage:
            yield stage

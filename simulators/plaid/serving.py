"""Running it: inside a test's event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from simulators.common.serving import serving
from simulators.plaid.app import create_app
from simulators.plaid.state import Config, Simulation


@dataclass(frozen=True)
class Running:
    url: str
    state: Simulation


@contextlib.asynccontextmanager
async def serve(
    port: int = 0, host: str = "127.0.0.1", config: Config | None = None
) -> AsyncIterator[Running]:
    """`async with serve() as running:` listens until the block ends; port 0 takes a free one."""
    app = create_app(config)
    async with serving(app, app.simulation, host, port) as url:
        yield Running(url, app.simulation)

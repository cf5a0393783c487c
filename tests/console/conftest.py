from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

import console.phone
from tests.demo_rig import Door, open_door
from tests.rig import Desk

Client = httpx2.AsyncClient  # noqa: TID251  (ours, in this process)


@pytest.fixture
async def door(desk: Desk, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(desk, tmp_path) as opened:
        yield opened


@pytest.fixture
async def page(door: Door) -> AsyncIterator[Client]:
    """A program of this machine at the phone's door."""
    app = Starlette(routes=console.phone.routes(door.rt))
    async with Client(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        yield client

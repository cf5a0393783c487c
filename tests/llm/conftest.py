"""One simulator of models and one HTTP client for all of these tests."""

from collections.abc import AsyncIterator

import pytest

from runtime.http import Client, open_client
from simulators.llm import Running, serve


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[Client]:
    async with open_client() as client:
        yield client

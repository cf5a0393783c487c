"""Two businesses and the API in front of them, over HTTP, mounted as the web process mounts it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import admin_api.app
from runtime.runtime import Runtime
from tests.admin_api.api_rig import Api, Business, Shop, hire

OpenApi = Callable[..., Awaitable[Api]]
OpenBusiness = Callable[..., Awaitable[Business]]


@pytest.fixture(scope="session")
async def open_api() -> AsyncIterator[OpenApi]:
    async with AsyncExitStack() as stack:

        async def open_one(rt: Runtime, per_minute: int = 1_000_000) -> Api:
            app = Starlette(routes=[Mount("/api/v1", admin_api.app.create(rt, per_minute=per_minute))])
            client = Api(transport=httpx2.ASGITransport(app), base_url="http://testserver")
            return await stack.enter_async_context(client)

        yield open_one


@pytest.fixture(scope="session")
async def api(rt: Runtime, open_api: OpenApi) -> Api:
    return await open_api(rt)


@pytest.fixture(scope="session")
def open_business(rt: Runtime, make_workspace: Callable[..., Awaitable[UUID]]) -> OpenBusiness:
    async def make(**changes: Any) -> Business:
        return await hire(rt, await make_workspace(**changes))

    return make


@pytest.fixture(scope="session")
async def business(open_business: OpenBusiness) -> Business:
    return await open_business()


@pytest.fixture(scope="session")
async def other(open_business: OpenBusiness) -> Business:
    """Somebody else's."""
    return await open_business()


@pytest.fixture
async def shop(api: Api, open_business: OpenBusiness) -> Shop:
    """A business of its own for each test, called by its people."""
    return Shop(api, await open_business())

"""The web process: every door that speaks HTTP, on one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

import admin_api.app
import admin_api.calendar_door
import console.chat
import admin_api.plaid_door
import console.phone
from channels.webchat_door import WebChatDoor
from channels.webhooks import Webhooks
from frontdesk import health
from frontdesk.measured import measured
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings


def create_app(rt: Runtime) -> Starlette:
    """Webhooks on the bare framework, because every inbound message passes there; the admin API on FastAPI."""
    hooks = Webhooks(rt.db, rt.wake, rt.open_channel, rt.settings.public_url, rt.crash)
    api: FastAPI = admin_api.app.create(rt)
    chat = WebChatDoor(
        rt.db,
        rt.wake,
        hooks,
        rt.settings.public_url,
        rt.settings.data_dir,
        rt.crash,
        poll_s=rt.settings.poll_s,
    )
    webhooks = (measured(route) for route in hooks.routes())
    routes: list[BaseRoute] = [*webhooks, *chat.routes(), *console.chat.routes(rt), *health.routes(rt)]
    routes += admin_api.calendar_door.routes(rt)
    if rt.settings.demo:
        routes += console.phone.routes(rt)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            await chat.open()
            yield
            await chat.close()
    routes += admin_api.plaid_door.routes(rt)

    return Starlette(routes=[*routes, Mount("/api/v1", api)], lifespan=lifespan)


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Starlette]:
    async with open_runtime(settings) as rt:
        yield create_app(rt)

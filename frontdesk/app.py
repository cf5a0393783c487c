"""The web process: every door that speaks HTTP, on one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

import admin_api.app
import console.phone
from channels.webhooks import Webhooks
from frontdesk import health
from frontdesk.measured import measured
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings


def create_app(rt: Runtime) -> Starlette:
    """Webhooks on the bare framework, because every inbound message passes there; the admin API on FastAPI."""
    hooks = Webhooks(rt.db, rt.wake, rt.open_channel, rt.settings.public_url, rt.crash)
    api: FastAPI = admin_api.app.create(rt)
    routes: list[BaseRoute] = [*(measured(route) for route in hooks.routes()), *health.routes(rt)]
    if rt.settings.demo:
        routes += console.phone.routes(rt)
    return Starlette(routes=[*routes, Mount("/api/v1", api)], lifespan=api.router.lifespan_context)


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Starlette]:
    async with open_runtime(settings) as rt:
        yield create_app(rt)

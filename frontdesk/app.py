"""The web process: every door that speaks HTTP, on one runtime."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

import admin_api.app
import console.phone
from channels.webhooks import Webhooks
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from store import migrate
from store.db import UNAVAILABLE


def create_app(rt: Runtime) -> Starlette:
    """Webhooks on the bare framework, because every inbound message passes there; the admin API on FastAPI."""
    hooks = Webhooks(rt.db, rt.wake, rt.open_channel, rt.settings.public_url, rt.crash)
    api: FastAPI = admin_api.app.create(rt)
    routes: list[BaseRoute] = [*hooks.routes(), *_health(rt)]
    if rt.settings.demo:
        routes += console.phone.routes(rt)
    return Starlette(routes=[*routes, Mount("/api/v1", api)], lifespan=api.router.lifespan_context)


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[Starlette]:
    async with open_runtime(settings) as rt:
        yield create_app(rt)


def _health(rt: Runtime) -> list[BaseRoute]:
    async def alive(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> Response:
        checks = {"database": await _database(rt), "redis": await rt.wake.state()}
        fine = checks["database"] == "ok"  # without Redis work is found by polling: slower, not lost
        return JSONResponse({"status": "ready" if fine else "not ready", **checks}, 200 if fine else 503)

    return [Route("/healthz", alive), Route("/readyz", ready)]


async def _database(rt: Runtime) -> str:
    try:
        async with rt.db.dispatch() as dispatch:
            revision = await migrate.current(dispatch.db)
    except UNAVAILABLE as error:
        return f"unreachable ({type(error).__name__})"
    return (
        "ok"
        if revision == migrate.newest()
        else f"at revision {revision}, needs {migrate.newest()}: run frontdesk migrate"
    )

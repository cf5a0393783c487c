"""The web process: every door that speaks HTTP, on one runtime."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import admin_api.app
import admin_api.calendar_door
import admin_api.crm_door
import admin_api.plaid_door
import admin_api.stripe_door
import console.chat
import console.pay
import console.phone
from channels.webchat_door import WebChatDoor
from channels.webhooks import DOORS, Webhooks
from frontdesk import health
from frontdesk.measured import Measured, measured
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings


def create_app(rt: Runtime) -> ASGIApp:
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
    doors = {door: Measured(hooks.receive, door) for door in DOORS}
    paths = (Route(f"/channels/{{channel_id}}/{door}", app, methods=["POST"]) for door, app in doors.items())
    greetings = (measured(route) for route in hooks.greetings())
    routes: list[BaseRoute] = [
        *greetings,
        *paths,
        *chat.routes(),
        *console.chat.routes(rt),
        *health.routes(rt),
    ]
    routes += admin_api.calendar_door.routes(rt)
    routes += admin_api.plaid_door.routes(rt)
    routes += admin_api.crm_door.routes(rt)
    routes += admin_api.stripe_door.routes(rt)
    routes += console.pay.routes(rt)
    if rt.settings.demo:
        routes += console.phone.routes(rt)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            await chat.open()
            yield
            await chat.close()

    rest = Starlette(routes=[*routes, Mount("/api/v1", api)], lifespan=lifespan)
    return Front(doors, rest)


class Front:
    """Webhooks first, past the framework: its routing and its middleware cost more than checking a signature. What is
    wrong with a request (another verb) the framework says as everywhere."""

    def __init__(self, doors: Mapping[str, ASGIApp], rest: ASGIApp) -> None:
        self._doors, self._rest = doors, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._choose(scope)(scope, receive, send)

    def _choose(self, scope: Scope) -> ASGIApp:
        """POST /channels/{channel_id}/{door} is a webhook."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return self._rest
        _, root, *place = scope["path"].split("/")
        if root != "channels" or len(place) != 2 or place[1] not in self._doors:
            return self._rest
        scope["path_params"] = {"channel_id": place[0]}
        return self._doors[place[1]]


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[ASGIApp]:
    async with open_runtime(settings) as rt:
        yield create_app(rt)

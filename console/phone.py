"""The demo phone: a customer's phone and the owner's desk on one page. For demos, and for this machine only."""

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from console import desk
from console.handset import LARGEST, Handset, read_text
from console.loopback import Away, only_here
from domain.errors import BadPayload, Invalid, NotFound
from runtime import demo
from runtime.demo import BadDemo, Business, Demo
from runtime.runtime import Runtime
from store import channels

STATIC = Path(__file__).with_name("static")
FILES = {
    "phone.html": "text/html; charset=utf-8",
    **dict.fromkeys(("phone.js", "handset.js", "desk.js", "why.js", "dom.js", "net.js"), "text/javascript"),
    "phone.css": "text/css",
    "icon.svg": "image/svg+xml",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes(rt: Runtime) -> list[BaseRoute]:
    door = Phone(rt)
    return [
        Route("/phone", only_here(door.page)),
        Route("/phone/static/{name}", only_here(door.static)),
        Route("/phone/state", only_here(door.state)),
        Route("/phone/messages", only_here(door.send), methods=["POST"]),
        Route("/phone/messages", only_here(door.screen)),
        Route("/phone/media/{slug}/{message_sid}/{media_sid}", only_here(door.picture)),
        Route("/phone/desk", only_here(door.desk)),
    ]


class Phone:
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._handset = Handset(rt.http, rt.settings.simulator_url or "")

    async def page(self, request: Request) -> Response:
        return _file("phone.html")

    async def static(self, request: Request) -> Response:
        return _file(request.path_params["name"])

    async def state(self, request: Request) -> Response:
        """The businesses and the keys of their owners."""
        return JSONResponse({"businesses": [asdict(one) for one in running(self._rt).workspaces]})

    async def send(self, request: Request) -> Response:
        text = read_text(await _body(request), request.headers.get("content-type", ""))
        return JSONResponse(await self._handset.send(text))

    async def screen(self, request: Request) -> Response:
        query = request.query_params
        after = int(query["after"]) if query.get("after", "").isdecimal() else 0
        return JSONResponse(await self._handset.screen(query.get("number", ""), query.get("with", ""), after))

    async def picture(self, request: Request) -> Response:
        business = self._business(request.path_params["slug"])
        async with self._rt.db.transaction(UUID(business.id)) as tx:
            row = await channels.get(tx, UUID(business.channel_id))
        if row is None:
            raise NotFound("there is no such channel")
        credentials = self._rt.open_channel(row).account.credentials
        account = (credentials.get("account_sid", ""), credentials.get("auth_token", ""))
        sids = request.path_params["message_sid"], request.path_params["media_sid"]
        return await self._handset.picture(account, *sids)

    async def desk(self, request: Request) -> Response:
        query = request.query_params
        business = self._business(query.get("ws", ""))
        chosen = _uuid(query["conversation"]) if query.get("conversation") else None
        async with self._rt.db.transaction(UUID(business.id)) as tx:
            return JSONResponse(await desk.read(tx, chosen, query.get("number", "")))

    def _business(self, name: str) -> Business:
        if (found := running(self._rt).find(name)) is None:
            raise NotFound("there is no such demo business")
        return found


def running(rt: Runtime) -> Demo:
    """What is up on this machine. Raise Away."""
    try:
        found = demo.read(rt.settings.data_dir)
    except BadDemo as error:
        raise Away(str(error), code="demo_damaged") from None
    if found is None:
        raise Away("no demo is loaded; start one with `frontdesk up --demo clinic`", code="no_demo")
    return found


def _file(name: str) -> Response:
    if name not in FILES:
        raise NotFound("there is no such page")
    return FileResponse(STATIC / name, media_type=FILES[name], headers=PAGE_HEADERS)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("conversation is not an id") from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST:
                raise BadPayload("this is too large to send: 5 MB is the most", code="too_large")
    except ClientDisconnect:
        raise BadPayload("the request ended early") from None
    return bytes(body)

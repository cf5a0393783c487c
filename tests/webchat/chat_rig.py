"""A visitor's browser, as much of it as a test of the web chat needs."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from channels.webchat_door import WebChatDoor
from channels.webhooks import Webhooks
from domain.ports import Waker
from frontdesk.serving import listen, serving
from frontdesk.serving import url_of as url_of_listener
from frontdesk.stories.stage import Stage
from store import channels
from tests.rig import Desk, open_desk

SITE = "https://cedar.example"
Json = dict[str, Any]


@dataclass
class Chat:
    """One business with a web chat, which pages of SITE may show."""

    desk: Desk
    url: str

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    async def session(self, token: str = "", origin: str | None = SITE, **more: Any) -> Json:
        reply = await self.post("sessions", {"token": token, **more}, origin=origin)
        assert reply.status_code == 200, reply.text
        said: Json = reply.json()
        return said

    async def post(
        self, what: str, body: Json, *, token: str = "", origin: str | None = SITE, **headers: str
    ) -> httpx2.Response:
        return await self.desk.rt.http.post(
            f"{self.url}/{what}", json=body, headers=heads(token, origin) | headers
        )

    async def get(self, after: int, token: str, origin: str | None = SITE) -> httpx2.Response:
        return await self.desk.rt.http.get(f"{self.url}/chat?after={after}", headers=heads(token, origin))

    @asynccontextmanager
    async def tab(
        self, token: str, after: int = 0, origin: str | None = SITE, **more: Any
    ) -> AsyncIterator["Tab"]:
        """A socket that has said who it is and has been greeted."""
        async with self.socket(after, origin, **more) as socket:
            tab = Tab(socket)
            await tab.send(type="auth", token=token)
            assert (await tab.next())["type"] == "ready"
            yield tab

    def socket(self, after: int = 0, origin: str | None = SITE, **more: Any) -> connect:
        return connect(f"{self.ws_url}/chat?after={after}", origin=origin, compression=None, **more)  # type: ignore[arg-type]


def heads(token: str, origin: str | None) -> dict[str, str]:
    said = {"origin": origin} if origin else {}
    return said | ({"authorization": f"Bearer {token}"} if token else {})


@dataclass
class Tab:
    socket: ClientConnection
    seen: list[Json] = field(default_factory=list)
    """Every message frame, in the order in which it came."""

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def say(self, text: str, id_: str | None = None, **more: Any) -> Json:
        """Send a message and wait for its ack."""
        id_ = id_ or uuid4().hex
        await self.send(type="message", id=id_, text=text, **more)
        return await self.until(lambda frame: frame["type"] in ("ack", "error") and frame.get("id") == id_)

    async def next(self, patience_s: float = 10) -> Json:
        async with asyncio.timeout(patience_s):
            frame: Json = json.loads(await self.socket.recv())
        if frame["type"] == "message":
            self.seen.append(frame)
        return frame

    async def until(self, wanted: Any, patience_s: float = 10) -> Json:
        async with asyncio.timeout(patience_s):
            while True:
                frame = await self.next(patience_s)
                if wanted(frame):
                    return frame

    async def until_seq(self, seq: int) -> list[Json]:
        while not self.seen or self.seen[-1]["seq"] < seq:
            await self.next()
        return self.seen

    async def closed(self) -> int | None:
        """The code with which it is closed."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.next()
        return self.socket.close_code


@asynccontextmanager
async def another_door(chat: Chat, wake: Waker | None = None, **changes: Any) -> AsyncIterator[Chat]:
    """The same chat, served by a process of its own, with other limits; with a `wake` of its own it hears no hints."""
    rt, listener = chat.desk.rt, listen("127.0.0.1", 0)
    url = url_of_listener(listener)
    hooks = Webhooks(rt.db, wake or rt.wake, rt.open_channel, url, rt.crash)
    where = (url, rt.settings.data_dir, rt.crash)
    door = WebChatDoor(rt.db, wake or rt.wake, hooks, *where, poll_s=rt.settings.poll_s, **changes)
    async with serving(Starlette(routes=door.routes()), listener):
        await door.open()
        yield replace(chat, url=chat.url.replace(rt.settings.public_url, url))
        await door.close()


async def open_chat(stage: Stage, **changes: Any) -> Chat:
    channel = {"kind": "webchat", "address": "site", "origins": [SITE], "debounce": "0s"} | changes.pop(
        "chat", {}
    )
    sms = {
        "kind": "twilio_sms",
        "address": f"+1512{uuid4().int % 10**7:07}",
        "debounce": "0s",
        "per_second": 1000,
    }
    desk = await open_desk(stage, channels=[sms, channel], **changes)
    async with stage.rt.db.transaction(desk.workspace_id) as tx:
        row = next(one for one in await channels.listed(tx) if one.kind == "webchat")
    return Chat(desk, url_of(stage, row.id))


def url_of(stage: Stage, channel_id: UUID) -> str:
    return f"{stage.rt.settings.public_url}/channels/{channel_id}"

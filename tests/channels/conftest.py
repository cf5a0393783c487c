"""A provider on loopback that answers or breaks the way a case says, and keeps what it heard."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from channels.base import Http

Reply = dict[str, Any]


@dataclass
class Request:
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body))


@dataclass
class Provider:
    """One reply a request, the last one for ever. A reply is {status, json | text, headers} or {fault}."""

    replies: list[Reply]
    url: str = ""
    heard: list[Request] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _sockets: list[socket.socket] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def open(self) -> None:
        fault = self.replies[0].get("fault")
        if fault in ("refused", "unreachable"):
            self._listen_to_nobody(backlog=fault == "unreachable")
        elif fault == "no such URL":
            self.url = "http://provider.test:port"
        elif fault == "no such scheme":
            self.url = "gopher://127.0.0.1"
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        for one in self._sockets:
            one.close()

    def _listen_to_nobody(self, *, backlog: bool) -> None:
        """Bound but not listening: refused. Listening with a full backlog: the kernel drops the greeting."""
        door = socket.socket()
        door.bind(("127.0.0.1", 0))
        self._sockets.append(door)
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        if backlog:
            door.listen(0)
            for _ in range(4):
                queued = socket.socket()
                queued.setblocking(False)
                queued.connect_ex(door.getsockname())
                self._sockets.append(queued)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = self.replies[min(len(self.heard), len(self.replies) - 1)]
        if reply.get("fault") == "drop before":
            return
        self.heard.append(await _read(reader))
        match reply.get("fault"):
            case "drop after":
                return
            case "hang":
                await asyncio.sleep(60)
            case "garbage":
                writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            case "cut":
                writer.write(b'HTTP/1.1 201 Created\r\ncontent-length: 400\r\n\r\n{"sid": "SM')
            case "drip":
                writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 4000\r\n\r\n")
                for _ in range(4000):
                    writer.write(b" ")
                    await asyncio.sleep(0.02)
            case "broken gzip":
                writer.write(
                    b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n"
                    b"connection: close\r\n\r\nhello"
                )
            case _:
                writer.write(_written(reply))
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request:
    head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _version = head.split(" ")
    parts = urlsplit(target)
    return Request(method, parts.path, parse_qsl(parts.query), headers, body)


def _written(reply: Reply) -> bytes:
    body = (json.dumps(reply["json"]) if "json" in reply else reply.get("text", "")).encode()
    headers = {"content-length": str(len(body)), "connection": "close", **reply.get("headers", {})}
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    return f"HTTP/1.1 {reply['status']} Said\r\n{lines}\r\n".encode() + body


@pytest.fixture
async def provider() -> AsyncIterator[Callable[[list[Reply]], Awaitable[Provider]]]:
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(replies: list[Reply]) -> Provider:
            one = Provider(replies)
            await one.open()
            stack.push_async_callback(one.close)
            return one

        yield open_one


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with httpx2.AsyncClient(trust_env=False) as client:  # noqa: TID251
        yield client

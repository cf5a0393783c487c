"""Many WebSocket clients in one process, with as little of each as will do: what comes is handed on with the time."""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable, Sequence

Heard = Callable[["Ear", bytes, float], None]

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
AT_ONCE = 40


class Ear(asyncio.Protocol):
    """One connection. `ready` is set when the server's first frame came."""

    def __init__(self, name: str, host: str, path: str, first: str, heard: Heard) -> None:
        self.name, self._host, self._path, self._first, self._heard = name, host, path, first, heard
        self._buffer = bytearray()
        self._upgraded = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed_with: int | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.closed_with = self.closed_with or 1006
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed before it was ready: {self.closed_with}"))

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._buffer += data
        if not self._upgraded:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.ready.set_exception(ConnectionError(head.split(b"\r\n")[0].decode()))
                return
            self._upgraded, self._buffer = True, bytearray(rest)
            self.send(self._first)
        while self._frame(now):
            pass

    def send(self, text: str) -> None:
        self._write(_TEXT, text.encode())

    def _frame(self, now: float) -> bool:
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, at = buffer[1] & 127, 2
        if size == 126:
            at = 4
        elif size == 127:
            at = 10
        if len(buffer) < at:
            return False
        if at > 2:
            size = int.from_bytes(buffer[2:at], "big")
        if len(buffer) < at + size:
            return False
        kind, payload = buffer[0] & 15, bytes(buffer[at : at + size])
        del buffer[: at + size]
        self._take(kind, payload, now)
        return True

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == _PING:
            self._write(_PONG, payload)
        elif kind == _CLOSE:
            self.closed_with = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
        elif kind == _TEXT:
            if not self.ready.done():
                self.ready.set_result(None)
            self._heard(self, payload, now)

    def _write(self, kind: int, payload: bytes) -> None:
        """Masked with zeros, which is a mask."""
        size = len(payload)
        length = struct.pack("!B", 128 | size) if size < 126 else struct.pack("!BH", 128 | 126, size)
        if self.transport and not self.transport.is_closing():
            self.transport.write(bytes([128 | kind]) + length + b"\0\0\0\0" + payload)


async def open_ears(host: str, port: int, wanted: Sequence[tuple[str, str, str]], heard: Heard) -> list[Ear]:
    """One for each (name, path, first frame), ready; a few at once."""
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one(name: str, path: str, first: str) -> Ear:
        async with gate:
            _, ear = await loop.create_connection(lambda: Ear(name, host, path, first, heard), host, port)
            await ear.ready
            return ear

    return list(await asyncio.gather(*(one(*each) for each in wanted)))


def close(ears: Sequence[Ear]) -> None:
    for ear in ears:
        if ear.transport:
            ear.transport.abort()

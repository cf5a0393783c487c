"""An answer on its connection: whole or in pieces, slow, stopping in the middle, or cut off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.types import Receive, Scope, Send

from simulators.llm.state import Json, Rule, Simulation

HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


class Sending:
    """One answer; it is an ASGI application, as Starlette's own responses are."""

    def __init__(
        self,
        here: Simulation,
        pieces: Sequence[bytes],
        rule: Rule | None = None,
        *,
        status: int = 200,
        stream: bool = False,
        headers: dict[str, str] | None = None,
        media_type: str = "",
    ) -> None:
        self.here, self.rule, self.pieces, self.status = here, rule, list(pieces), status
        kind = media_type or ("text/event-stream; charset=utf-8" if stream else "application/json")
        self.headers = {"content-type": kind, "x-request-id": here.new_id("req_"), **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trouble = self.rule.trouble if self.rule else ""
        seconds = float(self.rule.said.get("seconds", 30)) if self.rule else 0.0
        if trouble == "slow_first_byte":
            await self.here.pause(seconds)
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        pieces = self.pieces if len(self.pieces) > 1 else _halves(self.pieces[0])
        for place, piece in enumerate(pieces):
            if place == len(pieces) // 2 and trouble == "stall":
                await self.here.pause(seconds)
            if place == len(pieces) // 2 and trouble == "disconnect":
                return await _cut(scope, receive)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _halves(body: bytes) -> list[bytes]:
    middle = len(body) // 2
    return [body[:middle], body[middle:]]


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the socket without a word: ASGI has no such verb, so this reaches for uvicorn's transport, and waits
    until uvicorn has seen the connection go, otherwise it would log a missing answer."""
    cycle: Any = getattr(scope["raw_send"], "__self__", None)
    if cycle is None or not hasattr(cycle, "transport"):
        raise RuntimeError("a connection can be cut only under uvicorn")
    cycle.transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def whole(here: Simulation, body: Json, rule: Rule | None = None) -> Sending:
    raw = json.dumps(body, ensure_ascii=False).encode()
    if rule and rule.trouble == "malformed":
        raw = raw[: len(raw) // 2]
    return Sending(here, [raw], rule)


def events(here: Simulation, said: Sequence[tuple[str, Json | str]], rule: Rule | None = None) -> Sending:
    """Server-sent events as (name or "", data)."""
    lines = []
    for place, (name, data) in enumerate(said):
        shown = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        if rule and rule.trouble == "malformed" and place == len(said) // 2:
            shown = shown[: len(shown) // 2]
        lines.append((f"event: {name}\n" if name else "") + f"data: {shown}\n\n")
    return Sending(here, [line.encode() for line in lines], rule, stream=True)


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]

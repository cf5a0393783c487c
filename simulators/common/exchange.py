"""One REST request on its connection: perform it, answer it, or break it as a chaos rule says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulators.common.chaos import Rule

HTML = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
)


@dataclass
class Answer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.body += message.get("body", b"")


class Pausing(Protocol):
    """What an exchange needs of a simulation."""

    async def pause(self, seconds: float) -> None: ...


class Exchange:
    """`perform` has the effect, `give` and `drop` end the request; `status` None: nobody was answered."""

    def __init__(
        self,
        app: ASGIApp,
        simulation: Pausing,
        scope: Scope,
        receive: Receive,
        send: Send,
        refuse: Callable[[int, int | None, dict[str, str] | None], Response],
    ) -> None:
        self.refuse = refuse
        self.app, self.simulation, self.scope = app, simulation, scope
        self.status: int | None = None
        self.body = b""
        self._receive, self._send = receive, send

    async def read(self) -> bytes:
        more = True
        while more:
            message = await self._receive()
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        return self.body

    async def perform(self) -> Answer:
        answer = Answer()
        await self.app(self.scope, self._replay, answer.collect)
        return answer

    async def give(self, answer: Answer, pieces: int = 1, seconds: float = 0) -> None:
        """Send the answer, in `pieces` spread over `seconds`."""
        self.status = answer.status
        await self._send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers},
        )
        size = max(1, -(-len(answer.body) // pieces))
        for start in range(0, len(answer.body), size):
            await self.simulation.pause(seconds / pieces) if seconds else None
            part = answer.body[start : start + size]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def respond(self, response: Response) -> None:
        await self.give(Answer(response.status_code, list(response.raw_headers), bytes(response.body)))

    async def drop(self) -> None:
        """Close the socket without a word.

        ASGI has no such verb, so this reaches for uvicorn's transport behind `send`; then it waits until
        uvicorn has seen the connection go, otherwise uvicorn would log a missing answer.
        """
        cycle: Any = getattr(self._send, "__self__", None)
        if cycle is None or not hasattr(cycle, "transport"):
            raise RuntimeError("a connection can be dropped only under uvicorn")
        cycle.transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _replay(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}


async def run(exchange: Exchange, rule: Rule | None) -> None:
    if rule is None:
        return await exchange.give(await exchange.perform())
    await TROUBLES[rule.kind](exchange, rule)


async def _status(exchange: Exchange, rule: Rule) -> None:
    status = int(rule.settings.get("status", 503))
    headers = {"Retry-After": str(rule.settings.get("retry_after", 1))} if status == 429 else None
    await exchange.respond(exchange.refuse(status, rule.settings.get("code"), headers))


async def _unauthorized(exchange: Exchange, rule: Rule) -> None:
    await exchange.respond(exchange.refuse(401, None, None))


async def _hang(exchange: Exchange, rule: Rule) -> None:
    """Silence for `seconds`; `effect`: before it (default: who gives up cannot know), after, or none."""
    effect = rule.settings.get("effect", "before")
    answer = await exchange.perform() if effect == "before" else None
    await exchange.simulation.pause(rule.seconds(30))
    if effect == "none":
        return await exchange.drop()
    await exchange.give(answer or await exchange.perform())


async def _drop_before(exchange: Exchange, rule: Rule) -> None:
    await exchange.drop()


async def _drop_after(exchange: Exchange, rule: Rule) -> None:
    await exchange.perform()
    await exchange.drop()


async def _html_error(exchange: Exchange, rule: Rule) -> None:
    """A gateway's HTML page, without effect unless `effect` is "before"."""
    if rule.settings.get("effect", "none") == "before":
        await exchange.perform()
    await exchange.respond(Response(HTML, int(rule.settings.get("status", 502)), media_type="text/html"))


async def _slow_body(exchange: Exchange, rule: Rule) -> None:
    """The effect and the headers at once, the body in drops over `seconds`."""
    await exchange.give(await exchange.perform(), pieces=10, seconds=rule.seconds(5))


async def _bad_json(exchange: Exchange, rule: Rule) -> None:
    """The effect, and half of the JSON that says so."""
    answer = await exchange.perform()
    half = answer.body[: len(answer.body) // 2]
    await exchange.respond(Response(half, answer.status, media_type="application/json"))


TROUBLES: dict[str, Callable[[Exchange, Rule], Awaitable[None]]] = {
    "status": _status,
    "unauthorized": _unauthorized,
    "hang": _hang,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "html_error": _html_error,
    "slow_body": _slow_body,
    "bad_json": _bad_json,
}

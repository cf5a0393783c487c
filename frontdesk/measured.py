"""Around every webhook: its request id, how long it took, and why it was not stored. Plain ASGI: this is the hot
path."""

import logging
import re
import time
from collections.abc import Awaitable

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime import telemetry
from store.db import TRACE, new_id

logger = logging.getLogger(__name__)

_DECENT = re.compile(
    r"(?=.*[A-Za-z])[A-Za-z0-9._-]{8,64}"
)  # with a letter: no telephone number gets into the logs
_OUTCOMES = {400: "malformed", 403: "refused", 404: "unknown_channel", 413: "too_large", 503: "unavailable"}


def measured(route: Route) -> Route:
    door = route.path.rpartition("/")[2]
    route.app = Measured(route.app, door)
    return route


class Measured:
    """The caller's X-Request-Id when it is a decent one, else a new one: the answer has it, the log lines of the
    webhook have it, and so have those of the turn and the delivery that follow."""

    def __init__(self, app: ASGIApp, door: str) -> None:
        self._app, self._door = app, door
        self._seconds = telemetry.WEBHOOK_SECONDS.labels(door)
        self._stored = telemetry.WEBHOOKS.labels(door, "stored")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope)
        TRACE.set(request_id)
        telemetry.about(request=request_id)
        began, status = time.monotonic(), 500

        def send_stamped(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            return send(message)

        try:
            await self._app(scope, receive, send_stamped)
        finally:
            self._note(status, time.monotonic() - began)

    def _note(self, status: int, took_s: float) -> None:
        self._seconds.observe(took_s)
        if status < 300:  # those who stored it say so, once for all that were stored together
            self._stored.inc()
            return
        outcome = _OUTCOMES.get(status, "failed")
        telemetry.WEBHOOKS.labels(self._door, outcome).inc()
        logger.info("webhook %s %s", self._door, outcome)


def _request_id(scope: Scope) -> str:
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return sent if _DECENT.fullmatch(sent) else str(new_id())

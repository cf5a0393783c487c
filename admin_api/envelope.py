"""Around every request: its id, a limit to its size, the headers of its answer, and the last resort when we err."""

import logging
import re
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from admin_api import problems
from store.db import new_id

logger = logging.getLogger(__name__)

LARGEST = 64 * 1024
"""Bytes of a body. The longest text is 5,000 characters, written in JSON at most twelve bytes each."""

LARGEST_UPLOAD = 21 * 1024 * 1024
"""Of a document or a file of listings, with the form around it."""
_UPLOAD = re.compile(r"/workspaces/[^/]+/(?:documents|listings/import)/?$")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class BrokenOff(Exception):
    """An answer could not be finished. Says nothing more, because the server prints it."""


class Envelope:
    """Plain ASGI: `state.request_id` is the caller's own when it is a decent one, else new; what is put into
    `state.headers` goes out with the answer, whichever it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"] = dict(scope.get("state") or {})
        state["request_id"], state["headers"] = _request_id(scope), {}
        started = False

        async def send_stamped(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _stamp(message, state["request_id"], state["headers"])
            await send(message)

        try:
            await self._app(scope, _limited(scope, receive), send_stamped)
        except Exception as error:  # noqa: BLE001  (whatever it was, no word of it may leave)
            logger.error(
                "unhandled %s at %s in request %s", type(error).__name__, _place(error), state["request_id"]
            )
            if started:
                raise BrokenOff from None
            answer = problems.response(scope, 500, "internal", problems.CODES["internal"])
            await answer(scope, receive, send_stamped)


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else str(new_id())


def _stamp(message: Message, request_id: str, headers: dict[str, str]) -> None:
    outgoing = MutableHeaders(scope=message)
    outgoing["X-Request-Id"] = request_id
    for name, value in (_ALWAYS | headers).items():
        outgoing.setdefault(name, value)


def _limited(scope: Scope, receive: Receive) -> Receive:
    """The same body, but an error (413) as soon as it is known to be too large; announced sizes count."""
    largest = LARGEST_UPLOAD if scope["method"] == "POST" and _UPLOAD.search(scope["path"]) else LARGEST
    announced = Headers(scope=scope).get("content-length", "")
    too_large = announced.isdecimal() and (len(announced) > 12 or int(announced) > largest)
    size = 0

    async def receive_limited() -> Message:
        nonlocal size
        message = {"type": "http.request"} if too_large else await receive()
        size += len(message.get("body", b""))
        if too_large or size > largest:
            raise HTTPException(413)
        return message

    return receive_limited


def _place(error: Exception) -> str:
    """Where it came from, without what it says: messages of exceptions hold values."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "nowhere"

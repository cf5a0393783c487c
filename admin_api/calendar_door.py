"""What calendars elsewhere reach without signing in: feeds, by the secret in their address."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from runtime import feeds
from runtime.feeds import Document
from runtime.runtime import Runtime
from store.db import UNAVAILABLE, Tx

PRIVATE = {
    "Cache-Control": "private, max-age=300",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


def routes(rt: Runtime) -> list[BaseRoute]:
    door = CalendarDoor(rt)
    return [Route("/calendars/{workspace_id:uuid}/{secret:str}.ics", answering(door.feed), methods=["GET"])]


def answering(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """While the database is away, whoever asks comes again."""

    async def answer(request: Request) -> Response:
        try:
            return await work(request)
        except UNAVAILABLE:
            return PlainTextResponse("the database is away; come again", 503, {"Retry-After": "30"})

    return answer


class CalendarDoor:
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def feed(self, request: Request) -> Response:
        """The appointments as iCalendar; 304 when they are as they were, 404 for a secret that is none (any more)."""
        secret = request.path_params["secret"]
        found = await self.within(request.path_params["workspace_id"], lambda tx: feeds.read(tx, secret))
        if found is None:
            return PlainTextResponse("there is no such calendar; ask the business for a new address", 404)
        headers = PRIVATE | {
            "ETag": found.etag,
            "Last-Modified": format_datetime(found.changed_at.astimezone(UTC), usegmt=True),
        }
        if _is_known(request, found):
            return Response(None, 304, headers)
        return Response(found.body, 200, headers, "text/calendar; charset=utf-8")

    async def within(
        self, workspace_id: UUID, work: Callable[[Tx], Awaitable[Document | None]]
    ) -> Document | None:
        """None for a workspace that is not there: strangers write anything into an address."""
        try:
            async with self._rt.db.transaction(workspace_id) as tx:
                return await work(tx)
        except LookupError:
            return None


def _is_known(request: Request, found: Document) -> bool:
    """RFC 9110, 13.2.2: the tag counts, and the date only where no tag is sent."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return tags.strip() == "*" or found.etag in [
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        ]
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and found.changed_at.replace(microsecond=0) <= since

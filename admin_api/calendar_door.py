"""What is reached without signing in: feeds, by the secret in their address; people who come back from Google with their
consent; and Google, when a calendar has changed."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from html import escape
from typing import TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from admin_api import hooks
from integrations.google_calendar import CalendarFailed, Fault
from runtime import feeds
from runtime.feeds import Document
from runtime.runtime import Runtime
from store import audit, calendars, consents
from store.db import Tx

logger = logging.getLogger(__name__)
T = TypeVar("T")

PRIVATE = {
    "Cache-Control": "private, max-age=300",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}

PAGE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}  # fmt: skip
_REFUSED = {
    Fault.REFUSED: (400, "The calendar was not allowed. Please connect it again, and leave its box ticked."),
    Fault.REVOKED: (400, "Google does not take this consent. Please connect the calendar again."),
    Fault.BAD: (
        502,
        "Google refuses this installation: GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are to be mended.",
    ),
}


def routes(rt: Runtime) -> list[BaseRoute]:
    door = CalendarDoor(rt)
    google = "/calendars/google"
    return [
        Route("/calendars/{workspace_id:uuid}/{secret:str}.ics", hooks.answering(door.feed), methods=["GET"]),
        Route(f"{google}/callback", hooks.answering(door.consented), methods=["GET"]),
        Route(
            f"{google}/push/{{workspace_id:uuid}}/{{link_id:uuid}}",
            hooks.answering(door.pushed),
            methods=["POST"],
        ),
    ]


class CalendarDoor:
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def feed(self, request: Request) -> Response:
        """The appointments as iCalendar; 304 when they are as they were, 404 for a secret that is none (any more)."""
        secret = request.path_params["secret"]
        found = await self._within(request.path_params["workspace_id"], lambda tx: feeds.read(tx, secret))
        if found is None:
            return PlainTextResponse("there is no such calendar; ask the business for a new address", 404)
        headers = PRIVATE | {
            "ETag": found.etag,
            "Last-Modified": format_datetime(found.changed_at.astimezone(UTC), usegmt=True),
        }
        if _is_known(request, found):
            return Response(None, 304, headers)
        return Response(found.body, 200, headers, "text/calendar; charset=utf-8")

    async def consented(self, request: Request) -> Response:
        """The page on which somebody ends whom `calendar/google/connect` sent to Google."""
        asked = request.query_params
        known = consents.workspace_of(asked.get("state", ""))
        found = await self._within(known[0], lambda tx: consents.take(tx, known[1])) if known else None
        if known is None or found is None or self._rt.calendars is None:
            return _page(
                400, "This link has been used already, or is too old. Please connect the calendar again."
            )
        if "code" not in asked:
            return _page(
                400, "You did not allow it, so nothing was connected. You can connect the calendar again."
            )
        try:
            token = await self._rt.calendars.exchange(asked["code"], found.verifier)
        except CalendarFailed as error:
            logger.warning("consent of workspace %s: %s", known[0], error)
            return _page(
                *_REFUSED.get(error.fault, (502, "Google did not answer. Please connect the calendar again."))
            )
        async with self._rt.db.transaction(known[0]) as tx:
            link_id = await calendars.connect(tx, found.resource, found.calendar, found.tells, token)
            await audit.add(tx, found.actor, "calendar_connected", "calendar_link", link_id)
        return _page(200, "The calendar is connected. You may close this page.")

    async def pushed(self, request: Request) -> Response:
        """It says only that something has changed: the calendar is read soon. Twice, late or out of order is all one."""
        token = request.headers.get("x-goog-channel-token", "")
        try:
            channel_id = UUID(request.headers.get("x-goog-channel-id", ""))
        except ValueError:
            return Response(status_code=404)
        link_id = request.path_params["link_id"]
        known = await self._within(
            request.path_params["workspace_id"], lambda tx: calendars.pushed(tx, link_id, channel_id, token)
        )
        return Response(status_code=204 if known else 404)

    async def _within(self, workspace_id: UUID, work: Callable[[Tx], Awaitable[T | None]]) -> T | None:
        """None for a workspace that is not there: strangers write anything into an address."""
        try:
            async with self._rt.db.transaction(workspace_id) as tx:
                return await work(tx)
        except LookupError:
            return None


def _page(status: int, said: str) -> Response:
    words = f"<!doctype html><meta charset=utf-8><title>Calendar</title><p>{escape(said)}</p>"
    return HTMLResponse(words, status, PAGE)


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

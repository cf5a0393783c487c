"""The events of a calendar: https://developers.google.com/workspace/calendar/api/v3/reference/events"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.google_calendar.errors import GoogleError
from simulators.google_calendar.oauth import account, state_of
from simulators.google_calendar.recurring import instances
from simulators.google_calendar.state import CHANNEL_LASTS, Calendar, Channel, Json, Simulation

_ID = re.compile(r"[a-v0-9]{5,1024}")
_FORBIDDEN_WITH_TOKEN = {
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
}  # fmt: skip
BASE = "/calendar/v3/calendars/{calendar}/events"


def routes() -> list[Route]:
    return [
        Route(BASE, insert, methods=["POST"]),
        Route(BASE, list_),
        Route(f"{BASE}/watch", watch, methods=["POST"]),
        Route(f"{BASE}/{{event}}", get),
        Route(f"{BASE}/{{event}}", patch, methods=["PATCH"]),
        Route(f"{BASE}/{{event}}", delete, methods=["DELETE"]),
        Route("/calendar/v3/channels/stop", stop, methods=["POST"]),
    ]


def _calendar(request: Request, *, writes: bool = False) -> tuple[Simulation, Calendar]:
    here, who = state_of(request), account(request)
    asked = request.path_params["calendar"]
    found = here.calendars.get(who if asked == "primary" else asked)
    if found is None:
        raise GoogleError(404)
    if writes and found.role not in ("owner", "writer"):
        raise GoogleError(403, "forbidden")
    return here, found


async def insert(request: Request) -> Response:
    here, calendar = _calendar(request, writes=True)
    body: Json = await request.json()
    if not _ID.fullmatch(body.setdefault("id", secrets.token_hex(13))):
        raise GoogleError(400)
    if body["id"] in calendar.events:
        raise GoogleError(409)
    _check_times(body)
    event = {"kind": "calendar#event", "status": "confirmed", **body}
    return JSONResponse(here.write(calendar, event))


async def get(request: Request) -> Response:
    _, calendar = _calendar(request)
    return JSONResponse(_found(calendar, request))


async def patch(request: Request) -> Response:
    here, calendar = _calendar(request, writes=True)
    event = _found(calendar, request)
    if request.headers.get("if-match") not in (None, "*", event["etag"]):
        raise GoogleError(412)
    changed = _merged(event, await request.json())
    _check_times(changed)
    return JSONResponse(here.write(calendar, changed))


def _merged(event: Json, changes: Json) -> Json:
    """As PATCH does it: objects field by field, null takes a field away."""
    merged = dict(event)
    for name, value in changes.items():
        if isinstance(value, dict):
            merged[name] = _merged(event.get(name) or {}, value)
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


async def delete(request: Request) -> Response:
    here, calendar = _calendar(request, writes=True)
    event = _found(calendar, request)
    if event["status"] == "cancelled":
        raise GoogleError(410)
    if request.headers.get("if-match") not in (None, "*", event["etag"]):
        raise GoogleError(412)
    here.write(calendar, {**event, "status": "cancelled"})
    return Response(status_code=204)


def _found(calendar: Calendar, request: Request) -> Json:
    event = calendar.events.get(request.path_params["event"])
    if event is None:
        raise GoogleError(404)
    return event


def _check_times(event: Json) -> None:
    start, end = (event.get(name, {}) for name in ("start", "end"))
    if not (start.get("dateTime") or start.get("date")) or not (end.get("dateTime") or end.get("date")):
        raise GoogleError(400, "required")
    if any("date" in one and "dateTime" in one for one in (start, end)):
        raise GoogleError(400, "invalid", "Invalid start time.")
    if "dateTime" in start and "dateTime" in end and end["dateTime"] <= start["dateTime"]:
        raise GoogleError(400, "timeRangeEmpty")


async def list_(request: Request) -> Response:
    _, calendar = _calendar(request)
    asked = dict(request.query_params)
    place, window = 0, (asked.get("timeMin", ""), asked.get("timeMax", ""))
    token = asked.get("syncToken")
    if token is not None:
        if _FORBIDDEN_WITH_TOKEN & set(asked):
            raise GoogleError(400, "invalid", "Sync token cannot be used with these parameters.")
        place, window = _read_token(calendar, token)
    changed = list(dict.fromkeys(calendar.log[place:]))
    deleted = asked.get("showDeleted") == "true" or token is not None
    found: list[Json] = []
    for event_id in changed:
        event = calendar.events[event_id]
        shown = instances(event, calendar.zone, window) if asked.get("singleEvents") == "true" else [event]
        found += [one for one in shown if deleted or one["status"] != "cancelled"]
    return JSONResponse(_page(calendar, found, asked, f"{len(calendar.log)}|{window[0]}|{window[1]}"))


def _page(calendar: Calendar, found: list[Json], asked: dict[str, str], token: str) -> Json:
    size, first = int(asked.get("maxResults", 250)), int(asked.get("pageToken", 0))
    body: dict[str, Any] = {
        "kind": "calendar#events", "timeZone": calendar.zone, "accessRole": calendar.role,
        "items": found[first : first + size],
    }  # fmt: skip
    last = first + size >= len(found)
    return body | ({"nextSyncToken": token} if last else {"nextPageToken": str(first + size)})


def _read_token(calendar: Calendar, token: str) -> tuple[int, tuple[str, str]]:
    place, _, window = token.partition("|")
    if not place.isdigit() or int(place) < calendar.oldest:
        raise GoogleError(410, "fullSyncRequired")
    start, _, end = window.partition("|")
    return int(place), (start, end)


async def watch(request: Request) -> Response:
    here, calendar = _calendar(request)
    body: Json = await request.json()
    if not str(body.get("address", "")).startswith(("https://", "http://127.0.0.1")):
        raise GoogleError(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS")
    if body.get("type") not in ("web_hook", "webhook") or body["id"] in here.channels:
        raise GoogleError(400, "channelIdNotUnique", "Channel id not unique")
    ttl = timedelta(seconds=int(body.get("params", {}).get("ttl", CHANNEL_LASTS.total_seconds())))
    until = here.now() + min(ttl, CHANNEL_LASTS)
    channel = Channel(
        body["id"], body["address"], body.get("token", ""), calendar.id, secrets.token_hex(8), until
    )
    here.channels[channel.id] = channel
    here.push(channel, "sync")
    return JSONResponse(
        {
            "kind": "api#channel", "id": channel.id, "resourceId": channel.resource,
            "expiration": str(int(until.timestamp() * 1000)),
        }
    )  # fmt: skip


async def stop(request: Request) -> Response:
    here = state_of(request)
    account(request)
    body: Json = await request.json()
    channel = here.channels.get(body.get("id", ""))
    if channel is None or channel.resource != body.get("resourceId"):
        raise GoogleError(404)
    del here.channels[channel.id]
    return Response(status_code=204)

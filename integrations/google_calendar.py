"""Google's Calendar API v3 through Google's own client: events written, read and followed.

https://developers.google.com/workspace/calendar/api/v3/reference. Their client is synchronous, and what it stands on
(httplib2) serves one thread at a time and sends a request again whose connection was cut, a POST too: so every call goes
to a thread, one at a time, and every event is written under an id of our own, so that sent twice it is one.
"""

import asyncio
import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import google_auth_httplib2
import httplib2
from google.api_core.client_options import ClientOptions
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from domain.calendars import Held
from domain.errors import FrontdeskError

TIMEOUT_S = 15
MOST_PAGES = 100
PER_PAGE = 2_500
_KEY = "frontdesk"
_TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
_NOT_BUSY = frozenset({"workingLocation", "birthday"})


class Fault(StrEnum):
    REVOKED = "revoked"  # the consent is gone: only a person can give it again
    REFUSED = "refused"  # this calendar may not be written or read by them
    MISSING = "missing"  # there is no such calendar or event
    DUPLICATE = "duplicate"  # the id is taken
    CHANGED = "changed"  # it is not as we last saw it
    EXPIRED = "expired"  # the sync token: all has to be read again
    BUSY = "busy"  # too many calls
    AWAY = "away"  # no answer, or none that can be used: nobody knows what became of it
    BAD = "bad"  # they do not understand us


class CalendarFailed(FrontdeskError):
    """Google gave no answer that can be used; `detail` is its own code, never words of an event."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(f"Google Calendar: {fault}{f' ({detail})' if detail else ''}")
        self.fault, self.detail, self.code = fault, detail[:80], fault.value


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Google is."""

    api: str
    tokens: str
    consent: str
    revoke: str


REAL = Addresses(
    "https://www.googleapis.com/calendar/v3/", "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/revoke",
)  # fmt: skip


def addresses(base: str | None) -> Addresses:
    """All of them below `base`, for a server on loopback; None is Google itself."""
    if base is None:
        return REAL
    return Addresses(f"{base}/calendar/v3/", f"{base}/token", f"{base}/o/oauth2/v2/auth", f"{base}/revoke")


@dataclass(frozen=True, slots=True)
class Changes:
    events: Sequence[Held]
    token: str
    """What to bring next time."""


@dataclass(frozen=True, slots=True)
class Watched:
    resource: str
    until: datetime


class GoogleCalendar:
    """One person's consent."""

    def __init__(self, at: Addresses, client: tuple[str, str], refresh_token: str) -> None:
        self._at, self._client, self._refresh = at, client, refresh_token
        self._service: Any = None
        self._one_at_a_time = asyncio.Lock()

    async def insert(
        self, calendar: str, event_id: str, title: str, start: datetime, end: datetime, ours: str
    ) -> Held:
        """Raise CalendarFailed: DUPLICATE when the id was taken already, by us or by anybody."""
        body = {
            "id": event_id, "summary": title, "start": _told(start), "end": _told(end),
            "extendedProperties": {"private": {_KEY: ours}}, "reminders": {"useDefault": False, "overrides": []},
        }  # fmt: skip
        return await self._event(lambda events: events.insert(calendarId=calendar, body=body))

    async def get(self, calendar: str, event_id: str) -> Held:
        """One that was deleted is `gone`. Raise CalendarFailed."""
        return await self._event(lambda events: events.get(calendarId=calendar, eventId=event_id))

    async def put(
        self, calendar: str, event_id: str, start: datetime, end: datetime, title: str | None, etag: str
    ) -> Held:
        """Other times for it; words only where they are given, since its owner may have written others. Raise
        CalendarFailed: CHANGED when it is not the one of this etag any more."""
        hours = {"date": None}  # of one that was made to last all day
        body: dict[str, Any] = {"start": _told(start) | hours, "end": _told(end) | hours}
        body |= {} if title is None else {"summary": title}
        return await self._event(
            lambda events: events.patch(calendarId=calendar, eventId=event_id, body=body), etag
        )

    async def delete(self, calendar: str, event_id: str) -> None:
        """One that is not there (any more) is as good as deleted. Raise CalendarFailed."""
        try:
            await self._call(lambda events: events.delete(calendarId=calendar, eventId=event_id))
        except CalendarFailed as error:
            if error.fault not in (Fault.MISSING, Fault.EXPIRED):
                raise

    async def changes(self, calendar: str, token: str) -> Changes:
        """What has changed since `token`, deleted events too. Raise CalendarFailed: EXPIRED, then read everything."""
        return await self._listed(calendar, {"syncToken": token})

    async def everything(self, calendar: str, start: datetime, end: datetime) -> Changes:
        """All of the time between, recurring events one by one. Raise CalendarFailed."""
        window = {"timeMin": _text(start), "timeMax": _text(end), "showDeleted": True}
        return await self._listed(calendar, window)

    async def watch(
        self, calendar: str, channel_id: UUID, address: str, token: str, ttl: timedelta
    ) -> Watched:
        """Have `address` called at every change. Raise CalendarFailed."""
        body = {
            "id": str(channel_id), "type": "web_hook", "address": address, "token": token,
            "params": {"ttl": str(int(ttl.total_seconds()))},
        }  # fmt: skip
        said = await self._call(lambda events: events.watch(calendarId=calendar, body=body))
        try:
            return Watched(
                str(said["resourceId"]), datetime.fromtimestamp(int(said["expiration"]) / 1000, UTC)
            )
        except (KeyError, ValueError, OverflowError) as error:
            raise CalendarFailed(Fault.AWAY, f"channel: {type(error).__name__}") from None

    async def stop(self, channel_id: UUID, resource: str) -> None:
        """One that is not there (any more) is as good as stopped. Raise CalendarFailed."""
        body = {"id": str(channel_id), "resourceId": resource}
        try:
            await self._asked(lambda service: service.channels().stop(body=body))
        except CalendarFailed as error:
            if error.fault is not Fault.MISSING:
                raise

    async def close(self) -> None:
        """Nothing is asked any more."""
        async with self._one_at_a_time:
            if self._service is not None:
                self._service.close()
                self._service = None

    async def _listed(self, calendar: str, asked: dict[str, Any]) -> Changes:
        found: list[Held] = []
        page: str | None = None
        for _ in range(MOST_PAGES):
            more = asked | ({"pageToken": page} if page else {})
            said = await self._call(partial(_list, calendar=calendar, asked=more))
            zone = _zone(said.get("timeZone"))
            found += [held(one, zone) for one in said.get("items", ())]
            page = said.get("nextPageToken")
            if page is None:
                return Changes(found, _needed(said, "nextSyncToken"))
        raise CalendarFailed(Fault.AWAY, "pages without end")

    async def _event(self, ask: Callable[[Any], Any], etag: str = "") -> Held:
        return held(await self._call(ask, etag), ZoneInfo("UTC"))

    async def _call(self, ask: Callable[[Any], Any], etag: str = "") -> dict[str, Any]:
        return await self._asked(lambda service: ask(service.events()), etag)

    async def _asked(self, ask: Callable[[Any], Any], etag: str = "") -> dict[str, Any]:
        async with self._one_at_a_time:
            said = await asyncio.to_thread(self._ask, ask, etag)
        if not isinstance(said, dict):
            raise CalendarFailed(Fault.AWAY, "no object")
        return said

    def _ask(self, ask: Callable[[Any], Any], etag: str) -> Any:
        request = ask(self._open())
        if etag:
            request.headers["If-Match"] = etag
        try:
            return request.execute(num_retries=0) or {}
        except HttpError as error:
            raise _refused(error) from None
        except RefreshError as error:
            raise _unrefreshed(error) from None
        except (TransportError, GoogleAuthError, httplib2.HttpLib2Error, http.client.HTTPException) as error:
            raise CalendarFailed(Fault.AWAY, type(error).__name__) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            # time-outs and cut connections; half of a JSON, which google-auth takes for an object
            raise CalendarFailed(Fault.AWAY, type(error).__name__) from None

    def _open(self) -> Any:
        """Made in the thread: it reads their description of the API, some hundred kilobytes."""
        if self._service is None:
            credentials = Credentials(
                token=None, refresh_token=self._refresh, token_uri=self._at.tokens, client_id=self._client[0],
                client_secret=self._client[1],
            )  # type: ignore[no-untyped-call]  # fmt: skip
            wire = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http(timeout=TIMEOUT_S))
            self._service = build(
                "calendar", "v3", http=wire, static_discovery=True, cache_discovery=False,
                client_options=ClientOptions(api_endpoint=self._at.api),
            )  # fmt: skip
        return self._service


def held(event: dict[str, Any], zone: ZoneInfo) -> Held:
    """An event of theirs as far as it concerns us. `zone` is the calendar's: all-day events go by it."""
    gone = event.get("status") == "cancelled"
    start, whole = _when(event.get("start"), zone)
    end, _ = _when(event.get("end"), zone)
    if not gone and (start is None or end is None):
        raise CalendarFailed(Fault.AWAY, "an event without times")
    return Held(
        _needed(event, "id"), start, end, gone, not gone and _is_busy(event), whole, str(event.get("etag", "")),
        str((event.get("extendedProperties") or {}).get("private", {}).get(_KEY, "")),
    )  # fmt: skip


def _list(events: Any, calendar: str, asked: dict[str, Any]) -> Any:
    return events.list(calendarId=calendar, singleEvents=True, maxResults=PER_PAGE, **asked)


def _is_busy(event: dict[str, Any]) -> bool:
    """Not when it is shown as free, says where somebody works, or was declined."""
    if event.get("transparency") == "transparent" or event.get("eventType") in _NOT_BUSY:
        return False
    mine = [one for one in event.get("attendees") or () if one.get("self")]
    return not any(one.get("responseStatus") == "declined" for one in mine)


def _when(said: Any, zone: ZoneInfo) -> tuple[datetime | None, bool]:
    """The moment in UTC, and whether it stands for a day."""
    try:
        if said and "dateTime" in said:
            return datetime.fromisoformat(said["dateTime"]).astimezone(UTC), False
        if said and "date" in said:
            day = datetime.fromisoformat(said["date"]).date()
            return datetime.combine(day, time.min, zone).astimezone(UTC), True
    except (ValueError, TypeError, OverflowError):
        raise CalendarFailed(Fault.AWAY, "a time that is none") from None
    return None, False


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _told(moment: datetime) -> dict[str, Any]:
    return {"dateTime": _text(moment), "timeZone": "UTC"}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _needed(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise CalendarFailed(Fault.AWAY, f"no {name}")
    return value


def _refused(error: HttpError) -> CalendarFailed:
    """https://developers.google.com/workspace/calendar/api/guides/errors. A 401 is no end of the consent: the token was
    made anew already, and only the refusal to make one says so."""
    status, reason = int(error.resp.status), _reason(error.content)
    if status == 429 or (status == 403 and reason in _TOO_FAST):
        return CalendarFailed(Fault.BUSY, reason)
    known = {
        400: Fault.BAD, 403: Fault.REFUSED, 404: Fault.MISSING, 409: Fault.DUPLICATE,
        410: Fault.EXPIRED, 412: Fault.CHANGED,
    }  # fmt: skip
    return CalendarFailed(known.get(status, Fault.AWAY), f"{status} {reason}".strip())


def _reason(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["errors"][0]["reason"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _unrefreshed(error: RefreshError) -> CalendarFailed:
    """Only `invalid_grant` says that the consent is gone."""
    said = error.args[1] if len(error.args) > 1 else None
    told = said.get("error") if isinstance(said, dict) else None
    code = told if isinstance(told, str) else ""
    if code == "invalid_grant":
        return CalendarFailed(Fault.REVOKED, code)
    return CalendarFailed(
        Fault.BAD if code in ("invalid_client", "unauthorized_client") else Fault.AWAY, code
    )

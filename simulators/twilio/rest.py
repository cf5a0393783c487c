"""What every REST handler needs: who asks, and a page of a list."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse

from simulators.twilio.errors import TwilioError
from simulators.twilio.state import Account, Json, Simulation

T = TypeVar("T")


def simulation(request: Request) -> Simulation:
    found: Simulation = request.app.state.simulation
    found.origin = found.origin or str(request.base_url).rstrip("/")
    return found


def authenticate(request: Request) -> Account:
    """HTTP Basic AccountSid:AuthToken, for the account of the path."""
    sid, token = credentials(request.headers.get("authorization", ""))
    account = simulation(request).accounts.get(sid)
    if account is None or not secrets.compare_digest(token.encode(), account.auth_token.encode()):
        raise TwilioError(20003)
    if request.path_params["account_sid"] != sid:
        raise TwilioError(20404, request.url.path)
    return account


def credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        sid, _, token = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return sid, token


async def form(request: Request) -> dict[str, str]:
    """The form's last value of each name."""
    return {key: value for key, value in (await request.form()).multi_items() if isinstance(value, str)}


def page(
    request: Request, name: str, found: Sequence[T], sid: Callable[[T], str], show: Callable[[T], Json]
) -> JSONResponse:
    """One page of `found`, newest first. PageToken names the last record of the page before ("PA" + sid)."""
    query = request.query_params
    size = min(max(_number(query.get("PageSize"), 50), 1), 1000)
    number = _number(query.get("Page"), 0)
    start = _start(found, query.get("PageToken"), sid, number * size)
    part = found[start : start + size]
    kept = [
        (key, value) for key, value in query.multi_items() if key not in ("Page", "PageSize", "PageToken")
    ]
    more = start + size < len(found)
    here = _uri(request, kept, size, number, query.get("PageToken"))
    body: Json = {
        name: [show(item) for item in part],
        "page": number,
        "page_size": size,
        "start": start,
        "end": start + max(len(part) - 1, 0),
        "uri": here,
        "first_page_uri": _uri(request, kept, size, 0, None),
        "previous_page_uri": None,
        "next_page_uri": _uri(request, kept, size, number + 1, f"PA{sid(part[-1])}") if more else None,
    }
    return JSONResponse(body)


def _start(found: Sequence[T], token: str | None, sid: Callable[[T], str], otherwise: int) -> int:
    if token is None:
        return otherwise
    after = next((at for at, item in enumerate(found) if f"PA{sid(item)}" == token), None)
    if after is None:
        raise TwilioError(20001, "PageToken")
    return after + 1


def _uri(request: Request, kept: list[tuple[str, str]], size: int, number: int, token: str | None) -> str:
    params = [*kept, ("PageSize", str(size)), ("Page", str(number))]
    return f"{request.url.path}?{urlencode(params + ([('PageToken', token)] if token else []))}"


def _number(text: str | None, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        raise TwilioError(20001, "Page") from None


def moment(text: str) -> datetime:
    """A date (its midnight) or an ISO 8601 time, in UTC when it says no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise TwilioError(20001, text) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def within(request: Request, name: str, when: datetime) -> bool:
    """The list filter `name`, `name>` (at or after) and `name<` (at or before), to the second."""
    when = when.replace(microsecond=0)
    query = request.query_params
    exact, after, before = query.get(name), query.get(f"{name}>"), query.get(f"{name}<")
    return (
        (not exact or when.date() == moment(exact).date())
        and (not after or when >= moment(after).replace(microsecond=0))
        and (not before or when <= moment(before))
    )

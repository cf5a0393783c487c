"""A door for this machine only: what it serves holds keys, so neither a neighbour nor a foreign page in this
machine's own browser (DNS rebinding, cross-site requests) may come in."""

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import NotPermitted, Rejected
from store.db import UNAVAILABLE

logger = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_ONLY_HERE = "the demo phone is served to this machine only: open it under http://127.0.0.1"


class Away(Rejected):
    """Something this needs does not answer just now."""

    code, http_status = "unavailable", 503


def only_here(endpoint: Endpoint) -> Endpoint:
    """The endpoint, for callers on this machine; errors become problem+json."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            check(request)
            response = await endpoint(request)
        except Rejected as error:
            return problem(error)
        except UNAVAILABLE as error:
            logger.error("the database is away: %s", type(error).__name__)
            return problem(Away("the database does not answer", code="database_away"))
        for name, value in NO_STORE.items():
            response.headers.setdefault(name, value)
        return response

    return guarded


def check(request: Request) -> None:
    """Raise NotPermitted unless a program or page of this machine asks."""
    headers = request.headers
    if any(name in headers for name in _FORWARDED):  # a proxy on this machine speaks for somebody elsewhere
        raise NotPermitted(_ONLY_HERE, code="not_local")
    if request.client is None or not is_loopback(request.client.host):
        raise NotPermitted(_ONLY_HERE, code="not_local")
    if not is_loopback(urlsplit(f"//{headers.get('host', '')}").hostname or ""):
        raise NotPermitted(_ONLY_HERE, code="not_local")
    if not _same_site(request):
        raise NotPermitted("another site's page may not use the demo phone", code="cross_site")


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1, localhost."""
    try:
        return ip_address(host.removeprefix("::ffff:")).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost"


def _same_site(request: Request) -> bool:
    """A link may lead here from anywhere; only our own page may ask for data."""
    headers, origin = request.headers, request.headers.get("origin")
    if origin is not None and origin not in (f"http://{headers['host']}", f"https://{headers['host']}"):
        return False
    followed = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return followed or headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def problem(error: Rejected) -> JSONResponse:
    """RFC 9457."""
    fields = [{"pointer": one.pointer, "detail": one.detail} for one in error.errors]
    body = {"status": error.http_status, "title": error.detail, "code": error.code}
    body |= {"errors": fields} if fields else {}
    return JSONResponse(body, error.http_status, NO_STORE, media_type="application/problem+json")

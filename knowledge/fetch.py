"""A page or file from the web: a few redirects, so many bytes, so much time."""

import asyncio
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

import httpx2

from knowledge.reading.shape import LARGEST, Unreadable

MOST_REDIRECTS = 5
PATIENCE_S = 40.0
LONGEST_URL = 2_000
_ASK = {"User-Agent": "Frontdesk/1 (knowledge)", "Accept": "text/html,application/pdf,text/*;q=0.9,*/*;q=0.5"}
_NOT_THERE = frozenset({400, 401, 403, 404, 405, 406, 410, 451})


class Later(Exception):
    """It could not be fetched now; the message is a code."""


def check_url(url: str) -> str:
    """The address, without its fragment. Raise ValueError, which says what would be right."""
    if len(url) > LONGEST_URL:
        raise ValueError(f"it is longer than {LONGEST_URL:,} characters")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("it is no web address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must begin with https:// or http:// and name a host")
    if parts.username or parts.password:
        raise ValueError("it holds a user's name or password; a page that needs one cannot be fetched")
    if port == 0:
        raise ValueError("it names no port")
    return parts._replace(fragment="").geturl()


def name_of(url: str) -> str:
    """The last part of its path, else its host."""
    parts = urlsplit(url)
    return unquote(PurePosixPath(parts.path).name) or parts.hostname or "page"


async def fetch(http: httpx2.AsyncClient, url: str) -> bytes:  # noqa: TID251  (handed in)
    """Its bytes. Raise Unreadable for what will not change, Later for what may."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _follow(http, url)
    except TimeoutError:
        raise Later("too_slow") from None
    except httpx2.InvalidURL:
        raise Unreadable("bad_url", "it is no web address") from None
    except httpx2.HTTPError as error:
        raise Later(type(error).__name__) from None


async def _follow(http: httpx2.AsyncClient, url: str) -> bytes:  # noqa: TID251
    for _ in range(MOST_REDIRECTS + 1):
        async with http.stream("GET", url, headers=_ASK) as reply:
            if not reply.is_redirect:
                return await _body(reply)
            try:
                url = check_url(urljoin(url, reply.headers["location"]))
            except ValueError as error:
                raise Unreadable("bad_url", f"it leads to an address that is not fetched: {error}") from None
    raise Unreadable("too_many_redirects", f"it leads on more than {MOST_REDIRECTS} times")


async def _body(reply: httpx2.Response) -> bytes:
    if reply.status_code in _NOT_THERE:
        raise Unreadable(
            "not_there", f"the server answered {reply.status_code}; the page must be open to everybody"
        )
    if not reply.is_success:
        raise Later(f"http_{reply.status_code}")
    data = bytearray()
    async for piece in reply.aiter_bytes():
        data += piece
        if len(data) > LARGEST:
            raise Unreadable("too_large", f"it has more than {LARGEST:,} bytes")
    return bytes(data)

"""Which pages may use a web chat. Pure.

- A page's request carries an Origin, and it must be one of the channel's, or of our own address (the demo, the
  hosted pages). "https://*.example.com" stands for everything below a name, "*" for every page.
- `Origin: null` (a sandboxed frame, a file) is nobody's, and refused.
- Without an Origin it was not another site's page: browsers send one with every request that is not same-origin
  and with every WebSocket; programs need none, and could lie. They still need a token, and are counted. If a
  browser says of itself that the request comes from elsewhere (Sec-Fetch-Site), it is refused.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from domain.errors import NotPermitted

_ELSEWHERE = frozenset({"cross-site", "same-site"})
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def check(headers: Mapping[str, str], allowed: Iterable[str], public_url: str) -> str | None:
    """The page's origin, or None for a program. Raise NotPermitted."""
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") in _ELSEWHERE:
            raise _refused()
        return None
    said = origin.lower()
    if said != "null" and (_is_ours(said, public_url) or any(_matches(said, one.lower()) for one in allowed)):
        return origin
    raise _refused()


def _is_ours(origin: str, public_url: str) -> bool:
    """On a machine's own address, any of its names will do."""
    ours = urlsplit(public_url.lower())
    if origin == f"{ours.scheme}://{ours.netloc}":
        return True
    try:
        theirs = urlsplit(origin)
        same_door = (theirs.scheme, theirs.port) == (ours.scheme, ours.port)
    except ValueError:
        return False
    return same_door and theirs.hostname in _HERE and ours.hostname in _HERE


def _matches(origin: str, allowed: str) -> bool:
    allowed = allowed.rstrip("/")
    if allowed == "*" or origin == allowed:
        return True
    scheme, star, below = allowed.partition("://*.")
    return bool(star) and origin.startswith(f"{scheme}://") and origin.endswith(f".{below}")


def _refused() -> NotPermitted:
    return NotPermitted(
        "this page may not use this chat: its address is not in the channel's origins", code="bad_origin"
    )

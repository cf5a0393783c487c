"""One request to a provider, and what it means when no answer comes. Nothing here repeats itself."""

import asyncio
from typing import Any

import httpx2

from channels.base import Account, Http
from domain.errors import Disposition, SendFailed, SendUnknown

_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_NOT_AN_ADDRESS = (httpx2.InvalidURL, httpx2.UnsupportedProtocol)


async def ask(http: Http, account: Account, method: str, url: str, **request: Any) -> httpx2.Response:
    """SendFailed when the provider surely has not heard us, SendUnknown when nobody can say."""
    timeout_s = seconds(account)
    try:
        async with asyncio.timeout(3 * timeout_s):  # an answer that drips keeps within every read timeout
            return await http.request(method, url, timeout=timeout_s, follow_redirects=False, **request)
    except _NEVER_LEFT as error:
        raise SendFailed(Disposition.RETRY, detail=f"not reached: {type(error).__name__}") from error
    except _NOT_AN_ADDRESS as error:
        raise SendFailed(Disposition.ALARM, detail="the provider's address is not a URL") from error
    except (httpx2.HTTPError, TimeoutError) as error:
        raise SendUnknown(f"no answer: {type(error).__name__}") from error


def seconds(account: Account) -> float:
    said = account.settings.get("timeout_s")
    return float(said) if isinstance(said, int | float) and said > 0 else 10.0


def read_json(reply: httpx2.Response) -> object:
    """None when it is not JSON."""
    try:
        return reply.json()
    except (ValueError, RecursionError):
        return None

"""An action server's wire: one POST, one JSON answer, within a time and a size. Who may be reached is the client's matter.

The protocol: https://rasa.com/docs/reference/api/pro/action-server-api/. Its server has no key for repeated calls, no
authentication and no promise about time (rasa_sdk/endpoint.py), so that all three are ours.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2

from domain.actions import ActionFailed, Trouble

Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)

LARGEST = 256 * 1024


async def post(http: Http, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Any:
    """What it answers. Raise ActionFailed."""
    sent = {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "Frontdesk-Actions/1",
    }
    try:
        async with (
            asyncio.timeout(timeout_s),
            http.stream("POST", url, content=body, headers=sent | dict(headers)) as answer,
        ):
            text = await _read(answer)
    except (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.UnsupportedProtocol,
    ) as error:
        raise ActionFailed(Trouble.NOT_REACHED, type(error).__name__) from error
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise ActionFailed(Trouble.NO_ANSWER, f"within {timeout_s:g} s") from error
    except httpx2.InvalidURL as error:
        raise ActionFailed(Trouble.NOT_REACHED, "InvalidURL") from error
    except httpx2.HTTPError as error:
        raise ActionFailed(Trouble.NO_ANSWER, type(error).__name__) from error
    return _told(answer.status_code, text)


async def _read(answer: httpx2.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > LARGEST:
            raise ActionFailed(Trouble.TOO_LARGE, f"more than {LARGEST // 1024} KB")
        parts.append(part)
    return b"".join(parts)


def _told(status: int, text: bytes) -> Any:
    if status == 200:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ActionFailed(Trouble.UNREADABLE, "its answer is no JSON") from error
    if status == 400 and _is_rejection(text):
        raise ActionFailed(Trouble.REJECTED)
    if status >= 500 or 200 < status < 300:
        raise ActionFailed(Trouble.BROKE, f"it answered {status}")
    raise ActionFailed(Trouble.REFUSED, f"it answered {status}")


def _is_rejection(text: bytes) -> bool:
    """rasa-sdk tells an ActionExecutionRejection as 400 with the action's name."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "action_name" in told

"""Twilio's messages resource: one request, one verdict. Nothing here repeats itself or reads a clock."""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard
from urllib.parse import quote, urlencode

import httpx2

from channels.asking import ask, read_json
from channels.base import Account, Http
from channels.twilio import API
from channels.twilio_errors import OPTED_OUT, disposition, meaning
from domain.errors import Disposition, SendFailed, SendUnknown

MAX_PAGES = 10
_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_REFUSED_FOR_NOW = {408, 429, 503}
_WRONG_CREDENTIALS_OR_ADDRESS = {401, 403, 404}


async def create(http: Http, account: Account, pairs: Sequence[tuple[str, str]]) -> str:
    """POST one message; its sid. SendFailed if Twilio surely has not taken it, else SendUnknown."""
    reply = await _ask(http, account, "POST", _messages(account), content=urlencode(pairs), headers=_FORM)
    if not reply.is_success:
        raise failure(reply)
    message = read_json(reply)
    if not _is_object(message) or not isinstance(message.get("sid"), str) or not message["sid"]:
        raise SendUnknown(f"an answer that says nothing (HTTP {reply.status_code})")
    if message.get("status") in ("failed", "undelivered"):  # the first state is reported nowhere else
        raise refusal(_code(message.get("error_code")), reply.status_code)
    return str(message["sid"])


def search(account: Account, pairs: Sequence[tuple[str, str]]) -> str:
    """The path of the first page of the messages that match."""
    return f"{_messages(account)}?{urlencode(pairs)}"


async def page(
    http: Http, account: Account, path: str, name: str = "messages"
) -> tuple[list[dict[str, Any]], str]:
    """GET one page of messages, and the path of the next ("" at the end). Reading changes nothing: whatever
    goes wrong on the way may be tried again."""
    try:
        reply = await _ask(http, account, "GET", path)
        if not reply.is_success:
            raise failure(reply)
    except SendUnknown as unknown:
        raise SendFailed(Disposition.RETRY, detail=str(unknown)) from unknown
    body = read_json(reply)
    rows = body.get(name) if _is_object(body) else None
    if not _is_object(body) or not isinstance(rows, list) or not all(_is_object(row) for row in rows):
        raise SendFailed(Disposition.RETRY, http_status=reply.status_code, detail="an unreadable list")
    following = body.get("next_page_uri") or ""
    if not isinstance(following, str) or (following and not following.startswith("/2010-04-01/")):
        raise SendFailed(Disposition.RETRY, http_status=reply.status_code, detail="an unreadable next page")
    return rows, following


async def media(http: Http, account: Account, message: dict[str, Any]) -> list[tuple[str, str]]:
    """(URL, content type) of a message's attachments, as a webhook would have told them."""
    if str(message.get("num_media") or "0") == "0":
        return []
    base = account.base_url.rstrip("/") or API
    path = f"{_messages(account).removesuffix('.json')}/{quote(str(message.get('sid')), safe='')}/Media.json"
    rows, _ = await page(http, account, path, "media_list")
    return [
        (f"{base}{str(row.get('uri')).removesuffix('.json')}", str(row.get("content_type")))
        for row in rows[::-1]
    ]


def failure(reply: httpx2.Response) -> SendFailed:
    """What a reply that is not 2xx means. 500, 502 and 504 come also after Twilio has taken the message."""
    status, body = reply.status_code, read_json(reply)
    code = _code(body.get("code")) if _is_object(body) else None
    if status in _REFUSED_FOR_NOW or code == "20429":
        return refusal(code, status, Disposition.RETRY, _retry_after(reply))
    if status >= 500:
        return SendUnknown(f"HTTP {status} (provider code {code})")
    wrong_setup = status in _WRONG_CREDENTIALS_OR_ADDRESS or status < 400
    known = disposition(code)
    return refusal(code, status, known or (Disposition.ALARM if wrong_setup else Disposition.GIVE_UP))


def refusal(
    code: str | None, status: int, verdict: Disposition | None = None, retry_after_s: float | None = None
) -> SendFailed:
    """The words are ours: Twilio's own message repeats the customer's number."""
    verdict = verdict or disposition(code) or Disposition.GIVE_UP
    return SendFailed(
        verdict,
        provider_code=code,
        http_status=status,
        retry_after_s=retry_after_s,
        opted_out=code in OPTED_OUT,
        detail=f"{verdict}: {meaning(code) or 'refused'} (provider code {code}, HTTP {status})",
    )


async def _ask(http: Http, account: Account, method: str, path: str, **request: Any) -> httpx2.Response:
    auth = (account.credentials.get("account_sid", ""), account.credentials.get("auth_token", ""))
    return await ask(
        http, account, method, (account.base_url.rstrip("/") or API) + path, auth=auth, **request
    )


def _messages(account: Account) -> str:
    return f"/2010-04-01/Accounts/{quote(account.credentials.get('account_sid', ''), safe='')}/Messages.json"


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _code(value: object) -> str | None:
    """Twilio writes codes as numbers, its newer services (RFC 9457) sometimes as text."""
    return str(value) if re.fullmatch(r"[0-9]{1,9}", str(value)) and value not in (0, "0") else None


def _retry_after(reply: httpx2.Response) -> float | None:
    """Seconds; a date is measured against the date of the same answer."""
    said = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", said):
        return float(said)
    try:
        return max(
            0.0,
            (parsedate_to_datetime(said) - parsedate_to_datetime(reply.headers["date"])).total_seconds(),
        )
    except (KeyError, ValueError, TypeError, OverflowError):
        return None

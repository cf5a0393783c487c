"""Meta's Graph API: one request, one verdict. Nothing here repeats itself or reads a clock."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from channels import meta
from channels.asking import ask, read_json
from channels.base import Account, Http, Submitted, Template
from channels.meta_errors import disposition, meaning
from domain.errors import Disposition, SendFailed, SendUnknown

_REFUSED_FOR_NOW = {408, 429, 503}
_WRONG_SETUP = {401, 403, 404}
_STATES = {
    "APPROVED": "approved",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "PENDING_DELETION": "disabled",
    "DELETED": "disabled",
    "LIMIT_EXCEEDED": "rejected",
}


async def post_message(http: Http, account: Account, body: Mapping[str, Any]) -> str:
    """POST one message; its wamid. SendFailed if Meta surely has not taken it, else SendUnknown."""
    number = quote(account.credentials.get("phone_number_id", ""), safe="")
    reply = await _ask(http, account, "POST", f"/{number}/messages", json=dict(body))
    if not reply.is_success:
        raise failure(reply)
    said = read_json(reply)
    messages = said.get("messages") if isinstance(said, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict) or not isinstance(first.get("id"), str) or not first["id"]:
        raise SendUnknown(f"an answer that says nothing (HTTP {reply.status_code})")
    return str(first["id"])


async def post_seen(http: Http, account: Account, body: Mapping[str, Any]) -> None:
    number = quote(account.credentials.get("phone_number_id", ""), safe="")
    reply = await _ask(http, account, "POST", f"/{number}/messages", json=dict(body))
    if not reply.is_success:
        raise failure(reply)


async def submit(http: Http, account: Account, template: Template) -> Submitted:
    """https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates"""
    body: dict[str, Any] = {"type": "BODY", "text": template.body}
    if template.examples:
        body["example"] = {"body_text": [list(template.examples)]}
    asked = {
        "name": template.name,
        "language": template.language,
        "category": template.category.upper(),
        "components": [body],
    }
    reply = await _ask(http, account, "POST", f"/{_waba(account)}/message_templates", json=asked)
    if not reply.is_success:
        raise failure(reply)
    said = read_json(reply)
    if not isinstance(said, dict) or not said.get("id"):
        raise SendUnknown("an answer that says nothing")
    state = _STATES.get(str(said.get("status")), "submitted")
    if state == "rejected":
        state = "submitted"  # only its list says why
    return Submitted(str(said["id"]), state)


async def review(http: Http, account: Account, template: Template) -> Submitted | None:
    """As Meta lists it under its name and language; None when it does not."""
    query = {"name": template.name, "fields": "id,name,language,status,rejected_reason", "limit": "100"}
    reply = await _ask(http, account, "GET", f"/{_waba(account)}/message_templates", params=query)
    if not reply.is_success:
        raise failure(reply)
    said = read_json(reply)
    rows = said.get("data") if isinstance(said, dict) else None
    for row in rows if isinstance(rows, list) else []:
        if (row.get("name"), row.get("language")) == (template.name, template.language):
            state = _STATES.get(str(row.get("status")), "submitted")
            reason = str(row.get("rejected_reason") or "")
            return Submitted(str(row.get("id")), state, "" if reason == "NONE" else reason)
    return None


def failure(reply: httpx2.Response) -> SendFailed:
    """What a reply that is not 2xx means. Meta's own words are not repeated: they name the receiver."""
    status, said = reply.status_code, read_json(reply)
    error = said.get("error") if isinstance(said, dict) else None
    code = _code(error.get("code")) if isinstance(error, dict) else None
    known = disposition(code)
    if known is None and (status in _REFUSED_FOR_NOW):
        known = Disposition.RETRY
    if known is None and status >= 500:
        return SendUnknown(f"HTTP {status} (provider code {code})")
    if known is None:
        known = Disposition.ALARM if status in _WRONG_SETUP or status < 400 else Disposition.GIVE_UP
    return SendFailed(
        known,
        provider_code=code,
        http_status=status,
        retry_after_s=_retry_after(reply),
        detail=f"{known}: {meaning(code) or 'refused'} (provider code {code}, HTTP {status})",
    )


async def _ask(http: Http, account: Account, method: str, path: str, **request: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {account.credentials.get('access_token', '')}"}
    return await ask(http, account, method, meta.base(account) + path, headers=headers, **request)


def _waba(account: Account) -> str:
    key = account.credentials.get("waba_id", "")
    if not key:
        raise SendFailed(Disposition.ALARM, detail="the channel has no waba_id: templates need it")
    return quote(key, safe="")


def _code(value: object) -> str | None:
    return str(value) if re.fullmatch(r"[0-9]{1,9}", str(value)) else None


def _retry_after(reply: httpx2.Response) -> float | None:
    said = reply.headers.get("retry-after", "").strip()
    return float(said) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", said) else None

"""Twilio's Content API: templates of WhatsApp, created, submitted for approval, and looked after.

https://www.twilio.com/docs/content/content-api-resources
"""

from typing import Any
from urllib.parse import quote

import httpx2

from channels.asking import ask, read_json
from channels.base import Account, Http, Submitted, Template
from channels.twilio import API
from channels.twilio_rest import failure
from domain.errors import SendFailed, SendUnknown

CONTENT, MESSAGING = "https://content.twilio.com", "https://messaging.twilio.com"
_STATES = {"approved": "approved", "rejected": "rejected", "paused": "paused", "disabled": "disabled"}


async def submit(http: Http, account: Account, template: Template) -> Submitted:
    """Two requests: the content, then the approval. One that was lost between them is made again; Twilio keeps
    the first, which nobody uses."""
    body = {
        "friendly_name": template.name,
        "language": template.language,
        "variables": {str(n): example for n, example in enumerate(template.examples, 1)},
        "types": {"twilio/text": {"body": template.body}},
    }
    content = await _json(http, account, "POST", "/v1/Content", json=body)
    sid = str(content.get("sid") or "")
    if not sid:
        raise SendUnknown("an answer that says nothing")
    asked = {"name": template.name, "category": template.category.upper()}
    path = f"/v1/Content/{quote(sid, safe='')}/ApprovalRequests/whatsapp"
    said = await _json(http, account, "POST", path, json=asked)
    return Submitted(sid, _STATES.get(str(said.get("status")), "submitted"))


async def review(http: Http, account: Account, sid: str) -> Submitted:
    path = f"/v1/Content/{quote(sid, safe='')}/ApprovalRequests"
    try:
        said = (await _json(http, account, "GET", path)).get("whatsapp")
    except SendFailed as error:
        if error.http_status == 404:
            return Submitted(sid, "draft", "not there")
        raise
    said = said if isinstance(said, dict) else {}
    state = _STATES.get(str(said.get("status")), "submitted")
    return Submitted(sid, state, str(said.get("rejection_reason") or ""))


async def seen(http: Http, account: Account, sid: str) -> None:
    """https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource (public beta)"""
    form = {"messageId": sid, "channel": "whatsapp"}
    reply = await _ask(http, account, "POST", "/v2/Indicators/Typing.json", home=MESSAGING, data=form)
    if not reply.is_success:
        raise failure(reply)


async def _json(http: Http, account: Account, method: str, path: str, **request: Any) -> dict[str, Any]:
    reply = await _ask(http, account, method, path, **request)
    if not reply.is_success:
        raise failure(reply)
    said = read_json(reply)
    return said if isinstance(said, dict) else {}


async def _ask(
    http: Http, account: Account, method: str, path: str, home: str = CONTENT, **request: Any
) -> httpx2.Response:
    auth = (account.credentials.get("account_sid", ""), account.credentials.get("auth_token", ""))
    override = account.base_url.rstrip("/")
    return await ask(
        http,
        account,
        method,
        (override if override not in ("", API) else home) + path,
        auth=auth,
        **request,
    )

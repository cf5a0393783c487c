"""The Content resource (templates of WhatsApp and their approval) and the typing indicator.

Source: https://www.twilio.com/docs/content/content-api-resources
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.twilio import rest
from simulators.twilio.errors import TwilioError
from simulators.twilio.state import Account, Content, Json, Simulation


async def create(request: Request) -> Response:
    account, simulation, body = _account(request), rest.simulation(request), await _json(request)
    text = next((one.get("body", "") for one in body.get("types", {}).values() if isinstance(one, dict)), "")
    if not text or not body.get("language"):
        raise TwilioError(20001, "types")
    content = Content(
        simulation.sid("HX"), account.sid, str(body.get("friendly_name", "")), str(body["language"]), text,
        {str(key): str(value) for key, value in body.get("variables", {}).items()}, simulation.now(),
    )  # fmt: skip
    simulation.contents[content.sid] = content
    return JSONResponse(_show(content), 201)


async def fetch(request: Request) -> Response:
    return JSONResponse(_show(_get(request)))


async def submit(request: Request) -> Response:
    content, body = _get(request), await _json(request)
    if not re.fullmatch(r"[a-z0-9_]+", str(body.get("name", ""))):
        raise TwilioError(20001, "name")
    content.submitted, content.category = time.monotonic(), str(body.get("category", ""))
    content.approval_name = str(body["name"])
    if "reject" in content.approval_name:
        content.status = "rejected"
    return JSONResponse(_approval(rest.simulation(request), content), 201)


async def review(request: Request) -> Response:
    content = _get(request)
    said = _approval(rest.simulation(request), content) if content.submitted is not None else None
    return JSONResponse({"sid": content.sid, "account_sid": content.account_sid, "whatsapp": said})


async def typing(request: Request) -> Response:
    """https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource"""
    account, simulation, form = _account(request), rest.simulation(request), await rest.form(request)
    message = simulation.messages.get(form.get("messageId", ""))
    if message is None or message.account_sid != account.sid or message.outbound:
        raise TwilioError(20404, "messageId")
    simulation.seen.append(message.sid)
    return JSONResponse({"success": True})


def render(simulation: Simulation, account: Account, form: Mapping[str, str]) -> str:
    """The words of a template, as they will be read. TwilioError when it may not be sent."""
    content = simulation.contents.get(form["ContentSid"])
    if content is None or content.account_sid != account.sid:
        raise TwilioError(21654, form["ContentSid"])
    if content.submitted is not None and status_of(simulation, content) != "approved":
        raise TwilioError(21655, content.sid)
    try:
        given = json.loads(form.get("ContentVariables") or "{}")
    except ValueError:
        raise TwilioError(21656) from None
    values: dict[str, Any] = {**content.variables, **(given if isinstance(given, dict) else {})}
    places = set(re.findall(r"\{\{(\w+)\}\}", content.body))
    if not isinstance(given, dict) or places - set(values) or not all(str(one) for one in values.values()):
        raise TwilioError(21656)
    return re.sub(r"\{\{(\w+)\}\}", lambda at: str(values[at[1]]), content.body)


def status_of(simulation: Simulation, content: Content) -> str:
    if content.submitted is None:
        return "unsubmitted"
    decided = time.monotonic() - content.submitted >= simulation.config.review_delay
    return content.status if decided else "received"


def _approval(simulation: Simulation, content: Content) -> Json:
    status = status_of(simulation, content)
    reason = "INVALID_FORMAT" if status == "rejected" else ""
    said: Json = {"name": content.approval_name, "category": content.category, "content_type": "twilio/text"}
    return said | {"status": status, "rejection_reason": reason, "allow_category_change": True}


def _show(content: Content) -> Json:
    return {
        "sid": content.sid,
        "account_sid": content.account_sid,
        "friendly_name": content.name,
        "language": content.language,
        "variables": content.variables,
        "types": {"twilio/text": {"body": content.body}},
        "date_created": content.created.isoformat(),
    }


def _get(request: Request) -> Content:
    account = _account(request)
    content = rest.simulation(request).contents.get(request.path_params["sid"])
    if content is None or content.account_sid != account.sid:
        raise TwilioError(20404, request.url.path)
    return content


def _account(request: Request) -> Account:
    """These paths name no account: the credentials do."""
    sid, token = rest.credentials(request.headers.get("authorization", ""))
    account = rest.simulation(request).accounts.get(sid)
    if account is None or not secrets.compare_digest(token.encode(), account.auth_token.encode()):
        raise TwilioError(20003)
    return account


async def _json(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise TwilioError(20001, "body") from None
    if not isinstance(body, dict):
        raise TwilioError(20001, "body")
    return body

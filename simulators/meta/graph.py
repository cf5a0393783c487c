"""The Graph API: messages, media, templates.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.meta.errors import MetaError
from simulators.meta.state import Json, Media, Message, Number, Simulation, Template
from simulators.meta.webhooks import Mailer

REFUSED = {"15005550001": 131026, "15005550002": 131050, "15005550003": 131056, "15005550004": 130429}
FAILED = {"15005553001": 131026, "15005553002": 131049, "15005553003": 131053, "15005553004": 131048}
ENDLESS = "15005553000"
KINDS = (
    "text",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "interactive",
    "template",
    "reaction",
    "location",
)


def simulation(request: Request) -> Simulation:
    found: Simulation = request.app.state.simulation
    return found


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _number(request: Request) -> Number:
    number = simulation(request).numbers.get(request.path_params["id"])
    if number is None:
        raise MetaError(33)
    if not secrets.compare_digest(_bearer(request).encode(), number.access_token.encode()):
        raise MetaError(190)
    return number


def _anybody(request: Request) -> None:
    if not any(one.access_token == _bearer(request) for one in simulation(request).numbers.values()):
        raise MetaError(190)


# --- messages ---


async def post_message(request: Request) -> Response:
    number, here, body = _number(request), simulation(request), await _json(request)
    if body.get("messaging_product") != "whatsapp":
        raise MetaError(131008, "messaging_product")
    if body.get("status") == "read":
        return _seen(here, body)
    peer = str(body.get("to") or body.get("recipient") or "").lstrip("+")
    text = _check(here, number, peer, body)
    rules = request.scope["plan"].after
    message = Message(
        here.new_id(), len(here.messages) + 1, number.phone_number_id, peer, True, body.get("type", "text"), text,
        body, here.now(), "accepted", str(body.get("biz_opaque_callback_data", "")),
        request_id=request.scope["request_id"],
    )  # fmt: skip
    here.messages[message.id] = message
    if message.kind == "reaction":
        _react(here, body)
    life = here.spawn(_live(here, number, message, rules))
    if "callback_before_response" in rules:
        await asyncio.wait([life])
    contacts = [{"input": peer, "wa_id": peer}]
    messages = [{"id": message.id, "message_status": "accepted"}]
    return JSONResponse({"messaging_product": "whatsapp", "contacts": contacts, "messages": messages})


def _seen(here: Simulation, body: Json) -> Response:
    found = here.messages.get(str(body.get("message_id")))
    if found is None or found.outbound:
        raise MetaError(131009, "message_id")
    found.seen = True
    return JSONResponse({"success": True})


def _react(here: Simulation, body: Json) -> None:
    target = here.messages.get(str(body["reaction"].get("message_id")))
    if target:
        target.reactions.append(str(body["reaction"].get("emoji", "")))


def _check(here: Simulation, number: Number, peer: str, body: Json) -> str:
    """The words of the message, as the customer reads them; MetaError when Meta would refuse it."""
    kind = body.get("type", "text")
    if not peer:
        raise MetaError(131008, "to")
    if kind not in KINDS or not isinstance(body.get(kind), dict):
        raise MetaError(131009, "type")
    if peer == number.display:
        raise MetaError(131009, "sender and receiver are the same")
    if peer in REFUSED:
        raise MetaError(REFUSED[peer])
    if kind == "template":
        return _template_text(here, number, body["template"])
    if here.config.refuse_outside_window and not here.window_open(number, peer):
        raise MetaError(131047)
    return _words(kind, body[kind])


def _words(kind: str, said: Json) -> str:
    if kind == "text":
        text = str(said.get("body", ""))
        if not text or len(text) > 4096:
            raise MetaError(131009, "text.body")
        return text
    if kind == "interactive":
        text = str(said.get("body", {}).get("text", ""))
        if not text or len(text) > 1024:
            raise MetaError(131009, "interactive.body")
        _check_choices(said)
        return text
    if kind == "reaction":
        return str(said.get("emoji", ""))
    if kind != "location" and not (said.get("link") or said.get("id")):
        raise MetaError(131008, f"{kind}.link")
    return str(said.get("caption", ""))


def _check_choices(said: Json) -> None:
    action = said.get("action", {})
    if said.get("type") == "button":
        titles = [one.get("reply", {}).get("title", "") for one in action.get("buttons", [])]
        if not 1 <= len(titles) <= 3 or any(not 1 <= len(title) <= 20 for title in titles):
            raise MetaError(131009, "one to three buttons of at most 20 characters")
    elif said.get("type") == "list":
        rows = [row for section in action.get("sections", []) for row in section.get("rows", [])]
        if not 1 <= len(rows) <= 10 or any(not 1 <= len(row.get("title", "")) <= 24 for row in rows):
            raise MetaError(131009, "one to ten rows of at most 24 characters")
        if not 1 <= len(str(action.get("button", ""))) <= 20:
            raise MetaError(131009, "the list's button")


def _template_text(here: Simulation, number: Number, said: Json) -> str:
    language = said.get("language", {}).get("code")
    found = next(
        (
            one
            for one in here.templates.values()
            if (one.waba_id, one.name, one.language) == (number.waba_id, said.get("name"), language)
        ),
        None,
    )
    if found is None or status_of(here, found) not in ("APPROVED", "PAUSED"):
        raise MetaError(132001)
    if status_of(here, found) == "PAUSED":
        raise MetaError(132015)
    body = next((part["text"] for part in found.components if part.get("type") == "BODY"), "")
    given = [
        str(value.get("text", ""))
        for part in said.get("components", [])
        if part.get("type") == "body"
        for value in part.get("parameters", [])
    ]
    if len(given) != len(set(re.findall(r"\{\{\d+\}\}", body))) or not all(given):
        raise MetaError(132000)
    return re.sub(r"\{\{(\d+)\}\}", lambda at: given[int(at[1]) - 1], body)


async def _live(here: Simulation, number: Number, message: Message, rules: dict[str, Any]) -> None:
    """From accepted to the end, one status after another."""
    mailer = Mailer(here, number, rules)
    fate = int(rules["fail_with"].settings["code"]) if "fail_with" in rules else _fate(here, number, message)
    steps = ["failed"] if fate else ["sent"] if message.peer == ENDLESS else ["sent", "delivered"]
    if message.peer in here.readers and not fate:
        steps.append("read")
    message.error_code = fate
    for step in steps:
        await here.pause(here.config.step_delay)
        mailer.tell(message, step)
    await mailer.finish()


def _fate(here: Simulation, number: Number, message: Message) -> int | None:
    if message.peer in here.fates:
        return here.fates[message.peer]
    if message.kind != "template" and not here.window_open(number, message.peer):
        return 131047
    return FAILED.get(message.peer)


# --- media ---


async def post_media(request: Request) -> Response:
    _number(request)
    here, form = simulation(request), await request.form()
    file: Any = form.get("file")
    if file is None or isinstance(file, str):
        raise MetaError(131053)
    kept = keep(here, str(form.get("type") or file.content_type), await file.read(), file.filename or "")
    return JSONResponse({"id": kept.id})


def keep(here: Simulation, content_type: str, content: bytes, name: str = "") -> Media:
    media = Media(str(secrets.randbelow(10**15) + 10**15), content_type, content, name)
    here.media[media.id] = media
    return media


async def get_media(request: Request) -> Response:
    """Where the bytes are; the address wants the token as well."""
    _anybody(request)
    here = simulation(request)
    if request.path_params["id"] in here.numbers:
        return _shown(_number(request))
    media = here.media.get(request.path_params["id"])
    if media is None:
        raise MetaError(100, "object does not exist")
    url = f"{here.origin}/whatsapp_business/attachments/?mid={media.id}&ext=300&hash={secrets.token_hex(8)}"
    said = {"messaging_product": "whatsapp", "url": url, "mime_type": media.content_type, "id": media.id}
    return JSONResponse(said | {"sha256": sha256(media.content).hexdigest(), "file_size": len(media.content)})


def _shown(number: Number) -> Response:
    """https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers"""
    said = {"id": number.phone_number_id, "display_phone_number": f"+{number.display}"}
    return JSONResponse(said | {"verified_name": "Test Business", "quality_rating": "GREEN"})


async def get_content(request: Request) -> Response:
    here = simulation(request)
    media = here.media.get(request.query_params.get("mid", ""))
    if not any(one.access_token == _bearer(request) for one in here.numbers.values()):
        return Response("", 401)
    return Response(media.content, media_type=media.content_type) if media else Response("", 404)


# --- templates ---


async def post_template(request: Request) -> Response:
    here, waba, body = simulation(request), request.path_params["id"], await _json(request)
    _owner(request, waba)
    name, language = str(body.get("name", "")), str(body.get("language", ""))
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name) or not body.get("components"):
        raise MetaError(100, "name or components")
    if any(
        (one.waba_id, one.name, one.language) == (waba, name, language) for one in here.templates.values()
    ):
        raise MetaError(100, "content in this language already exists")
    for part in body["components"]:
        places = set(re.findall(r"\{\{\d+\}\}", part.get("text", "")))
        examples = part.get("example", {}).get("body_text", [[]])
        if places and len(examples[0]) != len(places):
            raise MetaError(100, "examples are missing")
    key = str(secrets.randbelow(10**15) + 10**15)
    state = "REJECTED" if "reject" in name else "APPROVED"
    template = Template(
        key, waba, name, language, str(body.get("category")), body["components"], state, time.monotonic()
    )
    here.templates[key] = template
    return JSONResponse({"id": key, "status": status_of(here, template), "category": template.category})


def status_of(here: Simulation, template: Template) -> str:
    decided = time.monotonic() - template.submitted >= here.config.review_delay
    return template.status if decided else "PENDING"


async def list_templates(request: Request) -> Response:
    here, waba, query = simulation(request), request.path_params["id"], request.query_params
    _owner(request, waba)
    found = [
        {
            "id": one.id, "name": one.name, "language": one.language, "category": one.category,
            "status": status_of(here, one), "components": one.components,
            "rejected_reason": "PROMOTIONAL" if status_of(here, one) == "REJECTED" else "NONE",
        }
        for one in here.templates.values()
        if one.waba_id == waba and query.get("name") in (None, one.name)
    ]  # fmt: skip
    return JSONResponse({"data": found, "paging": {"cursors": {"before": "x", "after": "y"}}})


def _owner(request: Request, waba: str) -> None:
    numbers = [one for one in simulation(request).numbers.values() if one.waba_id == waba]
    if not numbers:
        raise MetaError(33)
    if not any(
        secrets.compare_digest(_bearer(request).encode(), one.access_token.encode()) for one in numbers
    ):
        raise MetaError(190)


async def _json(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise MetaError(100, "not JSON") from None
    if not isinstance(body, dict):
        raise MetaError(100, "not an object")
    return body

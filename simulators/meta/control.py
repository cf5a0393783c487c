"""/sim: what a test, the demo and the chaos driver say to the simulator; nothing of this is Meta's."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from simulators.common.control import Handler, get_chaos, route, set_chaos
from simulators.meta import graph, webhooks
from simulators.meta.state import Json, Message, Number, Simulation
from simulators.meta.webhooks import Mailer, batch, post, value_of


def routes() -> list[Route]:
    phone = "/sim/handsets/{peer}"
    return [
        _route("GET", "/sim/healthz", healthz),
        _route("POST", "/sim/numbers", add_number),
        _route("POST", "/sim/numbers/{id}/subscribe", subscribe),
        _route("POST", phone, set_handset),
        _route("POST", f"{phone}/messages", send),
        _route("GET", f"{phone}/messages", read_screen),
        _route("POST", "/sim/messages/{id}/status", push_status),
        _route("POST", "/sim/templates/{name}", decide),
        _route("GET", "/sim/ledger", ledger),
        _route("GET", "/sim/requests", requests),
        _route("GET", "/sim/webhooks", list_webhooks),
        _route("POST", "/sim/chaos", set_chaos),
        _route("GET", "/sim/chaos", get_chaos),
        _route("POST", "/sim/reset", reset),
    ]


def _route(method: str, path: str, handler: Handler[Simulation]) -> Route:
    return route(method, path, handler, graph.simulation)


async def healthz(here: Simulation, request: Request, body: Json) -> Json:
    return {"status": "ok", "url": here.origin, "messages": len(here.messages)}


async def add_number(here: Simulation, request: Request, body: Json) -> Json:
    """number, webhook, and any of phone_number_id, waba_id, access_token, app_secret, verify_token."""
    known = {name: value for name, value in body.items() if name not in ("number", "webhook")}
    return asdict(here.add_number(body["number"], body.get("webhook", ""), **known))


async def subscribe(here: Simulation, request: Request, body: Json) -> Json:
    return await webhooks.subscribe(here, _owned(here, request.path_params["id"]), body.get("verify_token"))


async def set_handset(here: Simulation, request: Request, body: Json) -> Json:
    """fail_with: the error code awaiting its messages, or null; reads: whether it sends read receipts."""
    peer = request.path_params["peer"].lstrip("+")
    if "fail_with" in body:
        here.fates.pop(peer, None)
        here.fates |= {peer: int(body["fail_with"])} if body["fail_with"] else {}
    if "reads" in body:
        (here.readers.add if body["reads"] else here.readers.discard)(peer)
    return {"peer": peer, "fail_with": here.fates.get(peer), "reads": peer in here.readers}


async def send(here: Simulation, request: Request, body: Json) -> Json:
    """to, and body | message (any message object without from, id, timestamp) | media [{content_type,
    data_base64}]; name, times, sign_with and id are for mischief and identity."""
    number, peer = _owned(here, body["to"]), request.path_params["peer"].lstrip("+")
    said = [*_media(here, body.get("media", []), body.get("body", ""))]
    if not said:
        said = [body.get("message") or {"type": "text", "text": {"body": body.get("body", "")}}]
    told = [_receive(here, number, peer, one, body.get("id")) for one in said]
    who = {"wa_id": peer} if peer.isdigit() else {"user_id": peer}
    contact = {"profile": {"name": body.get("name", "Simulated Handset")}} | who
    value = value_of(number) | {"contacts": [contact], "messages": told}
    posts = (
        post(here, number, batch(number, value), body.get("sign_with"))
        for _ in range(int(body.get("times", 1)))
    )
    return {"ids": [one["id"] for one in told], "webhook": list(await asyncio.gather(*posts))}


def _media(here: Simulation, items: list[Json], caption: str) -> list[Json]:
    told: list[Json] = []
    for item in items:
        kind = item["content_type"].partition("/")[0]
        kind = kind if kind in ("image", "audio", "video") else "document"
        kept = graph.keep(here, item["content_type"], base64.b64decode(item["data_base64"], validate=True))
        about: Json = {"id": kept.id, "mime_type": item["content_type"], "sha256": "x"}
        about |= {"voice": True} if kind == "audio" else {"caption": caption} if caption and not told else {}
        told.append({"type": kind, kind: about})
    return told


def _receive(here: Simulation, number: Number, peer: str, said: Json, known: str | None) -> Json:
    now, kind = here.now(), said.get("type", "text")
    who = {"from": peer} if peer.isdigit() else {"from_user_id": peer}
    told = who | {"id": known or here.new_id(), "timestamp": str(int(now.timestamp())), **said}
    words = said.get(kind, {})
    text = (
        words.get("body") or words.get("emoji") or words.get("caption") or ""
        if isinstance(words, dict)
        else ""
    )
    here.messages[told["id"]] = Message(
        told["id"],
        len(here.messages) + 1,
        number.phone_number_id,
        peer,
        False,
        kind,
        text,
        told,
        now,
        "received",
    )
    return told


async def read_screen(here: Simulation, request: Request, body: Json) -> Json:
    """What stands on this phone, oldest first; ?after=SEQ."""
    peer, after = request.path_params["peer"].lstrip("+"), int(request.query_params.get("after", 0))
    lost = ("failed", "accepted")
    return {
        "messages": [
            _entry(one)
            for one in here.messages.values()
            if one.peer == peer and one.seq > after and not (one.outbound and one.status in lost)
        ]
    }


async def push_status(here: Simulation, request: Request, body: Json) -> Json:
    """Any status at any time: read receipts, late, stale and contradicting ones."""
    message = here.messages[request.path_params["id"]]
    message.error_code = body.get("error_code", message.error_code)
    mailer = Mailer(here, here.numbers[message.phone_number_id], {})
    mailer.tell(message, body["status"])
    await mailer.finish()
    return _entry(message)


async def decide(here: Simulation, request: Request, body: Json) -> Json:
    """status: APPROVED, REJECTED, PAUSED, PENDING or DISABLED, for every language of the template."""
    found = [one for one in here.templates.values() if one.name == request.path_params["name"]]
    for one in found:
        one.status = body["status"]
    return {"templates": [asdict(one) for one in found]}


async def ledger(here: Simulation, request: Request, body: Json) -> Json:
    return {"messages": [_entry(one) for one in here.messages.values() if one.outbound]}


def _entry(message: Message) -> Json:
    entry: dict[str, Any] = asdict(message)
    return entry | {"created": message.created.timestamp()}


async def requests(here: Simulation, request: Request, body: Json) -> Json:
    return {"requests": here.requests}


async def list_webhooks(here: Simulation, request: Request, body: Json) -> Json:
    return {"webhooks": here.webhooks}


async def reset(here: Simulation, request: Request, body: Json) -> Json:
    here.forget(keep_numbers=bool(body.get("keep_numbers")))
    await asyncio.sleep(0)
    return {"status": "ok"}


def _owned(here: Simulation, name: str) -> Number:
    number = here.find_number(name)
    if number is None:
        raise LookupError(f"nobody owns {name}")
    return number

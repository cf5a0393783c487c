"""/sim: what a test, the demo and the chaos driver say to the simulator; nothing of this is Twilio's."""

from __future__ import annotations

import asyncio
import base64
import hashlib

from starlette.requests import Request
from starlette.routing import Route

from simulators.common.control import Handler, Misused, get_chaos, route, set_chaos
from simulators.twilio import calls, handsets, rest
from simulators.twilio.callbacks import Mailer, describe
from simulators.twilio.numbers import SETTINGS
from simulators.twilio.state import Call, Json, Message, Service, Simulation


def routes() -> list[Route]:
    phone = "/sim/handsets/{number}"
    return [
        _route("GET", "/sim/healthz", healthz),
        _route("POST", "/sim/accounts", add_account),
        _route("POST", "/sim/numbers", add_number),
        _route("POST", "/sim/services", add_service),
        _route("POST", phone, set_handset),
        _route("POST", f"{phone}/messages", send_text),
        _route("GET", f"{phone}/messages", read_screen),
        _route("POST", f"{phone}/calls", call_in),
        _route("GET", "/sim/calls", list_calls),
        _route("POST", "/sim/calls/{sid}/hangup", hang_up),
        _route("POST", "/sim/messages/{sid}/status", push_status),
        _route("POST", "/sim/contents/{name}", decide),
        _route("GET", "/sim/ledger", ledger),
        _route("GET", "/sim/requests", requests),
        _route("GET", "/sim/webhooks", webhooks),
        _route("GET", "/sim/stops", stops),
        _route("POST", "/sim/chaos", set_chaos),
        _route("GET", "/sim/chaos", get_chaos),
        _route("POST", "/sim/reset", reset),
    ]


def _route(method: str, path: str, handler: Handler[Simulation]) -> Route:
    return route(method, path, handler, rest.simulation)


async def healthz(simulation: Simulation, request: Request, body: Json) -> Json:
    return {"status": "ok", "url": simulation.origin, "messages": len(simulation.messages)}


async def add_account(simulation: Simulation, request: Request, body: Json) -> Json:
    """Again with the same sid: a new token."""
    sid = body.get("sid") or simulation.sid("AC")
    account = simulation.add_account(sid, body.get("auth_token") or simulation.sid(""))
    return {"sid": account.sid, "auth_token": account.auth_token}


async def add_number(simulation: Simulation, request: Request, body: Json) -> Json:
    """Settings by Twilio's own names: sms_url, sms_method, sms_fallback_url, voice_url, status_callback …"""
    account_sid = body.get("account_sid") or simulation.config.account_sid
    if account_sid not in simulation.accounts:
        raise Misused(f"no account {account_sid}")
    settings = {name: body[shown] for name, shown in SETTINGS.items() if body.get(shown) is not None}
    number = simulation.add_number(account_sid, body["number"], settings)
    return {"sid": number.sid, "account_sid": number.account_sid, "number": number.number}


async def add_service(simulation: Simulation, request: Request, body: Json) -> Json:
    sid = body.get("sid") or simulation.sid("MG")
    account_sid = body.get("account_sid") or simulation.config.account_sid
    simulation.services[sid] = Service(sid, account_sid, body["numbers"], body.get("status_callback", ""))
    return {"sid": sid, "numbers": body["numbers"]}


async def set_handset(simulation: Simulation, request: Request, body: Json) -> Json:
    """fail_with: the error code awaiting its messages, or null; answers: completed, busy, …, rings."""
    handset = simulation.handset(request.path_params["number"])
    handset.fail_with = body.get("fail_with", handset.fail_with)
    handset.answers = body.get("answers", handset.answers)
    handset.reads = bool(body.get("reads", handset.reads))
    return {"number": handset.number, "fail_with": handset.fail_with, "answers": handset.answers}


async def send_text(simulation: Simulation, request: Request, body: Json) -> Json:
    text = handsets.Text(
        to=body["to"],
        body=body.get("body", ""),
        media=[_attachment(item) for item in body.get("media", [])],
        times=int(body.get("times", 1)),
        sign_with=body.get("sign_with"),
        message_sid=body.get("message_sid"),
        extra={str(name): str(value) for name, value in body.get("extra", {}).items()},
    )
    message, deliveries = await handsets.send(simulation, request.path_params["number"], text)
    return {"sid": message.sid, "webhook": [delivery.as_json() for delivery in deliveries]}


def _attachment(item: Json) -> handsets.Attachment:
    content = base64.b64decode(item["data_base64"], validate=True)
    return handsets.Attachment(item["content_type"], content, item.get("name", ""))


async def read_screen(simulation: Simulation, request: Request, body: Json) -> Json:
    query = request.query_params
    peer, after = query.get("with"), int(query.get("after", 0))
    return {"messages": handsets.screen(simulation, request.path_params["number"], peer, after)}


async def call_in(simulation: Simulation, request: Request, body: Json) -> Json:
    number = simulation.find_number(body["to"])
    if number is None:
        raise Misused(f"nobody owns {body['to']}")
    return _call(await calls.receive(simulation, request.path_params["number"], number))


async def list_calls(simulation: Simulation, request: Request, body: Json) -> Json:
    return {"calls": [_call(call) for call in simulation.calls.values()]}


def _call(call: Call) -> Json:
    return {
        "sid": call.sid,
        "from": call.sender,
        "to": call.to,
        "direction": call.direction,
        "status": call.status,
        "history": call.history,
        "verbs": call.log,
    }


async def hang_up(simulation: Simulation, request: Request, body: Json) -> Json:
    call = simulation.calls[request.path_params["sid"]]
    calls.hang_up(call)
    return _call(call)


async def push_status(simulation: Simulation, request: Request, body: Json) -> Json:
    """Any status at any time, with its callback: read receipts, late, stale and contradicting ones."""
    message = simulation.messages[request.path_params["sid"]]
    message.become(body["status"], body.get("error_code"))
    token = body.get("sign_with") or simulation.accounts[message.account_sid].auth_token
    mailer = Mailer(simulation, message.status_callback, token, {})
    mailer.tell(body["status"], describe(message, body["status"]))
    await mailer.finish()
    return _entry(message)


async def decide(simulation: Simulation, request: Request, body: Json) -> Json:
    """status: approved, rejected, paused, disabled or received, for every content of this name."""
    found = [one for one in simulation.contents.values() if one.name == request.path_params["name"]]
    for one in found:
        one.status = body["status"]
    return {"contents": [one.sid for one in found]}


async def ledger(simulation: Simulation, request: Request, body: Json) -> Json:
    """Every accepted outbound message, in that order; ?origin=api leaves out replies and opt-out words."""
    origin = request.query_params.get("origin")
    found = [message for message in simulation.messages.values() if message.outbound]
    return {"messages": [_entry(message) for message in found if origin in (None, message.origin)]}


def _entry(message: Message) -> Json:
    """The body as accepted, also after a redaction or deletion."""
    return {
        "seq": message.seq,
        "sid": message.sid,
        "account_sid": message.account_sid,
        "origin": message.origin,
        "to": message.to,
        "from": message.sender,
        "body": message.body,
        "body_sha256": hashlib.sha256(message.body.encode()).hexdigest(),
        "media": [media.source_url for media in message.media],
        "received_at": message.created.timestamp(),
        "request_id": message.request_id,
        "status_callback": message.status_callback,
        "status": message.status,
        "error_code": message.error_code,
        "history": message.history,
    }


async def requests(simulation: Simulation, request: Request, body: Json) -> Json:
    return {"requests": simulation.requests}


async def webhooks(simulation: Simulation, request: Request, body: Json) -> Json:
    return {"webhooks": simulation.webhooks}


async def stops(simulation: Simulation, request: Request, body: Json) -> Json:
    return {"stops": [{"number": number, "handset": handset} for number, handset in sorted(simulation.stops)]}


async def reset(simulation: Simulation, request: Request, body: Json) -> Json:
    simulation.forget(keep_numbers=bool(body.get("keep_numbers")))
    await asyncio.sleep(0)
    return {"status": "ok"}

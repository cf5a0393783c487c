"""The Calls resource: a call's states, its callbacks, and the TwiML it was given (recorded, not performed).

Source: https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.twilio import rest, twiml
from simulators.twilio.callbacks import Delivery, Mailer, Webhook, post
from simulators.twilio.errors import TwilioError
from simulators.twilio.outbound import ADDRESS
from simulators.twilio.state import CALL_ENDED, VERSION, Account, Call, Json, Number, Simulation, rfc2822

MAGIC = {
    "+15005552001": "busy",
    "+15005552002": "no-answer",
    "+15005552003": "failed",
    "+15005552004": "rings",
}
REFUSED = {"+15005550001": 21217, "+15005550003": 21215}
# A call with one of these goes on until somebody hangs up; any other TwiML is over when it is read out.
HOLDING = frozenset({"Connect", "Dial", "Gather", "Record", "Enqueue"})
EVENTS = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}


async def create(request: Request) -> Response:
    account, simulation = rest.authenticate(request), rest.simulation(request)
    submitted = await request.form()
    form = {key: str(value) for key, value in submitted.multi_items()}
    _check(simulation, account, form)
    call = Call(
        sid=simulation.sid("CA"),
        account_sid=account.sid,
        sender=form["From"],
        to=form["To"],
        direction="outbound-api",
        status="queued",
        created=datetime.now(UTC),
        url=form.get("Url", ""),
        method=form.get("Method", "POST"),
        twiml=form.get("Twiml", ""),
        status_callback=form.get("StatusCallback", ""),
        status_method=form.get("StatusCallbackMethod", "POST"),
        events=tuple(word for text in submitted.getlist("StatusCallbackEvent") for word in str(text).split())
        or ("completed",),
    )
    simulation.calls[call.sid] = call
    answer = JSONResponse(show(call), 201)
    simulation.spawn(_live(simulation, call, request.scope["plan"].after))
    if "callback_before_response" in request.scope["plan"].after:
        await simulation.pause(simulation.config.step_delay * 2)  # a call has no end to wait for
    return answer


def _check(simulation: Simulation, account: Account, form: Mapping[str, str]) -> None:
    to, sender = form.get("To", ""), form.get("From", "")
    owned = simulation.find_number(sender)
    if not to:
        raise TwilioError(21201)
    if not sender:
        raise TwilioError(21213)
    if not form.get("Url") and not form.get("Twiml"):
        raise TwilioError(21205)
    if sender != "+15005550006" and (owned is None or owned.account_sid != account.sid):
        raise TwilioError(21210, sender)
    if not ADDRESS.match(to) or to in REFUSED:
        raise TwilioError(REFUSED.get(to, 21217), to)


async def find(request: Request) -> Response:
    account, query = rest.authenticate(request), request.query_params
    found = [
        call
        for call in reversed(rest.simulation(request).calls.values())
        if call.account_sid == account.sid
        and query.get("To") in (None, "", call.to)
        and query.get("From") in (None, "", call.sender)
        and query.get("Status") in (None, "", call.status)
        and rest.within(request, "StartTime", call.started or call.created)
    ]
    return rest.page(request, "calls", found, lambda call: call.sid, show)


async def fetch(request: Request) -> Response:
    return JSONResponse(show(_get(request)))


async def update(request: Request) -> Response:
    """Status=completed ends it, canceled does before the answer; Url or Twiml redirects it. Ended: 20404."""
    call, form = _get(request), await rest.form(request)
    if call.status in CALL_ENDED:
        raise TwilioError(20404, request.url.path)
    if "Status" in form:
        _end(call, form["Status"])
    elif form.get("Url") or form.get("Twiml"):
        await _redirect(rest.simulation(request), call, form)
    return JSONResponse(show(call))


def _end(call: Call, status: str) -> None:
    if status not in ("completed", "canceled"):
        raise TwilioError(20001, "Status")
    if status == "canceled" and call.status == "in-progress":
        raise TwilioError(21220)
    become(call, "completed" if call.status == "in-progress" else "canceled")
    call.hung_up.set()


async def _redirect(simulation: Simulation, call: Call, form: Mapping[str, str]) -> None:
    if call.status != "in-progress":
        raise TwilioError(21220)
    call.url, call.twiml, call.method = form.get("Url", ""), form.get("Twiml", ""), form.get("Method", "POST")
    if not await _instruct(simulation, call):
        become(call, "completed")
        call.hung_up.set()


def hang_up(call: Call) -> None:
    """The person ends it: a call to them that still rings is declined, a call from them given up."""
    if call.status not in CALL_ENDED:
        ringing = "busy" if call.direction == "outbound-api" else "no-answer"
        become(call, "completed" if call.status == "in-progress" else ringing)
    call.hung_up.set()


def _get(request: Request) -> Call:
    account = rest.authenticate(request)
    call = rest.simulation(request).calls.get(request.path_params["sid"])
    if call is None or call.account_sid != account.sid:
        raise TwilioError(20404, request.url.path)
    return call


def become(call: Call, status: str) -> None:
    now = datetime.now(UTC)
    call.status = status
    call.history.append({"status": status, "at": now.timestamp()})
    if status == "in-progress":
        call.started = now
    if status in CALL_ENDED:
        call.ended = now


async def _live(simulation: Simulation, call: Call, rules: Mapping[str, Any]) -> None:
    """queued → ringing → in-progress → completed, or where the other side or an update ends it."""
    token = simulation.accounts[call.account_sid].auth_token
    mailer = Mailer(simulation, call.status_callback, token, rules, "call-status", call.status_method)
    fate = MAGIC.get(call.to) or simulation.handset(call.to).answers
    call.history.append({"status": "queued", "at": time.time()})
    _tell(call, mailer, "queued")
    if await _ring(simulation, call, mailer) and fate != "rings":
        await _take(simulation, call, mailer, fate)
    elif call.status not in CALL_ENDED:
        await call.hung_up.wait()
    _tell(call, mailer, call.status)
    await mailer.finish()


async def _ring(simulation: Simulation, call: Call, mailer: Mailer) -> bool:
    await simulation.pause(simulation.config.step_delay)
    if call.status in CALL_ENDED:
        return False
    become(call, "ringing")
    _tell(call, mailer, "ringing")
    await simulation.pause(simulation.config.step_delay)
    return call.status not in CALL_ENDED


async def _take(simulation: Simulation, call: Call, mailer: Mailer, fate: str) -> None:
    """Answered: fetch the TwiML and stay as long as it holds; otherwise busy, no-answer or failed."""
    if fate != "completed":
        return become(call, fate)
    become(call, "in-progress")
    _tell(call, mailer, "in-progress")
    await _converse(simulation, call)


async def _converse(simulation: Simulation, call: Call) -> None:
    if await _instruct(simulation, call):
        await call.hung_up.wait()
    await simulation.pause(simulation.config.step_delay)
    if call.status not in CALL_ENDED:
        become(call, "completed")


async def _instruct(simulation: Simulation, call: Call) -> bool:
    """Records the verbs; True when they hold the line. No TwiML: an error is recorded, the call ends."""
    text = call.twiml
    if not text:
        delivery = await _fetch_twiml(simulation, call)
        text = delivery.body
        if delivery.error:
            call.log.append({"error": delivery.error})
            return False
    try:
        verbs = twiml.verbs(text)
    except twiml.BadTwiml as bad:
        call.log.append({"error": bad.code})
        return False
    call.log.extend(verbs)
    return any(verb["verb"] in HOLDING for verb in verbs)


async def _fetch_twiml(simulation: Simulation, call: Call) -> Delivery:
    token = simulation.accounts[call.account_sid].auth_token
    return await post(simulation, Webhook("voice", call.url, describe(call, call.status), token, call.method))


async def receive(simulation: Simulation, handset: str, number: Number) -> Call:
    """A person calls one of our numbers: VoiceUrl says what happens. Returns once that is known."""
    settings = number.settings
    call = Call(
        sid=simulation.sid("CA"),
        account_sid=number.account_sid,
        sender=handset,
        to=number.number,
        direction="inbound",
        status="ringing",
        created=datetime.now(UTC),
        url=settings.get("VoiceUrl", ""),
        method=settings.get("VoiceMethod", "POST"),
        status_callback=settings.get("StatusCallback", ""),
        status_method=settings.get("StatusCallbackMethod", "POST"),
    )
    simulation.calls[call.sid] = call
    become(call, "ringing")
    holds = await _instruct(simulation, call)
    become(call, "in-progress")
    simulation.spawn(_stay(simulation, call, holds))
    return call


async def _stay(simulation: Simulation, call: Call, holds: bool) -> None:
    token = simulation.accounts[call.account_sid].auth_token
    mailer = Mailer(simulation, call.status_callback, token, {}, "call-status", call.status_method)
    if holds:
        await call.hung_up.wait()
    await simulation.pause(simulation.config.step_delay)
    if call.status not in CALL_ENDED:
        become(call, "completed")
    _tell(call, mailer, call.status)
    await mailer.finish()


def _tell(call: Call, mailer: Mailer, status: str) -> None:
    event = EVENTS.get(status, "completed")
    if event not in call.events:
        return
    params = describe(call, "initiated" if status == "queued" else status)
    params |= {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(call.steps),
        "Timestamp": formatdate(),
    }
    if status in CALL_ENDED:
        params |= {"CallDuration": _duration(call) or "0", "Duration": "1" if call.started else "0"}
    call.steps += 1
    mailer.tell(status, params)


def describe(call: Call, status: str) -> dict[str, str]:
    return {
        "AccountSid": call.account_sid,
        "ApiVersion": VERSION,
        "CallSid": call.sid,
        "CallStatus": status,
        "Called": call.to,
        "Caller": call.sender,
        "Direction": call.direction,
        "From": call.sender,
        "To": call.to,
    }


def _duration(call: Call) -> str | None:
    if call.started is None or call.ended is None:
        return "0" if call.ended else None
    return str(round((call.ended - call.started).total_seconds()))


def show(call: Call) -> Json:
    uri = f"/{VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    return {
        "account_sid": call.account_sid,
        "annotation": None,
        "answered_by": None,
        "api_version": VERSION,
        "caller_name": None,
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(call.ended or call.started or call.created),
        "direction": call.direction,
        "duration": _duration(call),
        "end_time": rfc2822(call.ended),
        "forwarded_from": None,
        "from": call.sender,
        "from_formatted": call.sender,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": rfc2822(call.started),
        "status": call.status,
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }

"""The Messages resource.

Source: https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.twilio import outbound, rest
from simulators.twilio.errors import TwilioError
from simulators.twilio.state import FINAL, VERSION, Account, Json, Message, Simulation, rfc2822

ERRORS = {
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30036: "Validity Period Expired",
    63016: "Failed to send freeform message because you are outside the allowed window",
}


async def create(request: Request) -> Response:
    """201 with the resource as it was at that moment, whatever has become of the message since."""
    account, simulation = rest.authenticate(request), rest.simulation(request)
    form = await request.form()
    fields = {key: str(value) for key, value in form.multi_items()}
    draft = outbound.check(simulation, account, fields, [str(url) for url in form.getlist("MediaUrl")])
    rules = request.scope["plan"].after
    if "fail_with" in rules and int(rules["fail_with"].settings["code"]) < 30_000:
        raise TwilioError(int(rules["fail_with"].settings["code"]), draft.to)
    message = outbound.accept(simulation, account.sid, draft, "api", request.scope["request_id"])
    answer = JSONResponse(show(message), 201, {"Twilio-Request-Id": request.scope["request_id"]})
    life = simulation.spawn(outbound.live(simulation, message, rules))
    if "callback_before_response" in rules:
        await asyncio.wait([life])
    return answer


async def find(request: Request) -> Response:
    """Newest first; To, From, DateSent, DateSent> and DateSent<. Without a DateSent yet, creation counts."""
    account, query = rest.authenticate(request), request.query_params
    found = [
        message
        for message in reversed(rest.simulation(request).messages.values())
        if message.account_sid == account.sid
        and not message.deleted
        and query.get("To") in (None, "", message.to)
        and query.get("From") in (None, "", message.sender)
        and rest.within(request, "DateSent", message.sent or message.created)
    ]
    return rest.page(request, "messages", found, lambda message: message.sid, show)


async def fetch(request: Request) -> Response:
    return JSONResponse(show(get(request, request.path_params["sid"])))


async def update(request: Request) -> Response:
    """Status=canceled before it is sent, or Body="" to redact it afterwards; nothing else."""
    message, form = get(request, request.path_params["sid"]), await rest.form(request)
    if "Status" in form:
        _cancel(message, form["Status"])
    if "Body" in form:
        _redact(message, form["Body"])
    return JSONResponse(show(message))


async def delete(request: Request) -> Response:
    message = get(request, request.path_params["sid"])
    _finished(message)
    message.deleted = True
    return Response(status_code=204)


def get(request: Request, sid: str) -> Message:
    account: Account = rest.authenticate(request)
    simulation: Simulation = rest.simulation(request)
    message = simulation.messages.get(sid)
    if message is None or message.deleted or message.account_sid != account.sid:
        raise TwilioError(20404, request.url.path)
    return message


def _cancel(message: Message, status: str) -> None:
    if status != "canceled":
        raise TwilioError(20001, "Status")
    if message.status not in ("accepted", "scheduled", "queued"):
        raise TwilioError(30409, message.sid)
    message.become("canceled")


def _redact(message: Message, body: str) -> None:
    if body:
        raise TwilioError(21619)
    _finished(message)
    message.redacted = True


def _finished(message: Message) -> None:
    if message.status not in FINAL and message.status != "sent":
        raise TwilioError(20009, message.sid)


def show(message: Message) -> Json:
    uri = f"/{VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}"
    unassigned = message.status in (
        "accepted",
        "scheduled",
    )  # a messaging service has not chosen a sender yet
    priced = message.status in ("sent", "delivered", "undelivered", "received", "read")
    return {
        "account_sid": message.account_sid,
        "api_version": VERSION,
        "body": "" if message.redacted else message.body,
        "date_created": rfc2822(message.created),
        "date_sent": rfc2822(message.sent),
        "date_updated": rfc2822(message.updated),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": ERRORS.get(message.error_code or 0),
        "from": None if unassigned else message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": str(len(message.media)),
        "num_segments": "0" if unassigned else str(message.segments),
        "price": f"-{0.0079 * message.segments:.5f}" if priced else None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }

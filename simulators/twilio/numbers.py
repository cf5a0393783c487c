"""The Account and IncomingPhoneNumbers resources.

Source: https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.twilio import rest
from simulators.twilio.errors import TwilioError
from simulators.twilio.outbound import ADDRESS
from simulators.twilio.state import VERSION, Json, Number, rfc2822

SETTINGS = {
    "FriendlyName": "friendly_name",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}


async def fetch_account(request: Request) -> Response:
    account = rest.authenticate(request)
    uri = f"/{VERSION}/Accounts/{account.sid}"
    nouns = {"messages": "Messages", "calls": "Calls", "incoming_phone_numbers": "IncomingPhoneNumbers"}
    body: Json = {
        "auth_token": account.auth_token,
        "date_created": rfc2822(account.created),
        "date_updated": rfc2822(account.created),
        "friendly_name": "Simulated account",
        "owner_account_sid": account.sid,
        "sid": account.sid,
        "status": "active",
        "subresource_uris": {name: f"{uri}/{noun}.json" for name, noun in nouns.items()},
        "type": "Full",
        "uri": f"{uri}.json",
    }
    return JSONResponse(body)


async def create(request: Request) -> Response:
    account, simulation, form = rest.authenticate(request), rest.simulation(request), await rest.form(request)
    wanted = form.get("PhoneNumber", "")
    if not ADDRESS.match(wanted) or simulation.find_number(wanted):
        raise TwilioError(21422, wanted or "PhoneNumber")
    number = simulation.add_number(account.sid, wanted, _settings(form))
    return JSONResponse(show(number), 201)


async def find(request: Request) -> Response:
    account, query = rest.authenticate(request), request.query_params
    found = [
        number
        for number in reversed(rest.simulation(request).numbers.values())
        if number.account_sid == account.sid
        and query.get("PhoneNumber", "") in number.number
        and query.get("FriendlyName") in (None, number.settings.get("FriendlyName", number.number))
    ]
    return rest.page(request, "incoming_phone_numbers", found, lambda number: number.sid, show)


async def fetch(request: Request) -> Response:
    return JSONResponse(show(_get(request)))


async def update(request: Request) -> Response:
    number = _get(request)
    number.settings.update(_settings(await rest.form(request)))
    return JSONResponse(show(number))


async def delete(request: Request) -> Response:
    number = _get(request)
    del rest.simulation(request).numbers[number.sid]
    return Response(status_code=204)


def _get(request: Request) -> Number:
    account = rest.authenticate(request)
    number = rest.simulation(request).numbers.get(request.path_params["sid"])
    if number is None or number.account_sid != account.sid:
        raise TwilioError(20404, request.url.path)
    return number


def _settings(form: dict[str, str]) -> dict[str, str]:
    return {name: form[name] for name in SETTINGS if name in form}


def show(number: Number) -> Json:
    settings: Json = {shown: number.settings.get(name, "") for name, shown in SETTINGS.items()}
    for name in ("SmsMethod", "VoiceMethod", "StatusCallbackMethod"):
        settings[SETTINGS[name]] = number.settings.get(name, "POST")
    settings["friendly_name"] = settings["friendly_name"] or number.number
    return {
        "account_sid": number.account_sid,
        "api_version": VERSION,
        "capabilities": {"fax": False, "mms": True, "sms": True, "voice": True},
        "date_created": rfc2822(number.created),
        "date_updated": rfc2822(number.created),
        "phone_number": number.number,
        "sid": number.sid,
        "status": "in-use",
        "uri": f"/{VERSION}/Accounts/{number.account_sid}/IncomingPhoneNumbers/{number.sid}.json",
        **settings,
    }

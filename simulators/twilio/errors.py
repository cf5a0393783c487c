"""Twilio's API errors by code, and their JSON body."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# https://www.twilio.com/docs/api/errors: code → HTTP status, message
CODES: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter: {detail}"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20009: (409, "Unable to update or delete: {detail} has not reached its final state"),
    20404: (404, "The requested resource {detail} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url parameter is required"),
    21210: (400, "The source phone number provided, {detail}, is not yet verified for your account"),
    21211: (400, "Invalid 'To' Phone Number: {detail}"),
    21213: (400, "No 'From' number is specified"),
    21215: (400, "Account not authorized to call {detail}"),
    21217: (400, "Phone number does not appear to be valid"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number: {detail}",
    ),
    21422: (400, "{detail} is not available"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {detail} is not a valid, message-capable number for this account"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number {detail} has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' phone number {detail} is not currently reachable using the 'From' number"),
    21614: (400, "'To' number {detail} is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21619: (400, "The only value the body of a message can be changed to is the empty string"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21624: (400, "The validity period {detail} is invalid: 1 to 36000 seconds"),
    21701: (400, "The Messaging Service {detail} does not exist"),
    21703: (400, "The Messaging Service {detail} contains no phone numbers"),
    21910: (400, "Invalid 'From' and 'To' pair: they must be of one channel"),
    21654: (400, "Content {detail} was not found"),
    21655: (400, "The content {detail} is not approved for WhatsApp"),
    21656: (400, "The ContentVariables are invalid"),
    30409: (409, "Message {detail} is not in a cancelable state"),
}


class TwilioError(Exception):
    """An answer with `{code, message, more_info, status}`."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.status, template = CODES.get(code, (400, f"Error {code}"))
        self.message = template.format(detail=detail)
        super().__init__(f"{code}: {self.message}")


def render(error: TwilioError, headers: dict[str, str] | None = None) -> JSONResponse:
    more_info = f"https://www.twilio.com/docs/errors/{error.code}"
    body = {"code": error.code, "message": error.message, "more_info": more_info, "status": error.status}
    extra = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else {}
    return JSONResponse(body, error.status, headers=extra | (headers or {}))


def refuse(status: int, code: int | None, headers: dict[str, str] | None) -> Response:
    """Twilio's words for a refusal with this HTTP status."""
    error = TwilioError({429: 20429, 401: 20003, 500: 20500, 503: 20503}.get(status, status))
    error.status = status
    return render(error, headers)


async def answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, TwilioError)
    return render(error)


async def answer_unknown(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405, in Twilio's words."""
    code = 20004 if getattr(error, "status_code", 404) == 405 else 20404
    return render(TwilioError(code, request.url.path))

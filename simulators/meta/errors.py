"""Meta's errors by code, and their JSON body."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes: code → HTTP status, title
CODES: dict[int, tuple[int, str]] = {
    1: (500, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    4: (400, "Application request limit reached"),
    33: (400, "Unsupported request: object does not exist"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130429: (429, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131026: (400, "Message undeliverable"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "Not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business account, consumer account) pair rate limit hit"),
    132000: (400, "Template param count mismatch"),
    132001: (404, "Template does not exist"),
    132015: (400, "Template is paused"),
}


class MetaError(Exception):
    def __init__(self, code: int, details: str = "") -> None:
        self.code, self.details = code, details
        self.status, self.title = CODES.get(code, (400, f"Error {code}"))
        super().__init__(f"{code}: {self.title}")


def render(
    error: MetaError, status: int | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = {
        "message": f"(#{error.code}) {error.title}",
        "type": "OAuthException",
        "code": error.code,
        "error_data": {"messaging_product": "whatsapp", "details": error.details or error.title},
        "fbtrace_id": secrets.token_urlsafe(9),
    }
    return JSONResponse({"error": body}, status or error.status, headers=headers)


def refuse(status: int, code: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """For chaos: Meta's words for a refusal with this HTTP status."""
    chosen = code or {429: 130429, 401: 190, 403: 368, 500: 131000, 503: 2}.get(status, 131000)
    return render(MetaError(chosen), status, headers)


async def answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, MetaError)
    return render(error)

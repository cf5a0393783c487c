"""Refusals in Google's words: https://developers.google.com/workspace/calendar/api/guides/errors"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MESSAGES = {
    "authError": "Invalid Credentials",
    "forbidden": "You need to have writer access to this calendar.",
    "rateLimitExceeded": "Rate Limit Exceeded",
    "notFound": "Not Found",
    "duplicate": "The requested identifier already exists.",
    "deleted": "Resource has been deleted",
    "fullSyncRequired": "Sync token is no longer valid, a full sync is required.",
    "conditionNotMet": "Precondition Failed",
    "invalid": "Invalid resource id value.",
    "timeRangeEmpty": "The specified time range is empty.",
    "required": "Missing end time.",
    "insufficientPermissions": "Request had insufficient authentication scopes.",
    "backendError": "Backend Error",
}
BY_STATUS = {
    400: "invalid", 401: "authError", 403: "rateLimitExceeded", 404: "notFound", 409: "duplicate", 410: "deleted",
    412: "conditionNotMet", 429: "rateLimitExceeded", 500: "backendError", 503: "backendError",
}  # fmt: skip
_USAGE = frozenset({"rateLimitExceeded", "quotaExceeded", "userRateLimitExceeded"})


class GoogleError(Exception):
    def __init__(self, status: int, reason: str = "", message: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason or BY_STATUS.get(status, "backendError")
        self.message = message or MESSAGES.get(self.reason, self.reason)


def render(error: GoogleError, headers: dict[str, str] | None = None) -> Response:
    domain = "usageLimits" if error.reason in _USAGE else "global"
    one = {"message": error.message, "domain": domain, "reason": error.reason}
    body = {"error": {"errors": [one], "code": error.status, "message": error.message}}
    return JSONResponse(body, error.status, headers)


async def answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, GoogleError)
    return render(error)


def refuse(status: int, code: int | None = None, headers: dict[str, str] | None = None) -> Response:
    return render(GoogleError(status), headers)

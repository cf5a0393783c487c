"""What went wrong, said the same way everywhere: RFC 9457 `application/problem+json` with a stable `code`."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from domain.errors import FieldError, NotFound, Rejected, TooMany, Unauthenticated
from store.db import UNAVAILABLE, UNWRITABLE

logger = logging.getLogger(__name__)

CODES = {
    "malformed": "The body is not JSON, or not UTF-8.",
    "unauthenticated": "No valid key or token was sent. They can be wrong, expired, revoked, or their person disabled.",
    "token_expired": "The access token is older than 15 minutes; `POST auth/refresh` gives a new one.",
    "token_reused": "This refresh token was exchanged before, so it is in two hands: the whole sign-in has ended.",
    "invalid_credentials": "The e-mail address or the password is wrong; which, is not said.",
    "wrong_password": "The current password is wrong.",
    "weak_password": "The password is too short, or one that is tried first; `errors` says which.",
    "email_taken": "There is an account, or a person, with this e-mail address.",
    "registration_closed": "This installation takes people by invitation only.",
    "channel_exists": "There is a channel of this kind with this address.",
    "slug_taken": "There is a workspace with this slug.",
    "last_owner": "Nobody would be left who owns the workspace.",
    "already_member": "The person who is invited is in the workspace already.",
    "invitation_invalid": "There is no invitation with this token.",
    "invitation_accepted": "The invitation was accepted.",
    "invitation_revoked": "The invitation was taken back.",
    "invitation_expired": "The invitation has expired; ask for a new one.",
    "not_permitted": "The key or the person is known, and may not do this: `x-right` of the route says what it needs.",
    "not_found": "There is no such thing in this workspace.",
    "method_not_allowed": "This address exists, for other methods; `Allow` lists them.",
    "conflict": "The thing is not in a state in which that can be done.",
    "draft_approved": "The draft was approved before.",
    "draft_edited": "The draft was approved, in other words, before.",
    "draft_rejected": "The draft was rejected before.",
    "draft_expired": "Nobody decided in time.",
    "draft_overtaken": "What the draft promises is possible no longer, such as a time that somebody else has now.",
    "draft_superseded": "The customer or a person has written since; the draft is stale.",
    "stale_version": "`If-Match` names a version that is no longer the current one. Read again, then decide.",
    "conversation_closed": "The conversation is closed. A reply opens it again unless the customer has a newer one.",
    "opted_out": "The customer has opted out; nothing may be sent.",
    "suppressed": "The provider says that nothing can arrive at this address.",
    "same_contact": "These two are one contact already, or are the same one.",
    "not_merged": "This contact is not merged into another.",
    "address_known": "One of these addresses belongs to a contact already: find them by it, and merge.",
    "needs_start": "The customer has opted out. Only their own START opts them in again; nobody can do it for them.",
    "illegal_transition": "The workflow does not lead from this status to that one; the detail names those it leads to.",
    "no_workflow": "The schema has no workflow, so there are no statuses.",
    "suggestion_decided": "Somebody has accepted or dismissed it, or a person has set the field since.",
    "field_gone": "The schema has no such field any more, or it does not take this value.",
    "name_taken": "There is a schema, or a rule, with this name.",
    "webhook_exists": "There is a webhook with this address.",
    "webhook_disabled": "The webhook is switched off.",
    "webhook_waiting": "The call is under way, or waits for its next attempt.",
    "too_many_webhooks": "The workspace has as many webhooks as it may have.",
    "time_taken": "Somebody has this time already.",
    "not_booked": "The appointment is cancelled, or over.",
    "not_begun": "The appointment has not begun.",
    "service_gone": "The appointment's service is booked here no longer.",
    "no_thread": "Nobody has written in this conversation yet.",
    "idempotency_in_flight": "The first request with this `Idempotency-Key` is still running.",
    "idempotency_mismatch": "This `Idempotency-Key` was used for a different request.",
    "attachment_pending": "The attachment is being fetched from the provider. Come again in a moment.",
    "attachment_rejected": "The attachment was not taken: too large, or of a type that is not kept.",
    "file_gone": "The attachment's file is no longer in the data directory.",
    "no_template_channel": "No channel of the workspace has templates.",
    "template_in_use": "The policy opens conversations with this template.",
    "too_large": "The body is larger than the API reads.",
    "in_file": "The workspace's file names this document; it is taken out there.",
    "unsupported_media_type": "Bodies are `application/json`.",
    "invalid": "A value is not acceptable; `errors` says which and why.",
    "bad_cursor": "The cursor was not made by this list.",
    "bad_origin": "A page from elsewhere may not follow events.",
    "too_many_requests": "The rate limit is used up; `Retry-After` says when to come back.",
    "internal": "A mistake of ours. `request_id` finds it in the log.",
    "unavailable": "The database is away or busy. Nothing was changed; `Retry-After` says when to come back.",
}
"""Every `code` there is. Codes are never renamed; the docs page lists them."""

_CODE_OF_STATUS = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_STATUS_OF_CODE = {"stale_version": 412}
RETRY_AFTER_S = 2


def response(
    scope: Scope, status: int, code: str, detail: str,
    errors: Sequence[FieldError] = (), headers: Mapping[str, str] | None = None,
) -> JSONResponse:  # fmt: skip
    body = {
        "type": f"{scope.get('root_path', '')}/docs#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": scope["state"]["request_id"],
        "errors": [{"pointer": one.pointer, "detail": one.detail} for one in errors],
    }
    return JSONResponse(body, status, dict(headers or {}), "application/problem+json")


def install(app: FastAPI) -> None:
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)
    for unwritable in UNWRITABLE:
        app.add_exception_handler(unwritable, _unwritable)


async def _unwritable(request: Request, error: Exception) -> JSONResponse:
    """Nothing was changed: the transaction has ended with it."""
    detail = "a value cannot be stored: a text with the NUL character, or a number that is too large"
    return response(request.scope, 422, "invalid", detail)


async def _rejected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Rejected)
    return rejected(request.scope, error)


def rejected(scope: Scope, error: Rejected) -> JSONResponse:
    status = _STATUS_OF_CODE.get(error.code, error.http_status)
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="frontdesk"'
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    if error.code == "idempotency_in_flight":
        headers["Retry-After"] = "1"
    return response(scope, status, error.code, error.detail, error.errors, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """The framework's findings, without the values that were sent. A malformed id names nothing that exists."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return response(request.scope, 400, "malformed", "the body is not valid JSON")
    if any(one["loc"][0] == "path" for one in found):
        return await _rejected(request, NotFound("there is no such thing here"))
    fields = [FieldError(_pointer(one["loc"]), _said(one)) for one in found]
    return response(request.scope, 422, "invalid", "a value is not acceptable", fields)


def _pointer(location: Sequence[Any]) -> str:
    """A JSON pointer into the body; what is not in the body is below /query or /header."""
    where = location[1:] if location[0] == "body" else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in where)


def _said(found: Mapping[str, Any]) -> str:
    said = str(found["msg"]).removeprefix("Value error, ")
    return said[:1].lower() + said[1:]


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, "rejected")
    detail = (
        "there is no such address in this API" if error.status_code == 404 else CODES.get(code, error.detail)
    )
    return response(request.scope, error.status_code, code, detail, headers=error.headers)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    logger.error("database: %s in request %s", type(error).__name__, request.state.request_id)
    return unavailable(request.scope)


def unavailable(scope: Scope) -> JSONResponse:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return response(scope, 503, "unavailable", CODES["unavailable"], headers=headers)

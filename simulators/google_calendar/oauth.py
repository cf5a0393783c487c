"""Consent and tokens: https://developers.google.com/identity/protocols/oauth2/web-server"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.google_calendar.errors import GoogleError
from simulators.google_calendar.state import ACCESS_LASTS, SCOPE, Grant, Simulation


def routes() -> list[Route]:
    return [
        Route("/o/oauth2/v2/auth", consent),
        Route("/token", token, methods=["POST"]),
        Route("/revoke", revoke, methods=["POST"]),
    ]


def state_of(request: Request) -> Simulation:
    found: Simulation = request.app.state.simulation
    return found


async def consent(request: Request) -> Response:
    """The page on which a person would click "Allow"; here they have."""
    here, asked = state_of(request), request.query_params
    if asked.get("client_id") != here.config.client_id or asked.get("response_type") != "code":
        return JSONResponse({"error": "invalid_client"}, 401)
    back = {"state": asked.get("state", "")}
    if here.config.consent == "denied":
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back | {'error': 'access_denied'})}")
    code = "4/" + secrets.token_urlsafe(16)
    scope = asked.get("scope", "") if here.config.consent == "given" else "openid"
    here.codes[code] = {
        "account": asked.get("login_hint", "owner@example.com"), "redirect_uri": asked["redirect_uri"],
        "challenge": asked.get("code_challenge", ""), "scope": scope,
        "offline": asked.get("access_type") == "offline" and "consent" in asked.get("prompt", ""),
    }  # fmt: skip
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back | {'code': code, 'scope': scope})}")


async def token(request: Request) -> Response:
    here = state_of(request)
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    if (form.get("client_id"), form.get("client_secret")) != (
        here.config.client_id,
        here.config.client_secret,
    ):
        return JSONResponse({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
    if form.get("grant_type") == "authorization_code":
        return _exchanged(here, form)
    refresh = form.get("refresh_token", "")
    grant = here.grants.get(refresh)
    if grant is None or grant.revoked:
        return _bad("Token has been expired or revoked.")
    return JSONResponse(_access(here, refresh, grant))


def _exchanged(here: Simulation, form: dict[str, str]) -> Response:
    known = here.codes.pop(form.get("code", ""), None)
    if known is None or known["redirect_uri"] != form.get("redirect_uri"):
        return _bad("Malformed auth code.")
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if not hmac.compare_digest(challenge, known["challenge"]):
        return _bad("Invalid code verifier.")
    refresh = here.grant(known["account"], known["scope"])
    answer = _access(here, refresh, here.grants[refresh])
    return JSONResponse(answer | ({"refresh_token": refresh} if known["offline"] else {}))


def _access(here: Simulation, refresh: str, grant: Grant) -> dict[str, object]:
    made = "ya29." + secrets.token_urlsafe(24)
    here.access[made] = refresh, here.now() + ACCESS_LASTS
    return {
        "access_token": made, "expires_in": int(ACCESS_LASTS.total_seconds()), "scope": grant.scope,
        "token_type": "Bearer",
    }  # fmt: skip


def _bad(said: str) -> Response:
    return JSONResponse({"error": "invalid_grant", "error_description": said}, 400)


async def revoke(request: Request) -> Response:
    form = parse_qs((await request.body()).decode())
    grant = state_of(request).grants.get(form.get("token", [""])[0])
    if grant is None or grant.revoked:
        return JSONResponse({"error": "invalid_token"}, 400)
    grant.revoked = True
    return JSONResponse({})


def account(request: Request) -> str:
    """Who asks. Raise GoogleError."""
    here = state_of(request)
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    refresh, until = here.access.get(sent, ("", here.now()))
    grant = here.grants.get(refresh)
    if grant is None or grant.revoked or until <= here.now():
        raise GoogleError(401)
    if SCOPE not in grant.scope.split():
        raise GoogleError(403, "insufficientPermissions")
    return grant.account

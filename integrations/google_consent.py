"""Consent to Google's Calendar: where a person is sent, and the tokens for what they bring back.

https://developers.google.com/identity/protocols/oauth2/web-server. One scope: to see and edit events; nothing of it
lists calendars, reads mail or tells who somebody is.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlencode

import httpx2

from integrations.google_calendar import Addresses, CalendarFailed, Fault

SCOPE = "https://www.googleapis.com/auth/calendar.events"
Http = httpx2.AsyncClient  # noqa: TID251  (the type's name; runtime/http.py opens it)


def url(at: Addresses, client_id: str, back: str, state: str, verifier: str, hint: str) -> str:
    """`offline` and `consent`, because only then a refresh token comes, and comes again the second time."""
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": client_id, "redirect_uri": back, "response_type": "code", "scope": SCOPE, "state": state,
        "access_type": "offline", "prompt": "consent", "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{at.consent}?{urlencode(asked | ({'login_hint': hint} if '@' in hint else {}))}"


async def exchange(
    http: Http, at: Addresses, client: tuple[str, str], code: str, back: str, verifier: str
) -> str:
    """The refresh token. Raise CalendarFailed: REVOKED for a code that is none, REFUSED when they did not allow the
    calendar."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier,
        "client_id": client[0], "client_secret": client[1],
    }  # fmt: skip
    try:
        reply = await http.post(at.tokens, data=form)
        said = reply.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise CalendarFailed(Fault.AWAY, type(error).__name__) from None
    if not isinstance(said, dict):
        raise CalendarFailed(Fault.AWAY, "no object")
    if not reply.is_success:
        code_ = str(said.get("error", reply.status_code))
        fault = (
            Fault.REVOKED
            if code_ == "invalid_grant"
            else Fault.AWAY
            if reply.status_code >= 500
            else Fault.BAD
        )
        raise CalendarFailed(fault, code_)
    token = said.get("refresh_token")
    if SCOPE not in str(said.get("scope", "")).split() or not isinstance(token, str) or not token:
        raise CalendarFailed(Fault.REFUSED, "calendar not allowed")
    return token


async def give_back(http: Http, at: Addresses, refresh_token: str) -> bool:
    """The consent is not needed any more. False when Google could not be told: its owner can take it back there."""
    try:
        return (await http.post(at.revoke, data={"token": refresh_token})).is_success
    except httpx2.HTTPError:
        return False

"""Access tokens: signed, short-lived, and worth nothing once their session has ended. The only user of PyJWT."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from domain.errors import Unauthenticated

LASTS = timedelta(minutes=15)
_ALGORITHM, _ISSUER, _AUDIENCE = "HS256", "frontdesk", "frontdesk-api"
_CLAIMS = ("iss", "aud", "sub", "sid", "ver", "exp")
PURPOSE = "access token"
"""What the signing keys are derived from the installation's secrets for."""


@dataclass(frozen=True, slots=True)
class Claims:
    account_id: UUID
    session_id: UUID
    token_version: int
    expires_at: datetime


def issue(keys: Mapping[str, bytes], claims: Claims) -> str:
    """Signed with the newest secret's key."""
    name, key = next(iter(keys.items()))
    told = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": str(claims.account_id), "sid": str(claims.session_id)}
    told |= {"ver": claims.token_version, "exp": int(claims.expires_at.timestamp())}  # type: ignore[dict-item]
    return jwt.encode(told, key, _ALGORITHM, {"kid": name})


def read(keys: Mapping[str, bytes], token: str, now: datetime) -> Claims:
    """Raise Unauthenticated; `token_expired` says that refreshing will help. `now` is the database's clock."""
    try:
        key = keys[str(jwt.get_unverified_header(token).get("kid"))]
        told: dict[str, Any] = jwt.decode(
            token, key, [_ALGORITHM], audience=_AUDIENCE, issuer=_ISSUER,
            options={"require": list(_CLAIMS), "verify_exp": False},
        )  # fmt: skip
        claims = Claims(
            UUID(told["sub"]),
            UUID(told["sid"]),
            int(told["ver"]),
            datetime.fromtimestamp(told["exp"], now.tzinfo),
        )
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, OverflowError, AttributeError):
        raise Unauthenticated("this token is not valid") from None
    if claims.expires_at <= now:
        raise Unauthenticated("this token has expired; refresh it", code="token_expired")
    return claims

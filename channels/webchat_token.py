"""What a visitor's browser shows to be the same visitor again: sealed by the workspace's own data key, so that
nobody can make one or read one, and bound to the workspace and the channel.

A token opens the chat for a day and can be exchanged for a new one for thirty; the browser does so at every
visit. There is nothing to look up: who never writes leaves no row."""

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import Unauthenticated
from store.crypto import Unreadable, Vault

CHAT, RESUME = timedelta(days=1), timedelta(days=30)
SKEW = timedelta(minutes=5)
_PLACE = "webchat.token"
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Visitor:
    """`id` is the value of their address."""

    id: str
    channel_id: UUID
    issued_at: datetime
    name: str | None = field(default=None, repr=False)
    language: str | None = None

    @property
    def expires_at(self) -> datetime:
        return self.issued_at + CHAT

    def again(self, now: datetime, name: str | None, language: str | None) -> "Visitor":
        return replace(self, issued_at=now, name=name or self.name, language=language or self.language)


def write(vault: Vault, visitor: Visitor) -> str:
    plain = json.dumps(
        {
            "visitor": visitor.id, "channel": str(visitor.channel_id), "at": visitor.issued_at.timestamp(),
            "name": visitor.name, "language": visitor.language,
        },
    )  # fmt: skip
    return base64.urlsafe_b64encode(vault.seal(_PLACE, plain)).decode().rstrip("=")


def read(vault: Vault, token: str, channel_id: UUID, now: datetime, life: timedelta = CHAT) -> Visitor:
    """Raise Unauthenticated: token_invalid (forged, damaged, another channel's or workspace's), token_expired."""
    if not token or len(token) > _LONGEST:
        raise _invalid()
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        said = json.loads(vault.open(_PLACE, sealed))
    except (ValueError, Unreadable):
        raise _invalid() from None
    visitor = Visitor(
        said["visitor"], UUID(said["channel"]), datetime.fromtimestamp(said["at"], now.tzinfo), said["name"],
        said["language"],
    )  # fmt: skip
    if visitor.channel_id != channel_id or visitor.issued_at > now + SKEW:
        raise _invalid()
    if visitor.issued_at + life < now:
        raise Unauthenticated("this token has expired: start a session again", code="token_expired")
    return visitor


def _invalid() -> Unauthenticated:
    return Unauthenticated("this is no token of this chat", code="token_invalid")

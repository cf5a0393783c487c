"""People who were sent to a calendar's provider to consent, and come back once, within minutes."""

import json
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import text

from domain.calendars import Tells
from store.db import Tx, new_id

LASTS = timedelta(minutes=15)

_ADD = text(
    "insert into calendar_consent (workspace_id, id, resource, tells, body, key, actor, until)"
    " values (:w, :id, :resource, :tells, :body, :key, :actor, frontdesk_now() + :lasts)"
)
_TAKE = text(
    "update calendar_consent set used_at = frontdesk_now() where key = :key and used_at is null"
    " and until > frontdesk_now() returning resource, tells, body, actor"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What they consent to."""

    resource: str
    tells: Tells
    calendar: str
    verifier: str
    actor: str


async def begin(tx: Tx, resource: str, tells: Tells, calendar: str, actor: str) -> tuple[str, str]:
    """(state, verifier), both secret. The state names the workspace, so that whoever comes back with it is found."""
    secret, verifier = token_urlsafe(32), token_urlsafe(48)
    body = tx.vault.seal("calendar_consent.body", json.dumps([calendar, verifier]))
    values = {"w": tx.workspace_id, "id": new_id(), "resource": resource, "tells": tells.value, "body": body}
    await tx.execute(
        _ADD, values | {"key": tx.vault.hash("calendar_consent", secret), "actor": actor, "lasts": LASTS}
    )
    return f"{tx.workspace_id}.{secret}", verifier


def workspace_of(state: str) -> tuple[UUID, str] | None:
    """(workspace, secret) of a state that looks like one of ours."""
    workspace, _, secret = state.partition(".")
    try:
        return UUID(workspace), secret
    except ValueError:
        return None


async def take(tx: Tx, secret: str) -> Asked | None:
    """None when it is not known, was used, or is too old."""
    row = (await tx.execute(_TAKE, {"key": tx.vault.hash("calendar_consent", secret)})).first()
    if row is None:
        return None
    calendar, verifier = json.loads(tx.vault.open("calendar_consent.body", bytes(row.body)))
    return Asked(row.resource, Tells(row.tells), calendar, verifier, row.actor)

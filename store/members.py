"""The people of a workspace: who they are, what they may do, and the invitations by which they come."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from store.db import Dispatch, Tx, new_id

_COLUMNS = "id, role, state, name, email, account_id, created_at"
_PAGE = text(
    f"select {_COLUMNS} from person where (cast(:after as uuid) is null or id > :after) order by id limit :limit"  # noqa: S608
)
_GET = text(f"select {_COLUMNS} from person where id = :id")  # noqa: S608  (constant columns)
# Owners are locked in one order, so that two who step back at once do not leave nobody.
_HOLD_OWNERS = text(
    "select id, account_id from person where role = 'owner' and state = 'active' order by id for update"
)
_HOLD = text(f"select {_COLUMNS} from person where id = :id for update")  # noqa: S608
_SET = text("update person set role = :role, state = :state, name = :name where id = :id")
_SET_NAME = text("update person set name = :name where id = :id")
_BY_EMAIL = text("select id, role, state, account_id from person where email_hash = :hash for update")
_BY_ACCOUNT = text("select id, role, state from person where account_id = :account for update")
_ADD = text(
    "insert into person (workspace_id, id, role, name, email, email_hash, account_id)"
    " values (:w, :id, :role, :name, :email, :hash, :account)"
)
_LINK = text(
    "update person set account_id = :account, role = :role, state = 'active', name = coalesce(:name, name)"
    " where id = :id"
)

_INVITATION = "id, email, role, invited_by, person_id, created_at, expires_at, accepted_at, revoked_at"
_REPLACE = text(
    "update invitation set revoked_at = frontdesk_now() where email_hash = :hash and accepted_at is null"
    " and revoked_at is null"
)
_INVITE = text(
    "insert into invitation (workspace_id, id, email, email_hash, role, token_hash, invited_by, expires_at)"
    " values (:w, :id, :email, :hash, :role, :token, :by, frontdesk_now() + :lasts)"
)
_INVITED = text(f"select {_INVITATION} from invitation where id = :id")  # noqa: S608
_INVITATIONS = text(
    f"select {_INVITATION} from invitation where (cast(:before as uuid) is null or id < :before)"  # noqa: S608
    " order by id desc limit :limit"
)
_HOLD_INVITATION = text(f"select {_INVITATION}, token_hash from invitation where id = :id for update")  # noqa: S608
_REVOKE = text(
    "update invitation set revoked_at = frontdesk_now() where id = :id and accepted_at is null and revoked_at is null"
)
_ACCEPT = text("update invitation set accepted_at = frontdesk_now(), person_id = :person where id = :id")
_WORKSPACE_OF = text("select workspace_id from invitation where id = :id")

PREFIX = "fdi_"


@dataclass(frozen=True, slots=True)
class Member:
    """`signs_in`: they have an account; else they act through keys only."""

    id: UUID
    role: str
    state: str
    name: str | None
    email: str | None
    signs_in: bool
    created_at: datetime
    account_id: UUID | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Invitation:
    id: UUID
    email: str
    role: str
    state: str
    """open, accepted, revoked or expired."""
    invited_by: UUID | None
    person_id: UUID | None
    created_at: datetime
    expires_at: datetime


async def page(tx: Tx, after: UUID | None, limit: int) -> list[Member]:
    """The longest here first."""
    return [_member(tx, row) for row in await tx.execute(_PAGE, {"after": after, "limit": limit})]


async def get(tx: Tx, person_id: UUID) -> Member:
    """Raise NotFound."""
    return _found(tx, (await tx.execute(_GET, {"id": person_id})).first())


async def change(tx: Tx, person_id: UUID, *, role: str, state: str, name: str | None) -> Member:
    """Raise Conflict when nobody would be left who owns the workspace: of those who sign in, if this one does."""
    owners = (await tx.execute(_HOLD_OWNERS)).all()
    before = await hold(tx, person_id)
    leaves = before.role == "owner" and before.state == "active" and (role != "owner" or state != "active")
    others = [one for one in owners if one.id != person_id and (one.account_id or not before.signs_in)]
    if leaves and not others:
        raise Conflict("this is the last owner; make somebody else one first", code="last_owner")
    values = {"id": person_id, "role": role, "state": state}
    await tx.execute(_SET, values | {"name": tx.vault.seal_maybe("person.name", name)})
    return await get(tx, person_id)


async def hold(tx: Tx, person_id: UUID) -> Member:
    """Locked until the transaction ends. Raise NotFound."""
    return _found(tx, (await tx.execute(_HOLD, {"id": person_id})).first())


async def rename(tx: Tx, person_id: UUID, name: str) -> None:
    await tx.execute(_SET_NAME, {"id": person_id, "name": tx.vault.seal("person.name", name)})


async def join(tx: Tx, account_id: UUID, email: str, role: str, name: str | None) -> UUID:
    """The account's person here: the one it had before, the one that has its e-mail, or a new one. Raise Conflict when
    that e-mail is another account's."""
    before = (await tx.execute(_BY_ACCOUNT, {"account": account_id})).first()
    before = before or (await tx.execute(_BY_EMAIL, {"hash": _email_hash(tx, email)})).first()
    sealed = tx.vault.seal_maybe("person.name", name)
    if before is None:
        person_id = new_id()
        values = {"w": tx.workspace_id, "id": person_id, "role": role, "name": sealed, "account": account_id}
        values |= {"email": tx.vault.seal("person.email", email), "hash": _email_hash(tx, email)}
        await tx.execute(_ADD, values)
        return person_id
    if getattr(before, "account_id", account_id) not in (None, account_id):
        raise Conflict("somebody else here signs in with this e-mail address", code="email_taken")
    await tx.execute(_LINK, {"id": before.id, "account": account_id, "role": role, "name": sealed})
    found: UUID = before.id
    return found


# --- invitations ---


async def invite(
    tx: Tx, email: str, role: str, invited_by: UUID | None, lasts: timedelta
) -> tuple[Invitation, str]:
    """With the token, which is shown this once. An open one to the same address is replaced."""
    hashed = _email_hash(tx, email)
    person = (await tx.execute(_BY_EMAIL, {"hash": hashed})).first()
    if person is not None and person.account_id is not None and person.state == "active":
        raise Conflict("this person is in the workspace already", code="already_member")
    if person is not None and person.state == "active" and person.role != role:
        raise Conflict(f"this person is here as {person.role}; invite them as that", code="already_member")
    await tx.execute(_REPLACE, {"hash": hashed})
    invitation_id, secret = new_id(), secrets.token_urlsafe(32)
    values: dict[str, Any] = {"w": tx.workspace_id, "id": invitation_id, "hash": hashed, "role": role}
    values |= {"email": tx.vault.seal("invitation.email", email), "token": _hash(secret)}
    await tx.execute(_INVITE, values | {"by": invited_by, "lasts": lasts})
    return await invitation(tx, invitation_id), f"{PREFIX}{invitation_id.hex}_{secret}"


async def invitation(tx: Tx, invitation_id: UUID) -> Invitation:
    """Raise NotFound."""
    row = (await tx.execute(_INVITED, {"id": invitation_id})).first()
    if row is None:
        raise NotFound("there is no such invitation here")
    return _invitation(tx, row)


async def invitations(tx: Tx, before: UUID | None, limit: int) -> list[Invitation]:
    """The newest first."""
    rows = await tx.execute(_INVITATIONS, {"before": before, "limit": limit})
    return [_invitation(tx, row) for row in rows]


async def revoke(tx: Tx, invitation_id: UUID) -> Invitation:
    """Raise NotFound, or Conflict when it was accepted. Twice is once."""
    await tx.execute(_REVOKE, {"id": invitation_id})
    after = await invitation(tx, invitation_id)
    if after.state == "accepted":
        raise Conflict("this invitation was accepted; disable the person instead", code="invitation_accepted")
    return after


def read_token(token: str) -> tuple[UUID, str] | None:
    """(invitation, secret) of what is at least well formed."""
    told, _, secret = token.removeprefix(PREFIX).partition("_")
    if not token.startswith(PREFIX) or len(told) != 32 or not secret:
        return None
    try:
        return UUID(told), secret
    except ValueError:
        return None


async def workspace_of_invitation(dispatch: Dispatch, invitation_id: UUID) -> UUID | None:
    found: UUID | None = await dispatch.db.scalar(_WORKSPACE_OF, {"id": invitation_id})
    return found


async def hold_invitation(tx: Tx, invitation_id: UUID, secret: str) -> Invitation:
    """Raise NotFound for a wrong token, Conflict for one that is no longer open."""
    row = (await tx.execute(_HOLD_INVITATION, {"id": invitation_id})).first()
    if row is None or not hmac.compare_digest(bytes(row.token_hash), _hash(secret)):
        raise NotFound("this invitation is not valid", code="invitation_invalid")
    held = _invitation(tx, row)
    if held.state != "open":
        raise Conflict(f"this invitation is {held.state}; ask for a new one", code=f"invitation_{held.state}")
    return held


async def accepted(tx: Tx, invitation_id: UUID, person_id: UUID) -> None:
    await tx.execute(_ACCEPT, {"id": invitation_id, "person": person_id})


def _invitation(tx: Tx, row: Any) -> Invitation:
    state = "accepted" if row.accepted_at else "revoked" if row.revoked_at else "open"
    if state == "open" and row.expires_at <= tx.now:
        state = "expired"
    email = tx.vault.open("invitation.email", bytes(row.email))
    return Invitation(
        row.id, email, row.role, state, row.invited_by, row.person_id, row.created_at, row.expires_at
    )


def _found(tx: Tx, row: Any) -> Member:
    if row is None:
        raise NotFound("there is no such person here")
    return _member(tx, row)


def _member(tx: Tx, row: Any) -> Member:
    name = tx.vault.open_maybe("person.name", row.name and bytes(row.name))
    email = tx.vault.open_maybe("person.email", row.email and bytes(row.email))
    return Member(
        row.id, row.role, row.state, name, email, row.account_id is not None, row.created_at, row.account_id
    )


def _email_hash(tx: Tx, email: str) -> bytes:
    return tx.vault.hash("email", email.lower())


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()

"""Who signs in: accounts, their sessions, and the businesses that they are in.

A session is a family of refresh tokens. Each is good once; what it is exchanged for follows from it and from a key of
ours, so whoever exchanges it twice within a few seconds (an answer was lost on the way) gets the same one. Used again
later than that, or after its successor was used, it is in two hands: the whole family ends.
"""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict
from store.db import Accounts, new_id

IDLE, LONGEST = timedelta(days=30), timedelta(days=90)
"""A session ends when it was not refreshed for so long, and in any case after so long."""
TWICE_WITHIN = timedelta(seconds=10)
"""A refresh token that comes again this soon is taken for a request whose answer was lost."""
PREFIX = "fdr_"

_ADD = text(
    "insert into account (id, email, email_hash, password, made_with) values (:id, :email, :hash, :password, :made_with)"
    " on conflict (email_hash) do nothing returning id"
)
_COLUMNS = "id, email, password, token_version, state, made_with"
_BY_EMAIL = text(f"select {_COLUMNS} from account where email_hash = :hash")  # noqa: S608  (constant columns)
_BY_ID = text(f"select {_COLUMNS} from account where id = :id")  # noqa: S608
_SET_PASSWORD = text(
    "update account set password = :password, token_version = token_version + 1, password_at = frontdesk_now()"
    " where id = :id"
)
_REHASH = text("update account set password = :password where id = :id and password = :before")
_MEMBERS = text(
    "select p.workspace_id, w.slug, p.id, p.role from person p join workspace w on w.id = p.workspace_id"
    " where p.account_id = :account and p.state = 'active' and w.state = 'active' order by p.id"
)
_OPEN = text(
    "insert into session (id, account_id, expires_at) values (:id, :account, frontdesk_now() + :idle)"
)
_ADD_TOKEN = text(
    "insert into refresh_token (hash, session_id) values (:hash, :session) on conflict (hash) do nothing"
)
_STANDING = text(
    "select a.token_version from session s join account a on a.id = s.account_id where s.id = :session"
    " and a.id = :account and a.state = 'active' and s.ended_at is null and s.expires_at > frontdesk_now()"
)
_OF_TOKEN = text("select session_id from refresh_token where hash = :hash")
_HOLD = text(
    "select s.id, s.account_id, s.created_at, s.expires_at, s.ended_at, a.state from session s"
    " join account a on a.id = s.account_id where s.id = :id for update of s"
)
_TOKEN = text("select used_at from refresh_token where hash = :hash")
_USE = text("update refresh_token set used_at = frontdesk_now() where hash = :hash")
_PROLONG = text(
    "update session set expires_at = least(frontdesk_now() + :idle, created_at + :longest) where id = :id"
)
_END = text(
    "update session set ended_at = frontdesk_now(), ended_because = :because where id = :id and ended_at is null"
)
_END_ALL = text(
    "update session set ended_at = frontdesk_now(), ended_because = :because"
    " where account_id = :account and ended_at is null"
)
_FORGET = text(
    "delete from session where id in (select id from session where expires_at < frontdesk_now() - :longest"
    " order by expires_at limit 100 for update skip locked)"
)


@dataclass(frozen=True, slots=True)
class Account:
    id: UUID
    email: str
    password: str = field(repr=False)
    """Its argon2id hash."""
    token_version: int
    active: bool
    made_with: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """One business that an account is in, and as whom."""

    workspace_id: UUID
    slug: str
    person_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class Session:
    """`refresh_token` is shown this once."""

    id: UUID
    account_id: UUID
    refresh_token: str = field(repr=False)
    expires_at: datetime


class Refused(StrEnum):
    """Why a refresh token is not taken."""

    UNKNOWN = "unknown"
    ENDED = "ended"
    REUSED = "reused"  # and everything that came from the same sign-in has ended with it


async def add(accounts: Accounts, email: str, password: str, made_with: bytes | None = None) -> UUID:
    """`password` is its hash. Raise Conflict when there is an account with this address."""
    account_id = new_id()
    values: dict[str, Any] = {"id": account_id, "email": accounts.vault.seal("account.email", email)}
    values |= {"hash": _email_hash(accounts, email), "password": password, "made_with": made_with}
    if (await accounts.db.execute(_ADD, values)).first() is None:
        raise Conflict("there is an account with this e-mail address; sign in", code="email_taken")
    return account_id


async def by_email(accounts: Accounts, email: str) -> Account | None:
    row = (await accounts.db.execute(_BY_EMAIL, {"hash": _email_hash(accounts, email)})).first()
    return _account(accounts, row) if row else None


async def get(accounts: Accounts, account_id: UUID) -> Account:
    return _account(accounts, (await accounts.db.execute(_BY_ID, {"id": account_id})).one())


async def set_password(accounts: Accounts, account_id: UUID, password: str) -> None:
    """A new hash; everything that was signed in with the old one ends."""
    await accounts.db.execute(_SET_PASSWORD, {"id": account_id, "password": password})
    await end_all(accounts, account_id, "password_changed")


async def rehash(accounts: Accounts, account: Account, password: str) -> None:
    """The same password under newer parameters."""
    await accounts.db.execute(_REHASH, {"id": account.id, "password": password, "before": account.password})


async def memberships(accounts: Accounts, account_id: UUID) -> tuple[Membership, ...]:
    """Where they may work now, the oldest first."""
    rows = await accounts.db.execute(_MEMBERS, {"account": account_id})
    return tuple(Membership(row.workspace_id, row.slug, row.id, row.role) for row in rows)


async def stands(accounts: Accounts, session_id: UUID, account_id: UUID, token_version: int) -> bool:
    """Whether what was signed for this session is still good."""
    values = {"session": session_id, "account": account_id}
    row = (await accounts.db.execute(_STANDING, values)).first()
    return row is not None and row.token_version == token_version


async def open_session(accounts: Accounts, account_id: UUID) -> Session:
    await accounts.db.execute(_FORGET, {"longest": LONGEST})
    session_id, token = new_id(), PREFIX + secrets.token_urlsafe(32)
    await accounts.db.execute(_OPEN, {"id": session_id, "account": account_id, "idle": IDLE})
    await accounts.db.execute(_ADD_TOKEN, {"hash": _hash(token), "session": session_id})
    return Session(session_id, account_id, token, accounts.now + IDLE)


async def refresh(accounts: Accounts, token: str) -> Session | Refused:
    """Exchange it. What a reuse ends has ended when this transaction is committed: answer after it."""
    found = (await accounts.db.execute(_OF_TOKEN, {"hash": _hash(token)})).first()
    if found is None:
        return Refused.UNKNOWN
    session = (await accounts.db.execute(_HOLD, {"id": found.session_id})).one()
    if session.ended_at is not None or session.expires_at <= accounts.now or session.state != "active":
        return Refused.ENDED
    following = _successor(accounts, token)
    if not await _may_be_used(accounts, token, following):
        await end(accounts, session.id, "refresh_token_reused")
        return Refused.REUSED
    await accounts.db.execute(_ADD_TOKEN, {"hash": _hash(following), "session": session.id})
    await accounts.db.execute(_PROLONG, {"id": session.id, "idle": IDLE, "longest": LONGEST})
    expires_at = min(accounts.now + IDLE, session.created_at + LONGEST)
    return Session(session.id, session.account_id, following, expires_at)


async def session_of(accounts: Accounts, token: str) -> UUID | None:
    """Of any refresh token that it ever had."""
    found: UUID | None = await accounts.db.scalar(_OF_TOKEN, {"hash": _hash(token)})
    return found


async def end(accounts: Accounts, session_id: UUID, because: str) -> None:
    await accounts.db.execute(_END, {"id": session_id, "because": because})


async def end_all(accounts: Accounts, account_id: UUID, because: str) -> None:
    await accounts.db.execute(_END_ALL, {"account": account_id, "because": because})


async def _may_be_used(accounts: Accounts, token: str, following: str) -> bool:
    """The session is held, so that of two that come at once one sees what the other did."""
    used_at = (await accounts.db.execute(_TOKEN, {"hash": _hash(token)})).scalar_one()
    if used_at is None:
        await accounts.db.execute(_USE, {"hash": _hash(token)})
        return True
    if accounts.now - used_at > TWICE_WITHIN:
        return False
    return (await accounts.db.execute(_TOKEN, {"hash": _hash(following)})).scalar_one() is None


def _successor(accounts: Accounts, token: str) -> str:
    """Neither the database nor our key alone can make it."""
    made = accounts.vault.hash("refresh_token", token)
    return PREFIX + base64.urlsafe_b64encode(made).decode().rstrip("=")


def _email_hash(accounts: Accounts, email: str) -> bytes:
    return accounts.vault.hash("email", email.lower())


def _hash(token: str) -> bytes:
    """256 random bits: a plain hash suffices."""
    return sha256(token.encode("utf-8", "replace")).digest()


def _account(accounts: Accounts, row: Any) -> Account:
    email = accounts.vault.open("account.email", bytes(row.email))
    made_with = bytes(row.made_with) if row.made_with is not None else None
    return Account(row.id, email, row.password, row.token_version, row.state == "active", made_with)

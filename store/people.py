"""The keys by which programs act, and whom they act for; adding a person from the command line."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zlib import crc32

from sqlalchemy import text

from domain.errors import NotFound
from store.db import Dispatch, Tx, new_id

_ADD_PERSON = text(
    "insert into person (workspace_id, id, role, name, email, email_hash)"
    " values (:w, :id, :role, :name, :email, :email_hash)"
    " on conflict (workspace_id, email_hash) do update set role = excluded.role, name = excluded.name returning id"
)
_ADD_KEY = text(
    "insert into api_key (workspace_id, id, name, prefix, secret_hash, scopes, role, person_id, expires_at)"
    " values (:w, :id, :name, :prefix, :hash, :scopes, :role, :person, :expires_at)"
)
_COLUMNS = "id, name, prefix, scopes, role, person_id, created_at, last_used_at, expires_at, revoked_at"
_GET_KEY = text(f"select {_COLUMNS} from api_key where id = :id")  # noqa: S608  (constant columns)
_KEYS = text(
    f"select {_COLUMNS} from api_key where (cast(:before as uuid) is null or id < :before)"  # noqa: S608
    " order by id desc limit :limit"
)
_WORKSPACE = text("select workspace_id from api_key where prefix = :prefix")
_KEY = text(
    "select k.id, k.secret_hash, k.scopes, k.person_id, k.expires_at, k.revoked_at, k.last_used_at, k.role as own_role,"
    " p.role, p.state"
    " from api_key k left join person p on p.workspace_id = k.workspace_id and p.id = k.person_id"
    " where k.prefix = :prefix"
)
_USED = text(
    "update api_key set last_used_at = frontdesk_now() where id = :id"
    " and (last_used_at is null or last_used_at < frontdesk_now() - interval '1 minute')"
)
_REVOKE = text(
    "update api_key set revoked_at = frontdesk_now() where id = :id and revoked_at is null returning id"
)
_REVOKE_NAMED = text(
    "update api_key set revoked_at = frontdesk_now() where name = :name and revoked_at is null"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key and whom it stands for, or a person who has signed in. `role` is a key's person's; when
    `own_role` is set, the weaker of the two counts."""

    workspace_id: UUID
    key_id: UUID | None
    person_id: UUID | None
    role: str
    scopes: tuple[str, ...]
    own_role: str | None = None

    @property
    def actor(self) -> str:
        """As the audit writes it."""
        return f"person:{self.person_id}" if self.person_id else f"key:{self.key_id}"


async def add(tx: Tx, role: str, name: str, email: str) -> UUID:
    """Create the person, or bring role and name of the one with this e-mail up to date."""
    values = {"w": tx.workspace_id, "id": new_id(), "role": role, "name": tx.vault.seal("person.name", name)}
    values |= {
        "email": tx.vault.seal("person.email", email.lower()),
        "email_hash": tx.vault.hash("email", email.lower()),
    }
    person_id: UUID = (await tx.execute(_ADD_PERSON, values)).scalar_one()
    return person_id


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as lists show it: without its secret."""

    id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    role: str | None
    person_id: UUID | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


async def add_key(
    tx: Tx,
    name: str,
    person_id: UUID | None,
    scopes: tuple[str, ...] = ("*",),
    expires_at: datetime | None = None,
    role: str | None = None,
) -> str:
    """A new key, `fd_<prefix>_<secret><checksum>`; it is shown this once and only its hash is kept."""
    return (await make_key(tx, name, person_id, scopes, expires_at, role))[1]


async def make_key(
    tx: Tx,
    name: str,
    person_id: UUID | None,
    scopes: tuple[str, ...],
    expires_at: datetime | None,
    role: str | None,
) -> tuple[UUID, str]:
    """(id, the key)"""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(24).replace("_", "-")
    key_id = new_id()
    values = {"w": tx.workspace_id, "id": key_id, "name": name, "prefix": prefix, "hash": _hash(secret)}
    values |= {"scopes": list(scopes), "role": role, "person": person_id, "expires_at": expires_at}
    await tx.execute(_ADD_KEY, values)
    return key_id, f"fd_{prefix}_{secret}{_checksum(prefix, secret)}"


async def keys(tx: Tx, before: UUID | None, limit: int) -> list[ApiKey]:
    """The newest first."""
    rows = await tx.execute(_KEYS, {"before": before, "limit": limit})
    return [ApiKey(**row._mapping) for row in rows]


async def key(tx: Tx, key_id: UUID) -> ApiKey:
    """Raise NotFound."""
    row = (await tx.execute(_GET_KEY, {"id": key_id})).first()
    if row is None:
        raise NotFound("there is no such key here")
    return ApiKey(**row._mapping)


def read_key(key: str) -> tuple[str, str] | None:
    """(prefix, secret) of a key that is at least well formed; what is not need not be looked up."""
    parts = key.split("_")
    if len(parts) != 3 or parts[0] != "fd" or len(parts[2]) < 20:
        return None
    prefix, secret, checksum = parts[1], parts[2][:-6], parts[2][-6:]
    return (
        (prefix, secret)
        if hmac.compare_digest(checksum.encode(), _checksum(prefix, secret).encode())
        else None
    )


async def workspace_of_key(dispatch: Dispatch, prefix: str) -> UUID | None:
    found: UUID | None = await dispatch.db.scalar(_WORKSPACE, {"prefix": prefix})
    return found


async def caller(tx: Tx, prefix: str, secret: str) -> Caller | None:
    """Who this key stands for, or None when it is wrong, expired, revoked, or its person is disabled."""
    row = (await tx.execute(_KEY, {"prefix": prefix})).first()
    if (
        row is None
        or not hmac.compare_digest(bytes(row.secret_hash), _hash(secret))
        or not _in_force(tx, row)
    ):
        return None
    await tx.execute(_USED, {"id": row.id})
    role, own = row.role or row.own_role or "agent", row.own_role
    return Caller(tx.workspace_id, row.id, row.person_id, role, tuple(row.scopes), own)


async def revoke_key(tx: Tx, key_id: UUID) -> bool:
    return (await tx.execute(_REVOKE, {"id": key_id})).first() is not None


async def revoke_keys_named(tx: Tx, name: str) -> None:
    await tx.execute(_REVOKE_NAMED, {"name": name})


def _in_force(tx: Tx, row: Any) -> bool:
    expired = row.expires_at is not None and row.expires_at <= tx.now
    return row.revoked_at is None and not expired and row.state in (None, "active")


def _hash(secret: str) -> bytes:
    """A key has 192 random bits: a plain hash suffices, a slow one is for passwords."""
    return sha256(secret.encode()).digest()


def _checksum(prefix: str, secret: str) -> str:
    return f"{crc32(f'{prefix}_{secret}'.encode()) & 0xFFFFFF:06x}"

"""What people and machines did, as a chain of hashes: a changed or missing row is seen. Ids and codes only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Tx

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('audit ' || frontdesk_workspace()::text, 0))")
_LAST = text("select n, hash from audit order by n desc limit 1")
_ADD = text(
    "insert into audit (workspace_id, n, at, actor, verb, object_kind, object_id, details, previous, hash)"
    " values (:w, :n, :at, :actor, :verb, :kind, :id, cast(:details as jsonb), :previous, :hash)"
)
_ALL = text("select * from audit order by n")
_SINCE = text(
    "select details from audit where verb = :verb and object_id = :id and (details->>'version')::int > :version order by n"
)
_PAGE = text(
    "select n, at, actor, verb, object_kind, object_id, details from audit"
    " where (cast(:object as uuid) is null or object_id = :object) and (cast(:verb as text) is null or verb = :verb)"
    " and (cast(:before as bigint) is null or n < :before) order by n desc limit :limit"
)
_COUNT = text("select count(*) from audit")
_FIRST = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Entry:
    n: int
    at: datetime
    actor: str
    verb: str
    object_kind: str
    object_id: UUID | None
    details: Mapping[str, Any]


async def add(
    tx: Tx, actor: str, verb: str, object_kind: str, object_id: UUID | None, **details: Any
) -> None:
    """Append. `verb` is past tense; `details` hold no words, names or numbers of people. Takes the chain's
    lock until the transaction ends, so let it be the last thing a transaction does."""
    await tx.execute(_LOCK)
    last = (await tx.execute(_LAST)).first()
    entry = Entry(last.n + 1 if last else 1, tx.now, actor, verb, object_kind, object_id, details)
    previous = bytes(last.hash) if last else _FIRST
    await tx.execute(
        _ADD,
        {
            "w": tx.workspace_id, "n": entry.n, "at": entry.at, "actor": actor, "verb": verb, "kind": object_kind,
            "id": object_id, "details": json.dumps(details, sort_keys=True), "previous": previous,
            "hash": _hash(previous, entry),
        },
    )  # fmt: skip


async def verify(tx: Tx) -> int | None:
    """The number of the first entry that does not fit the chain, or None when all do."""
    previous, expected = _FIRST, 1
    for row in await tx.execute(_ALL):
        entry = Entry(row.n, row.at, row.actor, row.verb, row.object_kind, row.object_id, row.details)
        if row.n != expected or bytes(row.previous) != previous or bytes(row.hash) != _hash(previous, entry):
            return int(row.n)
        previous, expected = bytes(row.hash), expected + 1
    return None


async def details_since(tx: Tx, verb: str, object_id: UUID, version: int) -> list[Mapping[str, Any]]:
    """Of what was done to it after it had this version, oldest first; for verbs whose details name the version."""
    values = {"verb": verb, "id": object_id, "version": version}
    return [row.details for row in await tx.execute(_SINCE, values)]


async def page(
    tx: Tx, *, object_id: UUID | None, verb: str | None, before: int | None, limit: int
) -> list[Entry]:
    """Newest first."""
    values = {"object": object_id, "verb": verb, "before": before, "limit": limit}
    return [Entry(*row) for row in await tx.execute(_PAGE, values)]


async def count(tx: Tx) -> int:
    return int((await tx.execute(_COUNT)).scalar_one())


def _hash(previous: bytes, entry: Entry) -> bytes:
    told = [entry.n, entry.at.timestamp(), entry.actor, entry.verb, entry.object_kind, str(entry.object_id)]
    return sha256(previous + json.dumps([*told, dict(entry.details)], sort_keys=True).encode()).digest()

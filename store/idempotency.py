"""Answers kept by the key that a caller chose, in the transaction of the effect: either both are there or neither.

Only what was done is kept. A request that was refused changed nothing, so the same key may be used again.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from domain.errors import Conflict, Invalid
from store.db import Tx

KEPT_FOR = timedelta(hours=24)

_LOCK = text(
    "select pg_try_advisory_xact_lock(hashtextextended('idempotency ' || frontdesk_workspace()::text || :key, 0))"
)
_FORGET = text(
    "delete from idempotency where (workspace_id, key) in (select workspace_id, key from idempotency"
    " where created_at < frontdesk_now() - :kept order by created_at limit 100 for update skip locked)"
)
_GET = text(
    "select route, request_hash, status, body from idempotency"
    " where key = :key and created_at >= frontdesk_now() - :kept"
)
_KEEP = text(
    "insert into idempotency (workspace_id, key, route, request_hash, status, body)"
    " values (:w, :key, :route, :hash, :status, :body) on conflict (workspace_id, key) do update set"
    " route = excluded.route, request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,"
    " created_at = excluded.created_at"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may come twice. `route` is the verb and the thing, `digest` the hash of its body."""

    key: str
    route: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: str


async def begin(tx: Tx, asked: Asked) -> Answered | None:
    """What this was answered before; None when it is new, and then it is ours until the transaction ends.
    Raise Conflict while the first one is still running, Invalid when the key was used for something else."""
    if not (await tx.execute(_LOCK, {"key": asked.key})).scalar_one():
        raise Conflict("a request with this Idempotency-Key is still running", code="idempotency_in_flight")
    await tx.execute(_FORGET, {"kept": KEPT_FOR})
    row = (await tx.execute(_GET, {"key": asked.key, "kept": KEPT_FOR})).first()
    if row is None:
        return None
    if row.route != asked.route or bytes(row.request_hash) != asked.digest:
        raise Invalid("this Idempotency-Key was used for a different request", code="idempotency_mismatch")
    return Answered(row.status, tx.vault.open("idempotency.body", bytes(row.body)))


async def keep(tx: Tx, asked: Asked, answered: Answered) -> None:
    """`asked` was begun in this transaction."""
    sealed = tx.vault.seal("idempotency.body", answered.body)
    values = {"w": tx.workspace_id, "key": asked.key, "route": asked.route, "hash": asked.digest}
    await tx.execute(_KEEP, values | {"status": answered.status, "body": sealed})

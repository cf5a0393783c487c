"""The vectors of listings: which are missing, put in, and whose serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx
from store.passages import as_halfvec

_CLAIM = text(
    "update listing_state set lease_until = frontdesk_now() + :lease where workspace_id in ("
    " select workspace_id from listing_state where (due_at <= frontdesk_now() or model is distinct from :model)"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by due_at nulls last limit :limit for update skip locked) returning workspace_id"
)
_RENEW = text("update listing_state set lease_until = frontdesk_now() + :lease returning version")
# What is sold or pending is only compared by its figures.
_MISSING = text(
    "select l.key, l.words, l.words_hash from listing l where l.status = 'active' and not exists ("
    " select from listing_vector v where v.workspace_id = l.workspace_id and v.key = l.key and v.model = :model"
    " and v.words_hash = l.words_hash) order by l.key limit :limit"
)
_ADD = text(
    "insert into listing_vector as v (workspace_id, key, model, words_hash, vector)"
    " select :w, one.key, :model, one.hash, cast(one.vector as halfvec)"
    " from unnest(cast(:keys as text[]), cast(:hashes as text[]), cast(:vectors as text[])) as one (key, hash, vector)"
    " on conflict (workspace_id, model, key) do update set words_hash = excluded.words_hash, vector = excluded.vector"
)
_SERVE = text(
    "update listing_state set model = :model, due_at = null, failures = 0, lease_until = null"
    " where version = :version returning workspace_id"
)
_FORGET = text("delete from listing_vector where model <> :model")
_LATER = text(
    "update listing_state set failures = failures + 1, lease_until = null,"
    " due_at = frontdesk_now() + least(:base * power(2, least(failures, 10)), interval '10 minutes')"
)
_MODEL = text("select model from listing_state")


@dataclass(frozen=True, slots=True)
class Bare:
    """A listing without a vector of its newest words."""

    key: str
    words: str
    words_hash: str


async def claim(
    dispatch: Dispatch, model: str, limit: int, lease: timedelta, only: UUID | None = None
) -> list[UUID]:
    """Workspaces with listings that want vectors, or whose vectors are another model's."""
    values = {"model": model, "limit": limit, "lease": lease, "only": only}
    return [row.workspace_id for row in await dispatch.db.execute(_CLAIM, values)]


async def renew(tx: Tx, lease: timedelta) -> int | None:
    """The version of the listings; and the lease goes on."""
    version: int | None = (await tx.execute(_RENEW, {"lease": lease})).scalar_one_or_none()
    return version


async def missing(tx: Tx, model: str, limit: int) -> list[Bare]:
    rows = await tx.execute(_MISSING, {"model": model, "limit": limit})
    return [Bare(row.key, row.words, row.words_hash) for row in rows]


async def add(tx: Tx, model: str, made: Sequence[tuple[Bare, Sequence[float]]]) -> None:
    values = {"w": tx.workspace_id, "model": model, "keys": [bare.key for bare, _ in made]}
    values |= {"hashes": [bare.words_hash for bare, _ in made]}
    await tx.execute(_ADD, values | {"vectors": [as_halfvec(vector) for _, vector in made]})


async def serve(tx: Tx, model: str, version: int) -> bool:
    """From now on wishes are compared with these; False when listings came in between."""
    if (await tx.execute(_SERVE, {"model": model, "version": version})).first() is None:
        return False
    await tx.execute(_FORGET, {"model": model})
    return True


async def later(tx: Tx, base: timedelta) -> None:
    await tx.execute(_LATER, {"base": base})


async def model(tx: Tx) -> str | None:
    """Whose vectors serve; None is nobody's yet."""
    found: str | None = (await tx.execute(_MODEL)).scalar_one_or_none()
    return found

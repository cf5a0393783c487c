"""The vectors of passages: which are missing, put in, and whose serve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx
from store.passages import GRAPHS, as_halfvec

MANY = 10_000
"""Passages of one workspace from which on a graph of neighbours is kept: searched in full, so many take 8 ms of CPU."""

_CLAIM = text(
    "update knowledge_state set lease_until = frontdesk_now() + :lease where workspace_id in ("
    " select workspace_id from knowledge_state"
    " where (due_at <= frontdesk_now() or (due_at is null and model is distinct from :model))"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by due_at nulls last limit :limit for update skip locked) returning workspace_id"
)
_RENEW = text("update knowledge_state set lease_until = frontdesk_now() + :lease")
_STATE = text("select version, model, ann, due_at is not null as waiting from knowledge_state")
_MISSING = text(
    "select p.nr, p.heading, p.text from passage p where not exists (select from embedding e"
    " where e.workspace_id = p.workspace_id and e.nr = p.nr and e.model = :model) order by p.nr limit :limit"
)
_ADD = text(
    "insert into embedding (workspace_id, nr, model, dimensions, vector, ann)"
    " select :w, one.nr, :model, :dimensions, cast(one.vector as halfvec),"
    "  coalesce((select ann from knowledge_state where workspace_id = :w), false)"
    " from unnest(cast(:numbers as bigint[]), cast(:vectors as text[])) as one (nr, vector)"
    " join passage p on p.workspace_id = :w and p.nr = one.nr on conflict do nothing"
)
_SERVE = text(
    "update knowledge_state set model = :model, due_at = null, failures = 0, lease_until = null"
    " where version = :version returning workspace_id"
)
_FORGET = text("delete from embedding where model <> :model")
_LATER = text(
    "update knowledge_state set failures = failures + 1, lease_until = null,"
    " due_at = frontdesk_now() + least(:base * power(2, least(failures, 10)), interval '10 minutes')"
)
_GIVE_BACK = text("update knowledge_state set lease_until = null, due_at = frontdesk_now()")
_COUNT = text("select passages from lexeme where term = ''")
_INTO_GRAPH = text(
    "update embedding set ann = true where (workspace_id, nr, model) in (select workspace_id, nr, model from embedding"
    " where model = :model and not ann limit :limit)"
)
_HAS_GRAPH = text("update knowledge_state set ann = :ann")


@dataclass(frozen=True, slots=True)
class State:
    version: int
    model: str | None
    ann: bool
    waiting: bool


@dataclass(frozen=True, slots=True)
class Bare:
    """A passage without a vector. `words` is what is embedded."""

    nr: int
    words: str


async def claim(
    dispatch: Dispatch, model: str, limit: int, lease: timedelta, only: UUID | None = None
) -> list[UUID]:
    """Workspaces with passages that want vectors, or whose vectors are another model's."""
    values = {"model": model, "limit": limit, "lease": lease, "only": only}
    return [row.workspace_id for row in await dispatch.db.execute(_CLAIM, values)]


async def state(tx: Tx, lease: timedelta) -> State | None:
    """And the lease goes on."""
    await tx.execute(_RENEW, {"lease": lease})
    row = (await tx.execute(_STATE)).first()
    return State(row.version, row.model, row.ann, row.waiting) if row else None


async def missing(tx: Tx, model: str, limit: int) -> list[Bare]:
    rows = await tx.execute(_MISSING, {"model": model, "limit": limit})
    return [Bare(row.nr, embedded(row.heading, row.text)) for row in rows]


def embedded(heading: str, words: str) -> str:
    """What a vector is made of: headings say what a passage is about when its own words do not."""
    return f"{heading}\n{words}".strip()


async def add(tx: Tx, model: str, numbers: Sequence[int], vectors: Sequence[Sequence[float]]) -> None:
    """Passages that have gone meanwhile, or have theirs already, are passed over."""
    if not numbers:
        return
    values = {"w": tx.workspace_id, "model": model, "dimensions": len(vectors[0]), "numbers": list(numbers)}
    await tx.execute(_ADD, values | {"vectors": [as_halfvec(one) for one in vectors]})


async def serve(tx: Tx, model: str, version: int) -> bool:
    """From now on these vectors are searched; False when the passages have changed since."""
    if (await tx.execute(_SERVE, {"model": model, "version": version})).first() is None:
        return False
    await tx.execute(_FORGET, {"model": model})
    return True


async def into_graph(tx: Tx, model: str, dimensions: int, batch: int = 500) -> bool:
    """Of a workspace with very many passages, the next vectors; False when there is nothing to do."""
    count = (await tx.execute(_COUNT)).scalar_one_or_none() or 0
    if dimensions not in GRAPHS or count < MANY:
        return False
    moved = (await tx.execute(_INTO_GRAPH, {"model": model, "limit": batch})).rowcount
    await tx.execute(_HAS_GRAPH, {"ann": moved < batch})
    return bool(moved == batch)


async def later(tx: Tx, base: timedelta) -> None:
    await tx.execute(_LATER, {"base": base})


async def give_back(tx: Tx) -> None:
    await tx.execute(_GIVE_BACK)

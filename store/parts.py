"""Schemas and rules as they were: each with an id that stays, and every version, whoever changed it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import NotFound
from domain.workspace import Profile
from store.db import Tx, new_id

_LAST = text(
    "select * from (select distinct on (id) id, n, name, body, actor, at from part_version where kind = :kind"
    " order by id, n desc) newest where body is not null"
)
_GONE = text(
    "select id, n from (select distinct on (id) id, n, name, body from part_version where kind = :kind"
    " order by id, n desc) newest where body is null and name = :name order by n desc limit 1"
)
_ADD = text(
    "insert into part_version (workspace_id, kind, id, n, name, body, actor)"
    " values (:w, :kind, :id, :n, :name, cast(:body as jsonb), :actor)"
)
_VERSIONS = text(
    "select id, n, name, body, actor, at from part_version where kind = :kind and id = :id"
    " and (cast(:before as int) is null or n < :before) order by n desc limit :limit"
)
_HOLD = text("select id from workspace where id = :id for update")


class Kind(StrEnum):
    SCHEMA = "schema"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Version:
    """`body` is the part in the file's shape; None when it was taken out."""

    id: UUID
    n: int
    name: str
    body: Mapping[str, Any] | None
    actor: str
    at: datetime


def bodies(profile: Profile, kind: Kind) -> dict[str, Any]:
    """By name, as they compare: whatever was left to its default is left out."""
    if kind is Kind.RULE:
        return {str(rule["name"]): json.loads(json.dumps(rule, default=str)) for rule in profile.rules}
    told = json.loads(profile.model_dump_json(include={"schemas"}, exclude_defaults=True))
    return {schema["name"]: schema for schema in told.get("schemas", ())}


async def record(
    tx: Tx, profile: Profile, actor: str, renamed: Mapping[str, str] | None = None
) -> dict[Kind, dict[str, Version]]:
    """Write down what is different from the last versions; `renamed` is new name → old name. Return what stands, by
    name. The workspace is held, so that two do not count the same version."""
    await tx.execute(_HOLD, {"id": tx.workspace_id})
    return {kind: await _record(tx, kind, bodies(profile, kind), actor, renamed or {}) for kind in Kind}


async def _record(
    tx: Tx, kind: Kind, wanted: Mapping[str, Any], actor: str, renamed: Mapping[str, str]
) -> dict[str, Version]:
    known = {row.name: row for row in await tx.execute(_LAST, {"kind": kind})}
    standing, used = {}, set[str]()
    for name, body in wanted.items():
        old = renamed.get(name, name)
        before = known.get(old)
        used.add(old)
        if before is not None and before.name == name and before.body == body:
            standing[name] = _version(before)
            continue
        if before is None:
            before = (await tx.execute(_GONE, {"kind": kind, "name": name})).first()
        part_id, n = (before.id, before.n + 1) if before is not None else (new_id(), 1)
        standing[name] = await _add(tx, kind, Version(part_id, n, name, body, actor, tx.now))
    for name, row in known.items():
        if name not in used:
            await _add(tx, kind, Version(row.id, row.n + 1, name, None, actor, tx.now))
    return standing


async def _add(tx: Tx, kind: Kind, one: Version) -> Version:
    values = {"w": tx.workspace_id, "kind": kind, "id": one.id, "n": one.n, "name": one.name}
    body = None if one.body is None else json.dumps(one.body)
    await tx.execute(_ADD, values | {"body": body, "actor": one.actor})
    return one


async def standing(tx: Tx, profile: Profile, kind: Kind) -> dict[str, Version]:
    """Those of the profile, by name, in its order. A version that nobody has written down (it was made by the software
    before this one) is written down now."""
    wanted = bodies(profile, kind)
    known = {row.name: _version(row) for row in await tx.execute(_LAST, {"kind": kind})}
    if known.keys() != wanted.keys() or any(known[name].body != body for name, body in wanted.items()):
        known = (await record(tx, profile, "system"))[kind]
    return {name: known[name] for name in wanted}


async def versions(tx: Tx, kind: Kind, part_id: UUID, before: int | None, limit: int) -> Sequence[Version]:
    """Newest first."""
    values = {"kind": kind, "id": part_id, "before": before, "limit": limit}
    return [_version(row) for row in await tx.execute(_VERSIONS, values)]


def find(standing: Mapping[str, Version], named: str) -> Version:
    """By name or by id. Raise NotFound."""
    found = standing.get(named) or next(
        (one for one in standing.values() if str(one.id) == named.lower()), None
    )
    if found is None:
        raise NotFound("there is no such thing here")
    return found


def _version(row: Any) -> Version:
    return Version(row.id, row.n, row.name, row.body, row.actor, row.at)

"""Workspaces and what their file says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, FieldError
from domain.workspace import Profile
from store import parts, ruling, schedules
from store.db import Dispatch, Tx

_ADD = text(
    "insert into workspace (id, slug, profile) values (:id, :slug, cast(:profile as jsonb))"
    " on conflict do nothing returning id"
)
_SET = text(
    "update workspace set profile = cast(:profile as jsonb), slug = :slug, version = version + 1,"
    " updated_at = frontdesk_now() where id = :id returning version"
)
_GET = text("select id, slug, version, state, profile::text as profile from workspace where id = :id")
_HOLD = text("select id from workspace where id = :id for update")
_ALL = text("select id, slug from workspace order by slug")
_BY_SLUG = text("select id from workspace where slug = :slug")


@dataclass(frozen=True, slots=True)
class Workspace:
    id: UUID
    slug: str
    version: int
    active: bool
    profile: Profile


async def add(tx: Tx, profile: Profile) -> None:
    """Inside `Database.found`. Raise Conflict when there is one with this slug, or with this id."""
    values = {"id": tx.workspace_id, "slug": profile.workspace.slug, "profile": _dump(profile)}
    if (await tx.execute(_ADD, values)).first() is None:
        wrong = FieldError("/slug", "there is a workspace with this slug; choose another")
        raise Conflict("there is a workspace with this slug", code="slug_taken", errors=[wrong])
    await parts.record(tx, profile, "system")
    await plan_rules(tx, profile)


async def replace_profile(
    tx: Tx, profile: Profile, actor: str = "file", renamed: Mapping[str, str] | None = None
) -> int:
    """The new version. `renamed` is new name → old name, of a schema or a rule."""
    values = {"id": tx.workspace_id, "slug": profile.workspace.slug, "profile": _dump(profile)}
    version: int = (await tx.execute(_SET, values)).scalar_one()
    await parts.record(tx, profile, actor, renamed)
    await plan_rules(tx, profile)
    return version


async def plan_rules(tx: Tx, profile: Profile) -> None:
    """The log is followed if some rule waits for it, and rules on a schedule have their next time."""
    await ruling.follow(tx, wanted=ruling.reads_log(profile))
    await schedules.plan(tx, profile)


async def hold(tx: Tx) -> None:
    """Nobody else changes it until the transaction ends."""
    await tx.execute(_HOLD, {"id": tx.workspace_id})


async def get(tx: Tx) -> Workspace:
    row = (await tx.execute(_GET, {"id": tx.workspace_id})).one()
    return Workspace(row.id, row.slug, row.version, row.state == "active", _parse(row.profile))


async def listed(dispatch: Dispatch) -> list[tuple[UUID, str]]:
    """(id, slug) of every workspace."""
    return [(row.id, row.slug) for row in await dispatch.db.execute(_ALL)]


async def by_slug(dispatch: Dispatch, slug: str) -> UUID | None:
    found: UUID | None = await dispatch.db.scalar(_BY_SLUG, {"slug": slug})
    return found


def _dump(profile: Profile) -> str:
    """Without the channels' credentials: those are kept sealed, in the channel's own row."""
    data = profile.model_dump(mode="json")
    for channel in data["channels"]:
        channel["credentials"] = {}
    if not any(data["brand"].values()):
        del data["brand"]  # the version before does not know it
    if not data["integrations"]:
        del data["integrations"]  # nor this
    if not data["hours"]["exceptions"]:
        del data["hours"]["exceptions"]  # nor this
    for channel in data["channels"]:
        if channel["schema"] is None:
            del channel["schema"]  # nor this
    for schema in data["schemas"]:
        if not schema["ask_first"]:
            del schema["ask_first"]
        for field in schema["fields"]:
            _without(field, visible_when=None, priority=100)
    return json.dumps(data)


def _without(told: dict[str, Any], **defaults: Any) -> None:
    for name, default in defaults.items():
        if told[name] == default:
            del told[name]


@lru_cache(maxsize=256)
def _parse(profile: str) -> Profile:
    return Profile.model_validate_json(profile)

"""Workspaces: those of the caller, new ones, and what a business says about itself."""

from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, ValidationError

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded, Here, guarded, needs
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Sent
from admin_api.shaping import merged
from admin_api.sign_in import NewWorkspace
from admin_api.versions import IfMatch
from domain.errors import Conflict, FieldError, Invalid, NotPermitted
from domain.workspace import Assistant, Brand, Policy, Profile
from runtime import changes, export, founding, mistakes
from store import accounts, audit, members, workspaces
from store.db import Tx, new_id
from store.workspaces import Workspace as Stored

several = APIRouter(prefix="/workspaces", route_class=Guarded, tags=["workspaces"])
one = APIRouter(route_class=guarded(write=Right.CONFIGURE), tags=["workspaces"])

_CHANGED = "workspace_changed"


class Summary(BaseModel):
    id: UUID
    slug: str
    name: str
    timezone: str
    role: str
    """The caller's."""


class Workspace(Summary):
    industry: str
    version: int
    assistant: Assistant
    policy: Policy
    hours: dict[str, str] = Field(description='Such as {"mon-fri": "08:00-17:00", "sat-sun": "closed"}.')
    brand: Brand


class Change(Sent):
    """A merge patch (RFC 7396): what is not named stays, null goes back to the default."""

    name: str | None = None
    timezone: str | None = None
    industry: str | None = None
    assistant: dict[str, Any] | None = Field(
        None, description="name, role, personality, instructions, greeting, languages"
    )
    policy: dict[str, Any] | None = Field(
        None, description="default, approve, confidence, pause_after_human, …"
    )
    hours: dict[str, str | None] | None = Field(None, description="Days, or spans of days; null is closed.")
    brand: dict[str, Any] | None = None


@several.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Summary]:
    """Those that the caller may see: of a key its own, of a person all that they are in."""
    after = pagination.read_id("workspaces", cursor)
    places = [(m.workspace_id, m.role) for m in here.members] or [(here.caller.workspace_id, here.role)]
    shown = sorted(place for place in places if after is None or place[0] > after)[: limit + 1]
    rows = [await _summary(here, workspace_id, role) for workspace_id, role in shown]
    return pagination.page(rows, limit, lambda row: row, lambda row: pagination.write("workspaces", row.id))


async def _summary(here: Here, workspace_id: UUID, role: str) -> Summary:
    async with here.rt.db.transaction(workspace_id) as tx:
        found = await workspaces.get(tx)
    identity = found.profile.workspace
    return Summary(id=found.id, slug=found.slug, name=identity.name, timezone=identity.timezone, role=role)


@several.post("", status_code=201)
@needs(Right.OWN)
async def create(here: Admitted, wish: NewWorkspace, response: Response, key: once.Key = None) -> Workspace:
    """A new business, of which whoever has signed in is the owner. With the same `Idempotency-Key` it is the same one."""
    if here.claims is None:
        raise NotPermitted("a key belongs to one workspace; sign in to make another")
    if not here.rt.settings.registration and all(place.role != "owner" for place in here.members):
        raise NotPermitted("only who owns a workspace here may make another", code="registration_closed")
    account_id = here.claims.account_id
    workspace_id = uuid5(NAMESPACE_OID, f"{account_id} {key}") if key else new_id()
    if workspace_id in {place.workspace_id for place in here.members}:
        made, again = await _again(here, workspace_id, wish), True
    else:
        made, again = await _create(here, workspace_id, account_id, wish), False
    response.headers["ETag"] = versions.etag(made.version)
    if again:
        response.headers["Idempotency-Replayed"] = "true"
    return made


async def _create(here: Here, workspace_id: UUID, account_id: UUID, wish: NewWorkspace) -> Workspace:
    async with here.rt.db.accounts() as found:
        email = (await accounts.get(found, account_id)).email
    async with here.transaction() as tx:
        name = (await members.get(tx, here.person())).name
    for slug in founding.slugs(wish.slug, wish.name):
        planned = await wish.plan(slug)
        try:
            async with here.rt.db.found(workspace_id) as tx:
                await founding.found(tx, planned)
                person_id = await members.join(tx, account_id, email, "owner", name)
                await audit.add(tx, f"person:{person_id}", "workspace_created", "workspace", workspace_id)
                return _shown(await workspaces.get(tx), "owner")
        except Conflict as error:
            if error.code != "slug_taken" or wish.slug is not None:
                raise
    raise Conflict("no free slug was found for this name; choose one", code="slug_taken")


async def _again(here: Here, workspace_id: UUID, wish: NewWorkspace) -> Workspace:
    async with here.rt.db.transaction(workspace_id) as tx:
        made = _shown(await workspaces.get(tx), "owner")
    if (made.name, wish.slug or made.slug) != (wish.name, made.slug):
        raise Invalid("this Idempotency-Key was used for a different request", code="idempotency_mismatch")
    return made


@one.get("")
async def shown(here: Admitted, response: Response) -> Workspace:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        found = await workspaces.get(tx)
    response.headers["ETag"] = versions.etag(found.version)
    return _shown(found, here.role)


@one.patch("")
async def change(here: Admitted, wish: Change, response: Response, if_match: IfMatch = None) -> Workspace:
    """Name, assistant, hours, policy, brand; checked like a workspace's file. Channels, schemas, rules and knowledge
    have addresses of their own."""
    async with here.transaction() as tx:
        await workspaces.hold(tx)
        before = await workspaces.get(tx)
        if not versions.is_current(if_match, before.version):
            raise versions.stale(before.version, await _changed_since(tx, versions.named(if_match) or []))
        after = _patched(before.profile, wish.model_dump(exclude_unset=True))
        paths = changes.paths(before.profile, after)
        if paths:
            version = await workspaces.replace_profile(tx, after)
            await audit.add(
                tx, here.caller.actor, _CHANGED, "workspace", tx.workspace_id, version=version, paths=paths
            )
        found = await workspaces.get(tx)
    response.headers["ETag"] = versions.etag(found.version)
    return _shown(found, here.role)


async def _changed_since(tx: Tx, known: list[int]) -> list[str]:
    """Pointers, as far as the audit tells."""
    if not known:
        return []
    told = await audit.details_since(tx, _CHANGED, tx.workspace_id, max(known))
    paths = {path.removeprefix("workspace.") for details in told for path in details["paths"]}
    return ["/" + path.replace(".", "/") for path in sorted(paths)]


def _patched(before: Profile, patch: dict[str, Any]) -> Profile:
    """Raise Invalid, with a pointer for each mistake."""
    data = before.model_dump(mode="json")
    named = {key: patch.pop(key) for key in ("name", "timezone", "industry") if key in patch}
    data["workspace"] = merged(data["workspace"], named)
    if "hours" in patch:
        days = patch.pop("hours")
        data["hours"] = (
            {} if days is None else export.hours(before.hours) | {d: h or "closed" for d, h in days.items()}
        )
    for part, wish in patch.items():
        data[part] = {} if wish is None else merged(data[part], wish)
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise Invalid(
            "a value is not acceptable", errors=[_mistake(found) for found in error.errors()]
        ) from None


def _mistake(found: Any) -> FieldError:
    where = [part for part in found["loc"] if part != "workspace"]
    return FieldError("".join(f"/{part}" for part in where), mistakes.said(found))


def _shown(found: Stored, role: str) -> Workspace:
    profile, identity = found.profile, found.profile.workspace
    return Workspace(
        id=found.id, slug=found.slug, name=identity.name, timezone=identity.timezone, role=role,
        industry=identity.industry, version=found.version, assistant=profile.assistant, policy=profile.policy,
        hours=export.hours(profile.hours), brand=profile.brand,
    )  # fmt: skip

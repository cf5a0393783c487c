"""The business's CRM: connected by a token, tried, seen, read at once, and taken away; who failed, and what passed.
docs/how-to/crm.md"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from admin_api import once, pagination
from admin_api.auth import Admitted, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told
from domain.crm_settings import settings_of
from domain.errors import Conflict, FieldError, NotFound
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_answers import CrmFailed, Fault
from store import audit, crm_changes, crm_contacts, crm_links, workspaces
from store.crm_links import Link
from store.db import Tx

router = APIRouter(prefix="/crm", route_class=guarded(write=Right.CONFIGURE), tags=["crm"])

_REFUSED = {
    Fault.REVOKED: ("crm_token_refused", "/token", "the CRM does not take this token; copy it anew"),
    Fault.FORBIDDEN: (
        "crm_token_lacks_rights", "/token",
        "the token lacks a scope (contacts.readonly, contacts.write, locations/customFields.readonly), or is another"
        " location's",
    ),
    Fault.BAD: ("crm_refused", "/location", "the CRM does not know this location"),
}  # fmt: skip


class Connect(Sent):
    location: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{4,64}$")] = Field(
        description="The location's (sub-account's) id: Settings → Business Profile."
    )
    token: Annotated[str, Field(min_length=8, max_length=2000, pattern=r"^[!-~]+$")] = Field(
        description="Of a private integration of that location. It is kept encrypted and never shown."
    )


class Contacts(BaseModel):
    due: int = Field(description="To be looked at on both sides.")
    done: int
    failed: int = Field(description="Not taken there; again when they change, or when a person says so.")
    left: int = Field(description="Deleted there, erased here, or part of another contact by now.")


class LinkTold(BaseModel):
    id: UUID
    location: str
    state: Literal["connected", "revoked"]
    reason: str | None = Field(
        description="token_refused, token_lacks_rights: connect again with a new token. daily_limit, busy, away: it goes on"
        " by itself. fields_missing: make them there. no_mapping: write integrations.crm."
    )
    fields_missing: list[str] = Field(
        description="Keys of custom fields that the mapping names and the CRM has not."
    )
    contacts: Contacts
    waiting_since: Moment | None = Field(description="The oldest change that could go there and has not.")
    polled_at: Moment | None = Field(description="When it was asked last what has changed there.")
    known_until: Moment = Field(description="Changes there are known up to here.")
    hooked_at: Moment | None = Field(description="When it last told something by itself.")
    rests_until: Moment | None = Field(description="It wants fewer calls until then.")
    calls_left_today: int | None
    created_at: Moment


class Crm(BaseModel):
    mapped: bool = Field(description="Whether integrations.crm says what goes there.")
    link: LinkTold | None
    webhook: str = Field(description="Where the marketplace app is to send its webhooks, if there is one.")


class Tested(BaseModel):
    ok: bool
    reason: str | None = Field(description="As in `link.reason`, of this one try.")
    fields_missing: list[str]


class Soon(BaseModel):
    links: int = Field(description="How many are read at the next opportunity.")


class Brought(Told):
    contact_id: UUID
    state: Literal["due", "done", "failed", "left"]
    external_id: str | None = Field(description="The contact's id in the CRM.")
    reason: str | None
    attempts: int
    next_attempt_at: Moment
    synced_at: Moment | None
    updated_at: Moment


class Change(BaseModel):
    contact_id: UUID
    conversation_id: UUID | None
    field: str
    outcome: Literal["sent", "taken", "kept_ours", "kept_theirs", "unreadable"] = Field(
        description="sent there; taken here; or both kept what they had, because that of the other side counts less."
    )
    ours: Any = Field(description="What it was here.")
    theirs: Any = Field(description="What it was there.")
    at: Moment


@router.get("")
async def shown(here: Admitted) -> Crm:
    """What is connected, whether it is reached, and how far behind."""
    async with here.transaction() as tx:
        link = await crm_links.now(tx)
        mapped = settings_of((await workspaces.get(tx)).profile) is not None
        told = await _told(tx, link) if link else None
    return Crm(mapped=mapped, link=told, webhook=f"{here.rt.settings.public_url}/hooks/gohighlevel")


@router.post("/connect", response_model=Crm)
async def connect(here: Admitted, wish: Connect) -> Crm:
    """Tries the token and keeps it. A connection that lost its token is connected again the same way, and goes on where
    it was. 409 `crm_connected` when another location is; `crm_token_refused`, `crm_unreachable`, … when nothing was kept."""
    crm = here.rt.crms.trial(wish.location, wish.token)
    try:
        await crm.test()
        await crm.custom_fields()
    except CrmFailed as error:
        raise _refused(error) from None
    async with here.transaction() as tx:
        link_id = await crm_links.connect(tx, wish.location, wish.token)
        await audit.add(tx, here.caller.actor, "crm_connected", "crm_link", link_id)
    return await shown(here)


@router.post("/test", response_model=Tested)
async def test(here: Admitted) -> Tested:
    """Whether the CRM takes the token now, and has the fields that the mapping names."""
    async with here.transaction() as tx:
        link = await _needed(tx)
        settings = settings_of((await workspaces.get(tx)).profile)
    crm = here.rt.crms.open(link)
    try:
        await crm.test()
        missing = await _missing(crm, settings.custom if settings else ())
    except CrmFailed as error:
        code = _REFUSED[error.fault][0].removeprefix("crm_") if error.fault in _REFUSED else error.code
        return Tested(ok=False, reason=code, fields_missing=[])
    return Tested(ok=not missing, reason="fields_missing" if missing else None, fields_missing=missing)


@router.post("/sync", response_model=Soon)
async def sync(here: Admitted, key: once.Key = None) -> Response:
    """Ask soon what has changed there, without waiting for the next time."""

    async def asked() -> Soon:
        return Soon(links=await crm_links.poll_soon(tx))

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST crm/sync", None), 200, asked)


@router.delete("", status_code=204)
async def disconnect(here: Admitted) -> None:
    """At once: nothing is read or written there any more, and the token is forgotten. What stands there stays. Twice is
    once."""
    async with here.transaction() as tx:
        link = await crm_links.hold(tx)
        if link is not None and await crm_links.remove(tx, link.id):
            await audit.add(tx, here.caller.actor, "crm_disconnected", "crm_link", link.id)


@router.get("/contacts")
async def contacts(
    here: Admitted,
    state: Annotated[Literal["due", "done", "failed", "left"] | None, Query()] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Brought]:
    """Whom the CRM has of us, the last touched first; `state=failed` are those that it did not take, and why."""
    before = pagination.read_moment("crm contacts", cursor)
    async with here.transaction() as tx:
        link = await crm_links.now(tx)
        rows = await crm_contacts.page(tx, link.id, state, before, limit + 1) if link else []
    return pagination.page(rows, limit, Brought.model_validate, _place)


@router.post("/contacts/{contact_id}/retry", status_code=204)
async def retry(here: Admitted, contact_id: UUID) -> None:
    """Once more. Whoever was deleted there is made there anew. 409 `crm_not_failed` for one that has not failed."""
    async with here.transaction() as tx:
        link = await _needed(tx)
        await crm_contacts.retry(tx, link.id, contact_id)
        await audit.add(tx, here.caller.actor, "crm_retried", "contact", contact_id)


@router.get("/changes")
async def changes(
    here: Admitted,
    contact_id: Annotated[UUID | None, Query(description="Of this contact.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Change]:
    """What passed between both sides and what did not, the newest first."""
    before = pagination.read_seq("crm changes", cursor)
    async with here.transaction() as tx:
        rows = await crm_changes.history(tx, contact_id, before, limit + 1)
    return pagination.page(
        rows, limit, Change.model_validate, lambda row: pagination.write("crm changes", row["n"])
    )


async def _needed(tx: Tx) -> Link:
    link = await crm_links.now(tx)
    if link is None:
        raise NotFound("no CRM is connected; POST crm/connect")
    return link


async def _missing(crm: GoHighLevel, wanted: tuple[str, ...]) -> list[str]:
    there = await crm.custom_fields(anew=True)
    return sorted(set(wanted) - set(there))


def _refused(error: CrmFailed) -> Conflict:
    code, pointer, said = _REFUSED.get(
        error.fault, ("crm_unreachable", "", f"the CRM does not answer ({error.detail or error.code}); try again")
    )  # fmt: skip
    return Conflict(said, code=code, errors=[FieldError(pointer, said)] if pointer else [])


def _place(row: Any) -> str:
    moment: datetime = row.updated_at
    return pagination.write("crm contacts", moment, row.contact_id)


async def _told(tx: Tx, link: Link) -> LinkTold:
    counts = await crm_contacts.counts(tx, link.id)
    return LinkTold(
        id=link.id, location=link.location, state=link.state, reason=link.reason,  # type: ignore[arg-type]
        fields_missing=list(link.missing),
        contacts=Contacts(**{state: counts.get(state, 0) for state in Contacts.model_fields}),
        waiting_since=await crm_contacts.waiting_since(tx, link.id), polled_at=link.polled_at,
        known_until=link.cursor_at, hooked_at=link.hooked_at, rests_until=link.rests_until,
        calls_left_today=link.daily_left, created_at=link.created_at,
    )  # fmt: skip

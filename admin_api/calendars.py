"""Calendars at Google: connected by consent, seen, read at once, and taken away. docs/how-to/calendar.md"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from admin_api import once
from admin_api.auth import Admitted, guarded
from admin_api.feeds import resource_of
from admin_api.rights import Right
from admin_api.schemas import Moment, Note, Sent
from domain.booking import EVERYBODY
from domain.calendars import Tells
from domain.errors import Conflict, FieldError
from store import audit, calendar_events, calendars, consents
from store.calendars import Link
from store.db import Tx

router = APIRouter(prefix="/calendar", route_class=guarded(write=Right.CONFIGURE), tags=["calendar"])

LinkState = Literal["connected", "revoked", "broken"]


class Connect(Sent):
    staff: Note | None = Field(
        None, description="Whose; without it, the business's: of whoever has none of their own."
    )
    calendar: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[!-~]+$")] = Field(
        "primary",
        description="Its id at Google, as its settings there show it; `primary` is the account's own.",
    )
    tells: Tells = Field(
        Tells.SERVICE, description="What an event says: busy, the service, or the name as well."
    )


class Consent(BaseModel):
    url: str = Field(
        description="Send the person there whose calendar it is. It is good for 15 minutes, once."
    )


class Events(BaseModel):
    due: int = Field(description="On their way to Google.")
    done: int
    failed: int = Field(description="Refused by Google; written again when the appointment changes.")


class LinkTold(BaseModel):
    id: UUID
    staff: str | None
    tells: Tells
    state: LinkState
    reason: str | None = Field(
        description="consent_revoked: connect it again. forbidden, calendar_missing: share it again, or connect another."
        " client_refused: GOOGLE_CLIENT_ID or its secret is wrong."
    )
    synced_at: Moment | None = Field(description="Up to when changes there are known here.")
    pushed_until: Moment | None = Field(
        description="Until then Google says when something changes; else it is asked."
    )
    events: Events
    created_at: Moment


class Calendar(BaseModel):
    google: bool = Field(description="Whether this installation can connect Google calendars at all.")
    links: list[LinkTold] = Field(description="None: the calendar is the one here alone.")


class Soon(BaseModel):
    links: int = Field(description="How many are read at the next opportunity.")


@router.get("")
async def shown(here: Admitted) -> Calendar:
    """What is connected, and whether it is reached."""
    async with here.transaction() as tx:
        links = [await _told(tx, one) for one in await calendars.listed(tx)]
    return Calendar(google=here.rt.calendars is not None, links=links)


@router.post("/google/connect", response_model=Consent)
async def connect(here: Admitted, wish: Connect) -> Consent:
    """A page of Google's, on which the owner of the calendar consents. A calendar that lost its consent is connected
    again the same way. 409 `calendar_connected` when another one is."""
    if here.rt.calendars is None:
        said = "this installation has no OAuth client: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET"
        raise Conflict(said, code="google_not_set_up")
    async with here.transaction() as tx:
        resource = await resource_of(tx, wish.staff)
        known = await calendars.of_resource(tx, resource)
        if known is not None and known.calendar != wish.calendar:
            wrong = FieldError("/calendar", "disconnect the one that there is first")
            raise Conflict("another calendar is connected", code="calendar_connected", errors=[wrong])
        state, verifier = await consents.begin(tx, resource, wish.tells, wish.calendar, here.caller.actor)
    return Consent(url=here.rt.calendars.consent_url(state, verifier, wish.calendar))


@router.post("/sync", response_model=Soon)
async def sync(here: Admitted, key: once.Key = None) -> Response:
    """Read all of them soon, without waiting for Google to say that something has changed."""

    async def asked() -> Soon:
        return Soon(links=await calendars.sync_soon(tx))

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST calendar/sync", None), 200, asked)


@router.delete("/links/{link_id}", status_code=204)
async def disconnect(here: Admitted, link_id: UUID) -> None:
    """At once: nothing is read or written there any more, and the consent is given back. What we wrote there stays. Twice
    is once."""
    async with here.transaction() as tx:
        link = await calendars.get(tx, link_id)
        if await calendars.remove(tx, link_id):
            await audit.add(tx, here.caller.actor, "calendar_disconnected", "calendar_link", link_id)
    if link.refresh_token and here.rt.calendars is not None:
        await here.rt.calendars.give_back(link)


async def _told(tx: Tx, link: Link) -> LinkTold:
    counts = await calendar_events.counts(tx, link.id)
    events = Events(due=counts.get("due", 0), done=counts.get("done", 0), failed=counts.get("failed", 0))
    return LinkTold(
        id=link.id, staff=None if link.resource == EVERYBODY else link.resource, tells=link.tells,
        state=link.state, reason=link.reason, synced_at=link.synced_at, pushed_until=link.channel_until,  # type: ignore[arg-type]
        events=events, created_at=link.created_at,
    )  # fmt: skip

"""Who waits for a time: seen in the order in which they are asked, put on the list and taken off it by a person."""

from datetime import UTC, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from admin_api import once, pagination
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Note, Sent
from domain.booking import BookingSettings
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.waiting import JoinWaitlist, Waiter
from store import contacts, conversations, waiting, workspaces
from store.db import Tx, new_id

router = APIRouter(prefix="/waitlist", route_class=Guarded, tags=["waitlist"])

State = Literal["waiting", "asked", "booked", "left", "over"]
LONGEST = timedelta(days=366)
Clock = Annotated[time, Field(description="On the business's clock.")]


class NewWaiter(Sent):
    contact_id: UUID
    service: Note = Field(description="One of the services, by name.")
    start: AwareDatetime = Field(description="Nothing that begins before this.")
    end: AwareDatetime = Field(description="Nothing that begins at this or later.")
    earliest: Clock = time.min
    latest: Clock = time.max
    staff: Note | None = Field(None, description="With whom; without it, whoever is free.")


class WaiterTold(BaseModel):
    id: UUID
    contact_id: UUID
    conversation_id: UUID
    service: str
    staff: str | None
    start: Moment
    end: Moment
    earliest: time
    latest: time
    state: State
    reason: str | None = Field(
        description="left: asked_to, opted_out, unreachable, replaced, by_person. over: nothing_free, no_answer."
    )
    offered: Moment | None = Field(description="The beginning that they are asked about.")
    until: Moment | None = Field(description="So long it is kept for them.")
    asks: int = Field(description="How often they were asked.")
    created_at: Moment


@router.get("")
async def listed(
    here: Admitted, state: State | None = None, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[WaiterTold]:
    """Who came first, first: that is the order in which they are asked."""
    after = pagination.read_moment("waitlist", cursor)
    async with here.transaction() as tx:
        rows = await waiting.page(tx, state, limit + 1, after)
    return pagination.page(
        rows, limit, _told, lambda row: pagination.write("waitlist", row.created_at, row.id)
    )


@router.get("/{entry_id}")
async def one(here: Admitted, entry_id: UUID) -> WaiterTold:
    """Whoever waits, or waited."""
    async with here.transaction() as tx:
        return _told(await waiting.get(tx, entry_id))


@router.post("", status_code=201, response_model=WaiterTold)
async def add(here: Admitted, wish: NewWaiter, key: once.Key = None) -> Response:
    """At the end of the line; for the same service, in place of what they waited for before. They are asked in the
    conversation that they have with us: 409 `no_conversation` for who has never written."""

    async def joined() -> WaiterTold:
        await _check(tx, wish)
        who = await contacts.get(tx, wish.contact_id)
        if who is None:
            raise NotFound("there is no such contact here")
        root = who.root_id or who.id
        talk = await conversations.open_of(tx, root)
        if talk is None:
            said = "nobody is in conversation with this contact, so that they could not be asked"
            raise Conflict(said, code="no_conversation")
        await conversations.hold(tx, talk)
        entry = JoinWaitlist(
            new_id(), root, talk, wish.service, wish.start.astimezone(UTC), wish.end.astimezone(UTC), wish.earliest,
            wish.latest, resource=wish.staff or "",
        )  # fmt: skip
        await waiting.join(tx, entry, here.caller.actor)
        return _told(await waiting.get(tx, entry.id))

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST waitlist", wish), 201, joined)


@router.delete("/{entry_id}")
async def take_off(here: Admitted, entry_id: UUID) -> WaiterTold:
    """What is kept for them is the next one's. Nobody writes to them. Twice is once."""
    async with here.transaction() as tx:
        entry = await waiting.get(tx, entry_id)
        await waiting.ended(tx, entry, "left", "by_person", here.caller.actor)
        return _told(await waiting.get(tx, entry_id))


async def _check(tx: Tx, wish: NewWaiter) -> None:
    """Raise Invalid; raise NotFound where nothing is booked."""
    profile = (await workspaces.get(tx)).profile
    if "booking" not in profile.skills:
        raise NotFound("this workspace books no appointments: it has no skills.booking")
    settings = BookingSettings.model_validate(profile.skills["booking"])
    service, wrong = settings.service(wish.service), list[FieldError]()
    if service is None:
        known = ", ".join(one.name for one in settings.services)
        wrong.append(FieldError("/service", f"there is no such service; there are {known}"))
    elif wish.staff is not None and wish.staff not in service.staff:
        known = ", ".join(service.staff) or "nobody in particular"
        wrong.append(FieldError("/staff", f"{service.name} is done by {known}"))
    if not wish.start < wish.end <= wish.start + LONGEST or wish.end <= tx.now:
        wrong.append(FieldError("/end", "it must come after `start`, within a year, and not be over"))
    if wish.earliest > wish.latest:
        wrong.append(FieldError("/latest", "it must not come before `earliest`"))
    if wrong:
        raise Invalid("a value is not acceptable", errors=wrong)


def _told(row: Waiter) -> WaiterTold:
    return WaiterTold(
        id=row.id, contact_id=row.contact_id, conversation_id=row.conversation_id, service=row.service,
        staff=row.resource or None, start=row.window.start, end=row.window.end, earliest=row.window.earliest,
        latest=row.window.latest, state=row.state, reason=row.reason, offered=row.offered_at, until=row.until,  # type: ignore[arg-type]
        asks=row.asks, created_at=row.created_at,
    )  # fmt: skip

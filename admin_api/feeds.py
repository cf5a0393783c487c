"""Feeds: addresses under which any calendar reads the appointments, made and revoked."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from admin_api import once, pagination
from admin_api.auth import Admitted, Here, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Note, Sent
from domain.booking import EVERYBODY, BookingSettings
from domain.calendars import Tells
from domain.errors import FieldError, Invalid, NotFound
from store import audit, feeds, workspaces
from store.db import Tx

router = APIRouter(
    prefix="/calendar/feeds", route_class=guarded(read=Right.CONFIGURE, write=Right.CONFIGURE), tags=["feeds"]
)


class NewFeed(Sent):
    staff: Note | None = Field(None, description="Whose; without it, the whole business's.")
    tells: Tells = Field(
        Tells.SERVICE,
        description="What whoever has the address sees: busy, the service, or the customer's name too.",
    )


class FeedTold(BaseModel):
    id: UUID
    staff: str | None
    tells: Tells
    created_at: Moment
    revoked_at: Moment | None


class FeedMade(FeedTold):
    url: str = Field(
        description="Shown this once: whoever has it reads the appointments. Lost: make a new one."
    )


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[FeedTold]:
    """The newest first, revoked ones too; without their addresses."""
    before = pagination.read_id("feeds", cursor)
    async with here.transaction() as tx:
        rows = await feeds.page(tx, before, limit + 1)
    return pagination.page(rows, limit, _told, lambda row: pagination.write("feeds", row.id))


@router.post("", status_code=201, response_model=FeedMade)
async def create(here: Admitted, wish: NewFeed, key: once.Key = None) -> Response:
    """With its address, for "subscribe by URL" of any calendar."""

    async def make() -> FeedMade:
        resource = await resource_of(tx, wish.staff)
        feed, secret = await feeds.add(tx, "" if resource == EVERYBODY else resource, wish.tells)
        await audit.add(
            tx, here.caller.actor, "feed_created", "calendar_feed", feed.id, tells=feed.tells.value
        )
        return FeedMade(**_told(feed).model_dump(), url=_url(here, secret))

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST calendar/feeds", wish), 201, make)


@router.delete("/{feed_id}")
async def revoke(here: Admitted, feed_id: UUID) -> FeedTold:
    """At once, and for good: its subscribers read nothing any more. Twice is once."""
    async with here.transaction() as tx:
        await feeds.get(tx, feed_id)
        if await feeds.revoke(tx, feed_id):
            await audit.add(tx, here.caller.actor, "feed_revoked", "calendar_feed", feed_id)
        return _told(await feeds.get(tx, feed_id))


async def resource_of(tx: Tx, staff: str | None) -> str:
    """Raise NotFound where nothing is booked; raise Invalid for somebody who is not there."""
    profile = (await workspaces.get(tx)).profile
    if "booking" not in profile.skills:
        raise NotFound("this workspace books no appointments: it has no skills.booking")
    known = [one.name for one in BookingSettings.model_validate(profile.skills["booking"]).staff]
    if staff is not None and staff not in known:
        there = ", ".join(known) or "nobody: leave it out for the whole business"
        raise Invalid("nobody of that name", errors=[FieldError("/staff", f"among the staff is {there}")])
    return staff or EVERYBODY


def _url(here: Here, secret: str) -> str:
    return f"{here.rt.settings.public_url}/calendars/{here.caller.workspace_id}/{secret}.ics"


def _told(feed: feeds.Feed) -> FeedTold:
    return FeedTold(
        id=feed.id, staff=feed.resource or None, tells=feed.tells, created_at=feed.created_at,
        revoked_at=feed.revoked_at,
    )  # fmt: skip

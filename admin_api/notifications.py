"""What the one who asks should know, and what they want to be told."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from admin_api import pagination
from admin_api.auth import Admitted, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told
from store import notifications

_CLASS = guarded(read=Right.OWN, write=Right.OWN)
router = APIRouter(prefix="/notifications", route_class=_CLASS, tags=["notifications"])
preferences = APIRouter(prefix="/notification-preferences", route_class=_CLASS, tags=["notifications"])

Kind = Literal[
    "handoff",
    "draft",
    "draft_expired",
    "delivery_failed",
    "channel_suspended",
    "money",
    "calendar",
    "crm",
    "callback",
    "rule",
]


class Notification(Told):
    id: UUID
    kind: Kind
    conversation_id: UUID | None
    subject_id: UUID | None = Field(
        description="The draft, delivery, channel, rule, appointment, calendar link, …"
    )
    reason: str | None = Field(description="A code.")
    text: str | None
    times: int = Field(description="How often it has happened since it was last read.")
    at: Moment
    read_at: Moment | None


class Until(Sent):
    until: AwareDatetime | None = Field(
        None, description="Only those that are not newer: what was on the screen."
    )


class Unread(BaseModel):
    unread: int


class Ways(Sent):
    """How a person is told. E-mail and text messages come when they are truly sent."""

    in_app: bool


class Preferences(BaseModel):
    handoff: Ways
    draft: Ways
    draft_expired: Ways
    delivery_failed: Ways
    channel_suspended: Ways
    money: Ways
    calendar: Ways
    crm: Ways
    callback: Ways
    rule: Ways


class Wishes(Sent):
    """Only what changes."""

    handoff: Ways | None = None
    draft: Ways | None = None
    draft_expired: Ways | None = None
    delivery_failed: Ways | None = None
    channel_suspended: Ways | None = None
    money: Ways | None = None
    calendar: Ways | None = None
    crm: Ways | None = None
    callback: Ways | None = None
    rule: Ways | None = None


@router.get("")
async def listed(
    here: Admitted,
    unread: Annotated[bool, Query(description="Only those that were not read.")] = False,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Notification]:
    """One's own, the newest first."""
    before = pagination.read_moment("notifications", cursor)
    async with here.transaction() as tx:
        rows = await notifications.page(tx, here.person(), unread=unread, before=before, limit=limit + 1)
    return pagination.page(
        rows,
        limit,
        Notification.model_validate,
        lambda row: pagination.write("notifications", row.at, row.id),
    )


@router.get("/unread")
async def count(here: Admitted) -> Unread:
    """How many were not read."""
    async with here.transaction() as tx:
        return Unread(unread=await notifications.unread(tx, here.person()))


@router.post("/read")
async def read_all(here: Admitted, wish: Until | None = None) -> Unread:
    """All of them."""
    async with here.transaction() as tx:
        until = wish.until if wish and wish.until else tx.now
        await notifications.read_all(tx, here.person(), until)
        return Unread(unread=await notifications.unread(tx, here.person()))


@router.post("/{notification_id}/read")
async def read(here: Admitted, notification_id: UUID) -> Notification:
    """Twice is once."""
    async with here.transaction() as tx:
        return Notification.model_validate(await notifications.read(tx, here.person(), notification_id))


@preferences.get("")
async def preferred(here: Admitted) -> Preferences:
    """What was never said is wanted."""
    async with here.transaction() as tx:
        return Preferences.model_validate(await notifications.preferences(tx, here.person()))


@preferences.patch("")
async def prefer(here: Admitted, wishes: Wishes) -> Preferences:
    """What is not named stays."""
    async with here.transaction() as tx:
        await notifications.prefer(tx, here.person(), wishes.model_dump(exclude_none=True))
        return Preferences.model_validate(await notifications.preferences(tx, here.person()))

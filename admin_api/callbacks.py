"""Calls that customers wait for: who is to be called when, with what they want; taken, made, or tried in vain."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from admin_api import pagination, versions
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Sent
from admin_api.versions import IfMatch
from domain.callback import Callback, State
from domain.errors import FieldError, Invalid
from store import callbacks

router = APIRouter(prefix="/callbacks", route_class=Guarded, tags=["callbacks"])

Words = Annotated[str, Field(max_length=2_000)]


class CallbackTold(BaseModel):
    id: UUID
    contact_id: UUID
    conversation_id: UUID
    state: State
    reason: str = Field(description="want_human, or why the conversation was handed over.")
    number: str | None = Field(description="Where they can be called; null: write to them.")
    summary: str
    wanted_at: Moment | None = Field(description="When they would like to be called, if they have said.")
    call_at: Moment = Field(description="When they were told that they would be.")
    due_at: Moment = Field(description="People are reminded after this.")
    attempts: int = Field(description="How often they were called in vain.")
    assignee_id: UUID | None
    note: str
    created_at: Moment
    ended_at: Moment | None
    version: int


class CallbackPatch(Sent):
    state: Literal["taken", "done", "not_reached"] = Field(
        description="taken: it is yours. not_reached: in vain; again at `again`, without it not any more."
    )
    again: AwareDatetime | None = Field(None, description="When to try again; for not_reached only.")
    note: Words | None = None


@router.get("")
async def listed(
    here: Admitted, state: State | None = None, assignee: UUID | None = None, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[CallbackTold]:  # fmt: skip
    """Who is to be called first, first."""
    after = pagination.read_moment("callbacks", cursor)
    async with here.transaction() as tx:
        rows = await callbacks.page(tx, state and str(state), assignee, limit + 1, after)
    return pagination.page(rows, limit, _told, lambda row: pagination.write("callbacks", row.call_at, row.id))


@router.get("/{callback_id}")
async def one(here: Admitted, callback_id: UUID, response: Response) -> CallbackTold:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = _told(await callbacks.get(tx, callback_id))
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.patch("/{callback_id}")
async def change(
    here: Admitted, callback_id: UUID, wish: CallbackPatch, response: Response, if_match: IfMatch = None
) -> CallbackTold:
    """One that is over stays so: 409 `callback_over`."""
    person, actor = here.caller.person_id, here.caller.actor
    async with here.transaction() as tx:
        mine = await callbacks.hold(tx, callback_id)
        if not versions.is_current(if_match, mine.version):
            raise versions.stale(mine.version)
        if wish.again is not None and (wish.state != "not_reached" or wish.again <= tx.now):
            wrong = FieldError("/again", "a time to come, and only with not_reached")
            raise Invalid("a value is not acceptable", errors=[wrong])
        match wish.state:
            case "taken":
                await callbacks.take(tx, mine, person, actor, wish.note)
            case "done":
                await callbacks.done(tx, mine, person, actor, wish.note)
            case "not_reached":
                await callbacks.not_reached(tx, mine, person, actor, wish.note, wish.again)
        told = _told(await callbacks.get(tx, callback_id))
    response.headers["ETag"] = versions.etag(told.version)
    return told


def _told(row: Callback) -> CallbackTold:
    return CallbackTold(
        id=row.id, contact_id=row.contact_id, conversation_id=row.conversation_id, state=row.state, reason=row.reason,
        number=row.number or None, summary=row.summary, wanted_at=row.wanted_at, call_at=row.call_at, due_at=row.due_at,
        attempts=row.attempts, assignee_id=row.assignee_id, note=row.note, created_at=row.created_at,
        ended_at=row.ended_at, version=row.version,
    )  # fmt: skip

"""How what is known in a conversation came to be, and putting it back."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field, model_validator

from admin_api import once, pagination, schema_choice
from admin_api.auth import Admitted, Guarded
from admin_api.contexts import Context, check_version, shown, write_down
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Note, Sent, Told
from admin_api.versions import IfMatch
from domain.errors import FieldError, Invalid
from runtime.wake import EVENTS
from store import contexts, conversations, schemas
from store.db import Tx

router = APIRouter(prefix="/contexts", route_class=Guarded, tags=["contexts"])


class HistoryEntry(Told):
    id: UUID
    field: str = Field(description="A field's name, or $schema: the conversation went to another schema.")
    before: Any = Field(serialization_alias="from")
    after: Any = Field(serialization_alias="to")
    source: Literal["ai", "human", "rule", "import", "channel", "skill"]
    person_id: UUID | None
    turn_id: UUID | None
    confidence: float
    words: str | None = Field(description="The customer's, from which the value came.")
    evidence_seq: int | None
    why: str | None
    reverts: UUID | None = Field(description="The entry whose value it was put back to.")
    left_with: str | None = Field(description="The schema with which the value left, to come back with it.")
    at: Moment


class Rollback(Sent):
    """To just after an entry of the history, or to a moment: one field, or all of them."""

    to: UUID | None = Field(None, description="An entry's id.")
    at: AwareDatetime | None = None
    field: Annotated[str, Field(max_length=63)] | None = None
    why: Note | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Rollback":
        if (self.to is None) == (self.at is None):
            raise ValueError("give to (an entry's id) or at (a moment), one of the two")
        return self


@router.get("/{context_id}/history")
async def history(
    here: Admitted, context_id: UUID, field: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = LIMIT, cursor: Cursor = None,
) -> Page[HistoryEntry]:  # fmt: skip
    """Who set what from what to what, when, why, and by which words. The newest first; nothing ever leaves it."""
    below = pagination.read_seq("context-history", cursor)
    async with here.transaction() as tx:
        await conversations.get(tx, context_id)
        rows = await contexts.history(tx, context_id, _printable(field), below, limit + 1)
    return pagination.page(
        rows, limit, HistoryEntry.model_validate, lambda row: pagination.write("context-history", row.n)
    )


@router.post("/{context_id}/rollback", response_model=Context)
async def roll_back(
    here: Admitted, context_id: UUID, wish: Rollback, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """One field, or all, as they were; itself in the history. What was not set then is emptied. All of them: also the
    schema that was chosen then."""

    async def put_back() -> Context:
        await conversations.hold(tx, context_id)
        await check_version(tx, context_id, if_match)
        place = await _place(tx, context_id, wish.to, wish.at)
        then = await contexts.as_of(tx, context_id, place)
        if wish.field is None:
            schema = await schemas.as_of(tx, context_id, place)
            await schema_choice.choose(tx, here, context_id, schema or None, wish.why or "put back")
        now = await contexts.as_of(tx, context_id, await contexts.newest(tx, context_id))
        names = sorted(now) if wish.field is None else [wish.field]
        if wish.field is not None and wish.field not in now:
            raise Invalid("it was never set", errors=[FieldError("/field", "this field was never set here")])
        values = {name: then[name][0] if name in then else None for name in names}
        reverts = {name: entry for name, (_, entry) in then.items()}
        changed = {name: value for name, value in values.items() if now[name][0] != value}
        done = await contexts.set_by_person(tx, context_id, here.caller.person_id, changed, wish.why, reverts)
        await write_down(tx, here, context_id, "context_rolled_back", done)
        return await shown(tx, context_id)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST contexts/{context_id}/rollback", wish)
        answer = await once.answer(tx, asked, 200, put_back)
    await here.rt.wake.wake(EVENTS)
    return answer


async def _place(tx: Tx, context_id: UUID, to: UUID | None, at: datetime | None) -> int:
    """Raise Invalid when the entry is not of this history."""
    place = await contexts.place_at(tx, context_id, at) if at is not None else None
    if to is not None:
        place = await contexts.place_of(tx, context_id, to)
    if place is None:
        raise Invalid("no such entry", errors=[FieldError("/to", "there is no such entry in this history")])
    return place


def _printable(text: str | None) -> str | None:
    return text.replace("\0", "") if text else None

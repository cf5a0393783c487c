"""What customers said against a value that a person had set. The assistant leaves that value alone; here a person takes
over what was said, or dismisses it."""

from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import Field

from admin_api import once, pagination
from admin_api.auth import Admitted, Guarded
from admin_api.contexts import write_down
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Told
from domain import fields as types
from domain.errors import Conflict
from domain.fields import Complaint
from runtime.wake import EVENTS
from store import audit, contexts, conversations, schemas, suggestions
from store.db import Tx

router = APIRouter(prefix="/suggestions", route_class=Guarded, tags=["suggestions"])

State = Literal["open", "accepted", "dismissed", "superseded"]


class Suggestion(Told):
    id: UUID
    conversation_id: UUID
    field: str
    value: Any
    words: str = Field(description="The customer's own.")
    confidence: float
    evidence_seq: int
    turn_id: UUID | None
    state: State = Field(description="superseded: a person set the field, or the customer said yet another.")
    decided_by: UUID | None
    decided_at: Moment | None
    created_at: Moment


@router.get("")
async def listed(
    here: Admitted, state: State | None = "open", conversation: UUID | None = None,
    limit: Limit = LIMIT, cursor: Cursor = None,
) -> Page[Suggestion]:  # fmt: skip
    """The newest first."""
    before = pagination.read_id("suggestions", cursor)
    async with here.transaction() as tx:
        rows = await suggestions.page(
            tx, state=state, conversation_id=conversation, before=before, limit=limit + 1
        )
    return pagination.page(
        rows, limit, Suggestion.model_validate, lambda row: pagination.write("suggestions", row.id)
    )


@router.get("/{suggestion_id}")
async def one(here: Admitted, suggestion_id: UUID) -> Suggestion:
    """As it stands, and who decided."""
    async with here.transaction() as tx:
        return Suggestion.model_validate(await suggestions.get(tx, suggestion_id))


@router.post("/{suggestion_id}/accept", response_model=Suggestion)
async def accept(here: Admitted, suggestion_id: UUID, key: once.Key = None) -> Response:
    """The value becomes the field's, as this person's, with the customer's words. 409 when it was decided already, or
    when the schema does not take it any more."""

    async def take() -> Suggestion:
        told = await _held(tx, suggestion_id)
        value = await _acceptable(tx, told)
        await suggestions.decide(tx, told.id, "accepted", here.caller.person_id)
        evidence = {told.field: (told.words, told.evidence_seq)}
        changed = await contexts.set_by_person(
            tx, told.conversation_id, here.caller.person_id, {told.field: value}, evidence=evidence
        )
        await write_down(tx, here, told.conversation_id, "suggestion_accepted", changed)
        return Suggestion.model_validate(await suggestions.get(tx, told.id))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST suggestions/{suggestion_id}/accept", None)
        answer = await once.answer(tx, asked, 200, take)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.post("/{suggestion_id}/dismiss", response_model=Suggestion)
async def dismiss(here: Admitted, suggestion_id: UUID, key: once.Key = None) -> Response:
    """What the person had set stays. 409 when it was decided already."""

    async def drop() -> Suggestion:
        told = await _held(tx, suggestion_id)
        await suggestions.decide(tx, told.id, "dismissed", here.caller.person_id)
        actor, talk = here.caller.actor, told.conversation_id
        await audit.add(tx, actor, "suggestion_dismissed", "conversation", talk, fields=[told.field])
        return Suggestion.model_validate(await suggestions.get(tx, told.id))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST suggestions/{suggestion_id}/dismiss", None)
        answer = await once.answer(tx, asked, 200, drop)
    return answer


async def _held(tx: Tx, suggestion_id: UUID) -> suggestions.Suggestion:
    """With its conversation, in which nobody else changes a field meanwhile."""
    await conversations.hold(tx, (await suggestions.get(tx, suggestion_id)).conversation_id)
    return await suggestions.get(tx, suggestion_id)


async def _acceptable(tx: Tx, told: suggestions.Suggestion) -> Any:
    """As the field takes it now. Raise Conflict."""
    profile = await schemas.profile_of(tx, told.conversation_id)
    known = {field.name: field for field in profile.schemas[0].fields} if profile.schemas else {}
    now = tx.now.astimezone(ZoneInfo(profile.workspace.timezone))
    if told.field not in known:
        raise Conflict(f"there is no field {told.field!r} any more; dismiss it", code="field_gone")
    value = types.accept(told.value, known[told.field], types.Here(now, profile.assistant.languages[0]))
    if isinstance(value, Complaint):
        raise Conflict(f"the field does not take it any more: {value.detail}; dismiss it", code="field_gone")
    return value

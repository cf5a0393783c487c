"""What is known in a conversation: people set its fields, its status and its schema. A conversation has one context, whose
id is the conversation's; its fields are those of the schema that was chosen for it, or of the workspace's first."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from admin_api import once, schema_choice, shaping, versions
from admin_api.auth import Admitted, Guarded, Here
from admin_api.pagination import Page
from admin_api.schemas import ContextValue, Note, Sent, Words
from admin_api.versions import IfMatch
from dialogue import ruling
from dialogue.extract.sample import Sampled, sample
from domain import fields as types
from domain import workflow
from domain.completion import Completion, reckon
from domain.errors import FieldError, Invalid, NotFound
from domain.fields import Complaint
from domain.rules.effects import SetStatus
from domain.turn import SetField
from domain.workspace import Profile, Schema
from runtime.wake import DELIVERIES, EVENTS
from store import audit, contexts, conversations, schemas, turns, workspaces
from store import ruling as standing
from store.db import Tx

of_conversation = APIRouter(prefix="/conversations", route_class=Guarded, tags=["contexts"])
router = APIRouter(prefix="/contexts", route_class=Guarded, tags=["contexts"])

READ_BACK = 50
"""So many of the customer's last messages are read again."""


EMPTY = Completion(1.0, (), frozenset(), None)
Chooser = Literal["rule", "channel", "skill", "human"]


class Context(BaseModel):
    id: UUID
    conversation_id: UUID
    contact_id: UUID
    schema_name: str | None
    schema_by: Chooser | None = Field(
        description="Who chose the schema; null: nobody, it is the workspace's first."
    )
    version: int
    status: str | None
    next_statuses: list[str] = Field(description="Where a person may put it from here.")
    values: dict[str, ContextValue]
    missing: list[str] = Field(
        description="Required fields that count and are not filled, in the order of asking."
    )
    completion: float = Field(
        description="The share of the required fields that count which is filled, 0 to 1."
    )
    next_field: str | None = Field(
        description="The one of `missing` that is asked for next; null: none can be."
    )
    hidden: list[str] = Field(description="Fields that do not count now: their `visible_when` does not hold.")


class SetFields(Sent):
    fields: Annotated[dict[str, Any], Field(min_length=1, max_length=200)] = Field(
        description='Each as words ("next Tuesday at three") or as its JSON value; null empties it.'
    )
    why: Note | None = None


class Extraction(Sent):
    text: Words | None = Field(None, description="Without it: what the customer wrote here.")
    apply: bool = Field(False, description="Keep what is found, as the assistant's; what a person set stays.")


class Extracted(BaseModel):
    field: str
    value: Any
    shown: str
    confidence: float
    evidence: str
    message_seq: int | None
    kept: bool


class Extractions(BaseModel):
    fields: list[Extracted]


class NewStatus(Sent):
    to: Annotated[str, Field(min_length=1, max_length=120)]
    why: Note | None = None


class OtherSchema(Sent):
    to: Annotated[str, Field(min_length=1, max_length=63)] | None = Field(
        description="A schema's name. null takes the choice back: the channel, a rule or a skill may choose."
    )
    why: Note | None = None


class Moved(Context):
    left: list[str] = Field(description="Fields whose values left the context; they stay in its history.")
    back: list[str] = Field(description="Fields that this schema had when it was left, and has again.")


@of_conversation.get("/{conversation_id}/contexts")
async def listed(here: Admitted, conversation_id: UUID) -> Page[Context]:
    """The one that it has."""
    async with here.transaction() as tx:
        return Page(items=[await shown(tx, conversation_id)], next_cursor=None)


@router.get("/{context_id}")
async def one(here: Admitted, context_id: UUID, response: Response) -> Context:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = await shown(tx, context_id)
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.patch("/{context_id}")
async def set_fields(
    here: Admitted, context_id: UUID, wish: SetFields, response: Response, if_match: IfMatch = None
) -> Context:
    """All or none. The assistant does not overwrite what a person set; what they emptied, it may fill again."""
    shaping.check_readable(wish.fields, "/fields")
    async with here.transaction() as tx:
        await conversations.hold(tx, context_id)
        await check_version(tx, context_id, if_match)
        values = _parsed(await _schema(tx, context_id), wish.fields, await _here_and_now(tx))
        changed = await contexts.set_by_person(tx, context_id, here.caller.person_id, values, wish.why)
        await write_down(tx, here, context_id, "context_changed", changed)
        told = await shown(tx, context_id)
    await here.rt.wake.wake(EVENTS)
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.post("/{context_id}/extract")
async def extract(here: Admitted, context_id: UUID, wish: Extraction | None = None) -> Extractions:
    """What the schema takes from the customer's words, with their confidence and evidence. Later words go before earlier."""
    wish = wish or Extraction(text=None, apply=False)
    async with here.transaction() as tx:
        held = await conversations.hold(tx, context_id)
        schema, now = await _schema(tx, context_id), (await _here_and_now(tx)).now
        said = await _said(tx, held.id, held.last_seq) if wish.text is None else [(None, wish.text)]
        found = {one.name: (seq, one) for seq, text in said for one in sample(schema, text, now)}
        if wish.apply:
            taken = [_taken(seq, one) for seq, one in found.values()]
            await contexts.set_by_ai(tx, context_id, None, taken)
        standing_now = await contexts.current(tx, context_id)
    return Extractions(
        fields=[
            Extracted(
                field=name, value=one.value, shown=one.shown, confidence=one.confidence, evidence=one.words,
                message_seq=seq, kept=wish.apply and name in standing_now and standing_now[name].value == one.value,
            )
            for name, (seq, one) in found.items()
        ]
    )  # fmt: skip


async def _said(tx: Tx, conversation_id: UUID, last_seq: int) -> Sequence[tuple[int | None, str]]:
    lines = await conversations.messages(tx, conversation_id, max(last_seq - 4 * READ_BACK, 0), 4 * READ_BACK)
    return [(line.seq, line.text) for line in lines if line.author == "contact" and line.text.strip()][
        -READ_BACK:
    ]


def _taken(seq: int | None, one: Sampled) -> SetField:
    return SetField(one.name, one.value, one.confidence, seq or 0, one.words)


@router.post("/{context_id}/change-status", response_model=Context)
async def change_status(here: Admitted, context_id: UUID, wish: NewStatus, key: once.Key = None) -> Response:
    """As the workflow allows: else 409, with the legal ones named. What is written for leaving and entering happens."""
    shaping.check_readable(wish.to, "/to")

    async def move() -> Context:
        await conversations.hold(tx, context_id)
        await _move(tx, here, context_id, wish)
        return await shown(tx, context_id)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST contexts/{context_id}/change-status", wish)
        answer = await once.answer(tx, asked, 200, move)
    await here.rt.wake.wake(DELIVERIES)
    return answer


@router.post("/{context_id}/change-schema", response_model=Moved)
async def change_schema(
    here: Admitted, context_id: UUID, wish: OtherSchema, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """What both schemas have under the same name and type stays; the rest leaves the context and comes back with its
    schema. No rule, skill or channel chooses another afterwards."""
    shaping.check_readable(wish.to, "/to")

    async def go() -> Moved:
        await conversations.hold(tx, context_id)
        await check_version(tx, context_id, if_match)
        gone = await schema_choice.choose(tx, here, context_id, wish.to, wish.why or "a person said so")
        told = await shown(tx, context_id)
        return Moved(**told.model_dump(), left=gone.left, back=gone.back)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST contexts/{context_id}/change-schema", wish)
        answer = await once.answer(tx, asked, 200, go)
    await here.rt.wake.wake(EVENTS)
    return answer


async def _move(tx: Tx, here: Here, context_id: UUID, wish: NewStatus) -> None:
    """A closed conversation moves too, and does nothing else: nobody is written to in it."""
    why = wish.why or "a person said so"
    started = await turns.glimpse(tx, context_id)
    if started is not None:
        turn = ruling.settle(ruling.to_status(started.turn, wish.to, why, here.caller.actor))
        await turns.save_glimpse(tx, started.id, turn, here.rt.split)
        return
    profile, held = await schemas.profile_of(tx, context_id), await conversations.get(tx, context_id)
    flow = workflow.read(profile.schemas[0].workflow) if profile.schemas else None
    if flow is None:
        raise NotFound("the schema has no workflow, so there are no statuses")
    before = (await standing.standing(tx, held.id, held.contact_id, profile)).status
    workflow.check(flow, before or flow.initial, wish.to)
    effect = SetStatus(wish.to, before, why, workflow.timeouts(flow, wish.to), here.caller.actor)
    await standing.set_status(tx, context_id, effect)


async def write_down(tx: Tx, here: Here, context_id: UUID, verb: str, fields: list[str]) -> None:
    if fields:
        await audit.add(tx, here.caller.actor, verb, "conversation", context_id, fields=fields)


async def check_version(tx: Tx, context_id: UUID, if_match: str | None) -> None:
    version = await contexts.version(tx, context_id)
    if not versions.is_current(if_match, version):
        known = versions.named(if_match) or []
        changed = await contexts.changed_since(tx, context_id, max(known)) if known else []
        raise versions.stale(version, [f"/fields/{name}" for name in changed])


async def _here_and_now(tx: Tx) -> types.Here:
    profile = (await workspaces.get(tx)).profile
    now = tx.now.astimezone(ZoneInfo(profile.workspace.timezone))
    return types.Here(now, profile.assistant.languages[0] if profile.assistant.languages else "en")


async def _schema(tx: Tx, context_id: UUID) -> Schema:
    """Raise NotFound."""
    profile = await schemas.profile_of(tx, context_id)
    if not profile.schemas:
        raise NotFound("this workspace has no schema, so conversations have no fields")
    return profile.schemas[0]


def _parsed(schema: Schema, wish: dict[str, Any], here: types.Here) -> dict[str, Any]:
    """Raise Invalid, with a pointer for each value that its field does not take."""
    fields, wrong, values = {field.name: field for field in schema.fields}, [], {}
    for name, told in wish.items():
        if name not in fields:
            said = f"there is no such field; there are {', '.join(fields) or 'none'}"
            wrong.append(FieldError(f"/fields/{name.replace('~', '~0').replace('/', '~1')}", said))
            continue
        value = None if told is None else types.accept(told, fields[name], here)
        if isinstance(value, Complaint):
            wrong.append(FieldError(f"/fields/{name}", value.detail))
        else:
            values[name] = value
    if wrong:
        raise Invalid("a value is not acceptable", errors=wrong)
    return values


async def shown(tx: Tx, conversation_id: UUID) -> Context:
    held = await conversations.get(tx, conversation_id)
    profile = await schemas.profile_of(tx, conversation_id)
    kept = await contexts.current(tx, conversation_id)
    place = await standing.standing(tx, conversation_id, held.contact_id, profile)
    values = {name: one.value for name, one in kept.items()}
    done = reckon(profile.schemas[0], values, tx.now) if profile.schemas else EMPTY
    return Context(
        id=held.id, conversation_id=held.id, contact_id=held.contact_id,
        schema_name=profile.schemas[0].name if profile.schemas else None,
        schema_by=cast(Chooser | None, place.schema_by or None),
        version=await contexts.version(tx, conversation_id), status=place.status or None,
        next_statuses=_next(profile, place.status),
        values={name: ContextValue.model_validate(one) for name, one in kept.items()}, missing=list(done.missing),
        completion=done.share, next_field=done.next, hidden=sorted(done.hidden),
    )  # fmt: skip


def _next(profile: Profile, status: str) -> list[str]:
    flow = workflow.read(profile.schemas[0].workflow) if profile.schemas else None
    return list(workflow.legal(flow, status or flow.initial)) if flow else []

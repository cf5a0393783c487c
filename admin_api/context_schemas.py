"""Schemas: the typed fields that conversations fill, and the workflow they move through. Part of the workspace's
configuration: what is changed here is in `frontdesk export`. The first schema is the one of conversations for which no
channel, rule, skill or person has chosen another."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from admin_api import once, pagination, shaping, versions
from admin_api.auth import Admitted, guarded, needs
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told, Words
from admin_api.versions import IfMatch
from dialogue.extract.sample import sample
from domain.completion import reckon
from domain.errors import FieldError, Invalid
from domain.fields import json_schema
from domain.workspace import Profile, Schema
from store import parts, workspaces
from store.db import Tx
from store.parts import Kind, Version

router = APIRouter(prefix="/schemas", route_class=guarded(write=Right.CONFIGURE), tags=["schemas"])

MOST_TOLD = 1_000
_POSITION = Field(
    None, ge=0, le=1_000, description="0 makes it the one that conversations use; without it, the last."
)


class NewSchema(Sent):
    name: str = Field(description="Lower case letters, digits, hyphens.")
    fields: list[dict[str, Any]] = Field(
        max_length=200,
        description="Each {name, type, description, options, synonyms, extract, required, requires, visible_when,"
        " priority, pii, minimum, maximum, min_length, max_length, pattern, currency}; 23 types, from text to file.",
    )
    ask_first: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=50,
        description="{when, fields}: while the conditions hold, these are asked for before all others.",
    )
    workflow: dict[str, Any] = Field(
        default_factory=dict, description="{initial, statuses, transitions: [{from, to, when, on, after}]}"
    )
    position: int | None = _POSITION


class SchemaPatch(Sent):
    """A merge patch (RFC 7396); a list is replaced as a whole."""

    name: str | None = None
    fields: list[dict[str, Any]] | None = Field(None, max_length=200)
    ask_first: list[dict[str, Any]] | None = Field(None, max_length=50)
    workflow: dict[str, Any] | None = None
    position: int | None = _POSITION


class Lost(Told):
    """A value that the new version does not take: out of the context, still in its history."""

    conversation_id: UUID
    field: str
    reason: str


class ContextSchema(BaseModel):
    id: UUID
    name: str
    version: int
    in_use: bool = Field(description="It is the one that conversations use.")
    fields: list[dict[str, Any]]
    ask_first: list[dict[str, Any]]
    workflow: dict[str, Any]
    changed_by: str
    changed_at: Moment


class OneSchema(ContextSchema):
    json_schema: dict[str, Any] = Field(
        description="Of an object with the fields that are taken from conversations."
    )


class Changed(OneSchema):
    could_not_keep: list[Lost] = Field(
        description=f"Of open conversations, what the new version does not take; the first {MOST_TOLD}."
    )
    could_not_keep_total: int


class OldSchema(BaseModel):
    version: int
    name: str
    body: dict[str, Any] | None = Field(description="None: it was taken out.")
    changed_by: str
    changed_at: Moment


class Sample(Sent):
    text: Words
    asked: list[str] = Field(
        default_factory=list, max_length=200, description="Fields that the text answers."
    )


class Taken(BaseModel):
    field: str
    value: Any
    shown: str = Field(description="As a customer would read it.")
    confidence: float
    evidence: str = Field(description="The text's own words.")
    start: int = Field(description="Where they begin in the text.")
    how: str


class Samples(BaseModel):
    fields: list[Taken]
    missing: list[str] = Field(description="Required fields that count and that the text does not fill.")
    hidden: list[str] = Field(description="Fields that do not count with what the text says.")


@router.get("")
async def listed(here: Admitted) -> Page[ContextSchema]:
    """In their order; all on one page."""
    async with here.transaction() as tx:
        found = await shaping.standing(tx, Kind.SCHEMA)
    return Page(items=[_shown(one, found) for one in found.values()], next_cursor=None)


@router.get("/{schema_id}")
async def one(here: Admitted, schema_id: str, response: Response) -> OneSchema:
    """By id or by name. Its `ETag` is its version."""
    async with here.transaction() as tx:
        found = await shaping.standing(tx, Kind.SCHEMA)
        profile = (await workspaces.get(tx)).profile
    told = parts.find(found, schema_id)
    response.headers["ETag"] = versions.etag(told.n)
    return _whole(told, found, profile)


@router.post("", status_code=201, response_model=Changed)
async def create(here: Admitted, wish: NewSchema, key: once.Key = None) -> Response:
    """Checked as in the file: a mistake names its place and what would be right."""

    async def write() -> Changed:
        before = await shaping.held(tx, Kind.SCHEMA)
        body, position = _body(wish)
        return await _make(tx, here, before, shaping.added(before, body, position))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST schemas", wish), 201, write)
    answer.headers["ETag"] = versions.etag(1)
    return answer


@router.put("/{schema_id}")
async def replace(
    here: Admitted, schema_id: str, wish: NewSchema, response: Response, if_match: IfMatch = None
) -> Changed:
    """The whole schema anew; a new name is a new name for the same schema. Says what open conversations could not keep."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.SCHEMA)
        told = await shaping.found(tx, before, schema_id, if_match)
        body, position = _body(wish)
        made = await _make(tx, here, before, shaping.replaced(before, told, body, position))
    response.headers["ETag"] = versions.etag(made.version)
    return made


@router.patch("/{schema_id}")
async def change(
    here: Admitted, schema_id: str, wish: SchemaPatch, response: Response, if_match: IfMatch = None
) -> Changed:
    """What is not named stays."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.SCHEMA)
        told = await shaping.found(tx, before, schema_id, if_match)
        body, position = _body(wish)
        whole = shaping.merged(told.body, body)
        made = await _make(tx, here, before, shaping.replaced(before, told, whole, position))
    response.headers["ETag"] = versions.etag(made.version)
    return made


@router.delete("/{schema_id}", status_code=204)
async def remove(here: Admitted, schema_id: str, if_match: IfMatch = None) -> None:
    """Its versions stay. Open conversations that fill it go to the first schema; what that one does not take stays in
    their history."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.SCHEMA)
        told = await shaping.found(tx, before, schema_id, if_match)
        await shaping.make(tx, here, before, shaping.removed(before, told))


@router.get("/{schema_id}/versions")
async def history(
    here: Admitted, schema_id: str, limit: Limit = LIMIT, cursor: Cursor = None
) -> Page[OldSchema]:
    """The newest first."""
    before = pagination.read_seq("schema-versions", cursor)
    async with here.transaction() as tx:
        found = parts.find(await shaping.standing(tx, Kind.SCHEMA), schema_id)
        rows = await parts.versions(tx, Kind.SCHEMA, found.id, _small(before), limit + 1)
    return pagination.page(
        rows,
        limit,
        lambda row: OldSchema(
            version=row.n,
            name=row.name,
            body=dict(row.body) if row.body is not None else None,
            changed_by=row.actor,
            changed_at=row.at,
        ),
        lambda row: pagination.write("schema-versions", row.n),
    )


@router.post("/{schema_id}/test")
@needs(Right.READ)
async def test(here: Admitted, schema_id: str, wish: Sample) -> Samples:
    """What it would take from a text, how sure, and from which words. Nothing is kept."""
    async with here.transaction() as tx:
        told = parts.find(await shaping.standing(tx, Kind.SCHEMA), schema_id)
        profile, now = (await workspaces.get(tx)).profile, tx.now
    schema = _schema(profile, told)
    unknown = sorted(set(wish.asked) - {field.name for field in schema.fields})
    if unknown:
        wrong = FieldError("/asked", f"{', '.join(unknown)} is no field; there are {_names(schema)}")
        raise Invalid("a field is not known", errors=[wrong])
    here_and_now = now.astimezone(ZoneInfo(profile.workspace.timezone))
    found = sample(schema, wish.text, here_and_now, frozenset(wish.asked))
    taken = [
        Taken(
            field=one.name, value=one.value, shown=one.shown, confidence=one.confidence, evidence=one.words,
            start=one.start, how=str(one.how),
        )
        for one in found
    ]  # fmt: skip
    done = reckon(schema, {one.field: one.value for one in taken}, here_and_now)
    return Samples(fields=taken, missing=list(done.missing), hidden=sorted(done.hidden))


def _small(seq: int | None) -> int | None:
    return None if seq is None else min(seq, 2**31 - 1)


def _names(schema: Schema) -> str:
    return ", ".join(field.name for field in schema.fields) or "none"


def _body(wish: BaseModel) -> tuple[dict[str, Any], int | None]:
    body = wish.model_dump(exclude_unset=True)
    position = body.pop("position", None)
    return body, position


async def _make(tx: Tx, here: Any, before: shaping.Standing, wished: shaping.Wished) -> Changed:
    made = await shaping.make(tx, here, before, wished)
    assert wished.at is not None
    told, unkept = list(made.parts.values())[wished.at], made.unkept
    whole = _whole(told, made.parts, made.profile)
    return Changed(
        **whole.model_dump(),
        could_not_keep=[Lost.model_validate(one) for one in unkept[:MOST_TOLD]],
        could_not_keep_total=len(unkept),
    )


def _schema(profile: Profile, told: Version) -> Schema:
    return next(schema for schema in profile.schemas if schema.name == told.name)


def _shown(told: Version, found: Mapping[str, Version]) -> ContextSchema:
    body = told.body or {}
    return ContextSchema(
        id=told.id, name=told.name, version=told.n, in_use=next(iter(found)) == told.name,
        fields=body.get("fields", []), ask_first=body.get("ask_first", []),
        workflow=body.get("workflow", {}), changed_by=told.actor, changed_at=told.at,
    )  # fmt: skip


def _whole(told: Version, found: Mapping[str, Version], profile: Profile) -> OneSchema:
    fields = (field for field in _schema(profile, told).fields if field.extract)
    return OneSchema(**_shown(told, found).model_dump(), json_schema=json_schema(fields))

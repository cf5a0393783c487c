"""Templates: the words that WhatsApp approves beforehand, needed to write once its 24 hours are over. They are part of the
workspace's configuration: what is added here is in `frontdesk export`, and gone when a file without it is applied."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, ValidationError

from admin_api import once, pagination
from admin_api.auth import Admitted, Here, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told, Words
from channels.registry import CHANNELS
from domain import workspace
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.workspace import Profile
from runtime import mistakes
from store import audit, channels, templates, workspaces
from store.db import Tx

router = APIRouter(prefix="/templates", route_class=guarded(write=Right.CONFIGURE), tags=["templates"])

Category = Literal["utility", "marketing", "authentication"]
Variable = Literal["contact.name", "workspace.name", "assistant.name"]
Change = Callable[[Profile], Profile]
Status = Literal["draft", "submitted", "approved", "rejected", "paused", "disabled", "retired"]


class NewTemplate(Sent):
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,120}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(_[A-Z]{2})?$")] = "en"
    category: Category = "utility"
    body: Annotated[Words, Field(max_length=1024)] = Field(
        description="{{1}}, {{2}}, … stand for `variables`, in that order."
    )
    variables: tuple[Variable, ...] = Field((), max_length=10)


class Version(Told):
    """Words in one language, and how their review at the provider stands."""

    id: UUID
    language: str = Field(validation_alias="locale")
    version: int = Field(validation_alias="n")
    status: Status
    reason: str | None = Field(description="Of the provider, when it refused or paused.")
    body: str
    variables: list[str]
    in_use: bool = Field(description="The newest approved one of its language: the one that is sent.")
    checked_next_at: Moment = Field(validation_alias="next_check_at")
    updated_at: Moment


class Template(Told):
    """On one channel; the versions newest first, a language after the other. A changed text is a new version, and the
    approved one before it stays in use until the new one is approved."""

    id: UUID
    channel_id: UUID
    name: str
    category: Category
    versions: list[Version]


class Written(Told):
    """One a channel that has templates."""

    templates: list[Template]


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Template]:
    """With the state of approval of every language."""
    after = pagination.read_id("templates", cursor)
    async with here.transaction() as tx:
        rows = await templates.page(tx, after, limit + 1)
    return pagination.page(
        rows, limit, Template.model_validate, lambda row: pagination.write("templates", row.id)
    )


@router.get("/{template_id}")
async def one(here: Admitted, template_id: UUID) -> Template:
    """With every version."""
    async with here.transaction() as tx:
        return Template.model_validate(await _get(tx, template_id))


@router.post("", status_code=201, response_model=Written)
async def create(here: Admitted, wish: NewTemplate, key: once.Key = None) -> Response:
    """A new template, another language of one, or other words for one. It is put before the provider at once;
    `status` says how far its review is. The same words again change nothing."""

    async def write() -> Written:
        places = await _places(tx)
        await _change(tx, here, lambda before: _with(before, wish), places, "template_written")
        rows = await templates.named(tx, wish.name)
        return Written(templates=[Template.model_validate(row) for row in rows if row.channel_id in places])

    async with here.transaction() as tx:
        asked = once.asked(key, "POST templates", wish)
        answer = await once.answer(tx, asked, 201, write)
    await here.rt.wake.wake("templates")
    return answer


@router.delete("/{template_id}", status_code=204)
async def retire(here: Admitted, template_id: UUID) -> None:
    """In every language and on every channel: nothing is sent with it from now on. What the provider approved stays
    there; write it again to use it again."""
    async with here.transaction() as tx:
        name = (await _get(tx, template_id)).name
        places = await _places(tx)
        await _change(tx, here, lambda before: _without(before, name), places, "template_retired")


@router.post("/{template_id}/sync", status_code=202)
async def sync(here: Admitted, template_id: UUID) -> Template:
    """Ask the provider now instead of in its turn: a draft is submitted, what is under review is looked at, and what
    was refused is asked about again."""
    async with here.transaction() as tx:
        await _get(tx, template_id)
        await templates.sync(tx, template_id)
        await audit.add(tx, here.caller.actor, "template_synced", "template", template_id)
        asked = Template.model_validate(await _get(tx, template_id))
    await here.rt.wake.wake("templates")
    return asked


async def _get(tx: Tx, template_id: UUID) -> templates.Template:
    found = await templates.find(tx, template_id)
    if found is None:
        raise NotFound("there is no such template here")
    return found


async def _places(tx: Tx) -> list[UUID]:
    """The channels that have templates. Raise Conflict when none has."""
    await workspaces.hold(tx)
    found = [row.id for row in await channels.listed(tx) if _has_templates(row.kind)]
    if not found:
        raise Conflict(
            "no channel here has templates; WhatsApp's have: add one first", code="no_template_channel"
        )
    return found


def _has_templates(kind: str) -> bool:
    return kind in CHANNELS and CHANNELS[kind].templates


async def _change(tx: Tx, here: Here, change: Change, places: list[UUID], verb: str) -> None:
    before = await workspaces.get(tx)
    after = change(before.profile)
    if after == before.profile:
        return
    version = await workspaces.replace_profile(tx, after)
    for channel_id in places:
        await templates.put(tx, channel_id, after.templates)
    await audit.add(tx, here.caller.actor, verb, "workspace", tx.workspace_id, version=version)


def _with(before: Profile, wish: NewTemplate) -> Profile:
    """Raise Invalid."""
    try:
        new = workspace.Template.model_validate(wish.model_dump())
    except ValidationError as error:
        found = [FieldError("/body", mistakes.said(dict(one))) for one in error.errors()]
        raise Invalid("the words do not fit their variables", errors=found) from None
    others = [one for one in before.templates if (one.name, one.language) != (new.name, new.language)]
    for one in others:
        if one.name == new.name and one.category != new.category:
            wrong = FieldError("/category", f"in another language it is {one.category}; it must be the same")
            raise Invalid("a template has one category", errors=[wrong])
    if new in before.templates:
        return before
    return before.model_copy(update={"templates": (*others, new)})


def _without(before: Profile, name: str) -> Profile:
    """Raise Conflict while the policy needs it."""
    if before.policy.reopen_with == name:
        raise Conflict(
            "the policy opens conversations with this template; change the policy first",
            code="template_in_use",
        )
    left = tuple(one for one in before.templates if one.name != name)
    return before.model_copy(update={"templates": left})

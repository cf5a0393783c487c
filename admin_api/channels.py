"""Channels: where a business can be reached. Credentials go in and never come out."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Here, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.versions import IfMatch
from channels.registry import CHANNELS
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.workspace import ChannelSettings
from runtime import asked, files, mistakes
from store import audit, channels, templates, workspaces
from store.channels import ChannelRow
from store.db import Tx

router = APIRouter(prefix="/channels", route_class=guarded(write=Right.CONFIGURE), tags=["channels"])

DISABLED = "by_person"
"""Why a channel is suspended that somebody has disabled."""
_FIXED = ("kind", "address")


class Channel(BaseModel):
    """Settings are named as in a workspace's file: origins, debounce, per_second, …"""

    model_config = ConfigDict(extra="allow")

    id: UUID
    kind: str
    address: str
    state: Literal["active", "suspended"]
    state_reason: str | None
    credentials: list[str] = Field(
        description="The names of those that are there; their values are never shown."
    )
    webhooks: dict[str, str] = Field(description="What to paste at the provider, or into a page.")
    version: int


class Change(BaseModel):
    """A merge patch: what is not named stays. Beside these, any setting of the channel as in a workspace's file."""

    model_config = ConfigDict(extra="allow")

    state: Literal["active", "suspended"] | None = Field(
        None, description="Suspended: nothing is sent, what comes in is kept. Active: what waited leaves."
    )
    credentials: dict[str, str | None] | None = Field(None, description="null takes one away.")


class Finding(BaseModel):
    check: str
    state: Literal["ok", "note", "wrong"]
    said: str
    todo: str


class Tested(BaseModel):
    works: bool = Field(description="Nothing is wrong.")
    findings: list[Finding]


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Channel]:
    """In the order in which they were made."""
    after = pagination.read_id("channels", cursor)
    async with here.transaction() as tx:
        rows = sorted(await channels.listed(tx), key=lambda row: row.id)
        named = await _named(tx)
    shown = [row for row in rows if after is None or row.id > after][: limit + 1]
    return pagination.page(
        shown, limit, lambda row: _shown(here, row, named), lambda row: pagination.write("channels", row.id)
    )


@router.post("", status_code=201, response_model=Channel)
async def create(here: Admitted, wish: ChannelSettings, key: once.Key = None) -> Response:
    """As a workspace's file names it. `webhooks` in the answer is what its provider needs to know."""
    _check(wish)

    async def open_one() -> Channel:
        await workspaces.hold(tx)
        if any((row.kind, row.address) == (wish.kind, wish.address) for row in await channels.listed(tx)):
            wrong = FieldError("/address", "there is a channel of this kind with this address")
            raise Conflict("this channel is there already", code="channel_exists", errors=[wrong])
        row = await _put(tx, wish, wish.credentials)
        await audit.add(tx, here.caller.actor, "channel_opened", "channel", row.id, kind=wish.kind)
        return _shown(here, row, await _named(tx))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST channels", wish), 201, open_one)
    answer.headers["ETag"] = versions.etag(Channel.model_validate_json(bytes(answer.body)).version)
    return answer


@router.get("/{channel_id}")
async def one(here: Admitted, channel_id: UUID, response: Response) -> Channel:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        row, named = await _get(tx, channel_id), await _named(tx)
    response.headers["ETag"] = versions.etag(row.version)
    return _shown(here, row, named)


@router.patch("/{channel_id}")
async def change(
    here: Admitted, channel_id: UUID, wish: Change, response: Response, if_match: IfMatch = None
) -> Channel:
    """Settings, credentials, state. Kind and address stay: another address is another channel."""
    async with here.transaction() as tx:
        await workspaces.hold(tx)
        before = await _get(tx, channel_id)
        if not versions.is_current(if_match, before.version):
            raise versions.stale(before.version)
        settings = _settings(before, await _named(tx))
        after, credentials = _changed(before, settings, wish)
        changed = [name for name, is_ in _differences(before, settings, after, credentials, wish) if is_]
        if {"settings", "credentials"} & set(changed):
            await _put(tx, after, credentials)
        if "state" in changed:
            await _set_state(tx, channel_id, wish.state or "")
        if changed:
            await audit.add(tx, here.caller.actor, "channel_changed", "channel", channel_id, changed=changed)
        row, named = await _get(tx, channel_id), await _named(tx)
    if "state" in changed and row.active:
        await here.rt.wake.wake("deliveries")
    response.headers["ETag"] = versions.etag(row.version)
    return _shown(here, row, named)


@router.post("/{channel_id}/test")
async def test(here: Admitted, channel_id: UUID) -> Tested:
    """Ask the provider whether it takes our credentials, knows the number and would call us. Sends nothing."""
    async with here.transaction() as tx:
        row = await _get(tx, channel_id)
    found = await asked.check(here.rt, row, f"{row.kind} {row.address}".rstrip())
    findings = [Finding(check=f.check, state=f.state, said=f.said, todo=f.todo) for f in found]
    return Tested(works=all(one.state != "wrong" for one in findings), findings=findings)


# --- what they share ---

Named = Mapping[tuple[str, str], ChannelSettings]
"""What the workspace says of its channels, by kind and address."""


async def _named(tx: Tx) -> Named:
    return {(one.kind, one.address): one for one in (await workspaces.get(tx)).profile.channels}


async def _get(tx: Tx, channel_id: UUID) -> ChannelRow:
    row = await channels.get(tx, channel_id)
    if row is None:
        raise NotFound("there is no such channel here")
    return row


async def _put(tx: Tx, wish: ChannelSettings, credentials: Mapping[str, str]) -> ChannelRow:
    """Into the workspace and into the channel's own row, as applying a file does."""
    profile = (await workspaces.get(tx)).profile
    if wish.schema_ is not None and profile.schema_named(wish.schema_) is None:
        known = ", ".join(one.name for one in profile.schemas) or "none"
        wrong = FieldError("/schema", f"there is no schema {wish.schema_!r}; there are {known}")
        raise Invalid("a value is not acceptable", errors=[wrong])
    plain = wish.model_copy(update={"credentials": {}})
    others = [one for one in profile.channels if (one.kind, one.address) != (wish.kind, wish.address)]
    place = next((n for n, one in enumerate(profile.channels) if one not in others), len(others))
    after = (*others[:place], plain, *others[place:])
    await workspaces.replace_profile(tx, profile.model_copy(update={"channels": after}))
    channel_id = await channels.put(tx, wish.kind, wish.address, credentials, files.settings_of(wish))
    if CHANNELS[wish.kind].templates:
        await templates.put(tx, channel_id, profile.templates)
    return await _get(tx, channel_id)


async def _set_state(tx: Tx, channel_id: UUID, state: str) -> None:
    if state == "active":
        await channels.resume(tx, channel_id)
    else:
        await channels.suspend(tx, channel_id, DISABLED)


def _settings(row: ChannelRow, named: Named) -> ChannelSettings:
    """What the workspace says; of a channel that it no longer names, what the row still knows."""
    said = named.get((row.kind, row.address))
    origins = tuple(row.settings.get("origins", ()))
    return said or ChannelSettings(kind=row.kind, address=row.address, origins=origins)


def _changed(
    before: ChannelRow, settings: ChannelSettings, wish: Change
) -> tuple[ChannelSettings, dict[str, str]]:
    """Settings and credentials as they shall be. Raise Invalid."""
    extra = wish.model_extra or {}
    fixed = [name for name in _FIXED if name in extra and extra[name] != getattr(before, name)]
    if fixed:
        told = [FieldError(f"/{name}", "it cannot change; make another channel") for name in fixed]
        raise Invalid("a value is not acceptable", errors=told)
    data = settings.model_dump(mode="json") | {
        name: value for name, value in extra.items() if value is not None
    }
    for name in (name for name, value in extra.items() if value is None):
        data.pop(name, None)
    credentials = dict(before.credentials)
    for name, value in (wish.credentials or {}).items():
        credentials.pop(name, None) if value is None else credentials.update({name: value})
    try:
        after = ChannelSettings.model_validate(data | {"credentials": credentials})
    except ValidationError as error:
        raise Invalid("a value is not acceptable", errors=[_mistake(one) for one in error.errors()]) from None
    _check(after)
    return after, credentials


def _differences(
    before: ChannelRow,
    settings: ChannelSettings,
    after: ChannelSettings,
    credentials: Mapping[str, str],
    wish: Change,
) -> list[tuple[str, bool]]:
    plain = after.model_copy(update={"credentials": {}})
    return [
        ("settings", plain != settings.model_copy(update={"credentials": {}})),
        ("credentials", credentials != dict(before.credentials)),
        ("state", wish.state is not None and (wish.state == "active") != before.active),
    ]


def _check(wish: ChannelSettings) -> None:
    """What a channel of this kind must and may have. Raise Invalid."""
    found = []
    kind = CHANNELS.get(wish.kind)
    if kind is None:
        said = f"{wish.kind!r} is not a channel; there are {', '.join(sorted(CHANNELS))}"
        raise Invalid("a value is not acceptable", errors=[FieldError("/kind", said)])
    if not kind.hosted and not wish.address.startswith("+"):
        found.append(FieldError("/address", "it must be a telephone number; write it like +15125550199"))
    needed, optional = asked.CREDENTIALS.get(asked.provider_of(wish.kind), ((), ()))
    known = (*needed, *optional)
    for name in wish.credentials:
        if name not in known:
            told = f"there is no such credential here; there are {', '.join(known) or 'none'}"
            found.append(FieldError(f"/credentials/{name}", told))
    missing = [name for name in needed if wish.credentials and name not in wish.credentials]
    found += [FieldError(f"/credentials/{name}", "is missing; it belongs to the others") for name in missing]
    if found:
        raise Invalid("a value is not acceptable", errors=found)


def _mistake(found: Any) -> FieldError:
    return FieldError("".join(f"/{part}" for part in found["loc"]), mistakes.said(found))


def _shown(here: Here, row: ChannelRow, named: Named) -> Channel:
    settings = _settings(row, named).model_dump(mode="json", exclude={*_FIXED, "credentials"})
    return Channel(
        id=row.id, kind=row.kind, address=row.address, state="active" if row.active else "suspended",
        state_reason=row.state_reason, credentials=sorted(row.credentials), webhooks=asked.webhooks(here.rt, row),
        version=row.version, **settings,
    )  # fmt: skip

"""Rules: what shall happen when. Part of the workspace's configuration: what is changed here is in `frontdesk export`.
A rule is named by its id or by its name."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from admin_api import once, pagination, shaping, versions
from admin_api.auth import Admitted, Here, guarded, needs
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told
from admin_api.versions import IfMatch
from dialogue import ruling
from domain.errors import Conflict
from domain.rules import Rule, Verdict
from domain.turn import Author, Conversation, Line, Standing, Turn, Value
from domain.workspace import Profile
from store import conversations, parts, turns, workspaces
from store import ruling as runs
from store.db import Tx
from store.parts import Kind, Version

router = APIRouter(prefix="/rules", route_class=guarded(write=Right.CONFIGURE), tags=["rules"])

COUNTED = timedelta(days=30)


class NewRule(Sent):
    name: str
    on: str = Field(
        description="message_received, context_changed, status_changed, schedule, conversation_idle, …"
    )
    when: dict[str, Any] = Field(
        default_factory=dict,
        description="Conditions: {all: […]}, {any: […]}, {not: {…}} or {field, op, value}; empty always holds.",
    )
    then: list[dict[str, Any]] = Field(
        max_length=20,
        description="Actions, one key each: notify, set_field, set_status, add_tag, reply, webhook, …",
    )
    priority: int = Field(100, description="Lower comes first.")
    once: str = Field("always", description="always, conversation, contact or day.")
    enabled: bool = True
    after: str | None = Field(None, description="For time_elapsed and conversation_idle: 90s, 15m, 8h, 14d.")
    at: str | None = Field(None, description="For schedule, in the workspace's zone: 09:00.")
    days: list[str] = Field(default_factory=list, max_length=7)


class RulePatch(Sent):
    """A merge patch (RFC 7396); a list is replaced as a whole."""

    name: str | None = None
    on: str | None = None
    when: dict[str, Any] | None = None
    then: list[dict[str, Any]] | None = Field(None, max_length=20)
    priority: int | None = None
    once: str | None = None
    enabled: bool | None = None
    after: str | None = None
    at: str | None = None
    days: list[str] | None = Field(None, max_length=7)


class Toggle(Sent):
    enabled: bool | None = Field(None, description="Without it: the other of what it is.")


class Count(BaseModel):
    times: int
    conversations: int
    last_at: Moment | None


class RuleTold(BaseModel):
    id: UUID
    name: str
    version: int
    enabled: bool
    rule: dict[str, Any] = Field(description="As it was written.")
    changed_by: str
    changed_at: Moment
    last_30_days: Count = Field(description="How often it did something.")


class Run(Told):
    id: UUID
    rule: str
    trigger: str
    conversation_id: UUID
    contact_id: UUID
    turn_id: UUID | None
    did: list[str]
    why: str
    at: Moment


class Situation(Sent):
    """A conversation that is not there: what is known in it, and what was just written."""

    text: str = Field("", max_length=5_000)
    fields: dict[str, Any] = Field(default_factory=dict, max_length=200)
    before: dict[str, Any] = Field(
        default_factory=dict, max_length=200, description="What changed, as it was."
    )
    status: str = ""
    tags: list[str] = Field(default_factory=list, max_length=50)
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    contact_name: str | None = None
    channel: str = "sms"


class Trial(Sent):
    """Exactly one of the two."""

    conversation: UUID | None = None
    sample: Situation | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Trial":
        if (self.conversation is None) == (self.sample is None):
            raise ValueError("give conversation (its id) or sample, one of the two")
        return self


class Why(BaseModel):
    """The conditions' own shape: whether each holds, with what was found."""

    holds: bool
    why: str
    parts: list["Why"]


class WouldDo(BaseModel):
    action: str
    outcome: dict[str, Any] = Field(description="Words are filled in; what is empty is left out.")


class Tried(BaseModel):
    would_fire: bool = Field(
        description="It is on, its conditions hold, and it has not done what it may do once."
    )
    holds: bool
    enabled: bool
    spent: bool
    evaluation: Why
    would_do: list[WouldDo] = Field(description="If it fired now; up to its first wait.")


@router.get("")
async def listed(here: Admitted) -> Page[RuleTold]:
    """As they are written; all on one page."""
    async with here.transaction() as tx:
        found = await shaping.standing(tx, Kind.RULE)
        counted = await _counts(tx)
    return Page(items=[_shown(one, counted) for one in found.values()], next_cursor=None)


@router.get("/{rule_id}")
async def one(here: Admitted, rule_id: str, response: Response) -> RuleTold:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = parts.find(await shaping.standing(tx, Kind.RULE), rule_id)
        counted = await _counts(tx)
    response.headers["ETag"] = versions.etag(told.n)
    return _shown(told, counted)


@router.post("", status_code=201, response_model=RuleTold)
async def create(here: Admitted, wish: NewRule, key: once.Key = None) -> Response:
    """In force from the next event on. A mistake names its place and what would be right."""

    async def write() -> RuleTold:
        before = await shaping.held(tx, Kind.RULE)
        return await _make(tx, here, before, shaping.added(before, wish.model_dump(exclude_unset=True), None))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST rules", wish), 201, write)
    return answer


@router.put("/{rule_id}")
async def replace_(
    here: Admitted, rule_id: str, wish: NewRule, response: Response, if_match: IfMatch = None
) -> RuleTold:
    """The whole rule anew."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.RULE)
        told = await shaping.found(tx, before, rule_id, if_match)
        made = await _make(
            tx, here, before, shaping.replaced(before, told, wish.model_dump(exclude_unset=True))
        )
    response.headers["ETag"] = versions.etag(made.version)
    return made


@router.patch("/{rule_id}")
async def change(
    here: Admitted, rule_id: str, wish: RulePatch, response: Response, if_match: IfMatch = None
) -> RuleTold:
    """What is not named stays."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.RULE)
        told = await shaping.found(tx, before, rule_id, if_match)
        whole = _patched(told.body or {}, wish.model_dump(exclude_unset=True))
        made = await _make(tx, here, before, shaping.replaced(before, told, whole))
    response.headers["ETag"] = versions.etag(made.version)
    return made


def _patched(body: Mapping[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Conditions are one thing: merged with the old ones they would mean neither."""
    whole: dict[str, Any] = shaping.merged(
        dict(body), {name: one for name, one in patch.items() if name != "when"}
    )
    if "when" in patch:
        whole["when"] = patch["when"] or {}
    return whole


@router.delete("/{rule_id}", status_code=204)
async def remove(here: Admitted, rule_id: str, if_match: IfMatch = None) -> None:
    """What it did stays written."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.RULE)
        told = await shaping.found(tx, before, rule_id, if_match)
        await shaping.make(tx, here, before, shaping.removed(before, told))


@router.post("/{rule_id}/toggle")
async def toggle(
    here: Admitted, rule_id: str, response: Response, wish: Toggle | None = None, if_match: IfMatch = None
) -> RuleTold:
    """On or off."""
    async with here.transaction() as tx:
        before = await shaping.held(tx, Kind.RULE)
        told = await shaping.found(tx, before, rule_id, if_match)
        body = dict(told.body or {})
        asked = wish.enabled if wish else None
        on = not body.get("enabled", True) if asked is None else asked
        made = await _make(tx, here, before, shaping.replaced(before, told, body | {"enabled": on}))
    response.headers["ETag"] = versions.etag(made.version)
    return made


@router.get("/{rule_id}/runs")
async def ran(here: Admitted, rule_id: str, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Run]:
    """What it did, where and why, the newest first."""
    before = pagination.read_id("runs", cursor)
    async with here.transaction() as tx:
        name = parts.find(await shaping.standing(tx, Kind.RULE), rule_id).name
        rows = await runs.runs(tx, rule=name, conversation_id=None, before=before, limit=limit + 1)
    return pagination.page(rows, limit, Run.model_validate, lambda row: pagination.write("runs", row.id))


@router.post("/{rule_id}/test")
@needs(Right.READ)
async def test(here: Admitted, rule_id: str, wish: Trial) -> Tried:
    """Whether it would fire, and what it would do. Nothing happens and nothing is kept."""
    async with here.transaction() as tx:
        told = parts.find(await shaping.standing(tx, Kind.RULE), rule_id)
        profile, now = (await workspaces.get(tx)).profile, tx.now
    if wish.sample is not None:
        turn = await _imagined(
            here, profile, wish.sample, now.astimezone(ZoneInfo(profile.workspace.timezone))
        )
    else:
        assert wish.conversation is not None
        turn = await _real(here, profile, wish.conversation)
    tried = ruling.rehearse(turn, Rule.model_validate(told.body))
    return Tried(
        would_fire=tried.would_fire, holds=tried.verdict.holds, enabled=tried.enabled, spent=tried.spent,
        evaluation=_why(tried.verdict), would_do=[WouldDo(action=kind, outcome=told) for kind, told in tried.does],
    )  # fmt: skip


class _Nothing(Exception):
    """Ends a transaction of which nothing may stay."""


async def _real(here: Here, profile: Profile, conversation_id: UUID) -> Turn:
    """The conversation as it stands, its customer's last words understood. Raise NotFound, or Conflict when nobody
    wrote in it or it is closed."""
    started = None
    with suppress(_Nothing):
        async with here.transaction() as tx:
            await conversations.get(tx, conversation_id)
            started = await turns.glimpse(tx, conversation_id)
            raise _Nothing
    if started is None:
        raise Conflict("nobody has written in this conversation, or it is closed", code="no_thread")
    return await _heard(here, started.turn)


async def _imagined(here: Here, profile: Profile, told: Situation, now: Any) -> Turn:
    nobody = UUID(int=0)
    talk = Conversation(
        nobody, here.caller.workspace_id, nobody, nobody, told.channel, 0, told.contact_name, True
    )
    line = Line(1, Author.CONTACT, told.text, now)
    context = {name: Value(value, "ai", 1.0) for name, value in told.fields.items() if value is not None}
    place = Standing(told.status, now if told.status else None, told.priority, tuple(told.tags))
    turn = Turn(talk, profile, (), now, history=(line,), context=context, standing=place, changed=told.before)
    return await _heard(here, turn) if told.text.strip() else replace(turn, history=())


async def _heard(here: Here, turn: Turn) -> Turn:
    """As if the last message had just come. Understanding is work, and the first of it learns: not in the loop."""
    last = [line for line in turn.history if line.author is Author.CONTACT][-1:]
    if not last:
        return turn
    understand = here.rt.understander.understand
    understood = await asyncio.to_thread(understand, last[0].text, turn.profile, turn.now)
    return replace(
        turn,
        burst=tuple(last),
        history=tuple(x for x in turn.history if x is not last[0]),
        understood=understood,
    )


def _why(verdict: Verdict) -> Why:
    return Why(holds=verdict.holds, why=verdict.why, parts=[_why(part) for part in verdict.parts])


async def _make(tx: Tx, here: Here, before: shaping.Standing, wished: shaping.Wished) -> RuleTold:
    found = (await shaping.make(tx, here, before, wished)).parts
    assert wished.at is not None
    return _shown(list(found.values())[wished.at], await _counts(tx))


async def _counts(tx: Tx) -> dict[str, Any]:
    return {row.rule: row for row in await runs.counts(tx, tx.now - COUNTED)}


def _shown(told: Version, counted: Mapping[str, Any]) -> RuleTold:
    body, row = dict(told.body or {}), counted.get(told.name)
    did = Count(
        times=row.times if row else 0, conversations=row.conversations if row else 0,
        last_at=row.last_at if row else None,
    )  # fmt: skip
    return RuleTold(
        id=told.id, name=told.name, version=told.n, enabled=body.get("enabled", True), rule=body,
        changed_by=told.actor, changed_at=told.at, last_30_days=did,
    )  # fmt: skip

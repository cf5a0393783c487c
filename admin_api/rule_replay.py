"""A rule over the past: what it would have done last month, had it been there. Nothing happens and nothing is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from admin_api import pagination, shaping
from admin_api.auth import Admitted, guarded, needs
from admin_api.pagination import LIMIT, Cursor, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told
from dialogue.ruling.past import TODAYS, Then, replay, understood_then
from domain.errors import FieldError, Invalid
from domain.rules import Rule, Trigger
from domain.rules.rule import IN_TURN
from domain.rules.schedule import next_due
from domain.turn import Conversation, Standing, Turn
from domain.workspace import Profile
from store import events, parts, past, workspaces
from store.db import Tx
from store.parts import Kind

router = APIRouter(prefix="/rules", route_class=guarded(write=Right.CONFIGURE), tags=["rules"])

LONGEST = timedelta(days=92)
MOST = 2_000
"""Moments that one request looks at."""
NOBODY = UUID(int=0)


class Period(Sent):
    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime | None = Field(None, description="Without it: now. At most 92 days after `from`.")


class WouldHave(Told):
    """It would have done its actions here. `why` is the first line of the conditions' verdict."""

    conversation_id: UUID
    contact_id: UUID
    at: Moment
    why: str


class Replayed(Page[WouldHave]):
    looked_from: Moment = Field(description="Events older than the log is kept cannot be looked at.")
    looked_to: Moment
    moments: int = Field(description="So often it would have looked, on this page.")
    times: int = Field(description="So often it would have acted, on this page.")
    conversations: int
    cut: bool = Field(
        description="More happened to these customers than one request looks at; ask for a shorter time."
    )
    actions: list[str] = Field(description="What it would have done each time.")
    did: int = Field(description="How often it really did something in that time, on all pages.")
    context: Literal["as_of_then"] = Field(
        description="Fields, schema, status and what was understood are those of then."
    )
    of_today: list[str] = Field(
        description="Facts that are not those of then, because nothing keeps what they were."
    )


@router.post("/{rule_id}/replay")
@needs(Right.READ)
async def over_the_past(
    here: Admitted, rule_id: str, wish: Period,
    limit: Annotated[int, Query(ge=1, le=200, description="How many customers at most are looked at.")] = LIMIT,
    cursor: Cursor = None,
) -> Replayed:  # fmt: skip
    """By customers, so that `once` counts as it does: each page looks at some of them, and `next_cursor` goes on, also
    from a page on which nothing was found. Other rules' effects are not played."""
    after = pagination.read_id("replay", cursor)
    async with here.transaction() as tx:
        told = parts.find(await shaping.standing(tx, Kind.RULE), rule_id)
        rule, profile = Rule.model_validate(told.body), (await workspaces.get(tx)).profile
        start, end = _period(wish, rule.on, tx.now)
        whose = await past.contacts(tx, rule.on, start - _lead(rule), end, after, limit + 1)
        moments = await past.moments(tx, rule.on, start - _lead(rule), end, whose[:limit], MOST + 1)
        cut, moments = len(moments) > MOST, moments[:MOST]
        due = list(islice(_due(rule, profile, moments, start, end), MOST + 1))
        cut, due = cut or len(due) > MOST, due[:MOST]
        thens = await _thens(tx, profile, due, end)
        did = await past.did(tx, rule.name, start, end)
    found = list(replay(rule, thens))
    return Replayed(
        items=[WouldHave.model_validate(one) for one in found],
        next_cursor=pagination.write("replay", whose[limit - 1]) if len(whose) > limit else None,
        looked_from=start, looked_to=end, moments=len(thens), times=len(found),
        conversations=len({one.conversation_id for one in found}), cut=cut,
        actions=[action.kind for action in rule.then], did=did, context="as_of_then", of_today=list(TODAYS),
    )  # fmt: skip


def _period(wish: Period, trigger: Trigger, now: datetime) -> tuple[datetime, datetime]:
    """Raise Invalid. What only the log tells is known as long as the log is kept."""
    end = min(wish.to or now, now)
    if wish.from_ >= end:
        raise Invalid(
            "nothing lies in this time", errors=[FieldError("/from", "it must be before `to` and before now")]
        )
    if end - wish.from_ > LONGEST:
        raise Invalid(
            "the time is too long", errors=[FieldError("/from", "it must be at most 92 days before `to`")]
        )
    kept = now - events.KEEP if past.source_of(trigger) == "events" else wish.from_
    return min(max(wish.from_, kept), end), end


def _lead(rule: Rule) -> timedelta:
    """What was silent at the beginning fell silent before it."""
    return rule.after or timedelta()


def _due(
    rule: Rule, profile: Profile, moments: Sequence[past.Moment], start: datetime, end: datetime
) -> Iterator[past.Moment]:
    """When the rule would have looked: at the moment itself, or later, if nothing came between."""
    if rule.on is Trigger.SCHEDULE:
        for one in moments:
            yield from _on_schedule(rule, profile, one, start, end)
        return
    if rule.after is None:
        yield from (
            one for one in moments if one.understood or rule.on not in IN_TURN - {Trigger.CONTEXT_CHANGED}
        )
        return
    moments = [one for one in moments if one.seqs]
    following = {id(one): other for one, other in pairwise(moments)}
    for one in moments:
        at, after = one.at + rule.after, following.get(id(one))
        undisturbed = after is None or after.conversation_id != one.conversation_id or after.at > at
        if start <= at < end and undisturbed:
            yield replace(one, at=at, seqs=None, understood=None, turn_id=None)


def _on_schedule(
    rule: Rule, profile: Profile, one: past.Moment, start: datetime, end: datetime
) -> Iterator[past.Moment]:
    until = one.details.get("until")
    last = min(end, datetime.fromisoformat(until)) if until else end
    at = next_due(rule, profile.workspace.timezone, max(start, one.at))
    while at < last:
        yield replace(one, at=at)
        at = next_due(rule, profile.workspace.timezone, at)


async def _thens(tx: Tx, profile: Profile, moments: Sequence[past.Moment], end: datetime) -> list[Then]:
    """In their order; each conversation is read once."""
    by_talk: dict[UUID, list[past.Moment]] = {}
    for one in moments:
        by_talk.setdefault(one.conversation_id, []).append(one)
    pasts = {talk: await past.past(tx, talk, seen, end) for talk, seen in by_talk.items()}
    return [_then(profile, one, pasts[one.conversation_id]) for one in moments]


def _then(profile: Profile, moment: past.Moment, was: past.Past) -> Then:
    status, status_at = was.status(moment)
    talk = Conversation(
        moment.conversation_id, NOBODY, moment.contact_id, NOBODY, was.channel, 0, was.name, True
    )
    changed = was.changed(moment)
    if moment.details.keys() & {"from", "to"}:  # the event says it exactly
        changed, status = {"status": moment.details.get("from")}, str(moment.details.get("to") or "")
    return Then(
        Turn(
            talk,
            profile.using(was.schema(moment)),
            was.burst(moment),
            moment.at.astimezone(ZoneInfo(profile.workspace.timezone)),
            context=was.context(moment),
            understood=understood_then(moment.understood) if moment.understood else None,
            standing=Standing(status, status_at, was.priority, was.tags),
            changed=changed,
        ),
        moment.contact_id,
    )

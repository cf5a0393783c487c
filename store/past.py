"""What was, for rules that are asked what they would have done: moments at which a rule would have looked, and each
conversation as it was then. Reads only."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.rules.rule import TOLD_BY, Trigger
from domain.turn import Author, Line, Value
from store import contexts
from store.db import Tx
from store.roots import root_of

AT_ONCE = timedelta(seconds=1)
_ROOT = (
    " join conversation c on c.workspace_id = x.workspace_id and c.id = x.conversation_id"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id"
)
_TURNS = (
    "select coalesce(p.root_id, p.id) as contact_id, x.conversation_id, x.id as turn_id, x.finished_at as at,"  # noqa: S608
    " x.first_seq, x.base_seq, x.explanation, '{}'::jsonb as details from turn x"
    + _ROOT
    + " where x.state = 'saved'"
    " and x.reason is distinct from 'rules' and x.finished_at >= :start and x.finished_at < :end"
    " and c.updated_at >= :start"  # of that there is an index
)
_CHANGES = (
    "select distinct coalesce(p.root_id, p.id) as contact_id, x.conversation_id, x.turn_id,"  # noqa: S608
    " coalesce(u.finished_at, x.at) as at, case when u.reason is distinct from 'rules' then u.first_seq end as first_seq,"
    " u.base_seq, case when u.reason is distinct from 'rules' then u.explanation end as explanation,"
    " '{}'::jsonb as details from context_value x"
    + _ROOT
    + " left join turn u on u.workspace_id = x.workspace_id"
    " and u.id = x.turn_id where x.field <> '$schema' and x.source <> 'import' and x.at >= :start and x.at < :end"
)
_EVENTS = (
    "select coalesce(p.root_id, p.id) as contact_id, x.conversation_id, null::uuid as turn_id, x.at,"  # noqa: S608
    " null::bigint as first_seq, null::bigint as base_seq, null::bytea as explanation, x.details from event x" + _ROOT
    + " where x.kind = any(:kinds) and x.at >= :start and x.at < :end"
)  # fmt: skip
_OPEN = (
    "select coalesce(p.root_id, p.id) as contact_id, c.id as conversation_id, null::uuid as turn_id, c.created_at as at,"
    " null::bigint as first_seq, null::bigint as base_seq, null::bytea as explanation,"
    " jsonb_build_object('until', case when c.state = 'closed' then c.updated_at end) as details from conversation c"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id"
    " where c.created_at < :end and (c.state <> 'closed' or c.updated_at >= :start)"
)
_SOURCES = {"turns": _TURNS, "changes": _CHANGES, "events": _EVENTS, "open": _OPEN}
_CONTACTS = {
    name: text(
        f"select distinct contact_id from ({sql}) m where cast(:after as uuid) is null or contact_id > :after"  # noqa: S608
        " order by contact_id limit :limit"
    )
    for name, sql in _SOURCES.items()
}
_MOMENTS = {
    name: text(
        f"select * from ({sql}) m where contact_id = any(:contacts) order by contact_id, at limit :limit"  # noqa: S608
    )
    for name, sql in _SOURCES.items()
}
_CONTEXT = text(
    "select field, value, source, confidence, turn_id, at from context_value where conversation_id = :conversation"
    " and at < :end order by n"
)
_STATUSES = text(
    "select at, details->>'status' as status from audit where object_id = :conversation and verb = 'status_changed'"
    " and at < :end order by n"
)
_LINES = text(
    "select seq, author, body, created_at from message where conversation_id = :conversation and direction = 'in'"
    " and kind not in ('reaction', 'system') and seq between :first and :last order by seq"
)
_TODAY = text(
    "select c.priority, c.tags, p.name, (select h.kind from thread t join channel h on h.workspace_id = t.workspace_id"  # noqa: S608
    "   and h.id = t.channel_id where t.workspace_id = c.workspace_id and t.conversation_id = c.id order by t.id limit 1)"
    " as channel from conversation c join contact o on o.workspace_id = c.workspace_id and o.id = c.contact_id"
    f" join contact p on p.workspace_id = o.workspace_id and p.id = {root_of('o')} where c.id = :conversation"
)
_DID = text("select count(*) from rule_run where rule = :rule and at >= :start and at < :end")


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happened. `understood` is what the message meant to us then; `details` are the event's. What a person set
    at once, from `since` on, is one moment."""

    contact_id: UUID
    conversation_id: UUID
    turn_id: UUID | None
    at: datetime
    seqs: tuple[int, int] | None
    understood: Mapping[str, Any] | None
    details: Mapping[str, Any]
    since: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    field: str
    value: Value
    turn_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """One conversation's. Tags, priority, channel and name are today's: nothing keeps what they were."""

    entries: Sequence[Entry]
    statuses: Sequence[tuple[datetime, str]]
    lines: Mapping[int, Line]
    priority: str
    tags: tuple[str, ...]
    channel: str
    name: str | None

    def context(self, moment: Moment) -> dict[str, Value]:
        """As it was when the moment was over."""
        found = {one.field: one.value for one in self.entries if _is_known(one, moment)}
        return {
            name: value
            for name, value in found.items()
            if value.value is not None and name != contexts.SCHEMA
        }

    def schema(self, moment: Moment) -> str:
        told = [
            one.value.value for one in self.entries if one.field == contexts.SCHEMA and one.at <= moment.at
        ]
        return str(told[-1] or "") if told else ""

    def changed(self, moment: Moment) -> dict[str, Any]:
        """The fields that changed at this moment, as they were."""
        before, found = dict[str, Any](), dict[str, Any]()
        for one in self.entries:
            if _is_of(one, moment) and one.field != contexts.SCHEMA:
                found.setdefault(one.field, before.get(one.field))
            before[one.field] = one.value.value
        return found

    def status(self, moment: Moment) -> tuple[str, datetime | None]:
        told = [(status, at) for at, status in self.statuses if at <= moment.at]
        return told[-1] if told else ("", None)

    def burst(self, moment: Moment) -> tuple[Line, ...]:
        first, last = moment.seqs or (1, 0)
        return tuple(line for seq, line in self.lines.items() if first <= seq <= last)


def _is_of(one: Entry, moment: Moment) -> bool:
    if moment.turn_id is not None:
        return one.turn_id == moment.turn_id
    return one.turn_id is None and moment.since <= one.at <= moment.at


def _is_known(one: Entry, moment: Moment) -> bool:
    """What a turn wrote bears a moment a little later than its end."""
    return one.at <= moment.at or (one.turn_id is not None and one.turn_id == moment.turn_id)


def source_of(trigger: Trigger) -> str:
    """Where its moments are told."""
    match trigger:
        case Trigger.CONTEXT_CHANGED | Trigger.TIME_ELAPSED:
            return "changes"
        case Trigger.SCHEDULE:
            return "open"
        case (
            Trigger.MESSAGE_RECEIVED | Trigger.INTENT_DETECTED | Trigger.SENTIMENT | Trigger.CONVERSATION_IDLE
        ):
            return "turns"
    return "events"


def _values(trigger: Trigger, start: datetime, end: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"start": start, "end": end}
    kinds = [kind for kind, one in TOLD_BY.items() if one is trigger]
    return values | ({"kinds": kinds} if source_of(trigger) == "events" else {})


async def contacts(
    tx: Tx, trigger: Trigger, start: datetime, end: datetime, after: UUID | None, limit: int
) -> list[UUID]:
    """Customers in whose conversations something happened that sets it off, in the order of their ids."""
    values = _values(trigger, start, end) | {"after": after, "limit": limit}
    return [row.contact_id for row in await tx.execute(_CONTACTS[source_of(trigger)], values)]


async def moments(
    tx: Tx, trigger: Trigger, start: datetime, end: datetime, whose: Sequence[UUID], limit: int
) -> list[Moment]:
    """Theirs, each customer's in the order of time."""
    values = _values(trigger, start, end) | {"contacts": list(whose), "limit": limit}
    found = list[Moment]()
    for row in await tx.execute(_MOMENTS[source_of(trigger)], values):
        one = _moment(tx, row)
        if source_of(trigger) == "changes" and found and _is_one_act(found[-1], one):
            one = replace(one, since=found.pop().since)
        found.append(one)
    return found


def _is_one_act(before: Moment, one: Moment) -> bool:
    """Each value bears its own moment, also when a person set several at once."""
    same = (before.conversation_id, before.turn_id) == (one.conversation_id, None) and one.turn_id is None
    return same and one.at - before.at <= AT_ONCE


async def past(tx: Tx, conversation_id: UUID, seen: Iterable[Moment], end: datetime) -> Past:
    """All that these moments look at, in four queries."""
    asked = {"conversation": conversation_id, "end": end}
    entries = [_entry(tx, row) for row in await tx.execute(_CONTEXT, asked)]
    statuses = [(row.at, row.status or "") for row in await tx.execute(_STATUSES, asked)]
    today = (await tx.execute(_TODAY, {"conversation": conversation_id})).one()
    name = tx.vault.open_maybe("contact.name", today.name and bytes(today.name))
    return Past(
        entries, statuses, await _lines(tx, conversation_id, [one.seqs for one in seen if one.seqs]), today.priority,
        tuple(today.tags), today.channel or "", name,
    )  # fmt: skip


async def did(tx: Tx, rule: str, start: datetime, end: datetime) -> int:
    """How often it really did something."""
    found: int = (await tx.execute(_DID, {"rule": rule, "start": start, "end": end})).scalar_one()
    return found


async def _lines(tx: Tx, conversation_id: UUID, seqs: Sequence[tuple[int, int]]) -> dict[int, Line]:
    if not seqs:
        return {}
    values = {
        "conversation": conversation_id,
        "first": min(one for one, _ in seqs),
        "last": max(one for _, one in seqs),
    }
    rows = await tx.execute(_LINES, values)
    return {
        row.seq: Line(
            row.seq, Author(row.author), tx.vault.open("message.body", bytes(row.body)), row.created_at
        )
        for row in rows
    }


def _entry(tx: Tx, row: Any) -> Entry:
    return Entry(
        row.field, Value(contexts.opened(tx, row.value), row.source, row.confidence), row.turn_id, row.at
    )


def _moment(tx: Tx, row: Any) -> Moment:
    told = tx.vault.open_maybe("turn.explanation", row.explanation and bytes(row.explanation))
    understood = json.loads(told).get("understood") if told else None
    seqs = (row.first_seq, row.base_seq) if row.first_seq is not None else None
    return Moment(
        row.contact_id, row.conversation_id, row.turn_id, row.at, seqs, understood, row.details or {}, row.at
    )

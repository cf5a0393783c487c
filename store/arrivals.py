"""Messages come into their conversations, many at once: the next seq, the time when a turn is due, the thread, the
words. One statement for all of them; whoever calls holds their addresses' locks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.messages import SILENT_KINDS, WINDOWS, Inbound
from domain.workspace import Profile
from store import attachments
from store.channels import ChannelRow
from store.contacts import Held
from store.db import TRACE, Tx, new_id

# A burst waits for quiet, but not for ever: :debounce after the newest message, :most after the first.
_ADD = text(
    "with item as (select i.*, decode(sealed, 'hex') as body, decode(told, 'hex') as details"
    " from json_to_recordset(cast(:items as json)) as i (message uuid, contact uuid, address uuid, answer bool,"
    " heard bool, sealed text, sent_at timestamptz, kind text, provider_id text, told text, thread uuid, trace text)),"
    " talk as (update conversation c set last_seq = last_seq + 1, updated_at = frontdesk_now(), state = 'open',"
    " owner = case when owner = 'human' and paused_until <= frontdesk_now() then 'ai' else owner end,"
    " burst_started_at = case when i.answer then coalesce(burst_started_at, frontdesk_now()) else burst_started_at end,"
    " due_at = case when i.answer and (owner = 'ai' or paused_until <= frontdesk_now())"
    "   and coalesce(posture, :posture) <> 'off'"
    "   then least(frontdesk_now() + :debounce, coalesce(burst_started_at, frontdesk_now()) + :most) else due_at end"
    " from item i where c.contact_id = i.contact and c.state <> 'closed'"
    " returning c.id, c.last_seq, c.due_at, i.*),"
    " line as (insert into thread as t (workspace_id, id, conversation_id, channel_id, address_id, last_inbound_at,"
    " window_expires_at) select :w, thread, id, :channel, address, case when heard then frontdesk_now() end,"
    " case when heard then least(frontdesk_now(), sent_at) + cast(:window as interval) end from talk"
    " on conflict (workspace_id, conversation_id, channel_id, address_id)"
    " do update set last_inbound_at = coalesce(excluded.last_inbound_at, t.last_inbound_at),"
    " window_expires_at = greatest(t.window_expires_at, excluded.window_expires_at) returning id, conversation_id),"
    " said as (insert into message (workspace_id, id, conversation_id, thread_id, seq, direction, author, purpose, body,"
    " provider_at, kind, provider_id, details, trace)"
    " select :w, talk.message, talk.id, line.id, talk.last_seq, 'in', 'contact', 'inbound', body,"
    " sent_at, kind, provider_id, details, nullif(trace, '') from talk join line on line.conversation_id = talk.id),"
    " heard as (update contact_address a set last_inbound_at = frontdesk_now() from talk"
    " where a.id = talk.address and talk.heard)"
    " select talk.message, talk.id as conversation, line.id as thread, talk.due_at"
    " from talk join line on line.conversation_id = talk.id"
)
_OPEN = text(
    "insert into conversation (workspace_id, id, contact_id)"
    " select :w, id, contact from unnest(cast(:ids as uuid[]), cast(:contacts as uuid[])) as c (id, contact)"
    " on conflict do nothing"
)

DEBOUNCE_S, DEBOUNCE_MAX_S = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, the address that it came from, locked, and whether a turn shall answer it."""

    event: Inbound
    held: Held
    answer: bool
    trace: str = field(default_factory=TRACE.get)


@dataclass(frozen=True, slots=True)
class Added:
    message_id: UUID
    conversation_id: UUID
    thread_id: UUID
    due: bool
    """The conversation waits for a turn, be it for this message or for an earlier one."""


async def add(tx: Tx, channel: ChannelRow, profile: Profile, arrivals: Sequence[Arrival]) -> list[Added]:
    """In the order given. Opens a conversation for whoever has none."""
    await _open(tx, [one.held.contact_id for one in arrivals if one.held.first_seen])
    added: list[Added] = []
    for wave in _waves(arrivals):
        added += await _add_wave(tx, channel, profile, wave)
    return added


def _waves(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """Cut so that nobody speaks twice in a wave: the second message has a seq of its own."""
    waves: list[list[Arrival]] = []
    speaking: set[UUID] = set()
    for one in arrivals:
        if not waves or one.held.contact_id in speaking:
            waves.append([])
            speaking = set()
        waves[-1].append(one)
        speaking.add(one.held.contact_id)
    return waves


async def _add_wave(tx: Tx, channel: ChannelRow, profile: Profile, wave: list[Arrival]) -> list[Added]:
    messages = {new_id(): one for one in wave}
    rows = await _try(tx, channel, profile, messages)
    if len(rows) < len(wave):
        rest = {key: one for key, one in messages.items() if key not in rows}
        await _open(tx, [one.held.contact_id for one in rest.values()])
        rows |= await _try(tx, channel, profile, rest)
    for key, one in messages.items():
        await attachments.announce(tx, key, one.event.media)
    return [rows[key] for key in messages]


async def _try(
    tx: Tx, channel: ChannelRow, profile: Profile, messages: dict[UUID, Arrival]
) -> dict[UUID, Added]:
    """Those whose customer has an open conversation."""
    values = {
        "w": tx.workspace_id, "channel": channel.id, "posture": profile.policy.default.value,
        "debounce": timedelta(seconds=channel.seconds("debounce_s", DEBOUNCE_S)),
        "most": timedelta(seconds=channel.seconds("debounce_max_s", DEBOUNCE_MAX_S)),
        "window": WINDOWS.get(next(iter(messages.values())).event.sender.scheme),
        "items": json.dumps([_item(tx, key, one) for key, one in messages.items()], default=str),
    }  # fmt: skip
    rows = await tx.execute(_ADD, values)
    return {
        row.message: Added(row.message, row.conversation, row.thread, row.due_at is not None) for row in rows
    }


def _item(tx: Tx, message_id: UUID, one: Arrival) -> dict[str, Any]:
    """A row of `item`. All rows are one JSON document: a dozen arrays cost the driver ten times as much."""
    event, held = one.event, one.held
    return {
        "message": message_id, "contact": held.contact_id, "address": held.id, "thread": new_id(),
        "answer": one.answer, "heard": event.kind not in SILENT_KINDS, "kind": event.kind,
        "sent_at": event.sent_at, "provider_id": event.provider_id, "trace": one.trace,
        "sealed": tx.vault.seal("message.body", event.text).hex(), "told": _details(tx, event),
    }  # fmt: skip


def _details(tx: Tx, event: Inbound) -> str | None:
    told: dict[str, Any] = {"choice": event.choice, "reply_to": event.reply_to}
    kept = {name: value for name, value in told.items() if value}
    return tx.vault.seal("message.details", json.dumps(kept)).hex() if kept else None


async def _open(tx: Tx, contact_ids: list[UUID]) -> None:
    if contact_ids:
        ids = [new_id() for _ in contact_ids]
        await tx.execute(_OPEN, {"w": tx.workspace_id, "ids": ids, "contacts": contact_ids})

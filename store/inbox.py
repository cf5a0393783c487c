"""What comes in: receipt, contact, conversation, message with the next seq, and what a keyword demands, all in
the caller's one transaction. Locks are taken in the order address, conversation, draft, delivery, attempt, channel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from domain import keywords, optout
from domain.messages import SILENT_KINDS, Inbound, Keyword, Status
from domain.optout import OptOutReading
from domain.workspace import Profile
from store import arrivals, audit, contacts, conversations, drafts, outbox, statuses
from store.arrivals import Added, Arrival
from store.channels import ChannelRow
from store.contacts import Held
from store.db import Tx, new_id
from store.outbox import NewMessage

_RECEIPTS = text(
    "insert into inbound_receipt (workspace_id, id, channel_id, kind, provider_event_id, payload)"
    " select :w, id, :channel, 'message', event, decode(payload, 'hex') from json_to_recordset(cast(:items as json))"
    " as r (id uuid, event text, payload text) order by event on conflict do nothing"
    " returning provider_event_id"
)
# What the message changes for others: a draft before a person, words that waited for a window.
_MOVED = text(
    "select conversation_id as id from draft where conversation_id = any(:conversations) and state = 'pending'"
    " union all select thread_id from delivery where thread_id = any(:threads) and state = 'queued'"
    " and reason = 'needs_template'"
)
_NOTHING_TO_ANSWER = text(
    "update conversation set due_at = null, burst_started_at = null, answered_seq = last_seq, epoch = epoch + 1"
    " where id = :id"
)
# A HELP or START asks for no turn; what was asked before it still waits for one.
_ONLY_A_KEYWORD = text(
    "update conversation set answered_seq = last_seq where id = :id and due_at is null and not exists ("
    " select from message m where m.workspace_id = conversation.workspace_id and m.conversation_id = conversation.id"
    " and m.direction = 'in' and m.kind not in ('reaction', 'system')"
    " and m.seq > conversation.answered_seq and m.seq < conversation.last_seq)"
)

_SEEN = text(
    "select provider_event_id from inbound_receipt where channel_id = :channel and kind = 'message'"
    " and provider_event_id = any(:events)"
)


@dataclass(frozen=True, slots=True)
class Saved:
    """What the webhook has to wake after the commit."""

    turns: bool = False
    deliveries: bool = False

    def __or__(self, other: "Saved") -> "Saved":
        return Saved(self.turns or other.turns, self.deliveries or other.deliveries)


async def save(tx: Tx, channel: ChannelRow, profile: Profile, events: Sequence[Inbound | Status]) -> Saved:
    """Store every event that is new; what came before changes nothing."""
    saved = Saved()
    for event in events:
        if isinstance(event, Status):
            saved |= Saved(deliveries=await statuses.save(tx, channel, event))
        elif await _new(tx, channel, [event]):
            saved |= await _save_message(tx, channel, profile, event)
    return saved


def is_plain(event: Inbound | Status) -> bool:
    """Words that a turn answers, and that demand nothing here: many of them can be stored together."""
    return (
        isinstance(event, Inbound)
        and event.kind not in SILENT_KINDS
        and event.keyword is None
        and optout.classify(event.text).keyword is None
    )


async def save_plain(
    tx: Tx, channel: ChannelRow, profile: Profile, traced: Sequence[tuple[Inbound, str]]
) -> Saved:
    """What `save` does, for many plain messages in a few statements, in their order; each with its own trace."""
    traces = {event.provider_id: trace for event, trace in traced}
    new = await _new(tx, channel, [event for event, _ in traced])
    if not new:
        return Saved()
    held = await contacts.hold_all(tx, {one.sender: one.sender_name for one in new})
    arriving = [_arrival(one, held[one.sender], traces[one.provider_id]) for one in new]
    added = await arrivals.add(tx, channel, profile, arriving)
    moved = await _moved(tx, added)
    deliveries = False
    for conversation_id in {one.conversation_id for one in added} & moved:
        await drafts.reopen(tx, conversation_id)
    for thread_id in {one.thread_id for one in added} & moved:
        deliveries |= await outbox.window_opened(tx, thread_id)
    return Saved(any(one.due for one in added), deliveries)


def _arrival(event: Inbound, held: Held, trace: str) -> Arrival:
    return Arrival(event, held, held.opted_out_at is None, trace)


async def _moved(tx: Tx, added: Sequence[Added]) -> set[UUID]:
    """Asked after the conversations' locks are ours: what was committed before them is seen."""
    ids = {
        "conversations": [one.conversation_id for one in added],
        "threads": [one.thread_id for one in added],
    }
    return {row.id for row in await tx.execute(_MOVED, ids)}


async def unseen(
    tx: Tx, channel: ChannelRow, events: Sequence[Inbound | Status], before: datetime
) -> list[Inbound]:
    """Those messages that were sent before then and never received."""
    old = [
        one for one in events if isinstance(one, Inbound) and (one.sent_at is None or one.sent_at < before)
    ]
    values = {"channel": channel.id, "events": [one.provider_id for one in old]}
    seen = {row.provider_event_id for row in await tx.execute(_SEEN, values)}
    return [one for one in old if one.provider_id not in seen]


async def _new(tx: Tx, channel: ChannelRow, events: Sequence[Inbound]) -> list[Inbound]:
    """Those that never came before, each once; from now on they have."""
    once = {one.provider_id: one for one in events}
    items = [{"id": new_id(), "event": key, "payload": _payload(tx, one)} for key, one in once.items()]
    values = {"w": tx.workspace_id, "channel": channel.id, "items": json.dumps(items, default=str)}
    fresh = {row.provider_event_id for row in await tx.execute(_RECEIPTS, values)}
    return [one for key, one in once.items() if key in fresh]


def _payload(tx: Tx, event: Inbound) -> str:
    told = {
        "from": [event.sender.scheme, event.sender.value],
        "text": event.text,
        "media": [[media.url, media.content_type, media.name] for media in event.media],
        "keyword": event.keyword,
        "name": event.sender_name,
        "kind": event.kind,
        "choice": event.choice,
        "reply_to": event.reply_to,
    }
    return tx.vault.seal("inbound_receipt.payload", json.dumps(told)).hex()


async def _save_message(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> Saved:
    if event.kind in SILENT_KINDS:
        return await _keep(tx, channel, profile, event)
    reading = _read_keyword(event)
    held = await contacts.hold(tx, event.sender, event.sender_name)
    silent = reading.keyword is not None and reading.certain
    still_out = held.opted_out_at is not None
    arrival = Arrival(event, held, answer=not silent and not still_out)
    (added,) = await arrivals.add(tx, channel, profile, [arrival])
    if not (silent and reading.keyword is Keyword.HELP):
        await drafts.reopen(tx, added.conversation_id)
    deliveries = await outbox.window_opened(tx, added.thread_id)
    if reading.keyword is Keyword.STOP and not reading.certain:
        await _ask_a_person(tx, profile, added.conversation_id)
        return Saved(deliveries=deliveries)
    if silent:
        deliveries |= await _obey(tx, profile, held, added, event, reading)
    return Saved(turns=added.due and not silent, deliveries=deliveries)


async def _keep(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> Saved:
    """A reaction, or news from the provider: it stands in the conversation, and that is all. It answers nothing,
    retires no draft and, as providers do not promise that it does, opens no window."""
    held = await contacts.hold(tx, event.sender, event.sender_name)
    await arrivals.add(tx, channel, profile, [Arrival(event, held, answer=False)])
    return Saved()


def _read_keyword(event: Inbound) -> OptOutReading:
    """The provider's own reading, when it has one, else ours."""
    if event.keyword is not None:
        return OptOutReading(event.keyword, certain=True, matched=event.text[:80])
    return optout.classify(event.text)


async def _ask_a_person(tx: Tx, profile: Profile, conversation_id: UUID) -> None:
    """It may be a wish to be left alone: no machine answers before a person has looked."""
    pause = profile.policy.pause_after_human
    await conversations.hand_to_person(tx, conversation_id, None, "maybe_opt_out", pause, answered=False)
    await audit.add(
        tx, "system", "conversation_handed_off", "conversation", conversation_id, reason="maybe_opt_out"
    )


async def _obey(
    tx: Tx, profile: Profile, held: Held, added: Added, event: Inbound, reading: OptOutReading
) -> bool:
    """STOP, START or HELP: effective now, in this transaction, and no turn is run. Return whether there is
    something to send: the provider answers the keywords that it knows, we answer the rest, once."""
    keyword, was_out = reading.keyword, held.opted_out_at is not None
    assert keyword is not None
    over = keyword is Keyword.STOP or was_out
    await tx.execute(_NOTHING_TO_ANSWER if over else _ONLY_A_KEYWORD, {"id": added.conversation_id})
    if keyword is not Keyword.HELP:
        source = "provider" if event.keyword else "phrase"
        await contacts.record_consent(tx, held.id, keyword, source, event.text, added.message_id)
    repeated = keyword is Keyword.STOP and was_out
    if repeated and not event.keyword:
        return False  # what is queued can only be the confirmation of the first one: it may still leave
    if keyword is Keyword.STOP:
        await outbox.cancel(tx, added.conversation_id, "opted_out")
        await audit.add(tx, "system", "contact_opted_out", "conversation", added.conversation_id)
    if event.keyword is not None:
        return False
    words = keywords.answer(keyword, profile, reading.matched)
    await outbox.put(tx, NewMessage(added.conversation_id, added.thread_id, "system", "confirmation", words))
    return True

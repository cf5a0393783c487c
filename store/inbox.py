"""What comes in: receipt, contact, conversation, message with the next seq, and what a keyword demands. What asks for
no more than an answer waits in a line (store.receipts) and is read later, many at once; what a customer demands for
themselves is read before it is acknowledged. Locks are taken in the order line, address, conversation, draft,
delivery, attempt, channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import text

from domain import keywords, optout
from domain.messages import SILENT_KINDS, Address, Event, Inbound, Keyword, Status
from domain.optout import OptOutReading
from domain.workspace import Profile
from store import (
    arrivals,
    audit,
    channels,
    contacts,
    conversations,
    drafts,
    merges,
    outbox,
    receipts,
    statuses,
    workspaces,
)
from store.arrivals import Added, Arrival
from store.channels import ChannelRow
from store.contacts import Held
from store.db import TRACE, Tx
from store.outbox import NewMessage
from store.receipts import Unread

# What the message changes for others: a draft before a person, words that waited for a window.
_MOVED = text(
    "select conversation_id as id from draft where conversation_id = any(:conversations) and state = 'pending'"
    " union all select thread_id from delivery where thread_id = any(:threads) and state = 'queued'"
    " and reason = 'needs_template'"
)
# But for what the customer has asked from an address that is not out.
_NOTHING_TO_ANSWER = text(
    "with other as (select min(m.seq) as seq from message m join conversation c on c.workspace_id = m.workspace_id"
    " and c.id = m.conversation_id join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.conversation_id = :id and m.direction = 'in' and m.kind not in ('reaction', 'system')"
    " and m.seq > c.answered_seq and a.opted_out_at is null and a.id <> :address)"
    " update conversation set burst_started_at = null, epoch = epoch + 1, lease_until = null, lease_by = null,"
    " answered_seq = coalesce(other.seq - 1, last_seq), due_at = case when other.seq is not null and owner = 'ai'"
    " then coalesce(due_at, frontdesk_now()) end from other where id = :id"
)
# A HELP or START asks for no turn; what was asked before it still waits for one.
_ONLY_A_KEYWORD = text(
    "update conversation set answered_seq = last_seq where id = :id and due_at is null and not exists ("
    " select from message m where m.workspace_id = conversation.workspace_id and m.conversation_id = conversation.id"
    " and m.direction = 'in' and m.kind not in ('reaction', 'system')"
    " and m.seq > conversation.answered_seq and m.seq < conversation.last_seq)"
)


@dataclass(frozen=True, slots=True)
class Saved:
    """Who has to be woken after the commit."""

    turns: bool = False
    deliveries: bool = False
    line: bool = False
    """Something waits to be read."""

    @property
    def topics(self) -> list[str]:
        """Under which they listen."""
        woken = {"inbox": self.line, "turns": self.turns, "deliveries": self.deliveries}
        return [topic for topic, wanted in woken.items() if wanted]

    def __or__(self, other: "Saved") -> "Saved":
        return Saved(self.turns or other.turns, self.deliveries or other.deliveries, self.line or other.line)


def can_wait(event: Event) -> bool:
    """It demands nothing before it is acknowledged. An opt-out does: it holds from then on."""
    if isinstance(event, Status):
        return True
    return event.keyword is None and optout.classify(event.text).keyword is None


async def take(tx: Tx, channel: ChannelRow, profile: Profile, events: Sequence[Event]) -> Saved:
    """Store what was told, so that it can be acknowledged: in the line, or read now, with all that came with it."""
    if not all(can_wait(one) for one in events):
        return await save(tx, channel, profile, events)
    await receipts.keep(tx, [(channel, one, TRACE.get()) for one in events])
    return Saved(line=True)


async def save(tx: Tx, channel: ChannelRow, profile: Profile, events: Sequence[Event]) -> Saved:
    """Store and read every event that is new; what came before changes nothing."""
    demanding = [one.sender for one in events if isinstance(one, Inbound) and not can_wait(one)]
    saved = await read(tx, await receipts.of_senders(tx, demanding)) if demanding else Saved()
    for event in events:
        if await receipts.add(tx, channel, [event]):
            saved |= await _save(tx, channel, profile, event)
    return saved


async def read(tx: Tx, waiting: Sequence[Unread]) -> Saved:
    """Bring what waits into its conversations, in its order. Nobody else reads in this business meanwhile."""
    if not waiting:
        return Saved()
    profile, saved = (await workspaces.get(tx)).profile, Saved()
    for (channel_id, plain), together in groupby(waiting, lambda one: (one.channel_id, _is_plain(one.event))):
        channel = await channels.get(tx, channel_id)
        assert channel is not None
        if plain:
            saved |= await _save_plain(tx, channel, profile, list(together))
        else:
            for one in together:
                saved |= await _save(tx, channel, profile, one.event)
    await receipts.read(tx, [one.place for one in waiting])
    return saved


def _is_plain(event: Event) -> bool:
    """Words that a turn answers: many of them can be stored together. What waits in the line demands no more."""
    return isinstance(event, Inbound) and event.kind not in SILENT_KINDS


async def _save_plain(tx: Tx, channel: ChannelRow, profile: Profile, waiting: Sequence[Unread]) -> Saved:
    """What `_save` does, for many plain messages in a few statements; each with its own trace."""
    told = [(one.event, one.trace) for one in waiting if isinstance(one.event, Inbound)]
    held = await contacts.hold_all(tx, {event.sender: event.sender_name for event, _ in told})
    arriving = [_arrival(event, held[event.sender], trace) for event, trace in told]
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


async def _save(tx: Tx, channel: ChannelRow, profile: Profile, event: Event) -> Saved:
    if isinstance(event, Status):
        return Saved(deliveries=await statuses.save(tx, channel, event))
    return await _save_message(tx, channel, profile, event)


async def _save_message(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> Saved:
    if event.kind in SILENT_KINDS:
        return await _keep(tx, channel, profile, event)
    reading = _read_keyword(event)
    if reading.keyword is Keyword.STOP:
        await contacts.hold_number(tx, event.sender)
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
    if event.moved_to is not None:
        await merges.alone(tx)
        await contacts.hold_all(tx, dict.fromkeys((event.sender, event.moved_to)))
    held = await contacts.hold(tx, event.sender, event.sender_name)
    await arrivals.add(tx, channel, profile, [Arrival(event, held, answer=False)])
    if event.moved_to is not None:
        return Saved(turns=await _moved_to(tx, held, event.moved_to))
    return Saved()


async def _moved_to(tx: Tx, held: Held, address: Address) -> bool:
    """Somebody has a new number: the same contact, and whoever was out still is. Return whether a turn may be due."""
    new = await contacts.hold(tx, address)
    if held.opted_out_at is not None and new.opted_out_at is None:
        await contacts.record_consent(tx, new.id, Keyword.STOP, "number_changed", "", None)
    if new.contact_id == held.contact_id:
        return False
    await merges.merge(tx, new.contact_id, held.contact_id, "system", "number_changed")
    return True


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
    if keyword is not Keyword.HELP:
        source = "provider" if event.keyword else "phrase"
        await contacts.record_consent(tx, held.id, keyword, source, event.text, added.message_id)
    values = {"id": added.conversation_id, "address": held.id}
    await tx.execute(_NOTHING_TO_ANSWER if over else _ONLY_A_KEYWORD, values)
    repeated = keyword is Keyword.STOP and was_out
    if repeated and not event.keyword:
        return False  # what is queued can only be the confirmation of the first one: it may still leave
    if keyword is Keyword.STOP:
        out = await contacts.of_number(tx, held.id)
        await outbox.cancel_to(tx, added.conversation_id, out, "opted_out")
        await audit.add(tx, "system", "contact_opted_out", "conversation", added.conversation_id)
    if event.keyword is not None:
        return False
    words = keywords.answer(keyword, profile, reading.matched)
    await outbox.put(tx, NewMessage(added.conversation_id, added.thread_id, "system", "confirmation", words))
    return True

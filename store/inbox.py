"""What comes in: receipt, contact, conversation, message with the next seq, and what a keyword demands, all in
the caller's one transaction. Locks are taken in the order address, conversation, draft, delivery, attempt, channel."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import keywords, optout
from domain.messages import SILENT_KINDS, WINDOWS, Inbound, Keyword, Status
from domain.optout import OptOutReading
from domain.workspace import Profile
from store import attachments, audit, contacts, conversations, drafts, outbox, statuses
from store.channels import ChannelRow
from store.contacts import Held
from store.db import Tx, new_id
from store.outbox import NewMessage

_RECEIPT = text(
    "insert into inbound_receipt (workspace_id, id, channel_id, kind, provider_event_id, payload)"
    " values (:w, :id, :channel, :kind, :event, :payload) on conflict do nothing returning id"
)
# A burst waits for quiet, but not for ever: :debounce after the newest message, :most after the first.
_NEXT_SEQ = text(
    "update conversation set last_seq = last_seq + 1, updated_at = frontdesk_now(), state = 'open',"
    " owner = case when owner = 'human' and paused_until <= frontdesk_now() then 'ai' else owner end,"
    " burst_started_at = case when :answer then coalesce(burst_started_at, frontdesk_now()) else burst_started_at end,"
    " due_at = case when :answer and (owner = 'ai' or paused_until <= frontdesk_now())"
    "   and coalesce(posture, :posture) <> 'off'"
    "   then least(frontdesk_now() + :debounce, coalesce(burst_started_at, frontdesk_now()) + :most) else due_at end"
    " where contact_id = :contact and state <> 'closed' returning id, last_seq, due_at, owner"
)
_OPEN = text(
    "insert into conversation (workspace_id, id, contact_id) values (:w, :id, :contact) on conflict do nothing"
)
_THREAD = text(
    "insert into thread as t (workspace_id, id, conversation_id, channel_id, address_id, last_inbound_at,"
    " window_expires_at) values (:w, :id, :conversation, :channel, :address, case when :heard then frontdesk_now() end,"
    " least(frontdesk_now(), cast(:provider_at as timestamptz)) + cast(:window as interval))"
    " on conflict (workspace_id, conversation_id, channel_id, address_id)"
    " do update set last_inbound_at = coalesce(excluded.last_inbound_at, t.last_inbound_at),"
    " window_expires_at = greatest(t.window_expires_at, excluded.window_expires_at) returning id"
)
_MESSAGE = text(
    "insert into message (workspace_id, id, conversation_id, thread_id, seq, direction, author, purpose, body, provider_at,"
    " kind, provider_id, details) values (:w, :id, :conversation, :thread, :seq, 'in', 'contact', 'inbound', :body,"
    " :provider_at, :kind, :provider_id, :details)"
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

DEBOUNCE_S, DEBOUNCE_MAX_S = 3.0, 10.0


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
        elif await _is_new(tx, channel, event):
            saved |= await _save_message(tx, channel, profile, event)
    return saved


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


async def _is_new(tx: Tx, channel: ChannelRow, event: Inbound) -> bool:
    payload = tx.vault.seal("inbound_receipt.payload", json.dumps(_payload(event), ensure_ascii=True))
    values = {"w": tx.workspace_id, "id": new_id(), "channel": channel.id, "kind": "message"}
    row = await tx.execute(_RECEIPT, values | {"event": event.provider_id, "payload": payload})
    return row.first() is not None


def _payload(event: Inbound) -> dict[str, Any]:
    return {
        "from": [event.sender.scheme, event.sender.value],
        "text": event.text,
        "media": [[media.url, media.content_type, media.name] for media in event.media],
        "keyword": event.keyword,
        "name": event.sender_name,
        "kind": event.kind,
        "choice": event.choice,
        "reply_to": event.reply_to,
    }


async def _save_message(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> Saved:
    if event.kind in SILENT_KINDS:
        return await _keep(tx, channel, profile, event)
    reading = _read_keyword(event)
    held = await contacts.hold(tx, event.sender, event.sender_name)
    silent = reading.keyword is not None and reading.certain
    still_out = held.opted_out_at is not None
    conversation = await _next_seq(tx, channel, profile, held, answer=not silent and not still_out)
    message_id, thread_id = await _add_message(tx, channel, held, conversation, event)
    await contacts.heard_from(tx, held.id)
    if not (silent and reading.keyword is Keyword.HELP):
        await drafts.reopen(tx, conversation.id)
    deliveries = await outbox.window_opened(tx, thread_id)
    if reading.keyword is Keyword.STOP and not reading.certain:
        await _ask_a_person(tx, profile, conversation.id)
        return Saved(deliveries=deliveries)
    if silent:
        deliveries |= await _obey(tx, profile, held, conversation.id, thread_id, message_id, event, reading)
    return Saved(turns=conversation.due_at is not None and not silent, deliveries=deliveries)


async def _keep(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> Saved:
    """A reaction, or news from the provider: it stands in the conversation, and that is all. It answers nothing,
    retires no draft and, as providers do not promise that it does, opens no window."""
    held = await contacts.hold(tx, event.sender, event.sender_name)
    conversation = await _next_seq(tx, channel, profile, held, answer=False)
    await _add_message(tx, channel, held, conversation, event)
    return Saved()


def _read_keyword(event: Inbound) -> OptOutReading:
    """The provider's own reading, when it has one, else ours."""
    if event.keyword is not None:
        return OptOutReading(event.keyword, certain=True, matched=event.text[:80])
    return optout.classify(event.text)


async def _next_seq(tx: Tx, channel: ChannelRow, profile: Profile, held: Held, *, answer: bool) -> Any:
    values = {
        "contact": held.contact_id,
        "answer": answer,
        "posture": profile.policy.default.value,
        "debounce": timedelta(seconds=channel.seconds("debounce_s", DEBOUNCE_S)),
        "most": timedelta(seconds=channel.seconds("debounce_max_s", DEBOUNCE_MAX_S)),
    }
    row = (await tx.execute(_NEXT_SEQ, values)).first()
    if row is None:
        await tx.execute(_OPEN, {"w": tx.workspace_id, "id": new_id(), "contact": held.contact_id})
        row = (await tx.execute(_NEXT_SEQ, values)).one()
    return row


async def _add_message(
    tx: Tx, channel: ChannelRow, held: Held, conversation: Any, event: Inbound
) -> tuple[UUID, UUID]:
    values = {"w": tx.workspace_id, "id": new_id(), "conversation": conversation.id}
    heard = event.kind not in SILENT_KINDS
    window = WINDOWS.get(event.sender.scheme) if heard else None
    place = {"channel": channel.id, "address": held.id, "heard": heard}
    place |= {"provider_at": event.sent_at, "window": window}
    thread_id: UUID = (await tx.execute(_THREAD, values | place)).scalar_one()
    message_id = new_id()
    body = tx.vault.seal("message.body", event.text)
    values |= {"id": message_id, "thread": thread_id, "seq": conversation.last_seq}
    details = {
        name: value for name, value in (("choice", event.choice), ("reply_to", event.reply_to)) if value
    }
    values |= {"kind": event.kind.value, "provider_id": event.provider_id}
    values |= {"details": tx.vault.seal("message.details", json.dumps(details)) if details else None}
    await tx.execute(_MESSAGE, values | {"body": body, "provider_at": event.sent_at})
    await attachments.announce(tx, message_id, event.media)
    return message_id, thread_id


async def _ask_a_person(tx: Tx, profile: Profile, conversation_id: UUID) -> None:
    """It may be a wish to be left alone: no machine answers before a person has looked."""
    pause = profile.policy.pause_after_human
    await conversations.hand_to_person(tx, conversation_id, None, "maybe_opt_out", pause, answered=False)
    await audit.add(
        tx, "system", "conversation_handed_off", "conversation", conversation_id, reason="maybe_opt_out"
    )


async def _obey(
    tx: Tx,
    profile: Profile,
    held: Held,
    conversation_id: UUID,
    thread_id: UUID,
    message_id: UUID,
    event: Inbound,
    reading: OptOutReading,
) -> bool:
    """STOP, START or HELP: effective now, in this transaction, and no turn is run. Return whether there is
    something to send: the provider answers the keywords that it knows, we answer the rest, once."""
    keyword, was_out = reading.keyword, held.opted_out_at is not None
    assert keyword is not None
    over = keyword is Keyword.STOP or was_out
    await tx.execute(_NOTHING_TO_ANSWER if over else _ONLY_A_KEYWORD, {"id": conversation_id})
    if keyword is not Keyword.HELP:
        source = "provider" if event.keyword else "phrase"
        await contacts.record_consent(tx, held.id, keyword, source, event.text, message_id)
    repeated = keyword is Keyword.STOP and was_out
    if repeated and not event.keyword:
        return False  # what is queued can only be the confirmation of the first one: it may still leave
    if keyword is Keyword.STOP:
        await outbox.cancel(tx, conversation_id, "opted_out")
        await audit.add(tx, "system", "contact_opted_out", "conversation", conversation_id)
    if event.keyword is not None:
        return False
    words = keywords.answer(keyword, profile, reading.matched)
    await outbox.put(tx, NewMessage(conversation_id, thread_id, "system", "confirmation", words))
    return True

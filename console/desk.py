"""The owner's desk as one reading: conversations, what waits for approval, one conversation and why. Reads only;
acting is the admin API's."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from console.reasons import say
from domain.messages import RANK, DeliveryState
from store import contacts, conversations, drafts, receipts, turns
from store.contacts import Contact
from store.conversations import Conversation, Message
from store.db import Tx
from store.drafts import Draft
from store.turns import Told

Json = dict[str, Any]

CONVERSATIONS, DRAFTS, MESSAGES, TURNS = 12, 50, 100, 12
"""The newest of each; the rest is in the API."""


async def read(tx: Tx, conversation_id: UUID | None, number: str) -> Json:
    """The desk with this conversation open; without one, the one with this number. `unread`: something has come that is
    not in its conversation yet."""
    page = await conversations.page(tx, state=None, owner=None, before=None, limit=CONVERSATIONS)
    pending = await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=DRAFTS)
    waiting = {draft.conversation_id for draft in pending}
    people = {one.id: await contacts.get(tx, one.contact_id) for one in page}
    listed = [await _summary(tx, one, people[one.id], one.id in waiting) for one in page]
    if conversation_id is None:
        conversation_id = next(
            (one.id for one in page if number and number in _numbers(people[one.id])), None
        )
    return {
        "now": tx.now.isoformat(),
        "unread": await receipts.wait(tx),
        "conversations": listed,
        "drafts": [_draft(one) for one in pending],
        "conversation": await _whole(tx, conversation_id) if conversation_id else None,
    }


async def _summary(tx: Tx, conversation: Conversation, contact: Contact | None, waiting: bool) -> Json:
    last = await conversations.messages(tx, conversation.id, conversation.last_seq - 1, 1)
    return {
        **_head(conversation, contact),
        "draft": waiting,
        "last": {"author": last[0].author, "text": last[0].text[:160]} if last else None,
    }


def _head(conversation: Conversation, contact: Contact | None) -> Json:
    """`thinking`: a turn is due or running."""
    numbers = _numbers(contact)
    return {
        "id": str(conversation.id),
        "name": contact.name if contact else None,
        "number": numbers[0] if numbers else "",
        "state": conversation.state,
        "owner": conversation.owner,
        "owner_reason": conversation.owner_reason,
        "because": say(conversation.owner_reason),
        "paused_until": conversation.paused_until and conversation.paused_until.isoformat(),
        "thinking": conversation.due_at is not None,
        "updated_at": conversation.updated_at.isoformat(),
    }


async def _whole(tx: Tx, conversation_id: UUID) -> Json:
    conversation = await conversations.get(tx, conversation_id)
    contact = await contacts.get(tx, conversation.contact_id)
    after = max(0, conversation.last_seq - MESSAGES)
    messages = await conversations.messages(tx, conversation.id, after, MESSAGES)
    fields = await conversations.context(tx, conversation.id)
    told = await turns.told(tx, conversation.id, None, TURNS)
    return {
        **_head(conversation, contact),
        "messages": [_message(one) for one in messages],
        "fields": [_field(name, asdict(kept)) for name, kept in fields.items()],
        "turns": [_turn(one) for one in told if one.state == "saved"],
    }


def _numbers(contact: Contact | None) -> tuple[str, ...]:
    return tuple(address.value for address in contact.addresses) if contact else ()


def _message(message: Message) -> Json:
    return {
        "id": str(message.id),
        "seq": message.seq,
        "author": message.author,
        "text": message.text,
        "turn_id": message.turn_id and str(message.turn_id),
        "edited": message.draft_id is not None,
        "at": message.created_at.isoformat(),
        "delivery": _delivery(message.deliveries),
        "attachments": [
            {"type": one["type"], "state": one["state"], "because": say(one["reason"])}
            for one in message.attachments
        ],
    }


def _delivery(parts: list[Json]) -> Json | None:
    """Of several parts, the one that has come least far, and a failed one before all others."""
    if not parts:
        return None
    worst = min(parts, key=lambda part: (part["state"] != "failed", RANK[DeliveryState(part["state"])]))
    return {**{key: worst[key] for key in ("state", "reason", "error_code")}, "because": say(worst["reason"])}


def _draft(draft: Draft) -> Json:
    return {
        "id": str(draft.id),
        "conversation_id": str(draft.conversation_id),
        "turn_id": str(draft.turn_id),
        "text": draft.text,
        "reason": draft.reason,
        "because": say(draft.reason),
        "version": draft.version,
        "expires_at": draft.expires_at.isoformat(),
    }


def _field(name: str, kept: Json) -> Json:
    return {"name": name, **{key: kept[key] for key in ("value", "source", "confidence", "words")}}


def _turn(turn: Told) -> Json:
    """Why: what was understood, found and decided."""
    told = turn.explanation
    understood, reply = told.get("understood") or {}, told.get("reply") or {}
    return {
        "id": str(turn.id),
        "base_seq": turn.base_seq,
        "action": turn.action,
        "reason": turn.reason,
        "because": say(turn.reason),
        "intent": turn.intent,
        "confidence": turn.confidence,
        "language": understood.get("language"),
        "nearest": understood.get("nearest") or "",
        "runner_up": understood.get("runner_up") or "",
        "grounded": reply.get("grounded"),
        "sources": reply.get("sources") or [],
        "passages": [
            {key: passage.get(key) for key in ("source", "heading", "text", "score")}
            for passage in told.get("passages") or []
        ],
        "notes": told.get("notes") or [],
        "took_ms": _took_ms(turn),
    }


def _took_ms(turn: Told) -> int | None:
    return round((turn.finished_at - turn.started_at).total_seconds() * 1000) if turn.finished_at else None

"""A past conversation as a script: what the customer wrote and what people did, and beside it what was answered."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store import conversations, drafts, turns
from store.conversations import Message
from store.db import Tx
from store.drafts import Draft

PAUSE = timedelta(minutes=1)
"""A shorter silence is not worth a step."""


@dataclass(slots=True)
class Act:
    """One step: the customer's burst, or what a person of the business did. `answers` came of it then."""

    at: datetime
    user: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    owner: Any = None
    answers: list[str] = field(default_factory=list)
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    conversation_id: UUID
    channel: str
    began: datetime
    acts: tuple[Act, ...]
    name: str | None
    addresses: tuple[str, ...]
    fields: dict[str, Any]

    def replaced(self, by: Callable[[str], str]) -> "Past":
        """The same with other words."""
        return replace(self, acts=tuple(_replaced(act, by) for act in self.acts))


def _replaced(act: Act, by: Callable[[str], str]) -> Act:
    owner = (
        {name: by(words) for name, words in act.owner.items()} if isinstance(act.owner, dict) else act.owner
    )
    return replace(
        act, user=[by(one) for one in act.user], owner=owner, answers=[by(one) for one in act.answers]
    )


async def recall(tx: Tx, conversation_id: UUID) -> Past:
    """Raise NotFound."""
    conversation = await conversations.get(tx, conversation_id)
    contact = await conversations.contact(tx, conversation)
    messages = await _messages(tx, conversation_id)
    bursts = await _bursts(tx, conversation_id)
    decided = await drafts.page(tx, state=None, conversation_id=conversation_id, before=None, limit=1000)
    kept = await conversations.context(tx, conversation_id)
    kind = messages[0].channel_kind if messages else ""
    return Past(
        conversation_id,
        "whatsapp" if "whatsapp" in kind else "sms",
        messages[0].created_at if messages else conversation.created_at,
        tuple(_acts(messages, bursts, decided)),
        contact.name,
        tuple(one.value for one in contact.addresses),
        {name: one.value for name, one in kept.items()},
    )


async def _messages(tx: Tx, conversation_id: UUID) -> list[Message]:
    found: list[Message] = []
    while page := await conversations.messages(tx, conversation_id, found[-1].seq if found else None, 500):
        found += page
    return found


async def _bursts(tx: Tx, conversation_id: UUID) -> dict[UUID, tuple[int, int]]:
    """turn → (first seq, last seq) that it answered, of turns that were saved."""
    found, before = dict[UUID, tuple[int, int]](), None
    while page := await turns.told(tx, conversation_id, before, 200):
        found |= {one.id: (one.first_seq, one.base_seq) for one in page if one.state == "saved"}
        before = page[-1].id
    return found


def _acts(messages: list[Message], bursts: dict[UUID, tuple[int, int]], decided: list[Draft]) -> list[Act]:
    acts, by_draft = list[Act](), dict[UUID, Act]()
    for draft in decided:
        if (act := _decision(draft)) is not None:
            by_draft[draft.id] = act
    answered = {seq: turn for turn, (first, last) in bursts.items() for seq in range(first, last + 1)}
    open_turn: UUID | None = None
    for one in (message for message in messages if message.direction == "in"):
        turn = answered.get(one.seq)
        if not acts or turn is None or turn != open_turn:
            acts.append(Act(one.created_at))
        acts[-1].user.append(one.text)
        acts[-1].media += [str(attachment["type"]) for attachment in one.attachments]
        acts[-1].last_seq, open_turn = one.seq, turn
    customers = list(acts)
    for draft in decided:
        if (at := _which(customers, draft.base_seq)) is not None:
            at.answers.append(draft.original)
    for one in (message for message in messages if message.direction == "out"):
        if one.draft_id in by_draft:
            by_draft[one.draft_id].answers.append(one.text)
        elif one.author == "human":
            acts.append(Act(one.created_at, owner={"says": one.text}, answers=[one.text]))
        else:
            last = bursts[one.turn_id][1] if one.turn_id in bursts else one.seq
            if (at := _which(customers, last)) is not None:
                at.answers.append(one.text)
    return sorted([*acts, *by_draft.values()], key=lambda act: act.at)


def _decision(draft: Draft) -> Act | None:
    if draft.decided_at is None or draft.state not in ("approved", "edited", "rejected"):
        return None
    owner: Any = {"approved": "approve", "edited": {"edit": draft.text}, "rejected": "reject"}[draft.state]
    return Act(draft.decided_at, owner=owner)


def _which(customers: list[Act], seq: int) -> Act | None:
    """The burst that ends at this seq, or the last one before it."""
    before = [act for act in customers if act.last_seq <= seq]
    return before[-1] if before else None


def steps(past: Past) -> list[tuple[dict[str, Any], Act | None]]:
    """As a story's file has them; silences are steps of their own, without an act."""
    found: list[tuple[dict[str, Any], Act | None]] = []
    at = past.began
    for act in past.acts:
        if (silence := act.at - at) >= PAUSE:
            found.append(({"advance": f"{round(silence.total_seconds())}s"}, None))
        at = act.at
        if act.owner is not None:
            found.append(({"owner": act.owner}, act))
            continue
        step: dict[str, Any] = {"user": act.user if len(act.user) > 1 else act.user[0]}
        found.append((step | ({"media": act.media} if act.media else {}), act))
    return found

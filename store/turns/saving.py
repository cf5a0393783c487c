"""What a turn decided, written: all of it or nothing, and only if nobody wrote or took over meanwhile."""

import json
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.skill import WorldEffect
from domain.turn import (
    Action,
    Decision,
    HandOff,
    NameContact,
    NoteGap,
    ProposeDraft,
    Say,
    SetField,
    SetLanguage,
    SuggestField,
    Turn,
    UseSchema,
)
from store import (
    audit,
    callbacks,
    contacts,
    contexts,
    conversations,
    drafts,
    effects,
    gaps,
    links,
    outbox,
    ruling,
    schemas,
    suggestions,
)
from store.db import Tx
from store.effects import Where
from store.outbox import NewMessage, Split
from store.turns.claiming import AGAIN, END
from store.turns.loading import ANSWERED, HOLD

RULES = "rules"
"""The reason of a turn that answers no message."""
# Who has opted out is not answered, whatever they write.
_NEWER = text(
    "select exists (select from message m join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.conversation_id = :id and m.direction = 'in' and m.seq > :base_seq"
    " and m.kind not in ('reaction', 'system') and a.opted_out_at is null"
    " and coalesce(a.root_id, a.contact_id) = :root)"
)


class Outcome(StrEnum):
    SAVED = "saved"
    SUPERSEDED = "superseded"  # the customer wrote meanwhile: the turn runs again with everything
    FENCED = "fenced"  # somebody else has the conversation now


async def save_glimpse(tx: Tx, turn_id: UUID, turn: Turn, split: Split) -> None:
    """What the rules did happens; the conversation's own turns are not touched."""
    await _end(tx, turn_id, "saved", replace(turn, decision=Decision(Action.SILENCE, RULES)))
    await _fill(tx, turn_id, turn)
    for effect in turn.effects:
        await _apply(tx, turn_id, turn, effect, split)


async def _fill(tx: Tx, turn_id: UUID, turn: Turn) -> None:
    """In order: a field that leaves with its schema may be another one of the next."""
    fields = list[SetField]()
    for effect in turn.effects:
        if isinstance(effect, SetField):
            fields.append(effect)
        elif isinstance(effect, UseSchema):
            await contexts.set_by_ai(tx, turn.conversation.id, turn_id, fields)
            await schemas.use(tx, turn.conversation.id, effect, turn_id)
            fields = []
    await contexts.set_by_ai(tx, turn.conversation.id, turn_id, fields)


async def save(tx: Tx, turn_id: UUID, turn: Turn, split: Split) -> Outcome:
    """Make the turn's effects happen, all or none, if nobody wrote or took over meanwhile. Raise Overtaken when a
    skill's effect is possible no longer: nothing of the transaction may stay, and the turn runs again."""
    row = (await tx.execute(HOLD, {"id": turn.conversation.id})).one()
    if row.epoch != turn.conversation.epoch:
        await _end(tx, turn_id, "superseded", turn)
        return Outcome.FENCED
    newer = await tx.execute(_NEWER, {"id": row.id, "base_seq": turn.base_seq, "root": row.root})
    if newer.scalar_one():
        await _end(tx, turn_id, "superseded", turn)
        await tx.execute(AGAIN, {"id": row.id, "epoch": row.epoch, "wait": timedelta(0), "failed": 0})
        return Outcome.SUPERSEDED
    await tx.execute(ANSWERED, {"id": row.id, "base_seq": turn.base_seq})
    if row.linked:
        await links.answered(tx, row.id, turn_id)
    await _end(tx, turn_id, "saved", turn)
    await _fill(tx, turn_id, turn)
    for effect in turn.effects:
        await _apply(tx, turn_id, turn, effect, split)
    if turn.profile.rules:
        changed = any(isinstance(effect, SetField) for effect in turn.effects)
        await ruling.wind(tx, row.id, turn.profile, turn.base_seq, changed=changed)
    return Outcome.SAVED


async def _apply(tx: Tx, turn_id: UUID, turn: Turn, effect: Any, split: Split) -> None:
    conversation = turn.conversation
    match effect:
        case Say(words, purpose):
            await _say(tx, turn_id, turn, words, split, purpose=purpose.value)
        case ProposeDraft(words, reason, then):
            expires_at = tx.now + turn.profile.policy.draft_expires
            await drafts.propose(
                tx,
                conversation.id,
                conversation.thread_id,
                turn_id,
                turn.base_seq,
                words,
                reason,
                expires_at,
                then,
            )
        case HandOff(reason, words):
            pause = turn.profile.policy.pause_after_human
            await conversations.hand_to_person(tx, conversation.id, None, reason, pause, answered=True)
            await callbacks.expect(tx, conversation.id, reason, turn.profile)
            if words:
                await _say(tx, turn_id, turn, words, split, author="system")
            await audit.add(
                tx, "ai", "conversation_handed_off", "conversation", conversation.id, reason=reason
            )
        case NoteGap(question, language):
            await gaps.add(tx, conversation.id, turn_id, question, language)
        case SuggestField():
            await suggestions.add(tx, conversation.id, turn_id, effect)
        case NameContact(name):
            await contacts.rename(tx, conversation.contact_id, name)
        case SetLanguage(language):
            await contacts.set_language(tx, conversation.contact_id, language)
        case WorldEffect():
            where = Where(conversation.id, conversation.contact_id, turn_id)
            await effects.apply(tx, [effect], where)


async def _say(
    tx: Tx, turn_id: UUID, turn: Turn, words: str, split: Split, author: str = "ai", purpose: str = "reply"
) -> None:
    new = NewMessage(
        turn.conversation.id, turn.conversation.thread_id, author, purpose, words, turn_id=turn_id
    )
    await outbox.put(tx, new, split)


async def _end(tx: Tx, turn_id: UUID, state: str, turn: Turn) -> None:
    decision, understood = turn.decision, turn.understood
    await tx.execute(
        END,
        {
            "id": turn_id, "state": state, "action": decision and decision.action.value,
            "reason": decision and decision.reason, "intent": understood and understood.intent,
            "confidence": understood and understood.confidence,
            "explanation": tx.vault.seal("turn.explanation", json.dumps(_explain(turn))),
        },
    )  # fmt: skip


def _explain(turn: Turn) -> dict[str, Any]:
    """What a person needs to know why it was answered like this (G7)."""
    parts: dict[str, Any] = {
        "understood": turn.understood,
        "passages": turn.passages,
        "reply": turn.reply,
        "skill": turn.skill,
        "decision": turn.decision,
        "effects": [{"kind": type(effect).__name__, "effect": effect} for effect in turn.effects],
        "notes": turn.notes,
    }
    explained: dict[str, Any] = to_jsonable_python(parts, fallback=str)
    return explained

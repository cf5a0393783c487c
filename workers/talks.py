"""Where a customer is spoken to when something has become of what they asked for, outside of any turn of theirs."""

from dataclasses import replace
from uuid import UUID

from dialogue import ruling
from domain.purpose import Purpose
from domain.skill import WorldEffect
from domain.turn import Reply
from runtime.runtime import Runtime
from store import contacts, conversations, drafts, turns
from store.db import Tx
from store.turns import Started


async def talk(tx: Tx, contact_id: UUID, conversation_id: UUID | None) -> Started | None:
    """The conversation that it comes from, or the one that is open since. None when nobody has ever written there."""
    who = await contacts.get(tx, contact_id)
    open_now = await conversations.open_of(tx, who.root_id or who.id) if who else None
    found = open_now or conversation_id
    if found is None:
        return None
    if open_now is None and not await conversations.reopen(tx, found):
        return None
    return await turns.glimpse(tx, found)


async def waits(tx: Tx, started: Started) -> bool:
    """A draft is before a person: another would take its place."""
    talk_id = started.turn.conversation.id
    return bool(await drafts.page(tx, state="pending", conversation_id=talk_id, before=None, limit=1))


async def tell(
    tx: Tx, rt: Runtime, started: Started, text: str, reason: str, then: tuple[WorldEffect, ...] = (), *,
    purpose: Purpose = Purpose.NOTICE, published: bool = False,
) -> None:  # fmt: skip
    """Through the policy: where the assistant does not speak alone, it is a draft. What is said comes from the store's
    own rows, so that its figures need no other source; those of a price list (`published`) nobody need see first."""
    spoken = Reply(text, "skill", published=text if published else "")
    turn = ruling.notify(replace(started.turn, spoken=spoken), text, reason, then, purpose)
    await turns.save_glimpse(tx, started.id, turn, rt.split)

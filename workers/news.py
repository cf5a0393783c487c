"""What became of a client's money, or of the bank account they wanted to link: told to them where they asked, in the
transaction that fires the timer."""

from typing import Any
from uuid import UUID

from dialogue import compose, words
from domain.errors import NotFound
from domain.money import as_facts
from runtime.runtime import Runtime
from store import banks, money, notifications
from store.db import Tx
from store.timers import Timer
from workers import talks

KINDS = frozenset({money.NEWS, banks.NEWS})


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    if timer.subject_id is None:
        return
    try:
        known = await (_of_money if timer.kind == money.NEWS else _of_bank)(tx, timer.subject_id)
    except NotFound:
        return  # its client was erased
    contact_id, now, facts = known
    state = str(timer.details["state"])
    if now != state:
        return  # there is newer news
    started = await talks.talk(tx, contact_id, timer.conversation_id) if contact_id.int else None
    if started is None or await talks.waits(tx, started):
        await notifications.add(
            tx, notifications.Kind.MONEY, conversation_id=timer.conversation_id, subject_id=timer.subject_id,
            reason="client_not_told",
        )  # fmt: skip
        return
    turn = started.turn
    key = f"{timer.kind}_{state}"
    business = turn.profile.workspace.name
    text = words.say(
        key, compose.language_of(turn), turn.profile.assistant.personality, **facts, business=business
    )
    await talks.tell(tx, rt, started, text, timer.kind)


async def _of_money(tx: Tx, intent_id: UUID) -> tuple[UUID, str, dict[str, Any]]:
    mine = await money.get(tx, intent_id)
    facts = as_facts(mine.intent) | {"kind": str(mine.intent.kind)}
    return mine.intent.contact_id, str(mine.state), facts


async def _of_bank(tx: Tx, link_id: UUID) -> tuple[UUID, str, dict[str, Any]]:
    mine = await banks.get(tx, link_id)
    facts = {"bank": mine.bank.name, "mask": mine.bank.mask, "url": mine.secrets.get("url", "")}
    return mine.contact_id, str(mine.bank.state), facts

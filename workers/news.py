"""What became of a client's money, of the bank account they wanted to link, or of what they were to pay: told to them where
they asked, in the transaction that fires the timer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dialogue import compose, words
from domain.errors import NotFound
from domain.money import as_facts
from domain.purpose import Purpose
from runtime import payments as pages
from runtime.runtime import Runtime
from store import banks, money, notifications, payments
from store.db import Tx
from store.timers import Timer
from workers import talks


@dataclass(frozen=True, slots=True)
class News:
    """`ours`: the figures in it are the business's own published prices; `awaited`: the customer has just asked for
    it."""

    contact_id: UUID | None
    state: str
    facts: dict[str, Any]
    ours: bool = False
    awaited: bool = False


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    if timer.subject_id is None:
        return
    try:
        known = await READERS[timer.kind](tx, rt, timer.subject_id)
    except NotFound:
        return  # its client was erased
    state = str(timer.details["state"])
    if known.state != state:
        return  # there is newer news
    started = await talks.talk(tx, known.contact_id, timer.conversation_id) if known.contact_id else None
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
        key, compose.language_of(turn), turn.profile.assistant.personality, **known.facts, business=business
    )
    purpose = Purpose.REPLY if known.awaited else Purpose.NOTICE
    await talks.tell(tx, rt, started, text, timer.kind, purpose=purpose, published=known.ours)


async def _of_money(tx: Tx, rt: Runtime, intent_id: UUID) -> News:
    mine = await money.get(tx, intent_id)
    facts = as_facts(mine.intent) | {"kind": str(mine.intent.kind)}
    client = mine.intent.contact_id
    return News(client if client.int else None, str(mine.state), facts)


async def _of_bank(tx: Tx, rt: Runtime, link_id: UUID) -> News:
    mine = await banks.get(tx, link_id)
    facts = {"bank": mine.bank.name, "mask": mine.bank.mask, "url": mine.secrets.get("url", "")}
    return News(mine.contact_id, str(mine.bank.state), facts)


async def _of_payment(tx: Tx, rt: Runtime, payment_id: UUID) -> News:
    mine = await payments.get(tx, payment_id)
    url = pages.page(rt.settings.public_url, mine.page)
    facts = {
        "item": mine.label,
        "amount": {"amount": str(mine.amount), "currency": mine.currency},
        "url": url,
    }
    return News(mine.contact_id, str(mine.state), facts, ours=True, awaited=True)


READERS: dict[str, Callable[[Tx, Runtime, UUID], Awaitable[News]]] = {
    money.NEWS: _of_money, banks.NEWS: _of_bank, payments.NEWS: _of_payment,
}  # fmt: skip
KINDS = frozenset(READERS)

"""Portfolios of a broker's accounts, brought up to what the broker says: what cannot be is told, nothing is guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers

from domain.holdings import Close
from domain.messages import Address, Scheme
from domain.portfolio import Account
from integrations.alpaca import Alpaca, BrokerFailed, Contents, Held, Listed
from store import audit, contacts, portfolios
from store.db import Database, Tx, new_id

SOURCE, ACTIVE = "alpaca", "ACTIVE"
MARKET = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Synced:
    """How many accounts are up to date now; and of the others which (the last four of its number), and why not."""

    accounts: int
    left: tuple[tuple[str, str], ...]


async def sync(db: Database, workspace_id: UUID, broker: Alpaca) -> Synced:
    """Account by account, each in a transaction of its own; nothing is open while the broker is asked. An account that
    cannot be read stays as it was. Raise BrokerFailed when there is no list of them."""
    done, left = 0, list[tuple[str, str]]()
    for one in await broker.accounts():
        why = "" if one.status == ACTIVE else f"the broker calls it {one.status[:40]}"
        if not why:
            try:
                contents = await broker.contents(one.id)
            except BrokerFailed as error:
                why = str(error)
            else:
                async with db.transaction(workspace_id) as tx:
                    why = await _put(tx, one, contents)
        if why:
            left.append((one.number[-4:], why))
        else:
            done += 1
    async with db.transaction(workspace_id) as tx:
        await audit.add(
            tx, "system", "portfolio_synced", "workspace", workspace_id, accounts=done, left=len(left)
        )
    return Synced(done, tuple(left))


async def _put(tx: Tx, listed: Listed, contents: Contents) -> str:
    """Why it cannot be; "" when it is."""
    number = _number(contents.phone)
    if not number:
        return "the broker knows no telephone number of its client that could be ours"
    client = await contacts.hold(tx, Address(Scheme.TEL, number))
    positions = tuple(one.position for one in contents.held)
    account = Account(
        new_id(),
        "Brokerage",
        listed.number[-4:],
        listed.currency,
        contents.cash,
        positions,
        SOURCE,
        listed.id,
    )
    if await portfolios.put(tx, client.contact_id, account) is None:
        return "it is another contact's here; merge the two if they are one"
    await portfolios.put_closes(tx, _closes(contents.held, listed.currency, tx.now, last=True))
    await portfolios.put_closes(tx, _closes(contents.held, listed.currency, tx.now, last=False), tx.now)
    return ""


def _closes(held: Sequence[Held], currency: str, now: datetime, *, last: bool) -> list[Close]:
    """Today's prices, or those of the weekday before: a holiday in between keeps the name of a weekday."""
    day = now.astimezone(MARKET).date()
    if last:
        day -= timedelta(days={0: 3, 6: 2}.get(day.weekday(), 1))
    return [
        Close(one.position.symbol, currency, day, one.last_day if last else one.price)
        for one in held
        if one.position.quantity
    ]


def _number(said: str) -> str:
    try:
        parsed = phonenumbers.parse(said, "US")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(parsed):
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

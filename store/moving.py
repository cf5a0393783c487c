"""How what was asked for leaves: marked as being sent before it is, sent once, and looked for when nobody can say. And
the books, to which each thing that happened is added once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from domain.money import CURRENCY, Asked, BankState, Kind, State, entries
from store import audit, banks, money, notifications, positions
from store.banks import Linked
from store.db import Dispatch, Tx

LOOK_AFTER, LOOK_MOST = timedelta(seconds=20), timedelta(minutes=1)
LOOK_FOR = timedelta(minutes=10)
"""So long it is looked for; what is absent then was never taken."""
LOOKS = 3
LATE = timedelta(days=5)
"""So long what was absent may still turn up, and is then taken for what it is."""
CLOCKS_APART = timedelta(minutes=5)
RETURNS = timedelta(days=60)
"""So long a bank may send a completed transfer back (Nacha: 60 days for what its owner did not authorise)."""
NOT_FOUND = "not_found_at_provider"

_CLAIM = text(
    "update money_intent set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from money_intent where next_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_at limit :limit for update skip locked) returning workspace_id, id"
)
_LOOKED = text("select looked, ended_at from money_intent where id = :id")
_BUSY = text(
    "select exists (select from money_intent where account_id = :account and kind = 'transfer' and id <> :id"
    " and state in ('sending', 'unknown'))"
)
_SENDING = text(
    "update money_intent set state = 'sending', started_at = frontdesk_now(), attempts = attempts + 1,"
    " next_at = frontdesk_now() + :after, version = version + 1 where id = :id"
)
_NEXT = text("update money_intent set next_at = :at, lease_until = null where id = :id")
_MARK = text(
    "update money_intent set state = :state, provider_id = coalesce(:provider, provider_id),"
    " provider_state = coalesce(:said, provider_state), reason = :reason, next_at = :next, lease_until = null,"
    " looked = :looked, version = version + 1, ended_at = case when :ended then coalesce(ended_at, frontdesk_now()) end"
    " where id = :id"
)
_POST = text(
    "insert into money_entry (workspace_id, intent_id, event, account, amount, currency)"
    " values (:w, :intent, :event, :account, :amount, :currency)"
    " on conflict (workspace_id, intent_id, event, account) do nothing"
)
_KNOWN = text("select provider_id from money_intent where kind = :kind and provider_id = any(:ids)")
_BOOKS = text(
    "select n, intent_id, event, account, amount, currency, at from money_entry"
    " where (cast(:intent as uuid) is null or intent_id = :intent) and (cast(:after as bigint) is null or n > :after)"
    " order by n limit :limit"
)
_SUMS = text("select account, sum(amount) as amount from money_entry group by account order by account")
_DUE_NOW = text(
    "update money_intent set next_at = frontdesk_now() where state in ('sent', 'unknown', 'completed') and kind = :kind"
)


@dataclass(frozen=True, slots=True)
class Entry:
    n: int
    intent_id: UUID
    event: str
    account: str
    amount: Decimal
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """What is to be done at the provider. `account`: its own id of the brokerage account; `relationship` of the bank."""

    asked: Asked
    send: bool
    """Now, once; else it is looked at, or looked for."""
    account: str
    relationship: str
    looked: int = 0


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, intent) pairs that are due, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def begin(tx: Tx, intent_id: UUID, lease: timedelta, *, can_send: bool) -> Way | None:
    """What to do about it now. When that is to send it, the row says so before anything is sent: whoever finds it so
    later knows that it may have left. None: nothing, for now or for ever."""
    await money.alone(tx)
    mine = await money.take(tx, intent_id)
    if mine.state is State.APPROVAL:
        await money.end(tx, mine, State.EXPIRED, "nobody_approved")
        await audit.add(tx, "system", f"{mine.intent.kind}_expired", "money_intent", mine.id)
        return None
    account, linked = await _places(tx, mine)
    way = Way(
        mine,
        False,
        account,
        linked.secrets.get("relationship", "") if linked else "",
        await _looked(tx, mine),
    )
    if mine.state is not State.QUEUED:
        return way
    if why := _gone(mine, account, linked):
        await failed(tx, mine, why)
        return None
    if not can_send or (mine.intent.kind is Kind.TRANSFER and await _waits(tx, mine)):
        await tx.execute(_NEXT, {"id": mine.id, "at": tx.now + LOOK_AFTER})
        return None
    await tx.execute(_SENDING, {"id": mine.id, "after": lease})
    return Way(await money.get(tx, mine.id), True, way.account, way.relationship)


async def _places(tx: Tx, mine: Asked) -> tuple[str, Linked | None]:
    account = await positions.external_id(tx, mine.intent.account_id)
    return account, await banks.get(tx, mine.intent.bank_id) if mine.intent.bank_id else None


def _gone(mine: Asked, account: str, linked: Linked | None) -> str:
    """Since it was asked for."""
    if mine.intent.kind is Kind.ACCOUNT:
        return ""
    if not account:
        return "no_account"
    if mine.intent.kind is Kind.TRANSFER and (linked is None or linked.bank.state is not BankState.READY):
        return "bank_not_ready"
    return ""


async def _waits(tx: Tx, mine: Asked) -> bool:
    """Another of this account may be at the provider or not: until that is known, this one could not be told from it."""
    values = {"account": mine.intent.account_id, "id": mine.id}
    return bool((await tx.execute(_BUSY, values)).scalar_one())


async def _looked(tx: Tx, mine: Asked) -> int:
    return int((await tx.execute(_LOOKED, {"id": mine.id})).one().looked)


async def later(tx: Tx, mine: Asked, wait: timedelta) -> None:
    """It surely was not taken: once more, later. Counts as no attempt that may have left."""
    await _mark(tx, mine, State.QUEUED, next_at=tx.now + wait)


async def unknown(tx: Tx, mine: Asked) -> None:
    """Nobody can say whether it was taken. It is looked for; people are told."""
    await _mark(tx, mine, State.UNKNOWN, next_at=tx.now + LOOK_AFTER)
    await _notify(tx, mine, "money_unknown")


async def sent(tx: Tx, mine: Asked, provider_id: str, said: str) -> None:
    """The provider has it."""
    await _mark(tx, mine, State.SENT, provider_id, said, next_at=tx.now + LOOK_AFTER)
    await _post(tx, mine, "sent", "sent")
    await audit.add(tx, "system", f"{mine.intent.kind}_sent", "money_intent", mine.id)
    await money.tell(tx, mine, State.SENT)


async def failed(tx: Tx, mine: Asked, reason: str, said: str | None = None, *, watch: bool = False) -> None:
    """The provider has not taken it, or has said no to it since. `watch`: it may still turn up."""
    if mine.state is State.SENT:
        await _post(tx, mine, "reversed", "reversed_sent")
    at = tx.now + LOOK_FOR if watch else None
    await _mark(tx, mine, State.FAILED, None, said, reason, next_at=at)
    await _notify(tx, mine, "money_failed")
    await audit.add(tx, "system", f"{mine.intent.kind}_failed", "money_intent", mine.id, reason=reason[:60])
    await money.tell(tx, mine, State.FAILED)


async def absent(tx: Tx, mine: Asked, looked: int) -> None:
    """The provider does not list it: looked for again, until it can be taken for never sent."""
    assert mine.started_at is not None
    if mine.state is State.FAILED:  # as it was; for some days more
        over = mine.ended_at is None or tx.now > mine.ended_at + LATE
        await tx.execute(_NEXT, {"id": mine.id, "at": None if over else tx.now + timedelta(hours=1)})
        return
    if looked + 1 >= LOOKS and tx.now > mine.started_at + LOOK_FOR:
        return await failed(tx, mine, NOT_FOUND, watch=True)
    await _mark(
        tx, mine, State.UNKNOWN, next_at=tx.now + min(LOOK_AFTER * (looked + 1), LOOK_MOST), looked=looked + 1
    )


async def followed(tx: Tx, mine: Asked, state: State, said: str, reason: str) -> None:
    """What the provider says of it now. Nothing happens twice, and nothing that is over begins again, but for money
    that comes back."""
    match mine.state, state:
        case (State.SENT, State.SENT) | (State.COMPLETED, State.COMPLETED):
            await _watch(tx, mine, said)
        case State.SENT, State.COMPLETED:
            await _mark(tx, mine, state, None, said, next_at=tx.now + timedelta(hours=6))
            await _post(tx, mine, "completed", "completed")
            await audit.add(tx, "system", f"{mine.intent.kind}_completed", "money_intent", mine.id)
            await money.tell(tx, mine, state)
        case State.SENT, State.FAILED | State.CANCELLED:
            await failed(tx, mine, reason or said.lower(), said)
        case ((State.SENT | State.COMPLETED), State.RETURNED):
            await _returned(tx, mine, said, reason)
        case _:
            await _watch(tx, mine, said)


async def _returned(tx: Tx, mine: Asked, said: str, reason: str) -> None:
    await _post(tx, mine, "reversed", f"reversed_{mine.state}")
    await _mark(tx, mine, State.RETURNED, None, said, reason or "returned")
    await _notify(tx, mine, "money_returned")
    await audit.add(tx, "system", f"{mine.intent.kind}_returned", "money_intent", mine.id)
    await money.tell(tx, mine, State.RETURNED)


async def _watch(tx: Tx, mine: Asked, said: str) -> None:
    at: datetime | None = tx.now + timedelta(minutes=5)
    if mine.state is State.COMPLETED:
        over = mine.ended_at is not None and tx.now > mine.ended_at + RETURNS
        at = None if over or mine.intent.kind is not Kind.TRANSFER else tx.now + timedelta(hours=6)
    elif mine.started_at is not None and tx.now > mine.started_at + timedelta(days=1):
        at = tx.now + timedelta(hours=1)
    await _mark(tx, mine, mine.state, None, said, mine.reason, next_at=at)


async def _mark(
    tx: Tx, mine: Asked, state: State, provider_id: str | None = None, said: str | None = None,
    reason: str | None = None, *, next_at: datetime | None = None, looked: int = 0,
) -> None:  # fmt: skip
    ended = state in (State.COMPLETED, State.FAILED, State.RETURNED)
    values = {"id": mine.id, "state": str(state), "provider": provider_id, "said": said, "reason": reason}
    await tx.execute(_MARK, values | {"next": next_at, "looked": looked, "ended": ended})


async def _post(tx: Tx, mine: Asked, event: str, how: str) -> None:
    if mine.intent.kind is not Kind.TRANSFER:
        return
    for account, amount in entries(mine.intent.direction, mine.intent.amount, how):
        values = {
            "w": tx.workspace_id,
            "intent": mine.id,
            "event": event,
            "account": account,
            "amount": amount,
        }
        await tx.execute(_POST, values | {"currency": CURRENCY})


async def _notify(tx: Tx, mine: Asked, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.MONEY, conversation_id=mine.conversation_id, subject_id=mine.id, reason=reason
    )


async def ours(tx: Tx, kind: Kind, provider_ids: Collection[str]) -> set[str]:
    """Those of the provider's ids that belong to something of ours already."""
    rows = await tx.execute(_KNOWN, {"kind": str(kind), "ids": list(provider_ids)})
    return {row.provider_id for row in rows}


async def books(tx: Tx, *, intent_id: UUID | None, after: int | None, limit: int) -> list[Entry]:
    """In the order in which they were added."""
    rows = await tx.execute(_BOOKS, {"intent": intent_id, "after": after, "limit": limit})
    return [
        Entry(row.n, row.intent_id, row.event, row.account, row.amount, row.currency, row.at) for row in rows
    ]


async def sums(tx: Tx) -> dict[str, Decimal]:
    """Each account's; together they are nothing."""
    return {row.account: row.amount for row in await tx.execute(_SUMS)}


async def hurry(tx: Tx, kind: Kind) -> None:
    """Everything that is under way is looked at now."""
    await tx.execute(_DUE_NOW, {"kind": str(kind)})

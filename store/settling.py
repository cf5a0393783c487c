"""How a payment goes its way at the provider: what is to be done next, what the provider has said, and who is told. Each
step may be taken twice and counts once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.payment import OVER, SETTLED, Payment, Seen, State, difference, major, verdict
from store import audit, contacts, notifications, payments
from store.db import Dispatch, Tx

SHORTEST, LONGEST = timedelta(minutes=45), timedelta(hours=24) - timedelta(minutes=5)
"""Asked of the provider, who takes 30 minutes to 24 hours as it counts them when the request arrives."""
NEARLY = timedelta(minutes=31)
"""A page that would be open for less than this is not made any more."""
AGAIN, AGAIN_MOST = timedelta(seconds=5), timedelta(minutes=5)
LOOK_FIRST = timedelta(minutes=10)
"""A page whose webhook has not come by then is asked after, and later again and again."""
LOOK_DAILY, LOOK_FOR = timedelta(days=1), timedelta(days=180)
"""What was paid may be paid back; after this long only the webhook says so."""
GONE = 5
"""So often the provider must not know a page before it is taken for gone."""
CLOCKS_APART = timedelta(minutes=5)
TOLD = (State.OPEN, State.PROCESSING, State.PAID, State.REFUNDED, State.EXPIRED, State.FAILED)
"""The customer hears of these. What was called off by themselves they know."""

_CLAIM = text(
    "update payment set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from payment where next_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_at limit :limit for update skip locked) returning workspace_id, id"
)
_START = text(
    "update payment set started_at = coalesce(started_at, frontdesk_now()), body = :body, expires_at = :expires"
    " where id = :id"
)
_LATER = text(
    "update payment set next_at = :next, lease_until = null, attempts = :attempts where id = :id and state = :state"
)
_NEXT_KEY = text(
    "update payment set key_n = key_n + 1, started_at = null, next_at = frontdesk_now(), lease_until = null where id = :id"
    " and key_n = :n and state = 'asked'"
)
_SET = text(
    "update payment set state = :state, reason = :reason, session_id = coalesce(:session, session_id),"
    " intent_id = coalesce(:intent, intent_id), paid = :paid, paid_currency = :paid_currency, refunded = :refunded,"
    " body = :body, next_at = :next, lease_until = null, attempts = 0, version = version + 1,"
    " paid_at = case when :is_paid then coalesce(paid_at, frontdesk_now()) else paid_at end,"
    " ended_at = case when :is_over then coalesce(ended_at, frontdesk_now()) end where id = :id"
)
_REST = text("update payment set next_at = null, lease_until = null where id = :id")
_HEARD = text("select exists (select from payment_event where payment_id = :id)")
_END = text(
    "update payment set state = :state, reason = :reason, next_at = null, lease_until = null, version = version + 1,"
    " ended_at = frontdesk_now() where id = :id"
)


class Act(Enum):
    MAKE = auto()
    LOOK = auto()
    EXPIRE = auto()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done at the provider. `key` is the request's; `domain` where else its pages may be."""

    act: Act
    payment: Payment
    key: str
    account: str
    since: datetime
    """When the first request that may have made something left."""
    domain: str = ""


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> Sequence[tuple[UUID, UUID]]:
    """(workspace, payment) pairs that are due, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def begin(tx: Tx, payment_id: UUID, *, ready: bool) -> Work | None:
    """What to do about it now; None: nothing, for now or for ever. A request that makes something is written down before
    it leaves, so that it leaves the same each time."""
    row = await payments.hold(tx, payment_id)
    mine = payments.read(tx, row)
    if mine.session_id is None and mine.state in OVER:
        await tx.execute(_REST, {"id": mine.id})
        return None
    if not ready:
        await _without_key(tx, mine)
        return None
    if mine.state is State.ASKED:
        return await _making(tx, row, mine)
    act = Act.EXPIRE if mine.state is State.CANCELLING else Act.LOOK
    return Work(act, mine, "", row.account, (row.started_at or row.created_at) - CLOCKS_APART)


async def _without_key(tx: Tx, mine: Payment) -> None:
    """A person sends the link, or looks; nothing is made up meanwhile."""
    if mine.state is State.ASKED:
        await fail(tx, mine, "not_set_up")
    else:
        await later(tx, mine, 0, LOOK_FIRST)


async def _making(tx: Tx, row: Any, mine: Payment) -> Work | None:
    settings = await payments.settings_of(tx)
    body = payments.opened(tx, row)
    if row.started_at is None:
        who = await contacts.get(tx, mine.contact_id) if mine.contact_id else None
        good_for = min(max(settings.good_for if settings else LONGEST, SHORTEST), LONGEST)
        body |= {"language": who.language if who and who.language in ("en", "es") else "en"}
        values = {"id": mine.id, "body": payments.sealed(tx, body), "expires": tx.now + good_for}
        await tx.execute(_START, values)
        row = await payments.hold(tx, mine.id)
        mine = payments.read(tx, row)
    assert mine.expires_at is not None
    if tx.now > mine.expires_at - NEARLY:
        await fail(tx, mine, "not_made")
        return None
    domain = settings.domain if settings else ""
    key = f"frontdesk-{mine.id}-{row.key_n}"
    return Work(Act.MAKE, mine, key, row.account, row.started_at - CLOCKS_APART, domain)


async def later(tx: Tx, mine: Payment, attempts: int, wait: timedelta) -> None:
    """Once more; what it is has not changed."""
    values = {"id": mine.id, "next": tx.now + wait, "attempts": attempts, "state": str(mine.state)}
    await tx.execute(_LATER, values)


async def stumbled(tx: Tx, payment_id: UUID) -> int:
    """It passes, and is tried again after a while that grows; how often it has failed in a row."""
    row = await payments.hold(tx, payment_id)
    wait = min(AGAIN * 2 ** min(row.attempts, 10), AGAIN_MOST)
    await later(tx, payments.read(tx, row), row.attempts + 1, wait)
    return int(row.attempts) + 1


async def next_key(tx: Tx, work: Work) -> None:
    """The key is used up and nothing was made by it: the next request has another."""
    n = int(work.key.rpartition("-")[2])
    await tx.execute(_NEXT_KEY, {"id": work.payment.id, "n": n})


async def settle(tx: Tx, payment_id: UUID, seen: Seen) -> Payment:
    """What the provider says of it now. What happened once is told once."""
    row = await payments.hold(tx, payment_id)
    mine = payments.read(tx, row)
    if mine.state is State.CANCELLED and mine.session_id is None and seen.status == "open":
        mine = replace(mine, state=State.CANCELLING)  # called off while it was being made
    state, reason = verdict(mine, seen)
    body = payments.opened(tx, row)
    if body:
        body["url"] = seen.url if state is State.OPEN else ""
    got = seen.payment_status != "unpaid"
    at = _next(tx, mine, state)
    if mine.state is State.ASKED and (await tx.execute(_HEARD, {"id": mine.id})).scalar_one():
        at = tx.now  # a webhook was faster than the answer that made the page
    values = {
        "id": mine.id, "state": str(state), "reason": reason or None, "session": seen.session_id,
        "intent": seen.intent_id or None, "paid": major(seen.amount, seen.currency.upper()) if got else mine.paid,
        "paid_currency": seen.currency.upper() if got else mine.paid_currency,
        "refunded": major(seen.refunded, seen.currency.upper()), "body": payments.sealed(tx, body) if body else None,
        "next": at, "is_paid": state in SETTLED, "is_over": state in (*OVER, State.REFUNDED),
    }  # fmt: skip
    await tx.execute(_SET, values)
    now = await payments.get(tx, payment_id)
    if state is not mine.state:
        await _happened(tx, now, mine.state, seen)
    elif now.refunded != mine.refunded:
        await audit.add(tx, "system", "payment_refunded_in_part", "payment", mine.id)
    return now


def _next(tx: Tx, mine: Payment, state: State) -> datetime | None:
    age = tx.now - mine.created_at
    match state:
        case State.OPEN:
            after = tx.now + max(LOOK_FIRST, age / 4)
            last = mine.expires_at + timedelta(minutes=1) if mine.expires_at else after
            return min(after, last) if last > tx.now else tx.now + LOOK_FIRST
        case State.CANCELLING:
            return tx.now
        case State.PROCESSING:
            return tx.now + timedelta(hours=6)
        case State.PAID | State.MISMATCH if age < LOOK_FOR:
            return tx.now + max(LOOK_DAILY, age)
    return None


async def _happened(tx: Tx, mine: Payment, before: State, seen: Seen) -> None:
    await audit.add(
        tx, "system", f"payment_{mine.state}", "payment", mine.id, reason=(mine.reason or "")[:60]
    )
    if mine.state in TOLD:
        await payments.tell(tx, mine)
    if mine.state is State.PAID and before in OVER:
        await payments.notify(tx, mine, "payment_after_it_was_over")
    elif mine.state in (State.PAID, State.MISMATCH, State.REFUNDED, State.FAILED):
        await payments.notify(tx, mine, f"payment_{mine.state}")
    if mine.state is State.REFUNDED and difference(mine, seen):
        await notifications.settle(tx, notifications.Kind.MONEY, subject_id=mine.id)


async def fail(tx: Tx, mine: Payment, reason: str) -> None:
    """There will be no page: people are told, and the customer that a person sees to it."""
    await tx.execute(_END, {"id": mine.id, "state": str(State.FAILED), "reason": reason})
    now = await payments.get(tx, mine.id)
    await audit.add(tx, "system", "payment_failed", "payment", mine.id, reason=reason[:60])
    await payments.notify(tx, now, "payment_failed")
    await payments.tell(tx, now)


async def never_was(tx: Tx, payment_id: UUID) -> None:
    """It was called off, and the provider has nothing of it."""
    mine = await payments.take(tx, payment_id)
    if mine.state is State.CANCELLING:
        await tx.execute(_END, {"id": mine.id, "state": str(State.CANCELLED), "reason": mine.reason})

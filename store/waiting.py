"""Who waits for a time, in the order in which they began to.

waiting → asked (a time is kept for them) → booked | waiting (they did not want it, or did not answer)
waiting, asked → left (they said so, or may not be written to) | over (nothing became free)
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import zones
from domain.booking import HoldTime, LetGo, Window
from domain.errors import NotFound
from domain.messages import Scheme
from domain.skill import Overtaken
from domain.waiting import DeclineOffer, JoinWaitlist, LeaveWaitlist, OfferTime, Waiter
from store import appointments, audit
from store.db import Dispatch, Tx

AT_ONCE = 200
"""Of a business's line looked at together."""
_OPEN = "state in ('waiting', 'asked')"
_THEIRS = "contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
_COLUMNS = (
    "w.id, w.contact_id, w.conversation_id, w.service, w.resource, w.starts_at, w.ends_at, w.earliest, w.latest, w.state,"
    " w.reason, w.known, w.run_id, w.offered_at, w.until, w.asks, w.created_at"
)
_ADDRESS = (
    " left join lateral (select a.scheme, a.value, a.opted_out_at from thread t join contact_address a"
    " on a.workspace_id = t.workspace_id and a.id = t.address_id where t.workspace_id = w.workspace_id"
    " and t.conversation_id = w.conversation_id order by t.last_inbound_at desc nulls last limit 1) a on true"
)
_WAKE = text("update waitlist set next_check_at = frontdesk_now() where state = 'waiting'")
_JOIN = text(
    "insert into waitlist (workspace_id, id, contact_id, conversation_id, service, resource, starts_at, ends_at, earliest,"
    " latest, known, next_check_at) values (:w, :id, :contact, :conversation, :service, :resource, :start, :end, :earliest,"
    " :latest, :known, :next) on conflict (workspace_id, id) do nothing returning id"
)
# Who asks for the same again has changed their mind about when.
_INSTEAD = text(
    f"update waitlist set state = 'left', reason = 'replaced', updated_at = frontdesk_now() where {_THEIRS}"  # noqa: S608
    f" and service = :service and id <> :id and {_OPEN} returning run_id"
)
_LEAVE = text(
    f"update waitlist set state = 'left', reason = :reason, updated_at = frontdesk_now() where {_THEIRS} and {_OPEN}"  # noqa: S608
    " returning id, run_id"
)
_END = text(
    f"update waitlist set state = :state, reason = :reason, updated_at = frontdesk_now() where id = :id and {_OPEN}"  # noqa: S608
    " returning id"
)
_ASK = text(
    "update waitlist set state = 'asked', run_id = :run, offered_at = :start, until = :until,"  # noqa: S608
    " next_check_at = :until,"
    f" asks = asks + :more, updated_at = frontdesk_now() where id = :id and {_OPEN} returning id"
)
_DECLINE = text(
    "update waitlist set state = 'waiting', known = known || offered_at, run_id = null, until = null, offered_at = null,"
    " next_check_at = ends_at, updated_at = frontdesk_now() where run_id = :run and state = 'asked' returning id"
)
_LATER = text("update waitlist set next_check_at = least(ends_at, :at) where id = :id and state = 'waiting'")
_DUE = text(
    "select distinct workspace_id from waitlist where state in ('waiting', 'asked') and next_check_at <= frontdesk_now()"
    " and (cast(:only as uuid) is null or workspace_id = :only) limit :limit"
)
_ALONE = text(
    "select pg_try_advisory_xact_lock(hashtextextended('waitlist ' || frontdesk_workspace()::text, 0)) as ours"
)
_LINE = text(
    f"select {_COLUMNS}, a.scheme, a.value, a.opted_out_at from waitlist w {_ADDRESS}"  # noqa: S608
    " where w.state in ('waiting', 'asked') order by w.created_at, w.id limit :limit"
)
_PAGE = text(
    f"select {_COLUMNS}, null as scheme, null as value, null as opted_out_at from waitlist w"  # noqa: S608
    " where (cast(:state as text) is null or w.state = :state) and (cast(:after as timestamptz) is null"
    " or (w.created_at, w.id) > (:after, :after_id)) order by w.created_at, w.id limit :limit"
)
_ONE = text(
    f"select {_COLUMNS}, null as scheme, null as value, null as opted_out_at from waitlist w where w.id = :id"  # noqa: S608
)


async def wake(tx: Tx) -> None:
    """Something may have become free. Appointments say so themselves (migration 0021)."""
    await tx.execute(_WAKE)


async def join(tx: Tx, effect: JoinWaitlist, actor: str = "ai") -> None:
    """Looked at when something becomes free; one that a person makes at once, because nobody has looked before."""
    values: dict[str, Any] = {
        "w": tx.workspace_id, "id": effect.id, "contact": effect.contact_id, "conversation": effect.conversation_id,
        "service": effect.service, "start": effect.start, "end": effect.end, "earliest": effect.earliest,
        "latest": effect.latest, "known": list(effect.known), "resource": effect.resource,
        "next": effect.end if actor == "ai" else tx.now,
    }  # fmt: skip
    if (await tx.execute(_JOIN, values)).first() is None:
        return
    for row in (await tx.execute(_INSTEAD, values)).all():
        await _let_go(tx, row.run_id)
    await audit.add(tx, actor, "waitlist_joined", "waitlist", effect.id)


async def leave(tx: Tx, effect: LeaveWaitlist, reason: str = "asked_to") -> None:
    rows = (await tx.execute(_LEAVE, {"contact": effect.contact_id, "reason": reason})).all()
    for row in rows:
        await _let_go(tx, row.run_id)
        await audit.add(tx, "ai", "waitlist_left", "waitlist", row.id, reason=reason)


async def offer(tx: Tx, effect: OfferTime) -> None:
    """Raise Overtaken."""
    until = tx.now + effect.keep
    await appointments.hold(
        tx,
        HoldTime(
            effect.run_id, effect.contact_id, effect.conversation_id, effect.service, effect.opening, effect.buffer,
            until,
        ),
    )  # fmt: skip
    if not await _ask(tx, effect.entry_id, effect.run_id, effect.opening.start, until, 1):
        raise Overtaken("they wait no more")


async def decline(tx: Tx, effect: DeclineOffer) -> None:
    """What was kept for them is free, for the next."""
    await _let_go(tx, effect.run_id)
    await tx.execute(_DECLINE, {"run": effect.run_id})
    await wake(tx)


async def proposed(tx: Tx, waiter: Waiter, run_id: UUID, start: datetime, until: datetime) -> None:
    """The question is before a person; nothing is kept before they have said yes."""
    await _ask(tx, waiter.id, run_id, start, until, 0)


async def _ask(tx: Tx, entry_id: UUID, run_id: UUID, start: datetime, until: datetime, more: int) -> bool:
    values = {"id": entry_id, "run": run_id, "start": start, "until": until, "more": more}
    return (await tx.execute(_ASK, values)).first() is not None


# --- the line moves on ---


async def due(dispatch: Dispatch, limit: int, only: UUID | None = None) -> list[UUID]:
    """Workspaces in which somebody may be asked, or did not answer in time."""
    rows = await dispatch.db.execute(_DUE, {"limit": limit, "only": only})
    return [row.workspace_id for row in rows]


async def alone(tx: Tx) -> bool:
    """Nobody else looks at this line until the transaction ends; False when somebody does."""
    return bool((await tx.execute(_ALONE)).scalar_one())


async def line(tx: Tx) -> list[Waiter]:
    """First come, first."""
    return [_waiter(tx, row) for row in await tx.execute(_LINE, {"limit": AT_ONCE})]


async def ended(tx: Tx, waiter: Waiter, state: str, reason: str, actor: str = "system") -> bool:
    """left or over. False when it was so already."""
    if (await tx.execute(_END, {"id": waiter.id, "state": state, "reason": reason})).first() is None:
        return False
    await _let_go(tx, waiter.run_id)
    await audit.add(tx, actor, f"waitlist_{state}", "waitlist", waiter.id, reason=reason)
    return True


async def unanswered(tx: Tx, waiter: Waiter) -> None:
    """They are asked about another time, when there is one; not about this one again. A late yes is heard still, and
    books it if nobody else has."""
    if waiter.run_id is not None:
        await decline(tx, DeclineOffer(waiter.run_id))


async def look_again(tx: Tx, waiter: Waiter, at: datetime | None) -> None:
    """None: when something becomes free, or their time is over."""
    await tx.execute(_LATER, {"id": waiter.id, "at": at or waiter.window.end})


# --- for people ---


async def page(
    tx: Tx, state: str | None, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Waiter]:
    """Who came first, first."""
    values = {"state": state, "limit": limit, "after": after and after[0], "after_id": after and after[1]}
    return [_waiter(tx, row) for row in await tx.execute(_PAGE, values)]


async def get(tx: Tx, entry_id: UUID) -> Waiter:
    """Raise NotFound."""
    row = (await tx.execute(_ONE, {"id": entry_id})).first()
    if row is None:
        raise NotFound("nobody waits here under this id")
    return _waiter(tx, row)


async def _let_go(tx: Tx, run_id: UUID | None) -> None:
    if run_id is not None:
        await appointments.let_go(tx, LetGo(run_id))


def _waiter(tx: Tx, row: Any) -> Waiter:
    number = tx.vault.open("contact_address.value", bytes(row.value)) if row.value else ""
    rings = row.scheme in (Scheme.TEL, Scheme.WHATSAPP) and number.startswith("+")
    window = Window(row.starts_at, row.ends_at, row.earliest, row.latest)
    return Waiter(
        row.id, row.contact_id, row.conversation_id, row.service, window, row.created_at, row.resource, row.state,
        frozenset(one.astimezone(UTC) for one in row.known), row.run_id, row.until, row.asks,
        row.opted_out_at is not None, zones.zones_for(number) if rings else (),
        zones.region_for(number) if rings else None, row.offered_at, row.reason,
    )  # fmt: skip


SOON = timedelta(minutes=10)
"""Until somebody is looked at again who cannot be asked just now."""

"""Appointments: times held and booked. That nobody gets a time twice is the database's own rule (an exclusion
constraint); whoever comes second is `Overtaken`."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.booking import (
    ABOUT,
    Appointment,
    BookTime,
    Busy,
    CancelTime,
    ConfirmTime,
    HoldTime,
    LetGo,
    MoveTime,
)
from domain.errors import Conflict, NotFound
from domain.skill import Overtaken
from store import audit, payments, timers
from store.db import Tx, new_id

# Whoever was merged into them has made theirs under the contact that they were.
_THEIRS = "contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
JUST_SAID = timedelta(hours=3)
"""Nobody is reminded of what they agreed to so lately."""
_CAME = frozenset({"done", "no_show"})
_NEVER_WERE = frozenset({"held", "released", "expired"})
_COLUMNS = (
    "id, contact_id, service, resource, starts_at, ends_at, state, version, name, confirmed_at, conversation_id,"
    " source, about, about_called"
)
_BUSY = text(
    "select resource, seat, starts_at, blocked_until from appointment where starts_at < :end and blocked_until > :start"
    " and (state = 'booked' or (state = 'held' and held_until > frontdesk_now()))"
    " and not (id = any(:besides)) and (run_id is null or state = 'booked' or not (run_id = any(:besides)))"
    " union all select l.resource, -1, b.starts_at, b.ends_at from calendar_busy b join calendar_link l"
    " on l.workspace_id = b.workspace_id and l.id = b.link_id where b.starts_at < :end and b.ends_at > :start"
)
_BUSY_ABOUT = text(
    "select starts_at, ends_at from appointment where about = :about and starts_at < :end and ends_at > :start"
    " and (state = 'booked' or (state = 'held' and held_until > frontdesk_now()))"
    " and not (id = any(:besides)) and (run_id is null or state = 'booked' or not (run_id = any(:besides)))"
)
_OF_CONTACT = text(
    f"select {_COLUMNS} from appointment where {_THEIRS} and state = 'booked' and ends_at > :now"  # noqa: S608
    " order by starts_at, id limit 20"
)
_PAGE = text(
    f"select {_COLUMNS} from appointment"  # noqa: S608
    " where (cast(:start as timestamptz) is null or starts_at >= :start)"
    " and (cast(:end as timestamptz) is null or starts_at < :end)"
    f" and (cast(:contact as uuid) is null or {_THEIRS})"
    " and (cast(:after as timestamptz) is null or (starts_at, id) > (:after, :after_id))"
    " and (case when cast(:state as text) is null then state not in ('held', 'released', 'expired') else state = :state end)"
    " order by starts_at, id limit :limit"
)
_ADD_LANE = text(
    "insert into booking_lane (workspace_id, resource, seat) values (:w, :resource, :seat) on conflict do nothing"
)
_LANE = text("select lane from booking_lane where resource = :resource and seat = :seat")
_LET_GO = text(
    "update appointment set state = 'released', updated_at = frontdesk_now(), version = version + 1"
    " where run_id = :run and state = 'held'"
)
_EXPIRE = text(
    "update appointment set state = 'expired', updated_at = frontdesk_now(), version = version + 1"
    " where (lane = :lane or about_lane = :about_lane) and state = 'held' and held_until <= frontdesk_now()"
    " and starts_at < :blocked and blocked_until > :start"
)
_ADD = text(
    "insert into appointment (workspace_id, id, run_id, contact_id, conversation_id, service, resource, seat, lane,"
    " starts_at, ends_at, blocked_until, state, held_until, name, source, about, about_called, about_lane)"
    " values (:w, :id, :run, :contact, :conversation, :service, :resource, :seat, :lane, :start, :end, :blocked, :state,"
    " :until, :name, :source, :about, :about_called, :about_lane)"
)
_PROLONG = text(
    "update appointment set held_until = :until, service = :service, ends_at = :end, blocked_until = :blocked,"
    " updated_at = frontdesk_now() where run_id = :run and state = 'held' and lane = :lane and starts_at = :start"
    " and about is not distinct from :about returning id"
)
_BOOK = text(
    "update appointment set state = 'booked', held_until = null, name = :name, updated_at = frontdesk_now(),"
    " version = version + 1 where run_id = :run and state = 'held' and lane = :lane and starts_at = :start"
    " and about is not distinct from :about returning id"
)
_BOOKED_BY = text("select id from appointment where run_id = :run and state = 'booked'")
# Whoever has what they waited for waits no more.
_WAITED = text(
    "update waitlist set state = 'booked', updated_at = frontdesk_now() where state in ('waiting', 'asked')"  # noqa: S608
    f" and (run_id = :run or ({_THEIRS} and service = :service and :start >= starts_at and :start < ends_at))"
)
_MOVE = text(
    "update appointment set starts_at = :start, ends_at = :end, blocked_until = :blocked, resource = :resource,"  # noqa: S608
    " seat = :seat, lane = :lane, confirmed_at = null, version = version + 1, updated_at = frontdesk_now()"
    f" where id = :id and state = 'booked' and version = :version and {_THEIRS} returning id"
)
_CANCEL = text(
    "update appointment set state = 'cancelled', version = version + 1, updated_at = frontdesk_now()"  # noqa: S608
    f" where id = :id and state = 'booked' and version = :version and {_THEIRS} returning id"
)

_CONFIRM = text(
    "update appointment set confirmed_at = coalesce(confirmed_at, frontdesk_now()), version = version + 1,"  # noqa: S608
    f" updated_at = frontdesk_now() where id = :id and state = 'booked' and {_THEIRS} returning id"
)
_ONE = text(f"select {_COLUMNS} from appointment where id = :id")  # noqa: S608
_HOLD_ONE = text(f"select {_COLUMNS} from appointment where id = :id for update")  # noqa: S608
_HOLD_TALK = text(
    "select c.id from conversation c join appointment a on a.workspace_id = c.workspace_id and a.conversation_id = c.id"
    " where a.id = :id for no key update of c"
)
_MARK = text(
    "update appointment set state = :state, version = version + 1, updated_at = frontdesk_now() where id = :id"
)
_OVER = text(
    "update appointment set state = 'done', version = version + 1, updated_at = frontdesk_now()"
    " where id = :id and state = 'booked' and ends_at <= frontdesk_now() returning id"
)
_TALK = text(
    "select conversation_id from appointment join conversation c on c.workspace_id = appointment.workspace_id"
    " and c.id = appointment.conversation_id where appointment.id = :id"
)
_REMINDED = text(
    "update appointment set reminder_id = (select m.id from message m where m.conversation_id = :conversation"
    " and m.turn_id = :turn order by m.seq desc limit 1) where id = :id"
)
_TAKE_BACK = text(
    "update delivery d set state = 'cancelled', reason = 'appointment_changed', lease_until = null,"
    " updated_at = frontdesk_now() from appointment a where a.id = :id and d.message_id = a.reminder_id"
    " and d.state = 'queued'"
)


async def busy(tx: Tx, start: datetime, end: datetime, besides: Collection[UUID] = ()) -> list[Busy]:
    """What is taken between the two, here and in linked calendars; `besides` names runs whose holds, and appointments,
    that do not count."""
    rows = await tx.execute(_BUSY, {"start": start, "end": end, "besides": list(besides)})
    return [Busy(row.resource, row.seat, row.starts_at, row.blocked_until) for row in rows]


async def busy_about(
    tx: Tx, about: str, start: datetime, end: datetime, besides: Collection[UUID] = ()
) -> list[Busy]:
    """When somebody is at the thing that it is about."""
    values = {"about": about, "start": start, "end": end, "besides": list(besides)}
    return [
        Busy(f"{ABOUT}{about}", 0, row.starts_at, row.ends_at)
        for row in await tx.execute(_BUSY_ABOUT, values)
    ]


async def of_contact(tx: Tx, contact_id: UUID, now: datetime) -> Sequence[Appointment]:
    """Booked and not over, earliest first."""
    return [
        _appointment(tx, row) for row in await tx.execute(_OF_CONTACT, {"contact": contact_id, "now": now})
    ]


async def page(
    tx: Tx,
    *,
    start: datetime | None,
    end: datetime | None,
    contact_id: UUID | None,
    state: str | None,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Appointment]:
    """What begins between the two, earliest first; holds and what became of them are left out."""
    values = {"start": start, "end": end, "contact": contact_id, "state": state, "limit": limit}
    values |= {"after": after and after[0], "after_id": after and after[1]}
    return [_appointment(tx, row) for row in await tx.execute(_PAGE, values)]


async def hold(tx: Tx, effect: HoldTime) -> None:
    """Raise Overtaken."""
    values = await _place(tx, effect)
    if (await tx.execute(_PROLONG, values)).first() is None:
        await tx.execute(_LET_GO, {"run": effect.run_id})
        await _add(tx, effect, values, "held", None)


async def book(tx: Tx, effect: BookTime) -> None:
    """Once for each run, however often it is asked. Raise Overtaken."""
    held = effect.held
    if (await tx.execute(_BOOKED_BY, {"run": held.run_id})).first() is not None:
        return
    values = await _place(tx, held)
    name = tx.vault.seal_maybe("appointment.name", effect.name)
    row = (await tx.execute(_BOOK, values | {"name": name})).first()
    appointment_id = row.id if row else await _add(tx, held, values, "booked", name)
    await tx.execute(_WAITED, values)
    await _wind(tx, appointment_id, held.opening.start, held.opening.end, effect.remind)
    await audit.add(tx, "ai", "appointment_booked", "appointment", appointment_id)


async def move(tx: Tx, effect: MoveTime) -> None:
    """Raise Overtaken."""
    values = await _place(tx, effect.held)
    values |= {"id": effect.appointment_id, "version": effect.version}
    if (await _exclusively(tx, _MOVE, values)).first() is None:
        raise Overtaken("the appointment has changed")
    await _unwind(tx, effect.appointment_id)
    opening = effect.held.opening
    await _wind(tx, effect.appointment_id, opening.start, opening.end, effect.remind)
    await audit.add(tx, "ai", "appointment_moved", "appointment", effect.appointment_id)


async def cancel(tx: Tx, effect: CancelTime) -> None:
    """Raise Overtaken."""
    values = {"id": effect.appointment_id, "version": effect.version, "contact": effect.contact_id}
    if (await tx.execute(_CANCEL, values)).first() is None:
        raise Overtaken("the appointment has changed")
    await _unwind(tx, effect.appointment_id)
    await payments.appointment_gone(tx, effect.appointment_id)
    await audit.add(tx, "ai", "appointment_cancelled", "appointment", effect.appointment_id)


async def confirm(tx: Tx, effect: ConfirmTime) -> None:
    """Raise Overtaken."""
    values = {"id": effect.appointment_id, "contact": effect.contact_id}
    if (await tx.execute(_CONFIRM, values)).first() is None:
        raise Overtaken("the appointment has changed")
    await audit.add(tx, "ai", "appointment_confirmed", "appointment", effect.appointment_id)


async def take(tx: Tx, appointment_id: UUID) -> Appointment | None:
    """The appointment, locked until the transaction ends; its conversation before it, as everybody does."""
    await tx.execute(_HOLD_TALK, {"id": appointment_id})
    row = (await tx.execute(_HOLD_ONE, {"id": appointment_id})).first()
    return _appointment(tx, row) if row and row.state not in _NEVER_WERE else None


async def get(tx: Tx, appointment_id: UUID) -> Appointment:
    """Raise NotFound."""
    row = (await tx.execute(_ONE, {"id": appointment_id})).first()
    if row is None or row.state in _NEVER_WERE:
        raise NotFound("there is no such appointment here")
    return _appointment(tx, row)


async def make(
    tx: Tx, held: HoldTime, name: str | None, remind: Sequence[timedelta], actor: str
) -> Appointment:
    """One that a person of the business makes. Raise Conflict when the time is taken."""
    values = await _place(tx, held)
    sealed = tx.vault.seal_maybe("appointment.name", name)
    try:
        appointment_id = await _add(tx, held, values, "booked", sealed, "person")
    except Overtaken as error:
        raise taken() from error
    await tx.execute(_WAITED, values)
    await _wind(tx, appointment_id, held.opening.start, held.opening.end, remind)
    await audit.add(tx, actor, "appointment_booked", "appointment", appointment_id)
    return await get(tx, appointment_id)


async def move_by_person(
    tx: Tx, mine: Appointment, held: HoldTime, remind: Sequence[timedelta], actor: str
) -> Appointment:
    """The caller has taken it. Raise Conflict when the time is taken, or it is booked no longer."""
    if mine.state != "booked":
        raise _not_booked(mine)
    values = await _place(tx, held) | {"id": mine.id, "version": mine.version}
    try:
        await _exclusively(tx, _MOVE, values)
    except Overtaken as error:
        raise taken() from error
    await _unwind(tx, mine.id)
    await _wind(tx, mine.id, held.opening.start, held.opening.end, remind)
    await audit.add(tx, actor, "appointment_moved", "appointment", mine.id)
    return await get(tx, mine.id)


async def mark(tx: Tx, mine: Appointment, state: str, actor: str) -> Appointment:
    """cancelled, done or no_show, by a person; the caller has taken it. Whether they came can be corrected later,
    and is not known before it begins. Raise Conflict."""
    if mine.state == state:
        return mine
    if mine.state != "booked" and not {mine.state, state} <= _CAME:
        raise _not_booked(mine)
    if state in _CAME and mine.start > tx.now:
        raise Conflict("it has not begun, so nobody can know whether they came", code="not_begun")
    await tx.execute(_MARK, {"id": mine.id, "state": state})
    await _unwind(tx, mine.id)
    if state == "cancelled":
        await payments.appointment_gone(tx, mine.id)
    await audit.add(tx, actor, f"appointment_{state}", "appointment", mine.id)
    return await get(tx, mine.id)


def taken() -> Conflict:
    return Conflict("somebody has this time already; ask for the slots that are free", code="time_taken")


def _not_booked(mine: Appointment) -> Conflict:
    return Conflict(f"this appointment is {mine.state}", code="not_booked")


async def over(tx: Tx, appointment_id: UUID) -> bool:
    """It has ended, and nobody said that they did not come."""
    done = (await tx.execute(_OVER, {"id": appointment_id})).first() is not None
    if done:
        await audit.add(tx, "system", "appointment_done", "appointment", appointment_id)
    return done


async def take_back_reminder(tx: Tx, appointment_id: UUID) -> None:
    """One that has not left yet: it waited for the morning, or for a provider."""
    await tx.execute(_TAKE_BACK, {"id": appointment_id})


async def reminded(tx: Tx, appointment_id: UUID, conversation_id: UUID, turn_id: UUID) -> None:
    """The reminder is what this turn said last."""
    await tx.execute(_REMINDED, {"id": appointment_id, "conversation": conversation_id, "turn": turn_id})


async def _wind(
    tx: Tx, appointment_id: UUID, start: datetime, end: datetime, remind: Sequence[timedelta]
) -> None:
    """Sets its timers, where there is a conversation to remind in. A reminder of what was only just said is left out."""
    talk = (await tx.execute(_TALK, {"id": appointment_id})).scalar_one_or_none()
    if talk is None:
        return
    for span in remind:
        if start - span >= tx.now + JUST_SAID:
            told = {"start": start.isoformat()}
            await timers.set_(tx, timers.REMINDS, talk, start - span, appointment_id, told)
    await timers.set_(tx, timers.BEGINS, talk, start, appointment_id)
    await timers.set_(tx, timers.OVER, talk, end, appointment_id)


async def _unwind(tx: Tx, appointment_id: UUID) -> None:
    """Its timers, and a reminder that has not left yet."""
    await timers.cancel_of(tx, (timers.REMINDS, timers.BEGINS, timers.OVER), appointment_id)
    await take_back_reminder(tx, appointment_id)


async def let_go(tx: Tx, effect: LetGo) -> None:
    await tx.execute(_LET_GO, {"run": effect.run_id})


async def _place(tx: Tx, effect: HoldTime) -> dict[str, Any]:
    """The values of a row, its lane found or made, and holds that have run out there put aside."""
    opening = effect.opening
    where: dict[str, Any] = {"resource": opening.resource, "seat": opening.seat}
    lane = await _lane(tx, opening.resource, opening.seat)
    about: dict[str, Any] = {
        "about": effect.about or None,
        "about_called": effect.about_called or None,
        "about_lane": None,
    }
    if effect.about:
        about["about_lane"] = await _lane(tx, f"{ABOUT}{effect.about}", 0)
    values = {
        "w": tx.workspace_id, "run": effect.run_id, "contact": effect.contact_id,
        "conversation": effect.conversation_id, "service": effect.service, **where, "lane": lane,
        "start": opening.start, "end": opening.end, "blocked": opening.end + effect.buffer, "until": effect.until,
        **about,
    }  # fmt: skip
    await tx.execute(_EXPIRE, values)
    return values


async def _lane(tx: Tx, resource: str, seat: int) -> Any:
    """The number of this seat, found or made."""
    where = {"resource": resource, "seat": seat}
    await tx.execute(_ADD_LANE, {"w": tx.workspace_id, **where})
    return (await tx.execute(_LANE, where)).scalar_one()


async def _add(
    tx: Tx, effect: HoldTime, values: dict[str, Any], state: str, name: bytes | None, source: str = "customer"
) -> UUID:
    appointment_id = new_id()
    until = effect.until if state == "held" else None
    values = values | {"id": appointment_id, "state": state, "until": until, "name": name, "source": source}
    await _exclusively(tx, _ADD, values)
    return appointment_id


async def _exclusively(tx: Tx, sql: Any, values: dict[str, Any]) -> Any:
    try:
        return await tx.execute(sql, values)
    except IntegrityError as error:
        if re.search(r"appointment_(?:about_)?one_at_a_time", str(error.orig)):
            raise Overtaken("the time is taken") from error
        raise


def _appointment(tx: Tx, row: Any) -> Appointment:
    name = tx.vault.open_maybe("appointment.name", row.name and bytes(row.name))
    return Appointment(
        row.id,
        row.contact_id,
        row.service,
        row.resource,
        row.starts_at,
        row.ends_at,
        row.state,
        row.version,
        name,
        row.confirmed_at,
        row.conversation_id,
        row.source,
        row.about or "",
        row.about_called or "",
    )

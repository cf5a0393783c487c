"""Our appointments' events in calendars elsewhere, each brought to how its appointment stands, and who is busy there.

That an event is due is written by the database itself, with the appointment's change (migration 0021).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from domain.calendars import Held, event_id
from store.db import Dispatch, Tx

_CLAIM = text(
    "update calendar_event set lease_until = frontdesk_now() + :lease where (workspace_id, link_id, appointment_id) in ("
    " select e.workspace_id, e.link_id, e.appointment_id from calendar_event e join calendar_link l"
    " on l.workspace_id = e.workspace_id and l.id = e.link_id where e.state = 'due' and l.state = 'connected'"
    " and (l.rests_until is null or l.rests_until <= frontdesk_now()) and e.next_attempt_at <= frontdesk_now()"
    " and (e.lease_until is null or e.lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or e.workspace_id = :only)"
    " order by e.next_attempt_at limit :limit for update of e skip locked)"
    " returning workspace_id, link_id, appointment_id"
)
_BELONGS = (
    "(select l.id from calendar_link l where l.workspace_id = a.workspace_id and l.state <> 'removed'"
    " and l.resource in (a.resource, '*') order by l.resource = '*' limit 1)"
)
_JOB = text(
    "select e.change, e.n, e.event_id, e.etag, e.told_start, e.told_end, e.attempts, e.state,"  # noqa: S608
    " a.starts_at, a.ends_at, a.service, a.resource, a.name, a.conversation_id, a.state as stands,"
    f" coalesce(a.state in ('booked', 'done', 'no_show') and {_BELONGS} = e.link_id, false) as wanted"
    " from calendar_event e left join appointment a on a.workspace_id = e.workspace_id and a.id = e.appointment_id"
    " where e.link_id = :link and e.appointment_id = :appointment for update of e"
)
_NAME = text(
    "update calendar_event set event_id = :event, n = :n, attempts = attempts + 1 where link_id = :link"
    " and appointment_id = :appointment"
)
_MINE = "link_id = :link and appointment_id = :appointment"
_DONE = text(
    "update calendar_event set etag = :etag, told_start = :start, told_end = :end, event_id = :event, n = :n,"  # noqa: S608
    " state = case when state = 'due' and change = :change then 'done' else state end, lease_until = null,"
    f" attempts = 0, reason = null, updated_at = frontdesk_now() where {_MINE}"
)
_LATER = text(
    "update calendar_event set lease_until = null, next_attempt_at = frontdesk_now() + :rest, reason = :reason"  # noqa: S608
    f" where {_MINE}"
)
_FAILED = text(
    "update calendar_event set state = 'failed', lease_until = null, reason = :reason, updated_at = frontdesk_now()"  # noqa: S608
    f" where {_MINE} and change = :change"
)
_STANDS = text(
    "update calendar_event set etag = :etag, told_start = :start, told_end = :end,"  # noqa: S608
    f" state = case when :due then 'due' else 'done' end, next_attempt_at = frontdesk_now() where {_MINE}"
)
_DOUBT = text(f"update calendar_event set etag = :etag where {_MINE} and state = 'due'")  # noqa: S608
_LEFT = text(f"update calendar_event set state = 'left', lease_until = null where {_MINE}")  # noqa: S608
_KNOWN = text(
    "select event_id, appointment_id from calendar_event where link_id = :link and event_id = any(:ids) and state <> 'left'"
)
_EXPECTED = text(
    "select event_id from calendar_event where link_id = :link and state = 'done' and told_end > frontdesk_now()"
    " and told_start < :until limit 500"
)
_SEAT = text("select seat from appointment where id = :appointment")
_COUNTS = text("select state, count(*) as n from calendar_event where link_id = :link group by state")
_BUSY = text(
    "insert into calendar_busy (workspace_id, link_id, event_id, starts_at, ends_at)"
    " values (:w, :link, :event, :start, :end)"
    " on conflict (workspace_id, link_id, event_id) do update set starts_at = excluded.starts_at, ends_at = excluded.ends_at"
    " where (calendar_busy.starts_at, calendar_busy.ends_at) is distinct from (excluded.starts_at, excluded.ends_at)"
    " returning xmax <> 0"
)
_FREE = text("delete from calendar_busy where link_id = :link and event_id = any(:ids)")
_ONLY = text("delete from calendar_busy where link_id = :link and not (event_id = any(:ids))")
_PAST = text(
    "delete from calendar_busy where link_id = :link and ends_at < frontdesk_now() - interval '1 day'"
)
# A business's calendar is everybody's whose own is not linked; what is busy in it, keeps everybody busy.
_OVERLAPS = text(
    "update calendar_busy b set told = b.told || o.ids from (select b.event_id, array_agg(a.id) as ids,"
    "  array_agg(a.conversation_id) as talks from calendar_busy b join calendar_link l"
    "   on l.workspace_id = b.workspace_id and l.id = b.link_id join appointment a"
    "   on a.workspace_id = b.workspace_id and a.state = 'booked' and a.starts_at < b.ends_at and a.ends_at > b.starts_at"
    "   and l.resource in (a.resource, '*') where b.link_id = :link and a.ends_at > frontdesk_now()"
    "   and not (a.id = any(b.told)) group by b.event_id) o where b.link_id = :link and b.event_id = o.event_id"
    " returning o.ids, o.talks"
)


@dataclass(frozen=True, slots=True)
class Job:
    """An event to be brought to how its appointment stands. `told` is what stands there, as far as we know."""

    link_id: UUID
    appointment_id: UUID
    change: int
    n: int
    event_id: str
    etag: str
    told: tuple[datetime, datetime] | None
    wanted: tuple[datetime, datetime] | None
    """None: it is to be gone."""
    attempts: int
    service: str
    resource: str
    name: str | None
    conversation_id: UUID | None
    due: bool = True


DOUBTED = '"?"'
"""In place of an etag: it was changed there while a change of ours was on its way. No event has it."""


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID, UUID]]:
    """(workspace, link, appointment), ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.link_id, row.appointment_id) for row in rows]


async def begin(tx: Tx, link_id: UUID, appointment_id: UUID, *, anew: bool = False) -> Job | None:
    """The event has its id before it is sent. `anew`: the one that it had can never be used again. None when it is
    not due any more."""
    row = (await tx.execute(_JOB, {"link": link_id, "appointment": appointment_id})).first()
    if row is None or row.state != "due":
        return None
    n = row.n + 1 if anew else row.n
    name = event_id(link_id, appointment_id, n)
    told = None if anew else _span(row.told_start, row.told_end)
    where = {"link": link_id, "appointment": appointment_id}
    if anew:
        await tx.execute(_STANDS, where | {"etag": None, "start": None, "end": None, "due": True})
    if row.wanted or row.event_id is not None:
        await tx.execute(_NAME, where | {"event": name, "n": n})
    return Job(
        link_id, appointment_id, row.change, n, name if row.wanted or row.event_id else "",
        "" if anew else row.etag or "", told, _span(row.starts_at, row.ends_at) if row.wanted else None, row.attempts,
        row.service or "", row.resource or "",
        tx.vault.open_maybe("appointment.name", row.name and bytes(row.name)), row.conversation_id,
    )  # fmt: skip


async def done(tx: Tx, job: Job, stands: Held | None) -> None:
    """It stands there like this; None: it is gone, and its id with it. What changed meanwhile is due still."""
    gone = stands is None
    values = {
        "link": job.link_id, "appointment": job.appointment_id, "change": job.change,
        "event": None if gone else job.event_id, "n": job.n + 1 if gone else job.n,
        "etag": stands.etag if stands else None, "start": stands.start if stands else None,
        "end": stands.end if stands else None,
    }  # fmt: skip
    await tx.execute(_DONE, values)


async def later(tx: Tx, job: Job, reason: str, rest: timedelta) -> None:
    values = {"link": job.link_id, "appointment": job.appointment_id, "reason": reason, "rest": rest}
    await tx.execute(_LATER, values)


async def failed(tx: Tx, job: Job, reason: str) -> None:
    """Not again, unless the appointment changes."""
    values = {"link": job.link_id, "appointment": job.appointment_id, "reason": reason, "change": job.change}
    await tx.execute(_FAILED, values)


async def counts(tx: Tx, link_id: UUID) -> dict[str, int]:
    """How many events are due, done, failed, left."""
    return {row.state: row.n for row in await tx.execute(_COUNTS, {"link": link_id})}


# --- what comes back ---


async def known(tx: Tx, link_id: UUID, ids: Collection[str]) -> dict[str, UUID]:
    """event → appointment, of those that are ours."""
    rows = await tx.execute(_KNOWN, {"link": link_id, "ids": list(ids)})
    return {row.event_id: row.appointment_id for row in rows}


async def expected(tx: Tx, link_id: UUID, until: datetime) -> list[str]:
    """Ids of ours that ought to be there."""
    return [row.event_id for row in await tx.execute(_EXPECTED, {"link": link_id, "until": until})]


async def standing(tx: Tx, link_id: UUID, appointment_id: UUID) -> Job | None:
    """As `begin`, for whoever reads; `due`: a change of ours is on its way there. None when it is none of ours."""
    row = (await tx.execute(_JOB, {"link": link_id, "appointment": appointment_id})).first()
    if row is None or row.state not in ("due", "done"):
        return None
    return Job(
        link_id, appointment_id, row.change, row.n, row.event_id or "", row.etag or "",
        _span(row.told_start, row.told_end), _span(row.starts_at, row.ends_at) if row.wanted else None, 0, row.service or "",
        row.resource or "", None, row.conversation_id, row.state == "due",
    )  # fmt: skip


async def doubt(tx: Tx, job: Job) -> None:
    """What we know of it is not so any more: whoever writes next looks first."""
    await tx.execute(_DOUBT, {"link": job.link_id, "appointment": job.appointment_id, "etag": DOUBTED})


async def stands(tx: Tx, job: Job, held: Held, *, due: bool) -> None:
    """It was changed there; `due`: ours is to be written over it, else it is how it is to be."""
    values = {"link": job.link_id, "appointment": job.appointment_id, "etag": held.etag}
    await tx.execute(_STANDS, values | {"start": held.start, "end": held.end, "due": due})


async def leave(tx: Tx, job: Job) -> None:
    """It is nobody's business any more."""
    await tx.execute(_LEFT, {"link": job.link_id, "appointment": job.appointment_id})


async def seat_of(tx: Tx, appointment_id: UUID) -> int:
    return int((await tx.execute(_SEAT, {"appointment": appointment_id})).scalar_one())


async def set_busy(
    tx: Tx, link_id: UUID, events: Sequence[Held], *, all_: bool
) -> tuple[bool, list[tuple[UUID, UUID | None]]]:
    """Who is busy, from events that are not ours; `all_`: there are no others. Return whether anything became free, and
    what is booked across them of which nobody has been told: (appointment, conversation)."""
    busy = [one for one in events if one.busy and one.start and one.end and one.start < one.end]
    taken, freed = {one.id for one in busy}, 0
    for one in busy:
        values = {"w": tx.workspace_id, "link": link_id, "event": one.id, "start": one.start, "end": one.end}
        freed += bool((await tx.execute(_BUSY, values)).scalar_one_or_none())
    if all_:
        freed += (await tx.execute(_ONLY, {"link": link_id, "ids": list(taken)})).rowcount
    else:
        gone = [one.id for one in events if one.id not in taken]
        freed += (await tx.execute(_FREE, {"link": link_id, "ids": gone})).rowcount
    await tx.execute(_PAST, {"link": link_id})
    overlaps = (await tx.execute(_OVERLAPS, {"link": link_id})).all()
    return freed > 0, [pair for row in overlaps for pair in zip(row.ids, row.talks, strict=True)]


def _span(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime] | None:
    return (start, end) if start is not None and end is not None else None

"""Links to calendars elsewhere: whose they are, whether they are reached, and how far they have been read.

connected → revoked (the consent is gone) | broken (the calendar is not there, or may not be written) → connected
any → removed
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.calendars import Tells
from domain.errors import NotFound
from store.db import Dispatch, Tx, new_id

_COLUMNS = (
    "id, resource, tells, calendar, credentials, state, reason, sync_token, full_at, synced_at, channel_id,"
    " channel_resource, channel_until, rests_until, attempts, created_at, updated_at"
)
_ALL = text(f"select {_COLUMNS} from calendar_link where state <> 'removed' order by resource")  # noqa: S608
_ONE = text(f"select {_COLUMNS} from calendar_link where id = :id")  # noqa: S608
_HOLD = text(f"select {_COLUMNS} from calendar_link where id = :id for update")  # noqa: S608
_OF = text(f"select {_COLUMNS} from calendar_link where resource = :resource and state <> 'removed'")  # noqa: S608
_ADD = text(
    "insert into calendar_link (workspace_id, id, resource, tells, calendar, credentials)"
    " values (:w, :id, :resource, :tells, :calendar, :credentials)"
)
_AGAIN = text(
    "update calendar_link set state = 'connected', reason = null, credentials = :credentials, tells = :tells,"
    " rests_until = null, attempts = 0, next_sync_at = frontdesk_now(), updated_at = frontdesk_now() where id = :id"
)
_STATE = text(
    "update calendar_link set state = :state, reason = :reason, updated_at = frontdesk_now(), lease_until = null,"
    " next_sync_at = frontdesk_now() + :again where id = :id and state <> 'removed'"
    " and (state, coalesce(reason, '')) is distinct from (:state, coalesce(:reason, '')) returning id"
)
_REMOVE = text(
    "update calendar_link set state = 'removed', reason = null, credentials = null, sync_token = null, channel_id = null,"
    " channel_key = null, updated_at = frontdesk_now() where id = :id and state <> 'removed' returning id"
)
_DROP_BUSY = text("delete from calendar_busy where link_id = :id")
_LEAVE = text("update calendar_event set state = 'left', lease_until = null where link_id = :id")
# The calendar of an appointment is that of whoever it is with, else the business's.
_BELONGS = (
    "(select l.id from calendar_link l where l.workspace_id = a.workspace_id and l.state <> 'removed'"
    " and l.resource in (a.resource, '*') order by l.resource = '*' limit 1)"
)
_FILL = text(
    "insert into calendar_event (workspace_id, link_id, appointment_id)"  # noqa: S608
    f" select a.workspace_id, {_BELONGS}, a.id from appointment a where a.state = 'booked'"
    f" and a.ends_at > frontdesk_now() and {_BELONGS} is not null on conflict do nothing"
)
_MOVED_OUT = text(
    "update calendar_event e set state = 'due', change = change + 1, next_attempt_at = frontdesk_now(), attempts = 0"  # noqa: S608
    " from appointment a where a.id = e.appointment_id and a.state = 'booked' and a.ends_at > frontdesk_now()"
    f" and e.state in ('done', 'failed') and e.link_id is distinct from {_BELONGS}"
)
_WAITING = text(
    "update calendar_event set next_attempt_at = frontdesk_now(), attempts = 0"
    " where link_id = :id and state = 'due'"
)
_CLAIM = text(
    "update calendar_link set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from calendar_link where state in ('connected', 'broken')"
    " and next_sync_at <= frontdesk_now() and (lease_until is null or lease_until < frontdesk_now())"
    " and (rests_until is null or rests_until <= frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_sync_at limit :limit for update skip locked) returning workspace_id, id"
)
_SYNCED = text(
    "update calendar_link set state = 'connected', reason = null, sync_token = :token, synced_at = frontdesk_now(),"
    " full_at = case when :full then frontdesk_now() else full_at end, lease_until = null, attempts = 0,"
    " rests_until = null, next_sync_at = case when next_sync_at > :began then next_sync_at"
    " else frontdesk_now() + :again end where id = :id and state <> 'removed'"
)
_FORGET_TOKEN = text("update calendar_link set sync_token = null where id = :id")
_REST = text(
    "update calendar_link set rests_until = frontdesk_now() + :rest, attempts = attempts + 1, lease_until = null"
    " where id = :id"
)
_LATER = text(
    "update calendar_link set attempts = attempts + 1, lease_until = null, reason = :reason,"
    " next_sync_at = frontdesk_now() + :rest where id = :id"
)
_CHANNEL = text(
    "update calendar_link set channel_id = :channel, channel_resource = :resource, channel_key = :key,"
    " channel_until = :until where id = :id and state <> 'removed'"
)
_PUSHED = text(
    "update calendar_link set next_sync_at = frontdesk_now() where id = :id and channel_id = :channel"
    " and channel_key = :key and state <> 'removed' returning id"
)
_SOON = text(
    "update calendar_link set next_sync_at = frontdesk_now() where state in ('connected', 'broken') returning id"
)


@dataclass(frozen=True, slots=True)
class Link:
    id: UUID
    resource: str
    tells: Tells
    calendar: str
    refresh_token: str
    """"" once it is removed."""
    state: str
    reason: str | None
    sync_token: str
    full_at: datetime | None
    synced_at: datetime | None
    channel_id: UUID | None
    channel_resource: str
    channel_until: datetime | None
    rests_until: datetime | None
    attempts: int
    created_at: datetime
    updated_at: datetime


async def listed(tx: Tx) -> list[Link]:
    return [_link(tx, row) for row in await tx.execute(_ALL)]


async def get(tx: Tx, link_id: UUID) -> Link:
    """Removed ones too. Raise NotFound."""
    row = (await tx.execute(_ONE, {"id": link_id})).first()
    if row is None:
        raise NotFound("there is no such calendar here")
    return _link(tx, row)


async def hold(tx: Tx, link_id: UUID) -> Link | None:
    """Until the transaction ends; None when it was removed."""
    row = (await tx.execute(_HOLD, {"id": link_id})).first()
    return _link(tx, row) if row and row.state != "removed" else None


async def of_resource(tx: Tx, resource: str) -> Link | None:
    row = (await tx.execute(_OF, {"resource": resource})).first()
    return _link(tx, row) if row else None


async def connect(tx: Tx, resource: str, calendar: str, tells: Tells, refresh_token: str) -> UUID:
    """A new link, or the one that there was with a new consent. Every appointment to come is written there."""
    known = await of_resource(tx, resource)
    credentials = tx.vault.seal("calendar_link.credentials", refresh_token)
    values: dict[str, Any] = {"w": tx.workspace_id, "credentials": credentials, "tells": tells.value}
    if known is not None:
        await tx.execute(_AGAIN, values | {"id": known.id})
        await tx.execute(_WAITING, {"id": known.id})
        link_id = known.id
    else:
        link_id = new_id()
        sealed = tx.vault.seal("calendar_link.calendar", calendar)
        await tx.execute(_ADD, values | {"id": link_id, "resource": resource, "calendar": sealed})
    await _refill(tx)
    return link_id


async def remove(tx: Tx, link_id: UUID) -> bool:
    """What we wrote there stays there; what is busy there does not count any more. False when it was so already."""
    if (await tx.execute(_REMOVE, {"id": link_id})).first() is None:
        return False
    await tx.execute(_DROP_BUSY, {"id": link_id})
    await tx.execute(_LEAVE, {"id": link_id})
    await _refill(tx)
    return True


async def _refill(tx: Tx) -> None:
    """Which calendar an appointment belongs to may have changed for all of them."""
    await tx.execute(_MOVED_OUT)
    await tx.execute(_FILL)


async def set_state(tx: Tx, link_id: UUID, state: str, reason: str, again: timedelta) -> bool:
    """False when it was so already, for the same reason."""
    values = {"id": link_id, "state": state, "reason": reason, "again": again}
    return (await tx.execute(_STATE, values)).first() is not None


# --- reading on ---


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, link) pairs that are to be read, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def synced(tx: Tx, link_id: UUID, token: str, *, full: bool, began: datetime, again: timedelta) -> None:
    """Read up to `token`. Whoever pushed since `began` has it read again at once."""
    values = {"id": link_id, "token": tx.vault.seal("calendar_link.sync_token", token), "full": full}
    await tx.execute(_SYNCED, values | {"began": began, "again": again})


async def forget_token(tx: Tx, link_id: UUID) -> None:
    """All of it is read the next time."""
    await tx.execute(_FORGET_TOKEN, {"id": link_id})


async def rest(tx: Tx, link_id: UUID, span: timedelta) -> None:
    """Neither read nor written meanwhile."""
    await tx.execute(_REST, {"id": link_id, "rest": span})


async def later(tx: Tx, link_id: UUID, reason: str, span: timedelta) -> None:
    await tx.execute(_LATER, {"id": link_id, "reason": reason, "rest": span})


async def sync_soon(tx: Tx) -> int:
    """How many are read at the next opportunity."""
    return len((await tx.execute(_SOON)).all())


# --- push ---


async def set_channel(
    tx: Tx, link_id: UUID, channel_id: UUID, resource: str, token: str, until: datetime
) -> None:
    values = {"id": link_id, "channel": channel_id, "resource": resource, "until": until}
    await tx.execute(_CHANNEL, values | {"key": tx.vault.hash("calendar_push", token)})


async def pushed(tx: Tx, link_id: UUID, channel_id: UUID, token: str) -> bool:
    """False for a channel that is not ours, or a wrong token."""
    values = {"id": link_id, "channel": channel_id, "key": tx.vault.hash("calendar_push", token)}
    return (await tx.execute(_PUSHED, values)).first() is not None


def _link(tx: Tx, row: Any) -> Link:
    opened = {
        name: tx.vault.open_maybe(f"calendar_link.{name}", (value := getattr(row, name)) and bytes(value))
        or ""
        for name in ("calendar", "credentials", "sync_token")
    }
    return Link(
        row.id, row.resource, Tells(row.tells), opened["calendar"], opened["credentials"], row.state, row.reason,
        opened["sync_token"], row.full_at, row.synced_at, row.channel_id, row.channel_resource or "",
        row.channel_until, row.rests_until, row.attempts, row.created_at, row.updated_at,
    )  # fmt: skip

"""The CRM account of a workspace: whether it is reached, how far it was read, and what it told us.

connected → revoked (the token is not taken any more) → connected;  any → removed
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from store.db import Dispatch, Tx, new_id

_COLUMNS = (
    "id, location, credentials, state, reason, mapping, missing, daily_left, cursor_at, polled_at, hooked_at, rests_until,"
    " attempts, created_at, updated_at"
)
_NOW = text(f"select {_COLUMNS} from crm_link where state <> 'removed'")  # noqa: S608  (constant columns)
_HOLD_NOW = text(f"select {_COLUMNS} from crm_link where state <> 'removed' for update")  # noqa: S608
_ONE = text(f"select {_COLUMNS} from crm_link where id = :id")  # noqa: S608
_ADD = text(
    "insert into crm_link (workspace_id, id, location, credentials) values (:w, :id, :location, :credentials)"
    " on conflict (workspace_id) where state <> 'removed' do nothing returning id"
)
_AGAIN = text(
    "update crm_link set state = 'connected', reason = null, credentials = :credentials, rests_until = null, attempts = 0,"
    " next_poll_at = frontdesk_now(), updated_at = frontdesk_now() where id = :id"
)
_FILL = text(
    "insert into crm_contact (workspace_id, link_id, contact_id)"
    " select distinct workspace_id, cast(:id as uuid), coalesce(root_id, contact_id) from contact_address"
    " where scheme in ('tel', 'whatsapp', 'email') on conflict do nothing"
)
_WAITING = text(
    "update crm_contact set next_attempt_at = frontdesk_now(), attempts = 0 where link_id = :id and state = 'due'"
)
_ALL_DUE = text(
    "update crm_contact set state = 'due', change = change + 1, next_attempt_at = frontdesk_now(), attempts = 0"
    " where link_id = :id and state in ('done', 'failed')"
)
_STATE = text(
    "update crm_link set state = :state, reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " where id = :id and state <> 'removed' and (state, coalesce(reason, '')) is distinct from (:state, :reason)"
    " returning id"
)
_REMOVE = text(
    "update crm_link set state = 'removed', reason = null, credentials = null, updated_at = frontdesk_now()"
    " where id = :id and state <> 'removed' returning id"
)
_LEAVE = text(
    "update crm_contact set state = 'left', reason = 'disconnected', body = null, sending = null, lease_until = null"
    " where link_id = :id"
)
_CLAIM = text(
    "update crm_link set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from crm_link where state = 'connected' and next_poll_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (rests_until is null or rests_until <= frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_poll_at limit :limit for update skip locked) returning workspace_id, id"
)
_READ = text(
    "update crm_link set lease_until = null, attempts = 0, rests_until = null, reason = nullif(:reason, ''),"
    " cursor_at = greatest(cursor_at, coalesce(:cursor, cursor_at)), updated_at = frontdesk_now(),"
    " polled_at = case when :polled then frontdesk_now() else polled_at end,"
    " next_poll_at = case when next_poll_at > :began then next_poll_at else frontdesk_now() + :again end"
    " where id = :id and state = 'connected'"
)
_REST = text(
    "update crm_link set rests_until = frontdesk_now() + :rest, attempts = attempts + 1, lease_until = null,"
    " reason = :reason where id = :id"
)
_LATER = text(
    "update crm_link set attempts = attempts + 1, lease_until = null, reason = :reason,"
    " next_poll_at = frontdesk_now() + :rest where id = :id"
)
_MAPPING = text("update crm_link set mapping = :mapping, missing = :missing where id = :id")
_DAILY = text("update crm_link set daily_left = :left where id = :id and daily_left is distinct from :left")
_AT = text("select workspace_id, id from crm_link where location = :location and state <> 'removed'")
_SOON = text(
    "update crm_link set next_poll_at = frontdesk_now(), polled_at = null where state = 'connected' returning id"
)
_HEARD = text(
    "insert into crm_receipt (workspace_id, id, link_id, hook_id, kind, external_id)"
    " values (:w, :id, :link, :hook, :kind, :external) on conflict do nothing returning id"
)
_LOOK = text(
    "update crm_link set next_poll_at = least(next_poll_at, frontdesk_now()), hooked_at = frontdesk_now() where id = :link"
)
_UNREAD = text(
    "select id, kind, external_id from crm_receipt where link_id = :link and state = 'due'"
    " order by received_at, id limit :limit"
)
_DONE = text("update crm_receipt set state = 'done' where id = any(:ids)")
_FORGET = text(
    "delete from crm_receipt where link_id = :link and state = 'done' and received_at < frontdesk_now() - :keep"
)
KEEP = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Link:
    id: UUID
    location: str
    token: str = field(repr=False)
    """"" once it is removed."""
    state: str
    reason: str | None
    mapping: str | None
    missing: Sequence[str]
    daily_left: int | None
    cursor_at: datetime
    polled_at: datetime | None
    hooked_at: datetime | None
    rests_until: datetime | None
    attempts: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    id: UUID
    kind: str
    external_id: str


async def now(tx: Tx) -> Link | None:
    """The one that there is."""
    return _maybe(tx, (await tx.execute(_NOW)).first())


async def hold(tx: Tx) -> Link | None:
    """The same, until the transaction ends."""
    return _maybe(tx, (await tx.execute(_HOLD_NOW)).first())


async def get(tx: Tx, link_id: UUID) -> Link:
    """Removed ones too. Raise NotFound."""
    found = _maybe(tx, (await tx.execute(_ONE, {"id": link_id})).first())
    if found is None:
        raise NotFound("there is no such CRM here")
    return found


async def connect(tx: Tx, location: str, token: str) -> UUID:
    """A new link, or the one that there was with a new token: what waits goes on. Raise Conflict while another account
    is connected."""
    known = await hold(tx)
    if known is not None and known.location != location:
        raise Conflict("another account is connected; disconnect it first", code="crm_connected")
    sealed = tx.vault.seal("crm_link.credentials", token)
    if known is not None:
        await tx.execute(_AGAIN, {"id": known.id, "credentials": sealed})
        await tx.execute(_WAITING, {"id": known.id})
        return known.id
    values: dict[str, Any] = {"w": tx.workspace_id, "id": new_id(), "location": location}
    added = (await tx.execute(_ADD, values | {"credentials": sealed})).first()
    if added is None:
        raise Conflict("somebody else is just connecting it", code="crm_connected")
    await tx.execute(_FILL, {"id": added.id})
    return added.id  # type: ignore[no-any-return]


async def remove(tx: Tx, link_id: UUID) -> bool:
    """What stands there stays. False when it was so already."""
    if (await tx.execute(_REMOVE, {"id": link_id})).first() is None:
        return False
    await tx.execute(_LEAVE, {"id": link_id})
    return True


async def set_state(tx: Tx, link_id: UUID, state: str, reason: str) -> bool:
    """False when it was so already, for the same reason."""
    return (await tx.execute(_STATE, {"id": link_id, "state": state, "reason": reason})).first() is not None


async def set_mapping(tx: Tx, link_id: UUID, digest: str, missing: Collection[str]) -> None:
    """Everybody is brought there by it anew."""
    await tx.execute(_MAPPING, {"id": link_id, "mapping": digest, "missing": sorted(missing)})
    await tx.execute(_ALL_DUE, {"id": link_id})


async def set_daily(tx: Tx, link_id: UUID, left: int | None) -> None:
    if left is not None:
        await tx.execute(_DAILY, {"id": link_id, "left": left})


# --- reading on ---


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, link) pairs that are to be read, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def read(
    tx: Tx, link_id: UUID, cursor: datetime | None, reason: str, began: datetime, again: timedelta
) -> None:
    """Changes there are known up to `cursor`; None: only what it told us was looked at. Whoever told something since
    `began` has it looked at at once."""
    values = {"id": link_id, "cursor": cursor, "polled": cursor is not None, "reason": reason}
    await tx.execute(_READ, values | {"began": began, "again": again})
    await tx.execute(_FORGET, {"link": link_id, "keep": KEEP})


async def rest(tx: Tx, link_id: UUID, reason: str, span: timedelta) -> None:
    """Nothing is asked there meanwhile."""
    await tx.execute(_REST, {"id": link_id, "reason": reason, "rest": span})


async def later(tx: Tx, link_id: UUID, reason: str, span: timedelta) -> None:
    await tx.execute(_LATER, {"id": link_id, "reason": reason, "rest": span})


async def poll_soon(tx: Tx) -> int:
    """How many are read at the next opportunity."""
    return len((await tx.execute(_SOON)).all())


# --- what it tells us ---


async def at_location(dispatch: Dispatch, location: str) -> list[tuple[UUID, UUID]]:
    """(workspace, link) pairs of this account."""
    rows = await dispatch.db.execute(_AT, {"location": location})
    return [(row.workspace_id, row.id) for row in rows]


async def heard(tx: Tx, link_id: UUID, hook_id: str, kind: str, external_id: str) -> bool:
    """False for what was told before."""
    values = {"w": tx.workspace_id, "id": new_id(), "link": link_id, "hook": hook_id, "kind": kind}
    new = (await tx.execute(_HEARD, values | {"external": external_id})).first() is not None
    if new:
        await tx.execute(_LOOK, {"link": link_id})
    return new


async def unread(tx: Tx, link_id: UUID, limit: int) -> list[Receipt]:
    """Oldest first."""
    return [
        Receipt(row.id, row.kind, row.external_id)
        for row in await tx.execute(_UNREAD, {"link": link_id, "limit": limit})
    ]


async def are_read(tx: Tx, ids: Collection[UUID]) -> None:
    await tx.execute(_DONE, {"ids": list(ids)})


def _maybe(tx: Tx, row: Any) -> Link | None:
    if row is None:
        return None
    token = tx.vault.open_maybe("crm_link.credentials", row.credentials and bytes(row.credentials)) or ""
    values = dict(row._mapping)
    del values["credentials"]
    return Link(token=token, **values)

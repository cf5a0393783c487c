"""Feeds: secret addresses under which calendars read appointments. Only a keyed hash of each secret is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.calendars import Tells
from domain.errors import Conflict, NotFound
from store.db import Tx, new_id

MOST = 50
"""Of a workspace, revoked ones left out."""
BACK, AHEAD = timedelta(days=30), timedelta(days=400)
AT_MOST = 5_000

_COLUMNS = "id, resource, tells, created_at, revoked_at"
_COUNT = text("select count(*) from calendar_feed where revoked_at is null")
_ADD = text(
    "insert into calendar_feed (workspace_id, id, resource, tells, key) values (:w, :id, :resource, :tells, :key)"
)
_PAGE = text(
    f"select {_COLUMNS} from calendar_feed where (cast(:before as uuid) is null or id < :before)"  # noqa: S608
    " order by id desc limit :limit"
)
_ONE = text(f"select {_COLUMNS} from calendar_feed where id = :id")  # noqa: S608
_BY_KEY = text(f"select {_COLUMNS} from calendar_feed where key = :key and revoked_at is null")  # noqa: S608
_REVOKE = text(
    "update calendar_feed set revoked_at = frontdesk_now() where id = :id and revoked_at is null returning id"
)
_CHANGED = text(
    "select greatest(f.created_at, w.updated_at, (select max(updated_at) from appointment)) as at"
    " from calendar_feed f join workspace w on w.id = f.workspace_id where f.id = :id"
)
_ENTRIES = text(
    "select id, service, resource, starts_at, ends_at, state, version, name, updated_at from appointment"
    " where state in ('booked', 'cancelled', 'done', 'no_show') and (:resource = '' or resource = :resource)"
    " and ends_at > frontdesk_now() - :back and starts_at < frontdesk_now() + :ahead"
    " order by starts_at, id limit :limit"
)


@dataclass(frozen=True, slots=True)
class Feed:
    id: UUID
    resource: str
    """"" is the whole business."""
    tells: Tells
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    id: UUID
    service: str
    resource: str
    start: datetime
    end: datetime
    state: str
    version: int
    name: str | None
    updated_at: datetime


async def add(tx: Tx, resource: str, tells: Tells) -> tuple[Feed, str]:
    """The feed and its secret, which is never shown again. Raise Conflict when there are too many."""
    if (await tx.execute(_COUNT)).scalar_one() >= MOST:
        raise Conflict(f"there are {MOST} feeds here, the most there may be", code="too_many_feeds")
    secret, feed_id = token_urlsafe(32), new_id()
    values = {"w": tx.workspace_id, "id": feed_id, "resource": resource, "tells": tells.value}
    await tx.execute(_ADD, values | {"key": _key(tx, secret)})
    return await get(tx, feed_id), secret


async def page(tx: Tx, before: UUID | None, limit: int) -> list[Feed]:
    """The newest first, revoked ones too."""
    return [_feed(row) for row in await tx.execute(_PAGE, {"before": before, "limit": limit})]


async def get(tx: Tx, feed_id: UUID) -> Feed:
    """Raise NotFound."""
    row = (await tx.execute(_ONE, {"id": feed_id})).first()
    if row is None:
        raise NotFound("there is no such feed here")
    return _feed(row)


async def find(tx: Tx, secret: str) -> Feed | None:
    """By its secret; None when there is none, or it was revoked."""
    row = (await tx.execute(_BY_KEY, {"key": _key(tx, secret)})).first()
    return _feed(row) if row else None


async def revoke(tx: Tx, feed_id: UUID) -> bool:
    """False when it was so already."""
    return (await tx.execute(_REVOKE, {"id": feed_id})).first() is not None


async def changed_at(tx: Tx, feed_id: UUID) -> datetime:
    """When anything in it can have changed last: appointments, services, the feed itself."""
    found: datetime = (await tx.execute(_CHANGED, {"id": feed_id})).scalar_one()
    return found


async def rows(tx: Tx, resource: str) -> Sequence[Row]:
    """From a month ago to over a year ahead, earliest first; what was called off too."""
    values = {"resource": resource, "back": BACK, "ahead": AHEAD, "limit": AT_MOST}
    return [_row(tx, row) for row in await tx.execute(_ENTRIES, values)]


def _key(tx: Tx, secret: str) -> bytes:
    return tx.vault.hash("calendar_feed", secret)


def _feed(row: Any) -> Feed:
    return Feed(row.id, row.resource, Tells(row.tells), row.created_at, row.revoked_at)


def _row(tx: Tx, row: Any) -> Row:
    name = tx.vault.open_maybe("appointment.name", row.name and bytes(row.name))
    return Row(
        row.id, row.service, row.resource, row.starts_at, row.ends_at, row.state, row.version, name, row.updated_at
    )  # fmt: skip

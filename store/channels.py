"""Channels: where a business can be reached, and how its provider is doing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx, new_id

_FIND = text("select workspace_id from channel where id = :id")
_LOCATE = text("select workspace_id, id from channel where kind = :kind and address = :address")
_COLUMNS = "id, kind, address, state, state_reason, credentials, settings, open_until, failures, version"
_GET = text(f"select {_COLUMNS} from channel where id = :id")  # noqa: S608  (constant columns)
_ALL = text(f"select {_COLUMNS} from channel order by created_at, id")  # noqa: S608
_PUT = text(
    "insert into channel (workspace_id, id, kind, address, credentials, settings)"
    " values (:w, :id, :kind, :address, :credentials, cast(:settings as jsonb))"
    " on conflict (workspace_id, kind, address) do update set credentials = excluded.credentials,"
    " settings = excluded.settings, version = channel.version + 1 returning id"
)
# A number that two workspaces call theirs is swept for neither: only its webhook says whose a message is.
_EVERYWHERE = text(
    "select workspace_id, id from channel c where (cast(:only as uuid) is null or workspace_id = :only)"
    " and not exists (select from channel o where o.kind = c.kind and o.address = c.address and o.id <> c.id)"
)
_OPENED_AT = text("select greatest(created_at, frontdesk_now() - :back) from channel where id = :id")
_TAKE_SLOT = text(
    "update channel set next_send_at = greatest(coalesce(next_send_at, frontdesk_now()), frontdesk_now())"
    " + make_interval(secs => :interval)"
    " where id = :id and (next_send_at is null or next_send_at <= frontdesk_now()) returning id"
)
_NEXT_SLOT = text("select next_send_at from channel where id = :id")
_SUCCEEDED = text("update channel set failures = 0, open_until = null where id = :id and failures > 0")
_FAILED = text(
    "update channel set failures = failures + 1, open_until = case when failures + 1 >= :limit"
    " then frontdesk_now() + :rest * (0.5 + random()) else open_until end where id = :id returning failures, open_until"
)
_SUSPEND = text(
    "update channel set state = 'suspended', state_reason = :reason, version = version + 1"
    " where id = :id and state = 'active' returning id"
)
_RESUME = text(
    "update channel set state = 'active', state_reason = null, failures = 0, open_until = null,"
    " version = version + 1 where id = :id and state = 'suspended' returning id"
)

BREAKER_FAILURES = 5
BREAKER_REST = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    workspace_id: UUID
    id: UUID
    kind: str
    address: str
    active: bool
    state_reason: str | None
    credentials: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any]
    open_until: datetime | None
    version: int = 1

    def seconds(self, setting: str, default: float) -> float:
        return float(self.settings.get(setting, default))


async def workspace_of(dispatch: Dispatch, channel_id: UUID) -> UUID | None:
    found: UUID | None = await dispatch.db.scalar(_FIND, {"id": channel_id})
    return found


async def locate(dispatch: Dispatch, kind: str, address: str) -> list[tuple[UUID, UUID]]:
    """(workspace, channel) of every channel with this address."""
    rows = await dispatch.db.execute(_LOCATE, {"kind": kind, "address": address})
    return [(row.workspace_id, row.id) for row in rows]


async def everywhere(dispatch: Dispatch, only: UUID | None = None) -> list[tuple[UUID, UUID]]:
    """(workspace, channel) of every channel whose address is its own."""
    rows = await dispatch.db.execute(_EVERYWHERE, {"only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def opened_at(tx: Tx, channel_id: UUID, back: timedelta) -> datetime:
    """When the channel was opened here, but no longer than `back` ago."""
    found: datetime = (await tx.execute(_OPENED_AT, {"id": channel_id, "back": back})).scalar_one()
    return found


async def get(tx: Tx, channel_id: UUID) -> ChannelRow | None:
    row = (await tx.execute(_GET, {"id": channel_id})).first()
    return _channel(tx, row) if row else None


async def listed(tx: Tx) -> list[ChannelRow]:
    return [_channel(tx, row) for row in await tx.execute(_ALL)]


async def put(
    tx: Tx, kind: str, address: str, credentials: Mapping[str, str], settings: Mapping[str, Any]
) -> UUID:
    """Create, or bring up to date, the channel of this kind and address."""
    sealed = tx.vault.seal("channel.credentials", json.dumps(dict(credentials)))
    values = {"w": tx.workspace_id, "id": new_id(), "kind": kind, "address": address}
    channel_id: UUID = (
        await tx.execute(_PUT, values | {"credentials": sealed, "settings": json.dumps(dict(settings))})
    ).scalar_one()
    return channel_id


async def take_slot(tx: Tx, channel_id: UUID, per_second: float) -> datetime | None:
    """Take the sender's next slot: None when it was free, else when the next one is."""
    taken = (await tx.execute(_TAKE_SLOT, {"id": channel_id, "interval": 1 / per_second})).first()
    if taken:
        return None
    next_slot: datetime = (await tx.execute(_NEXT_SLOT, {"id": channel_id})).scalar_one()
    return next_slot


async def succeeded(tx: Tx, channel_id: UUID) -> None:
    await tx.execute(_SUCCEEDED, {"id": channel_id})


async def failed(tx: Tx, channel_id: UUID) -> datetime | None:
    """Count one more failure of the provider in a row; return until when the breaker is open, if it is."""
    values = {"id": channel_id, "limit": BREAKER_FAILURES, "rest": BREAKER_REST}
    row = (await tx.execute(_FAILED, values)).one()
    open_until: datetime | None = row.open_until
    return open_until


async def suspend(tx: Tx, channel_id: UUID, reason: str) -> bool:
    """Stop sending here until a person has looked; what is queued waits. False when it already was."""
    return (await tx.execute(_SUSPEND, {"id": channel_id, "reason": reason})).first() is not None


async def resume(tx: Tx, channel_id: UUID) -> bool:
    return (await tx.execute(_RESUME, {"id": channel_id})).first() is not None


def _channel(tx: Tx, row: Any) -> ChannelRow:
    opened = tx.vault.open_maybe("channel.credentials", row.credentials and bytes(row.credentials))
    return ChannelRow(
        tx.workspace_id, row.id, row.kind, row.address, row.state == "active", row.state_reason,
        json.loads(opened or "{}"), row.settings, row.open_until, row.version,
    )  # fmt: skip

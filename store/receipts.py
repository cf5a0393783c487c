"""What providers told us, kept once; and the line of what waits to be read into its conversation."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import text

from domain.messages import Address, Event, Inbound, Status
from store.channels import ChannelRow
from store.crypto import Vault
from store.db import BEGIN, Database, Dispatch, Tx, new_id
from store.stroke import Stroke

_NEW = (
    "with item as (select * from json_to_recordset(cast(:items as json))"
    " as i (n int, id uuid, channel uuid, kind text, event text, payload text, sender text)),"
    " added as (insert into inbound_receipt (workspace_id, id, channel_id, kind, provider_event_id, payload)"
    " select cast(:w as uuid), id, channel, kind, event, decode(payload, 'hex') from item"
    " order by channel, kind, event on conflict do nothing returning id)"
)
_ADD = text(f"{_NEW} select id from added")  # noqa: S608  (constant text)
_KEEP = text(
    f"{_NEW} insert into unread (workspace_id, receipt_id, kind, sender)"  # noqa: S608
    " select cast(:w as uuid), item.id, item.kind, decode(item.sender, 'hex')"
    " from item join added using (id) order by item.n returning place"
)
_KEEP_AT_ONCE = Stroke("frontdesk_keep", BEGIN, _KEEP)
_SEEN = text(
    "select provider_event_id from inbound_receipt where channel_id = :channel and kind = 'message'"
    " and provider_event_id = any(:events)"
)
# One reader in a business at a time, so that what is read stands in the order in which it was acknowledged.
_ALONE = text("select pg_advisory_xact_lock(hashtextextended('read ' || frontdesk_workspace()::text, 0))")
_TRY_ALONE = text(
    "select pg_try_advisory_xact_lock(hashtextextended('read ' || frontdesk_workspace()::text, 0))"
)
_DUE = text(
    "select place from unread where kind = :kind and due_at <= frontdesk_now() order by place limit :most"
)
_OPEN = text(
    "select u.place, r.channel_id, r.payload from unread u join inbound_receipt r on r.workspace_id = u.workspace_id"
    " and r.id = u.receipt_id where u.place = any(:places) order by u.place"
)
_OF_SENDERS = text(
    "select place from unread where kind = 'message' and sender = any(:senders) order by place"
)
_WAITS = text("select exists (select from unread where sender = any(:senders))")
_ANY = text("select exists (select from unread)")
_READ = text("delete from unread where place = any(:places)")
_LATER = text(
    "update unread set tries = tries + 1, due_at = frontdesk_now()"
    " + least(make_interval(secs => power(2, least(tries, 20))), :longest) where place = :place returning tries"
)
# A business at a time, not a row at a time: one that is flooded costs no more to find than another.
_CLAIM = text(
    "with recursive place as ((select workspace_id as w from unread order by workspace_id limit 1) union all"
    " select (select u.workspace_id from unread u where u.workspace_id > place.w order by 1 limit 1) from place"
    " where place.w is not null) select w from place where w is not null and (cast(:only as uuid) is null or w = :only)"
    " and exists (select from unread u where u.workspace_id = w and u.due_at <= frontdesk_now())"
)
_NEXT_DUE = text("select min(due_at) from unread where cast(:only as uuid) is null or workspace_id = :only")

LONGEST_PAUSE = timedelta(hours=1)
_EVENTS: dict[str, TypeAdapter[Any]] = {"message": TypeAdapter(Inbound), "status": TypeAdapter(Status)}


@dataclass(frozen=True, slots=True)
class Unread:
    """An event as it was acknowledged, with its place in the line and the trace of the request that brought it."""

    place: int
    channel_id: UUID
    event: Event
    trace: str


Piece = tuple[ChannelRow, Event, str]
"""An event that came over a channel, and the trace of the request that brought it."""


async def add(tx: Tx, channel: ChannelRow, events: Sequence[Event]) -> list[Event]:
    """Those that never came before, each once; from now on they have. Whoever calls reads them now."""
    once = {_key(one): one for one in events}
    items = _items(tx.vault, [(channel, one, "") for one in once.values()])
    values = {"w": tx.workspace_id, "items": to_json(items).decode()}
    fresh = {str(row.id) for row in await tx.execute(_ADD, values)}
    return [one for one, item in zip(once.values(), items, strict=True) if item["id"] in fresh]


async def keep(tx: Tx, pieces: Sequence[Piece]) -> None:
    """Each once, at the end of the line, but for those that came before."""
    await tx.execute(_KEEP, _kept(tx.vault, tx.workspace_id, pieces))


async def keep_at_once(db: Database, workspace_id: UUID, pieces: Sequence[Piece]) -> None:
    """The same, committed when it returns."""
    vault = await db.vault(workspace_id)
    await db.strike(workspace_id, _KEEP_AT_ONCE, _kept(vault, workspace_id, pieces))


def _kept(vault: Vault, workspace_id: UUID, pieces: Sequence[Piece]) -> dict[str, Any]:
    once = {(channel.id, _key(event)): (channel, event, trace) for channel, event, trace in pieces}
    return {"w": workspace_id, "items": to_json(_items(vault, list(once.values()))).decode()}


async def unseen(tx: Tx, channel: ChannelRow, events: Sequence[Event], before: datetime) -> list[Inbound]:
    """Those messages that were sent before then and never received."""
    old = [
        one for one in events if isinstance(one, Inbound) and (one.sent_at is None or one.sent_at < before)
    ]
    values = {"channel": channel.id, "events": [one.provider_id for one in old]}
    seen = {row.provider_event_id for row in await tx.execute(_SEEN, values)}
    return [one for one in old if one.provider_id not in seen]


async def claim(dispatch: Dispatch, only: UUID | None = None) -> list[UUID]:
    """Businesses in which something waits to be read."""
    return [row.w for row in await dispatch.db.execute(_CLAIM, {"only": only})]


async def next_due(dispatch: Dispatch, only: UUID | None = None) -> datetime | None:
    found: datetime | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return found


async def try_alone(tx: Tx) -> bool:
    """Nobody else reads in this business until the transaction ends; False when somebody does."""
    return bool((await tx.execute(_TRY_ALONE)).scalar())


async def due(tx: Tx, kind: str, most: int) -> list[int]:
    """Places of those that can be read now, `message` or `status`, the first first."""
    return [row.place for row in await tx.execute(_DUE, {"kind": kind, "most": most})]


async def opened(tx: Tx, places: Sequence[int]) -> list[Unread]:
    """What stands at these places, in their order; what has been read meanwhile is not there. Raise Unreadable."""
    return [_unread(tx, row) for row in await tx.execute(_OPEN, {"places": list(places)})]


async def of_senders(tx: Tx, senders: Sequence[Address]) -> list[Unread]:
    """What waits from these addresses. When there is any, nobody else reads until the transaction ends."""
    hashes = {"senders": [_hash(tx.vault, sender) for sender in senders]}
    if not (await tx.execute(_WAITS, hashes)).scalar():
        return []
    await tx.execute(_ALONE)
    return await opened(tx, [row.place for row in await tx.execute(_OF_SENDERS, hashes)])


async def wait(tx: Tx) -> bool:
    """Something was acknowledged in this business that nobody has read."""
    return bool((await tx.execute(_ANY)).scalar())


async def read(tx: Tx, places: Sequence[int]) -> None:
    """They stand in their conversations now."""
    await tx.execute(_READ, {"places": list(places)})


async def later(tx: Tx, place: int) -> int:
    """It could not be read; return how often that has been so."""
    tries = (await tx.execute(_LATER, {"place": place, "longest": LONGEST_PAUSE})).scalar()
    return int(tries or 0)


def _key(event: Event) -> tuple[str, str]:
    """Kind and id: what makes a receipt the same."""
    if isinstance(event, Inbound):
        return "message", event.provider_id
    return "status", f"{event.provider_id}:{event.raw_state}:{event.error_code or ''}"


def _items(vault: Vault, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    return [_item(vault, n, *piece) for n, piece in enumerate(pieces)]


def _item(vault: Vault, n: int, channel: ChannelRow, event: Event, trace: str) -> dict[str, Any]:
    kind, key = _key(event)
    told: dict[str, Any] = {"event": event, "trace": trace}
    sender = None
    if isinstance(event, Inbound):
        told["from"] = [event.sender.scheme, event.sender.value]
        sender = _hash(vault, event.sender).hex()
    return {
        "n": n, "id": str(new_id()), "channel": str(channel.id), "kind": kind, "event": key, "sender": sender,
        "payload": vault.seal_bytes("inbound_receipt.payload", to_json(told)).hex(),
    }  # fmt: skip


def _hash(vault: Vault, sender: Address) -> bytes:
    return vault.hash(sender.scheme, sender.value)


def _unread(tx: Tx, row: Any) -> Unread:
    told = json.loads(tx.vault.open("inbound_receipt.payload", bytes(row.payload)))
    kind = "message" if "from" in told else "status"
    event: Event = _EVENTS[kind].validate_python(told["event"])
    return Unread(row.place, row.channel_id, event, told["trace"])

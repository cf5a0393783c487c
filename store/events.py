"""What happened, in the order in which it may be read: once, by everybody who follows it. The database's triggers
write most of it (migrations/versions/0007_events.sql); `add` is for what is no change of a row. ADR 19."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from store.db import Dispatch, Tx

KEEP = timedelta(days=30)

_ADD = text(
    "insert into event (workspace_id, kind, conversation_id, subject_id, details)"
    " values (:w, :kind, :conversation, :subject, cast(:details as jsonb))"
)
# Nothing that commits later can come before what is returned: every older transaction has ended.
_AFTER = text(
    "select tx, n, kind, conversation_id, subject_id, details, at from event"
    " where (tx, n) > (:tx, :n) and tx < frontdesk_event_horizon() order by tx, n limit :limit"
)
_HORIZON = text("select frontdesk_event_horizon()")
_MOVED = text(
    "select s.workspace_id, e.tx < frontdesk_event_horizon() as readable"
    " from unnest(cast(:workspaces as uuid[]), cast(:txs as bigint[]), cast(:ns as bigint[])) as s (workspace_id, tx, n)"
    " cross join lateral (select tx from event v where v.workspace_id = s.workspace_id and (v.tx, v.n) > (s.tx, s.n)"
    " order by v.tx, v.n limit 1) e"
)
_PRUNE = text(
    "delete from event where (workspace_id, tx, n) in"
    " (select workspace_id, tx, n from event where at < frontdesk_now() - :keep limit :limit)"
)
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{1,12})", re.ASCII)


class Place(NamedTuple):
    """Between two events: after this one."""

    tx: int
    n: int


BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """`subject_id` is the noun's in `kind`; of deliveries and attachments it is their message's."""

    place: Place
    kind: str
    conversation_id: UUID | None
    subject_id: UUID | None
    details: Mapping[str, Any]
    at: datetime

    @property
    def cursor(self) -> str:
        return write(self.place, self.at)


class BadCursor(ValueError):
    """It was not made here."""


def write(place: Place, at: datetime) -> str:
    """A place as callers keep it, with the time, which says later whether anything after it was pruned."""
    return f"{place.tx}.{place.n}.{int(at.timestamp())}"


def read(cursor: str) -> tuple[Place, datetime]:
    """Raise BadCursor."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadCursor
    tx, n, at = map(int, found.groups())
    try:
        return Place(tx, n), datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError):
        raise BadCursor from None


async def add(
    tx: Tx, kind: str, conversation_id: UUID | None, subject_id: UUID | None, **details: str | int | None
) -> None:
    """It is there if and only if this transaction commits. `details`: ids, codes and counts."""
    told = json.dumps({name: value for name, value in details.items() if value is not None})
    values = {"w": tx.workspace_id, "kind": kind, "conversation": conversation_id, "subject": subject_id}
    await tx.execute(_ADD, values | {"details": told})


async def after(tx: Tx, place: Place, limit: int) -> list[Event]:
    """What follows, in order; who goes on from the last one misses nothing and is told nothing twice."""
    rows = await tx.execute(_AFTER, {"tx": place.tx, "n": place.n, "limit": limit})
    return [
        Event(Place(row.tx, row.n), row.kind, row.conversation_id, row.subject_id, row.details, row.at)
        for row in rows
    ]


async def now(tx: Tx) -> Place:
    """Before everything that cannot be read yet."""
    horizon: int = (await tx.execute(_HORIZON)).scalar_one()
    return Place(horizon, 0)


async def moved(dispatch: Dispatch, places: Mapping[UUID, Place]) -> dict[UUID, bool]:
    """The workspaces with something after their place: True when it can be read, False when an older transaction
    still runs."""
    values: dict[str, Sequence[Any]] = {
        "workspaces": list(places),
        "txs": [one.tx for one in places.values()],
        "ns": [one.n for one in places.values()],
    }
    return {row.workspace_id: row.readable for row in await dispatch.db.execute(_MOVED, values)}


async def prune(dispatch: Dispatch, keep: timedelta, limit: int) -> int:
    """Forget what is older, at most `limit`; return how many went."""
    done = await dispatch.db.execute(_PRUNE, {"keep": keep, "limit": limit})
    return int(done.rowcount)

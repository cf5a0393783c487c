"""How much waits, and for how long, over all workspaces. Reads partial indexes only: it costs the same however
much has been done before."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from store.db import Dispatch

OPEN_STATES = ("queued", "sending", "unknown")

# What is leased is being done; it counts again when its lease runs out. What stands behind another in its thread
# is not due, whatever its time says.
_QUEUES = text(
    "select 'inbox' as queue, count(*) as due, min(due_at) as oldest from unread where due_at <= frontdesk_now()"
    " union all select 'turns' as queue, count(*) as due, min(due_at) as oldest from conversation"
    " where due_at <= frontdesk_now() and (lease_until is null or lease_until < frontdesk_now())"
    " union all select 'deliveries', count(*), min(d.next_attempt_at) from delivery d"
    " where d.state in ('queued', 'sending', 'unknown') and d.next_attempt_at <= frontdesk_now()"
    " and (d.lease_until is null or d.lease_until < frontdesk_now())"
    " and not exists (select from delivery e where e.workspace_id = d.workspace_id and e.thread_id = d.thread_id"
    "   and e.state in ('queued', 'sending', 'unknown') and (e.seq, e.part) < (d.seq, d.part))"
    " union all select 'attachments', count(*), min(next_attempt_at) from attachment where state = 'pending'"
    " and next_attempt_at <= frontdesk_now() and (lease_until is null or lease_until < frontdesk_now())"
    " union all select 'timers', count(*), min(fire_at) from timer where state = 'pending'"
    " and fire_at <= frontdesk_now() and (lease_until is null or lease_until < frontdesk_now())"
)
_UNSETTLED = text(
    "select state, count(*) as waiting from delivery where state in ('queued', 'sending', 'unknown') group by state"
)
_CHANNELS = text(
    "select count(*) filter (where state = 'suspended') as suspended,"
    " count(*) filter (where state = 'active' and open_until > frontdesk_now()) as resting from channel"
)


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    due: int
    oldest_s: float
    """For how long its oldest piece of work has been due."""


@dataclass(frozen=True, slots=True)
class Queues:
    queues: tuple[Queue, ...]
    unsettled: Mapping[str, int]
    suspended: int
    resting: int


async def look(dispatch: Dispatch) -> Queues:
    rows = (await dispatch.db.execute(_QUEUES)).all()
    counts = {row.state: row.waiting for row in await dispatch.db.execute(_UNSETTLED)}
    channels = (await dispatch.db.execute(_CHANNELS)).one()
    return Queues(
        tuple(
            Queue(
                row.queue, row.due, max(0.0, (dispatch.now - row.oldest).total_seconds()) if row.oldest else 0
            )
            for row in rows
        ),
        {state: counts.get(state, 0) for state in OPEN_STATES},
        channels.suspended,
        channels.resting,
    )

"""What a trouble at Google means for the link: a pause, or a person must look. Appointments go on here meanwhile."""

import random
from datetime import timedelta
from uuid import UUID

from integrations.google_calendar import CalendarFailed, Fault
from runtime.runtime import Runtime
from store import audit, calendars, notifications
from store.db import Tx

FIRST, LONGEST = timedelta(seconds=5), timedelta(minutes=10)
PROBE = timedelta(hours=1)
"""How often a calendar that could not be reached is looked for again: somebody may have shared it anew."""
_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


def pause(attempts: int) -> timedelta:
    """Doubling, with jitter, so that many do not come back together."""
    span: timedelta = min(FIRST * (1 << min(attempts, 10)), LONGEST)
    return span * random.uniform(0.5, 1)  # noqa: S311  (not for secrets)


async def of_link(rt: Runtime, workspace_id: UUID, link_id: UUID, error: CalendarFailed) -> bool:
    """False: it is no trouble of the link's, but of the one event."""
    async with rt.db.transaction(workspace_id) as tx:
        link = await calendars.hold(tx, link_id)
        if link is None:
            return True
        if error.fault is Fault.REVOKED:
            await _broken(tx, link_id, "revoked", "consent_revoked")
        elif error.fault is Fault.REFUSED:
            await _broken(tx, link_id, "broken", "forbidden")
        elif error.detail in _CLIENT:
            await _broken(tx, link_id, "broken", "client_refused")
        elif error.fault is Fault.BUSY:
            await calendars.rest(tx, link_id, pause(link.attempts + 2))
        else:
            return False
        return True


async def missing(rt: Runtime, workspace_id: UUID, link_id: UUID) -> None:
    """The calendar itself is not there."""
    async with rt.db.transaction(workspace_id) as tx:
        await _broken(tx, link_id, "broken", "calendar_missing")


async def _broken(tx: Tx, link_id: UUID, state: str, reason: str) -> None:
    """People are told once; what we last read of who is busy keeps its meaning."""
    if not await calendars.set_state(tx, link_id, state, reason, PROBE):
        await calendars.later(tx, link_id, reason, PROBE)
        return
    await notifications.add(
        tx, notifications.Kind.CALENDAR, subject_id=link_id, reason=f"calendar_{reason}", roles=notifications.RUNNING
    )  # fmt: skip
    await audit.add(tx, "system", f"calendar_{state}", "calendar_link", link_id, reason=reason)

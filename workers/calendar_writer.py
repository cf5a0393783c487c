"""Writes our appointments into calendars elsewhere: each event is brought to how its appointment stands, whatever was
sent before and whatever became of it. One appointment is one event there: its id is ours, and known before it is sent."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.booking import BookingSettings
from domain.calendars import Held, title
from integrations.google_calendar import CalendarFailed, Fault, GoogleCalendar
from store import calendar_events, calendars, notifications, workspaces
from store.calendar_events import Job
from store.calendars import Link
from store.db import Tx
from workers import calendar_faults
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""Longer than a few calls may take, one after the other."""
MOST = 3
"""Ids in one go: one that somebody else's event has is passed over."""
Due = tuple[UUID, UUID, UUID]
"""(workspace, link, appointment)"""


class CalendarWriter(Worker[Due]):
    topic = "calendar events"

    async def claim(self, limit: int) -> Sequence[Due]:
        if self._rt.calendars is None:
            return ()
        async with self._rt.db.dispatch() as dispatch:
            return await calendar_events.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, link_id, appointment_id = due
        anew = False
        for _ in range(MOST):
            async with self._rt.db.transaction(workspace_id) as tx:
                link = await calendars.get(tx, link_id)
                job = await calendar_events.begin(tx, link_id, appointment_id, anew=anew)
                words = await _title(tx, link, job) if job else ""
            if job is None or link.state == "removed":
                return
            self._rt.crash("calendar_event_named")
            anew = not await self._bring(workspace_id, link, job, words)
            if not anew:
                return

    async def _bring(self, workspace_id: UUID, link: Link, job: Job, words: str) -> bool:
        """False when it needs another id."""
        assert self._rt.calendars is not None
        google = self._rt.calendars.open(link)
        try:
            stands, overruled = await _brought(google, link.calendar, job, words)
        except _OtherId as other:
            if other.overrules:
                await self._tell(workspace_id, job, "calendar_both_changed")
            return False
        except CalendarFailed as error:
            await self._failed(workspace_id, job, error)
            return True
        self._rt.crash("calendar_event_sent")
        async with self._rt.db.transaction(workspace_id) as tx:
            await calendar_events.done(tx, job, stands)
            if overruled:
                await _notify(tx, job, "calendar_both_changed")
        return True

    async def _failed(self, workspace_id: UUID, job: Job, error: CalendarFailed) -> None:
        of_link = await calendar_faults.of_link(self._rt, workspace_id, job.link_id, error)
        if error.fault is Fault.MISSING and not of_link:
            await calendar_faults.missing(self._rt, workspace_id, job.link_id)
            of_link = True
        async with self._rt.db.transaction(workspace_id) as tx:
            if error.fault is Fault.BAD and not of_link:
                await calendar_events.failed(tx, job, error.detail or error.code)
                await _notify(tx, job, "calendar_event_failed")
            else:
                await calendar_events.later(tx, job, error.code, calendar_faults.pause(job.attempts))
        logger.warning("event of appointment %s: %s", job.appointment_id, error)

    async def _tell(self, workspace_id: UUID, job: Job, reason: str) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            await _notify(tx, job, reason)


class _OtherId(Exception):
    """This event's id cannot be used (any more). `overrules`: it was deleted there while it was changed here."""

    def __init__(self, *, overrules: bool) -> None:
        super().__init__()
        self.overrules = overrules


async def _brought(google: GoogleCalendar, calendar: str, job: Job, words: str) -> tuple[Held | None, bool]:
    """How it stands now, None for gone; and whether a change of somebody's there was written over. Raise _OtherId;
    raise CalendarFailed."""
    if job.wanted is None:
        if job.event_id:
            await google.delete(calendar, job.event_id)
        return None, False
    if job.told == job.wanted and job.etag != calendar_events.DOUBTED:
        return Held(job.event_id, *job.wanted, etag=job.etag), False
    if job.told is not None:
        return await _put(google, calendar, job, job.etag)
    return await _inserted(google, calendar, job, words), False


async def _inserted(google: GoogleCalendar, calendar: str, job: Job, words: str) -> Held:
    assert job.wanted is not None
    start, end = job.wanted
    try:
        return await google.insert(calendar, job.event_id, words, start, end, str(job.appointment_id))
    except CalendarFailed as error:
        if error.fault is not Fault.DUPLICATE:
            raise
    there = await google.get(calendar, job.event_id)
    if there.gone or there.ours != str(job.appointment_id):
        raise _OtherId(overrules=False)
    if (there.start, there.end) == job.wanted:
        return there  # an earlier attempt of ours arrived after all
    return await google.put(calendar, job.event_id, start, end, words, "")


async def _put(google: GoogleCalendar, calendar: str, job: Job, etag: str) -> tuple[Held, bool]:
    """Ours wins over a change there that came in between: the customer was told a time. A person hears of it."""
    assert job.wanted is not None
    start, end = job.wanted
    try:
        return await google.put(calendar, job.event_id, start, end, None, etag), False
    except CalendarFailed as error:
        if error.fault in (Fault.MISSING, Fault.EXPIRED):
            raise _OtherId(overrules=True) from None
        if error.fault is not Fault.CHANGED:
            raise
    there = await google.get(calendar, job.event_id)
    if there.gone:
        raise _OtherId(overrules=True)
    if (there.start, there.end) == job.wanted:
        return there, False
    moved = (there.start, there.end) != job.told
    return await google.put(calendar, job.event_id, start, end, None, ""), moved


async def _title(tx: Tx, link: Link, job: Job) -> str:
    profile = (await workspaces.get(tx)).profile
    if "booking" not in profile.skills:
        return job.service
    settings = BookingSettings.model_validate(profile.skills["booking"])
    return title(link.tells, settings, profile.assistant.languages[0], job.service, job.resource, job.name)


async def _notify(tx: Tx, job: Job, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.CALENDAR, conversation_id=job.conversation_id, subject_id=job.appointment_id,
        reason=reason, roles=notifications.WORKING,
    )  # fmt: skip

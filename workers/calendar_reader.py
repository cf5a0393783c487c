"""Reads calendars elsewhere: what has changed since the last time, when Google says that something did, and now and then
in case it said so and nobody heard. Keeps the push channel alive."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_urlsafe
from uuid import UUID, uuid4

from domain.booking import BookingSettings
from domain.calendars import Held
from integrations.google_calendar import CalendarFailed, Changes, Fault, GoogleCalendar
from store import calendar_events, calendars, notifications, waiting, workspaces
from store.calendars import Link
from workers import calendar_changes, calendar_faults
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
POLL, POLL_PUSHED = timedelta(minutes=2), timedelta(minutes=10)
"""How often is asked where no push comes, and where one comes, behind it."""
FULL = timedelta(hours=24)
"""After this all of it is read again: time goes on, and the window that a sync token covers does not."""
BACK, BEYOND = timedelta(days=1), timedelta(days=8)
CHANNEL_LASTS, RENEW = timedelta(days=7), timedelta(days=1)
Due = tuple[UUID, UUID]
"""(workspace, link)"""


class CalendarReader(Worker[Due]):
    topic = "calendars"

    async def claim(self, limit: int) -> Sequence[Due]:
        if self._rt.calendars is None:
            return ()
        async with self._rt.db.dispatch() as dispatch:
            return await calendars.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, link_id = due
        try:
            await self._read(workspace_id, link_id)
        except CalendarFailed as error:
            logger.warning("calendar %s was not read: %s", link_id, error)
            if error.fault is Fault.MISSING:
                await calendar_faults.missing(self._rt, workspace_id, link_id)
            elif not await calendar_faults.of_link(self._rt, workspace_id, link_id, error):
                async with self._rt.db.transaction(workspace_id) as tx:
                    link = await calendars.get(tx, link_id)
                    span = calendar_faults.pause(link.attempts)
                    await calendars.later(tx, link_id, error.code, span)

    async def _read(self, workspace_id: UUID, link_id: UUID) -> None:
        assert self._rt.calendars is not None
        async with self._rt.db.transaction(workspace_id) as tx:
            link, now = await calendars.get(tx, link_id), tx.now
            profile = (await workspaces.get(tx)).profile
            expected = await calendar_events.expected(tx, link_id, now + BEYOND)
        if link.state == "removed":
            return
        horizon = timedelta(days=60)
        if "booking" in profile.skills:
            horizon = BookingSettings.model_validate(profile.skills["booking"]).horizon
        google = self._rt.calendars.open(link)
        window = now - BACK, now + horizon + BEYOND
        full = not link.sync_token or link.full_at is None or now - link.full_at >= FULL
        changes = None if full else await self._since(google, link)
        if changes is None:
            full, changes = True, await google.everything(link.calendar, *window)
        events = list(changes.events)
        if full:
            events += await _lost(google, link, expected, events)
        self._rt.crash("calendar_read")
        await self._take(workspace_id, link, events, full=full)
        pushed = await self._keep_channel(workspace_id, link, google)
        async with self._rt.db.transaction(workspace_id) as tx:
            again = POLL_PUSHED if pushed else POLL
            await calendars.synced(tx, link_id, changes.token, full=full, began=now, again=again)

    async def _since(self, google: GoogleCalendar, link: Link) -> Changes | None:
        """None when the token has ended."""
        try:
            return await google.changes(link.calendar, link.sync_token)
        except CalendarFailed as error:
            if error.fault not in (Fault.EXPIRED, Fault.BAD):
                raise
            return None

    async def _take(self, workspace_id: UUID, link: Link, events: Sequence[Held], *, full: bool) -> None:
        """Ours first, one by one: what becomes of one appointment stands, whatever becomes of the next."""
        async with self._rt.db.transaction(workspace_id) as tx:
            ours = await calendar_events.known(tx, link.id, [one.id for one in events])
        for one in events:
            if one.id in ours:
                await calendar_changes.take(self._rt, workspace_id, link.id, ours[one.id], one)
        async with self._rt.db.transaction(workspace_id) as tx:
            theirs = [one for one in events if one.id not in ours]
            freed, overlaps = await calendar_events.set_busy(tx, link.id, theirs, all_=full)
            for appointment_id, conversation_id in overlaps:
                await notifications.add(
                    tx, notifications.Kind.CALENDAR, conversation_id=conversation_id, subject_id=appointment_id,
                    reason="calendar_overlap", roles=notifications.WORKING,
                )  # fmt: skip
            if freed:
                await waiting.wake(tx)

    async def _keep_channel(self, workspace_id: UUID, link: Link, google: GoogleCalendar) -> bool:
        """Whether pushes come. A channel ends by itself, so that a new one is there before; what comes twice meanwhile
        is read twice and changes nothing."""
        assert self._rt.calendars is not None
        async with self._rt.db.transaction(workspace_id) as tx:
            now = tx.now
        if not self._rt.calendars.pushed:
            return False
        if link.channel_until is not None and link.channel_until - now > RENEW:
            return True
        channel_id, token = uuid4(), token_urlsafe(32)
        address = self._rt.calendars.push_url(workspace_id, link.id)
        try:
            watched = await google.watch(link.calendar, channel_id, address, token, CHANNEL_LASTS)
        except CalendarFailed as error:
            if error.fault is not Fault.BAD:
                raise
            logger.warning("calendar %s: no push, it is asked often instead: %s", link.id, error)
            return False
        async with self._rt.db.transaction(workspace_id) as tx:
            await calendars.set_channel(tx, link.id, channel_id, watched.resource, token, watched.until)
        if link.channel_id is not None:
            await google.stop(link.channel_id, link.channel_resource)
        return True


async def _lost(
    google: GoogleCalendar, link: Link, expected: Sequence[str], events: Sequence[Held]
) -> list[Held]:
    """Ours that ought to be among all events and are not: each is looked up."""
    there = {one.id for one in events}
    found: list[Held] = []
    for event_id in expected:
        if event_id in there:
            continue
        try:
            found.append(await google.get(link.calendar, event_id))
        except CalendarFailed as error:
            if error.fault not in (Fault.MISSING, Fault.EXPIRED):
                raise
            found.append(Held(event_id, None, None, gone=True, busy=False))
    return found

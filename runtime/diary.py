"""The local calendar: what the workspace's hours and the appointments in its database leave free."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.booking import Appointment, BookingSettings, Opening, Service, Window, openings
from domain.workspace import Profile
from store import appointments
from store.db import Database

LONGEST = timedelta(days=2)
"""An appointment that began this long before the window may still reach into it."""


class Diary:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def openings(
        self,
        workspace_id: UUID,
        profile: Profile,
        service: Service,
        window: Window,
        now: datetime,
        limit: int,
        besides: Collection[UUID] = (),
    ) -> Sequence[Opening]:
        settings = BookingSettings.model_validate(profile.skills["booking"])
        async with self._db.transaction(workspace_id) as tx:
            busy = await appointments.busy(tx, window.start - LONGEST, window.end, besides)
            if window.about:
                busy += await appointments.busy_about(
                    tx, window.about, window.start - LONGEST, window.end, besides
                )
        zone = ZoneInfo(profile.workspace.timezone)
        return list(islice(openings(settings, profile.hours, zone, service, busy, window, now), limit))

    async def appointments(
        self, workspace_id: UUID, contact_id: UUID, now: datetime
    ) -> Sequence[Appointment]:
        async with self._db.transaction(workspace_id) as tx:
            return await appointments.of_contact(tx, contact_id, now)

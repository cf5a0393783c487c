"""A business whose calendar is at Google, on the stage: appointments here, somebody's hands in the calendar there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.booking import HoldTime, Opening
from domain.calendars import Tells
from domain.messages import Address, Scheme
from simulators.google_calendar import Simulation
from store import appointments, calendars, contacts, conversations
from store.db import new_id
from tests.rig import NOW, Desk, new_number
from workers.calendar_reader import CalendarReader
from workers.calendar_writer import CalendarWriter

BOOKING: dict[str, Any] = {
    "booking": {
        "services": [
            {"name": "cleaning", "minutes": 45, "buffer": 10, "staff": ["Kim", "Lou"]},
            {"name": "whitening", "minutes": 60},
        ],
        "staff": [{"name": "Kim"}, {"name": "Lou"}],
        "calendar": "google", "ask_name": False,
    }
}  # fmt: skip
TOMORROW = NOW + timedelta(days=1)
"""Tuesday, ten in the morning at the business."""


@dataclass
class Linked:
    desk: Desk
    account: str

    @property
    def google(self) -> Simulation:
        return self.desk.stage.google.state

    async def connect(
        self, resource: str = "*", account: str | None = None, tells: Tells = Tells.SERVICE
    ) -> UUID:
        """As if its owner had consented."""
        token = self.google.grant(account or self.account)
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return await calendars.connect(tx, resource, "primary", tells, token)

    async def book(
        self, start: datetime = TOMORROW, resource: str = "*", service: str = "whitening", minutes: int = 60,
        talk: UUID | None = None, contact: UUID | None = None,
    ) -> UUID:  # fmt: skip
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            if contact is None:
                contact = (await contacts.hold(tx, Address(Scheme.TEL, new_number()))).contact_id
            opening = Opening(start, start + timedelta(minutes=minutes), resource, 0)
            held = HoldTime(new_id(), contact, talk, service, opening, timedelta(0), tx.now)
            return (await appointments.make(tx, held, "Ann Lee", (), "person:test")).id

    async def book_by_text(self) -> UUID:
        """A customer does, in the conversation that they have."""
        await self.desk.text("can I book a whitening tomorrow at 10am")
        await self.desk.settle()
        await self.desk.text("yes")
        await self.settle()
        (row,) = await self.desk.rows("select id from appointment where state = 'booked'")
        return UUID(str(row.id))

    async def move(self, appointment_id: UUID, start: datetime, resource: str | None = None) -> None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            mine = await appointments.take(tx, appointment_id)
            assert mine is not None
            opening = Opening(start, start + (mine.end - mine.start), resource or mine.resource, 0)
            held = HoldTime(new_id(), mine.contact_id, None, mine.service, opening, timedelta(0), tx.now)
            await appointments.move_by_person(tx, mine, held, (), "person:test")

    async def cancel(self, appointment_id: UUID) -> None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            mine = await appointments.take(tx, appointment_id)
            assert mine is not None
            await appointments.mark(tx, mine, "cancelled", "person:test")

    async def write(self) -> int:
        """The events that are due; how many there were."""
        worker = CalendarWriter(self.desk.rt, self.desk.workspace_id)
        claimed = await worker.claim(50)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    async def read(self) -> int:
        """All of them, as when somebody asks; what Google is about to say has been said before."""
        await asyncio.gather(*self.google.tasks, return_exceptions=True)
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await calendars.sync_soon(tx)
        worker = CalendarReader(self.desk.rt, self.desk.workspace_id)
        claimed = await worker.claim(50)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    async def settle(self) -> None:
        """Until both sides have said all that they have to say."""
        for _ in range(3):
            await self.desk.settle()
            await self.read()
        await self.desk.settle()

    def there(self, account: str | None = None) -> list[tuple[datetime, datetime]]:
        """Our events in the calendar, and anybody's, by time."""
        found = self.google.there(account or self.account)
        return sorted((_at(one["start"]), _at(one["end"])) for one in found)

    def ours(self, account: str | None = None) -> list[dict[str, Any]]:
        found = self.google.there(account or self.account)
        return [one for one in found if one.get("extendedProperties", {}).get("private", {}).get("frontdesk")]

    async def stands(self, appointment_id: UUID) -> tuple[str, datetime]:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            mine = await appointments.get(tx, appointment_id)
        return mine.state, mine.start

    async def links(self) -> Sequence[calendars.Link]:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return await calendars.listed(tx)

    async def told(self) -> list[str]:
        """What people of the business were told about calendars."""
        rows = await self.desk.rows(
            "select reason from notification where kind = 'calendar' order by at, reason"
        )
        return [row.reason for row in rows]

    async def events(self) -> list[Any]:
        return await self.desk.rows("select * from calendar_event order by updated_at")

    def asked(self, route: str) -> int:
        return sum(one["route"] == route for one in self.google.requests)


async def talk_of(desk: Desk) -> tuple[UUID, UUID]:
    """(conversation, contact) of the customer who wrote."""
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = (await conversations.page(tx, state=None, owner=None, before=None, limit=1))[0]
    return found.id, found.contact_id


def _at(said: dict[str, str]) -> datetime:
    return datetime.fromisoformat(said["dateTime"])

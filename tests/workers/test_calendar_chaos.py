"""Hands on both sides, and a Google in trouble: in the end both say the same, and each appointment is one event."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import Conflict
from tests.calendar_rig import BOOKING, TOMORROW, Linked
from tests.rig import NOW, Desk

MakeDesk = Callable[..., Awaitable[Desk]]
HOUR = timedelta(hours=1)
KINDS = ["status", "drop_before", "drop_after", "html_error", "bad_json", "unauthorized"]
ROUTES = [
    "events.insert",
    "events.patch",
    "events.delete",
    "events.list",
    "events.get",
    "oauth.token",
    "events.watch",
]
STATUSES = [403, 429, 500, 503]


class Hands:
    def __init__(self, linked: Linked, seed: int) -> None:
        self.linked, self.random = linked, random.Random(seed)
        self.appointments: list[UUID] = []

    def _start(self) -> datetime:
        return TOMORROW + self.random.randrange(40) * HOUR

    async def anything(self) -> None:
        await self.random.choice(
            [self.book, self.book, self.move, self.cancel, self.move_there, self.delete_there, self.busy_there,
             self.trouble, self.trouble, self.work, self.work, self.work]
        )()  # fmt: skip

    async def book(self) -> None:
        try:
            self.appointments.append(await self.linked.book(self._start()))
        except Conflict:
            return

    async def move(self) -> None:
        try:
            if self.appointments:
                await self.linked.move(self.random.choice(self.appointments), self._start())
        except Conflict:
            return

    async def cancel(self) -> None:
        try:
            if self.appointments:
                await self.linked.cancel(self.random.choice(self.appointments))
        except Conflict:
            return

    async def move_there(self) -> None:
        if ours := self.linked.ours():
            start = self._start()
            times = {
                "start": {"dateTime": start.isoformat()},
                "end": {"dateTime": (start + HOUR).isoformat()},
            }
            self.linked.google.change_event(self.linked.account, self.random.choice(ours)["id"], **times)

    async def delete_there(self) -> None:
        if ours := self.linked.ours():
            self.linked.google.delete_event(self.linked.account, self.random.choice(ours)["id"])

    async def busy_there(self) -> None:
        start = self._start()
        self.linked.google.add_event(self.linked.account, start, start + HOUR)
        if self.random.random() < 0.2:
            self.linked.google.forget_tokens(self.linked.account)

    async def trouble(self) -> None:
        rule = {
            "kind": self.random.choice(KINDS),
            "route": self.random.choice(ROUTES),
            "count": self.random.randint(1, 3),
        }
        if rule["kind"] == "status":
            rule["status"] = self.random.choice(STATUSES)
        self.linked.google.chaos.load([rule])

    async def work(self) -> None:
        self.linked.google.lose_pushes = self.random.random() < 0.5
        if self.random.random() < 0.3:
            self.linked.google.expire_access()
        for step in self.random.sample([self.linked.write, self.linked.read], 2):
            await step()
        self.linked.desk.wait(minutes=self.random.randrange(12))


@pytest.mark.parametrize(
    "seeds", [range(6), pytest.param(range(6, 46), marks=pytest.mark.slow)], ids=["few", "many"]
)
async def test_both_sides_agree_in_the_end(make_desk: MakeDesk, seeds: range) -> None:
    for seed in seeds:
        linked = Linked(await make_desk(skills=BOOKING), f"owner-{uuid4().hex[:8]}@example.com")
        linked.desk.stage.clock.frozen = NOW
        await linked.connect()
        hands = Hands(linked, seed)
        for _ in range(40):
            await hands.anything()
        linked.google.chaos.reset()
        for _ in range(5):
            linked.desk.wait(minutes=11)
            await linked.write()
            await linked.read()
        await _agree(linked, hands, seed)


async def _agree(linked: Linked, hands: Hands, seed: int) -> None:
    there = sorted(
        (one["extendedProperties"]["private"]["frontdesk"], datetime.fromisoformat(one["start"]["dateTime"]))
        for one in linked.ours()
    )
    stands = {one: await linked.stands(one) for one in hands.appointments}
    here = sorted((str(one), start) for one, (state, start) in stands.items() if state == "booked")
    assert there == here, f"seed {seed}"
    assert {one.state for one in await linked.links()} == {"connected"}, f"seed {seed}"
    busy = {row.event_id for row in await linked.desk.rows("select event_id from calendar_busy")}
    ours = {one["id"] for one in linked.ours()}
    assert busy == {one["id"] for one in linked.google.there(linked.account)} - ours, f"seed {seed}"
    assert linked.desk.rt.calendars is not None
    await linked.desk.rt.calendars.close()

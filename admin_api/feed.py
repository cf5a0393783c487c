"""Who follows which workspace's events in this process. A hint makes a hall look; what it finds is read and shown once,
for everybody in it. Nothing is kept for who is slow but their place: they read on from there, alone."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.errors import TooMany
from domain.ports import Waker
from runtime.wake import DELIVERIES, EVENTS, TURNS
from store import events
from store.db import UNAVAILABLE, Database
from store.events import Place

logger = logging.getLogger(__name__)

PAGE = 100
KEPT = 500
"""Frames that a hall keeps: who is further behind asks the database."""
MOST_SEATS = 50
"""Connections of one workspace to one process."""
_BREATH_S = 0.02
"""Between two looks: hints come in swarms."""
_AGAIN_S = 0.05
"""Something is there that an older transaction still holds back."""


@dataclass(frozen=True, slots=True)
class Frame:
    place: Place
    at: datetime
    text: str
    only: UUID | None = None
    """For this person's eyes."""


Load = Callable[[UUID, Place, int], Awaitable[Sequence[Frame]]]
"""(workspace, after, at most) → what follows, in order."""


@dataclass(slots=True, eq=False)
class Seat:
    """One connection. `place` is that of the last frame that was handed to it."""

    place: Place
    at: datetime
    """When that was."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Hall:
    """The seats of one workspace, and the frames after `_first`, up to `last`."""

    def __init__(self, last: Place, load: Callable[[Place, int], Awaitable[Sequence[Frame]]]) -> None:
        self._load, self._first, self.last = load, last, last
        self.seats: set[Seat] = set()
        self._kept: deque[Frame] = deque()
        self._stale = True
        self._one = asyncio.Lock()

    def look(self) -> None:
        """There is something new."""
        self._stale = True
        for seat in self.seats:
            seat.news.set()

    async def frames(self, seat: Seat) -> AsyncIterator[Sequence[Frame]]:
        """For ever: what this seat has not been handed yet, in order."""
        while True:
            seat.news.clear()
            found = await self._after(seat.place)
            if found:
                seat.place, seat.at = found[-1].place, found[-1].at
                yield found
            else:
                await seat.news.wait()

    async def _after(self, place: Place) -> Sequence[Frame]:
        if place < self._first:
            return await self._load(place, PAGE)
        if found := self._known(place):
            return found
        async with self._one:
            while not (found := self._known(place)) and self._stale:
                await self._read()
        return found

    def _known(self, place: Place) -> Sequence[Frame]:
        found: deque[Frame] = deque()
        for frame in reversed(self._kept):
            if frame.place <= place or len(found) == KEPT:
                break
            found.appendleft(frame)
        return list(found)

    async def _read(self) -> None:
        self._stale = False
        try:
            page = await self._load(self.last, PAGE)
        except BaseException:
            self._stale = True
            raise
        self._stale = self._stale or len(page) == PAGE
        for frame in page:
            self._kept.append(frame)
            self.last = frame.place
            if len(self._kept) > KEPT:
                self._first = self._kept.popleft().place


class Feed:
    """The halls of this process."""

    def __init__(self, db: Database, wake: Waker, load: Load, *, poll_s: float, most_seats: int) -> None:
        self._db, self._wake, self._load = db, wake, load
        self._poll_s, self._most_seats = poll_s, most_seats
        self._halls: dict[UUID, Hall] = {}
        self._hinted = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def check(self, workspace_id: UUID) -> None:
        """Raise TooMany when nobody else can follow this workspace here."""
        hall = self._halls.get(workspace_id)
        if hall and len(hall.seats) >= self._most_seats:
            raise TooMany(f"more than {self._most_seats} connections follow this workspace", 30)

    @contextmanager
    def enter(
        self, workspace_id: UUID, place: Place, at: datetime, now: Place
    ) -> Iterator[tuple[Hall, Seat]]:
        """A seat, until the block ends. `now` is where the log stands. Raise TooMany."""
        self.check(workspace_id)
        hall = self._halls.get(workspace_id)
        if hall is None:
            hall = self._halls[workspace_id] = Hall(
                now, lambda after, limit: self._load(workspace_id, after, limit)
            )
        seat = Seat(place, at)
        hall.seats.add(seat)
        self._start()
        try:
            yield hall, seat
        finally:
            hall.seats.discard(seat)
            if not hall.seats:
                self._halls.pop(workspace_id, None)

    async def close(self) -> None:
        if self._watcher is None:
            return
        for topic in (TURNS, DELIVERIES, EVENTS):
            self._wake.unhear(topic, self._hear)
        self._watcher.cancel()
        with suppress(asyncio.CancelledError):
            await self._watcher
        self._watcher = None

    def _start(self) -> None:
        if self._watcher is None:
            for topic in (TURNS, DELIVERIES, EVENTS):
                self._wake.hear(topic, self._hear)
            self._watcher = asyncio.create_task(self._watch(), name="events")

    def _hear(self, name: str) -> None:
        if self._halls:
            self._hinted.set()

    async def _watch(self) -> None:
        """A hint can be lost, and many changes give none: one question for all halls finds them."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hinted.wait(), self._poll_s)
            self._hinted.clear()
            if self._halls:
                try:
                    await self._look()
                except UNAVAILABLE as error:
                    logger.warning("the database is away: %s", type(error).__name__)
                    await asyncio.sleep(self._poll_s)
            await asyncio.sleep(_BREATH_S)

    async def _look(self) -> None:
        async with self._db.dispatch() as dispatch:
            moved = await events.moved(dispatch, {key: hall.last for key, hall in self._halls.items()})
        for key, readable in moved.items():
            if readable and (hall := self._halls.get(key)):
                hall.look()
        if not all(moved.values()):
            asyncio.get_running_loop().call_later(_AGAIN_S, self._hinted.set)

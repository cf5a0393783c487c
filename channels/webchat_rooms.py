"""Who is connected to this process, and what they have not been sent yet. A hint makes a room look; what it finds is
read once and given to all its tabs. Everything of a message comes from the store: nothing is lost with a room."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from channels.webchat_frames import AUTHORS, HEARTBEAT_S, show, write
from domain.errors import TooMany
from store.db import UNAVAILABLE
from store.visitors import Line, Standing

logger = logging.getLogger(__name__)

PAGE = 50
"""Messages that are read at once for one tab."""
MOST_WAITING = 32
"""Frames of the moment that may wait for one tab; messages wait in the store."""
MOST_TABS = 12

Load = Callable[[int, int], Awaitable[tuple[Standing, Sequence[Line]]]]
"""(after, at most) → how far the visitor has come, and what was shown since."""


@dataclass(slots=True, eq=False)
class Tab:
    """One connection of a visitor. `cursor` is the seq of the last message that was handed to it."""

    cursor: int
    waiting: deque[str] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    overrun: bool = False
    greeted: bool = False

    def put(self, frame: str) -> None:
        """A frame that is of this moment only. Who does not take them is let go, and resumes."""
        if len(self.waiting) >= MOST_WAITING:
            self.overrun = True
        else:
            self.waiting.append(frame)
        self.news.set()


class Room:
    """The tabs of one visitor."""

    def __init__(self, key: bytes, load: Load, page: int) -> None:
        self.key, self._load, self._at_once, self._owner = key, load, page, ""
        self.tabs: set[Tab] = set()
        self.seen = self.read = 0
        """Up to where it was reported as shown and as read."""
        self.last = 0
        self._stale = True
        self._page: Sequence[Line] = ()
        self._one = asyncio.Lock()

    def look(self) -> None:
        """There may be something new."""
        self._stale = True
        for tab in self.tabs:
            tab.news.set()

    def tell(self, frame: str, but: Tab | None = None) -> None:
        for tab in self.tabs:
            if tab is not but:
                tab.put(frame)

    async def frames(self, tab: Tab) -> AsyncIterator[list[str]]:
        """For ever: what this tab has not been handed yet, in order. Ends when it takes too little."""
        while not tab.overrun:
            tab.news.clear()
            lines = await self._after(tab.cursor)
            said = [*self._greeting(tab), *tab.waiting, *(write(plain(one)) for one in lines)]
            tab.waiting.clear()
            if lines:
                tab.cursor = lines[-1].seq
            if said:
                yield said
            else:
                await tab.news.wait()

    def _greeting(self, tab: Tab) -> list[str]:
        """Once, when it is known how far the visitor has come: nobody resumes from beyond that."""
        if tab.greeted:
            return []
        tab.greeted, tab.cursor = True, min(tab.cursor, self.last)
        return [show("ready", last_seq=self.last, owner=self._owner, heartbeat_s=HEARTBEAT_S)]

    async def _after(self, after: int) -> Sequence[Line]:
        if found := self._kept(after):
            return found
        async with self._one:
            if found := self._kept(after):
                return found
            if not self._stale and after >= self.last:
                return ()
            return await self._read(after)

    def _kept(self, after: int) -> Sequence[Line]:
        page = self._page
        if not page or not page[0].seq <= after + 1 <= page[-1].seq:
            return ()
        return page[after + 1 - page[0].seq :]

    async def _read(self, after: int) -> Sequence[Line]:
        self._stale = False
        try:
            standing, page = await self._load(after, self._at_once)
        except BaseException:
            self._stale = True
            raise
        self.last = max(self.last, standing.last_seq)
        if page and page[-1].seq == self.last:
            self._page = page[-4:]
        if standing.owner != self._owner:
            if self._owner:
                self.tell(show("status", owner=standing.owner))
            self._owner = standing.owner
        return page


def plain(line: Line) -> dict[str, Any]:
    """The line as a message frame."""
    frame = {
        "type": "message", "seq": line.seq, "author": AUTHORS[line.author], "text": line.text,
        "at": line.at.isoformat(),
    }  # fmt: skip
    more = {"id": line.client_id, "attachments": [dict(one) for one in line.files]}
    return frame | {name: value for name, value in more.items() if value}


class Rooms:
    """Of this process."""

    def __init__(
        self, moved: Callable[[list[bytes]], Awaitable[dict[bytes, int]]], poll_s: float, page: int
    ) -> None:
        self._moved, self._poll_s, self._page = moved, poll_s, page
        self._rooms: dict[str, Room] = {}
        self._polling: asyncio.Task[None] | None = None

    @property
    def tabs(self) -> int:
        return sum(len(room.tabs) for room in self._rooms.values())

    def hear(self, visitor: str) -> None:
        """A hint came: the visitor has something new."""
        if room := self._rooms.get(visitor):
            room.look()

    def find(self, visitor: str) -> Room | None:
        return self._rooms.get(visitor)

    def check(self, visitor: str) -> None:
        """Raise TooMany when this visitor has too many tabs open."""
        if (room := self._rooms.get(visitor)) and len(room.tabs) >= MOST_TABS:
            raise TooMany("this chat is open too often", 30)

    @contextmanager
    def enter(self, visitor: str, key: bytes, load: Load, after: int) -> Iterator[tuple[Room, Tab]]:
        """A tab of this visitor, until the block ends. Raise TooMany."""
        self.check(visitor)
        room = self._rooms.setdefault(visitor, Room(key, load, self._page))
        tab = Tab(after)
        room.tabs.add(tab)
        room.look()
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="webchat poll")
        try:
            yield room, tab
        finally:
            room.tabs.discard(tab)
            if not room.tabs:
                self._rooms.pop(visitor, None)

    async def close(self) -> None:
        if self._polling:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling

    async def _poll(self) -> None:
        """A hint can be lost; one question for all rooms finds what it spoke of."""
        while True:
            await asyncio.sleep(self._poll_s)
            if not self._rooms:
                continue
            try:
                moved = await self._moved([room.key for room in self._rooms.values()])
            except UNAVAILABLE as error:
                logger.warning("the database is away: %s", type(error).__name__)
                continue
            for room in list(self._rooms.values()):
                if moved.get(room.key, 0) > room.last:
                    room.look()

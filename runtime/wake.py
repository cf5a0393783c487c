"""Hints that there is work. Redis carries them between processes; without Redis, polling finds the work.

A topic is one of a few that somebody waits for ("turns"), or "family:name", where the names are many and come and
go. Both can be heard as well: all of a family by one."""

import asyncio
import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import Callable

import redis.asyncio as redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

INBOX = "inbox"
"""Something was acknowledged and waits to be read."""
TURNS, DELIVERIES = "turns", "deliveries"
DOCUMENTS, KNOWLEDGE = "documents", "knowledge"
"""A document wants to be read; passages want vectors."""
LISTINGS = "listings"
"""Listings want vectors."""
VISITORS = "visitor"
"""The family of visitors of web chats: somebody has something new to see."""
EVENTS = "events"
"""Something was logged that no other hint speaks of: who follows events looks."""
_PREFIX = "frontdesk:wake:"
BREATH_S = 0.005
"""Between hints of a process: what comes meanwhile on a busy one needs to be said once."""


class LocalWake:
    """Within one process."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._heard: dict[str, list[Callable[[str], None]]] = defaultdict(list)

    async def wake(self, topic: str) -> None:
        family, colon, name = topic.partition(":")
        if not colon:
            self._events[topic].set()
        for heard in self._heard.get(family, ()):
            heard(name)

    def hear(self, family: str, heard: Callable[[str], None]) -> None:
        """From now on `heard` gets the name of every topic of this family that is woken ("" of one without a name).
        Inside a running loop."""
        self._heard[family].append(heard)

    def unhear(self, family: str, heard: Callable[[str], None]) -> None:
        self._heard[family].remove(heard)

    async def wait(self, topic: str, timeout_s: float) -> bool:
        """Until woken (True), or until the time is over; hints that came meanwhile count."""
        event = self._events[topic]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout_s)
        woken = event.is_set()
        event.clear()
        return woken

    async def state(self) -> str:
        """For /readyz."""
        return "none (work is found by polling)"

    async def close(self) -> None:
        """Nothing to close."""


class RedisWake(LocalWake):
    """Through Redis' publish and subscribe. While Redis is away a hint is lost, never work."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
        self._listener: asyncio.Task[None] | None = None
        self._teller: asyncio.Task[None] | None = None
        self._untold: set[str] = set()
        self._wanted: set[str] = set()
        """Patterns of what somebody here waits for or hears; Redis tells us nothing else."""
        self._me = os.urandom(8)

    async def wake(self, topic: str) -> None:
        """Nobody waits for Redis: while it is slow, hints of the same kind become one."""
        await super().wake(topic)
        self._untold.add(topic)
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell(), name="tell")

    async def _tell(self) -> None:
        while self._untold:
            topics, self._untold = self._untold, set()
            try:
                for topic in topics:
                    await self._redis.publish(_PREFIX + topic, self._me)
            except (RedisError, OSError) as error:
                logger.warning("redis is away, work waits for the poll: %s", type(error).__name__)
            await asyncio.sleep(BREATH_S)

    async def wait(self, topic: str, timeout_s: float) -> bool:
        self._start(topic)
        return await super().wait(topic, timeout_s)

    def hear(self, family: str, heard: Callable[[str], None]) -> None:
        super().hear(family, heard)
        self._start(family, f"{family}:*")

    def _start(self, *patterns: str) -> None:
        self._wanted.update(patterns)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="wake")

    async def state(self) -> str:
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            return f"unreachable ({type(error).__name__})"
        return "ok"

    async def close(self) -> None:
        if self._teller:
            await asyncio.wait([self._teller], timeout=2)
        for task in (self._teller, self._listener):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._redis.aclose()

    async def _listen(self) -> None:
        """For ever: subscribe, pass hints on, and subscribe again when Redis comes back."""
        while True:
            try:
                await self._pass_on()
            except (RedisError, OSError) as error:
                logger.warning("redis is away, polling meanwhile: %s", type(error).__name__)
                await asyncio.sleep(1)

    async def _pass_on(self) -> None:
        asked = set[str]()
        async with self._redis.pubsub() as subscription:
            while True:
                if new := self._wanted - asked:
                    await subscription.psubscribe(*(_PREFIX + one for one in new))
                    asked |= new
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=0.5)
                if message is not None and message["data"] != self._me:
                    topic = bytes(message["channel"]).decode().removeprefix(_PREFIX)
                    await LocalWake.wake(self, topic)


Wake = LocalWake


def open_wake(url: str | None) -> Wake:
    return RedisWake(url) if url else LocalWake()

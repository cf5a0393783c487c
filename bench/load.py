"""Customers and people at work: bursts, duplicates, STOP and START, drafts approved twice at once, replies typed."""

import asyncio
import contextlib
import itertools
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from bench.crew import Business, Crew
from simulators.twilio import handsets

QUESTIONS = (
    "what are your opening hours?", "are you open on saturday?", "hi there", "do you fix pianos?",
    "can I book a cleaning for tuesday at 3pm?", "thanks a lot", "how much is a checkup?", "where are you?",
)  # fmt: skip
STOPS = ("please stop texting me", "STOP", "no more messages please", "take me off your list")
LETTERS_OF_A_LIFE = 5
"""Texts after which a customer is replaced by a new one."""


@dataclass(slots=True)
class Text:
    """What a customer sent, and what our webhook said to it."""

    business: Business
    handset: str
    sid: str
    body: str
    at: float
    statuses: list[int] = field(default_factory=list)
    ack_ms: float = 0

    @property
    def acknowledged(self) -> bool:
        return any(200 <= status < 300 for status in self.statuses)


@dataclass(slots=True)
class Load:
    """`rate` customers' texts a second over all businesses, until stopped."""

    crew: Crew
    random: random.Random
    rate: float
    texts: list[Text] = field(default_factory=list)
    people_said: int = 0
    """What people did through the API and were told is done: drafts approved and replies written."""
    conflicts: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(3_000_000))
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        self._stop.clear()
        for business in self.crew.businesses:
            self._spawn(self._customers(business))
        self._spawn(self._person())

    async def stop(self) -> None:
        self._stop.set()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def new_handset(self) -> str:
        return f"+1512{next(self._numbers)}"

    async def text(self, business: Business, handset: str, words: str, times: int = 1) -> Text:
        """Words made unmistakable by a number, through the provider to our webhook."""
        simulation = self.crew.provider.state
        sent = Text(business, handset, simulation.sid("SM"), words, time.time())
        self.texts.append(sent)
        asked = handsets.Text(to=business.number, body=sent.body, times=times, message_sid=sent.sid)
        _, deliveries = await handsets.send(simulation, handset, asked)
        sent.statuses = [one.status or 0 for one in deliveries]
        sent.ack_ms = max(one.ms for one in deliveries)
        return sent

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _customers(self, business: Business) -> None:
        pause = 1.6 * len(self.crew.businesses) / self.rate  # a visit is 1.6 texts
        lives: dict[str, int] = {self.new_handset(): 0 for _ in range(6)}
        while not await self._rest(self.random.uniform(0.5, 1.5) * pause):
            handset = self.random.choice(list(lives))
            lives[handset] += 1
            if lives[handset] > LETTERS_OF_A_LIFE:
                del lives[handset]
                lives[self.new_handset()] = 0
            self._spawn(self._visit(business, handset))

    async def _visit(self, business: Business, handset: str) -> None:
        dice = self.random.random()
        if dice < 0.08:
            await self.text(business, handset, self.random.choice(STOPS))
            if self.random.random() < 0.5:
                await self._rest(self.random.uniform(0, 2))
                await self.text(business, handset, "START")
            return
        burst = self.random.choice((1, 1, 1, 2, 2, 3))
        for _ in range(burst):
            words = f"{self.random.choice(QUESTIONS)} #{len(self.texts)}"
            times = self.random.choice((2, 3, 5)) if self.random.random() < 0.15 else 1
            self._spawn(self.text(business, handset, words, times))
            await self._rest(self.random.uniform(0, 0.3))
        if dice > 0.92:  # the STOP that races the answer
            await self._rest(self.random.uniform(0, 0.8))
            await self.text(business, handset, self.random.choice(STOPS))

    async def _person(self) -> None:
        """Looks at every business in turn: approves what waits (two people at once), rejects some, writes some."""
        for business in itertools.cycle(self.crew.businesses):
            if await self._rest(0.3):
                return
            with contextlib.suppress(httpx2.HTTPError):
                await self._look_after(business)

    async def _look_after(self, business: Business) -> None:
        waiting = await self._ask("GET", business, "/drafts?state=pending&limit=20")
        for draft in waiting.json()["items"] if waiting.status_code == 200 else ():
            path, dice = f"/drafts/{draft['id']}", self.random.random()
            if dice < 0.1:
                await self._insist(business, f"{path}/reject", {})
            else:
                words = {"text": f"{draft['text']} (seen)"} if dice < 0.3 else {}
                await asyncio.gather(*(self._insist(business, f"{path}/approve", words) for _ in range(2)))
        if self.random.random() < 0.15:
            found = await self._ask("GET", business, "/conversations?limit=20")
            rows = found.json()["items"] if found.status_code == 200 else []
            if rows:
                path = f"/conversations/{self.random.choice(rows)['id']}"
                await self._insist(
                    business, f"{path}/messages", {"text": f"This is Olive. #{len(self.texts)}"}
                )
                if self.random.random() < 0.5:
                    await self._insist(business, f"{path}/release", {})

    async def _insist(self, business: Business, path: str, body: dict[str, str]) -> None:
        """As a careful program does: the same request with the same key until it is answered."""
        key = f"{self.random.getrandbits(64):x}"
        for _ in range(4):
            with contextlib.suppress(httpx2.HTTPError):
                reply = await self._ask("POST", business, path, body, key)
                if reply.status_code < 500:
                    self.people_said += reply.is_success
                    self.conflicts += reply.status_code == 409
                    return
            await asyncio.sleep(0.5)

    async def _ask(
        self, method: str, business: Business, path: str, body: dict[str, str] | None = None, key: str = ""
    ) -> httpx2.Response:
        url = f"{self.crew.url(business.web)}/api/v1/workspaces/{business.id}{path}"
        headers = {"X-API-Key": business.api_key} | ({"Idempotency-Key": key} if key else {})
        return await self.crew.rt.http.request(method, url, json=body, headers=headers, timeout=15)

    async def _rest(self, seconds: float) -> bool:
        """Return whether it is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

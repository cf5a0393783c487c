"""What a worker is: it claims pieces of work that are due, does one of them at a time, and has a loop that keeps it at
work."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from runtime.runtime import Runtime
from workers.loop import Loop

T = TypeVar("T")


class Worker(ABC, Generic[T]):
    """Works for every workspace, or for `only` this one."""

    topic: ClassVar[str]
    at_once: ClassVar[int] = 16
    """So many pieces at the same time."""

    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        self._rt, self._only = rt, only

    def loop(self) -> Loop[T]:
        wake, poll_s = self._rt.wake, self._rt.settings.poll_s
        return Loop(self.topic, self.claim, self.work, self.next_due_s, wake, poll_s, self.at_once)

    @abstractmethod
    async def claim(self, limit: int) -> Sequence[T]:
        """At most `limit` pieces, which nobody else gets for a while."""

    @abstractmethod
    async def work(self, due: T) -> None:
        """One piece. It answers for its own failures."""

    async def next_due_s(self) -> float | None:
        """Seconds until the next piece is due, if one is known."""
        return None

"""What the rooms ask of the world, said without naming who provides it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.turn import Passage, Understanding
from domain.workspace import Profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Clock(Protocol):
    """`frozen` is None when the database's own clock is the truth; tests hand in an instant instead."""

    @property
    def frozen(self) -> datetime | None: ...


class Understander(Protocol):
    """Text to meaning. Must answer for any text."""

    def prepare(self, profile: Profile) -> None:
        """Whatever takes long before this business's first message. Called on a thread of its own; may be
        called again and again, and then costs nothing."""

    def understand(self, text: str, profile: Profile, now: datetime) -> Understanding: ...


class Embedder(Protocol):
    """Text to vectors of unit length, so that a dot product is a cosine."""

    @property
    def model(self) -> str:
        """Names what makes the vectors; two vectors are comparable only under one name."""

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Shape (len(texts), dimensions). Raise TurnFailed when the provider does not answer."""


class Retriever(Protocol):
    """The workspace's knowledge, best first, scores 0..1."""

    async def search(self, workspace_id: UUID, question: str, limit: int) -> Sequence[Passage]: ...


class Waker(Protocol):
    """A hint that there is work. Losing one costs a poll's time, never work."""

    async def wake(self, topic: str) -> None: ...

    async def wait(self, topic: str, timeout_s: float) -> bool: ...

    def hear(self, family: str, heard: Callable[[str], None]) -> None: ...

    def unhear(self, family: str, heard: Callable[[str], None]) -> None: ...

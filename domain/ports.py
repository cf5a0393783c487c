"""What the rooms ask of the world, said without naming who provides it."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from domain.booking import Appointment, Opening, Service, Window
from domain.callback import Awaited
from domain.identity import Way
from domain.listings.home import Listing
from domain.listings.search import Change, Found, Wanted
from domain.llm import Allowance, Answer, Call, Ended, Piece, Request, Standing
from domain.money import Quote
from domain.money import Standing as Funds
from domain.payment import Due
from domain.portfolio import Account
from domain.turn import Passage, Understanding
from domain.workspace import Profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from domain.actions import ActionSettings, ServerSettings


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


class LLM(Protocol):
    """A language model. It proposes; nothing that it says is believed before code has looked at it."""

    @property
    def model(self) -> str:
        """provider:model, as the settings name it."""

    async def ask(self, request: Request) -> Answer:
        """One answer, read into the shape that was wanted. Raise ModelFailed."""

    def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The words as they come, then the whole answer. Raise ModelFailed; words that came before it are void."""


class Provider(LLM, Protocol):
    """One model at one provider, asked once: trying again, and asking another, is the chain's."""

    @property
    def headroom(self) -> int:
        """Tokens that it may spend beyond those asked for, on thoughts that nobody sees."""

    async def check(self) -> str:
        """That the key opens the server and the model is there. Raise ModelFailed."""


class Ledger(Protocol):
    """What models cost, by business and conversation, and whether there is any left."""

    async def standing(self, workspace_id: UUID, allowance: Allowance) -> Standing: ...

    async def begin(self, call: Call) -> UUID:
        """Hold the most that the call can cost. Raise ModelFailed(BUDGET) when that is more than is left."""

    async def end(self, workspace_id: UUID, call_id: UUID, ended: Ended) -> None: ...


class AnswerCache(Protocol):
    """Answers that may be given again: to the same question, of the same knowledge, without anybody's data."""

    async def get(self, workspace_id: UUID, key: str) -> str | None: ...

    async def put(self, workspace_id: UUID, key: str, answer: str, keep_s: float) -> None: ...


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

    async def search(
        self, workspace_id: UUID, question: str, limit: int, *, asked_as: str = ""
    ) -> Sequence[Passage]:
        """`question` holds the words to look for; `asked_as` is the sentence whose meaning counts, when it is another."""


class Calendar(Protocol):
    """A business's appointments. Reads only: what is to change is an effect of the turn."""

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
        """The first `limit` times at which the service can be booked within the window, earliest first. What these
        runs hold and these appointments take is in nobody's way."""

    async def appointments(
        self, workspace_id: UUID, contact_id: UUID, now: datetime
    ) -> Sequence[Appointment]:
        """The customer's own that are booked and not over, earliest first."""


class Identities(Protocol):
    """Where a one-time code can be sent. Reads only: sending is an effect of the turn."""

    async def way(self, workspace_id: UUID, contact_id: UUID, thread_id: UUID) -> Way | None:
        """A verified address of this contact other than the one they write from in this thread; None when there is
        none, or too many codes were sent."""


class Portfolio(Protocol):
    """What a customer holds, wherever it comes from. Reads only."""

    async def accounts(self, workspace_id: UUID, contact_id: UUID) -> Sequence[Account]:
        """The contact's own, priced as far as prices are known."""


class Moneys(Protocol):
    """What a client can move, and what they have asked for. Reads only: moving is an effect of the turn."""

    async def standing(self, workspace_id: UUID, contact_id: UUID) -> Funds: ...

    async def quote(self, symbol: str) -> Quote | None:
        """What one costs now; None when there is no such symbol, or nobody to ask."""


class Actions(Protocol):
    """Servers of others that carry out what a workspace has declared."""

    async def call(
        self, workspace_id: UUID, server: "ServerSettings", action: "ActionSettings", body: Mapping[str, Any], key: str
    ) -> Any:  # fmt: skip
        """Its answer, as JSON. `key` is the same for the same call, however often it is made. Raise ActionFailed."""


class Payments(Protocol):
    """What a customer is asked to pay. Reads only: asking is an effect of the turn."""

    async def due(self, workspace_id: UUID, contact_id: UUID) -> Due: ...


class Calls(Protocol):
    """Who waits for a call. Reads only: what is to change is an effect of the turn."""

    async def standing(self, workspace_id: UUID, contact_id: UUID) -> Awaited: ...


class Homes(Protocol):
    """Homes that the business lists. Reads only: a shortlist changes by an effect of the turn."""

    async def find(
        self, workspace_id: UUID, wanted: Wanted, limit: int, besides: Collection[str] = ()
    ) -> Found:
        """The best of what fits, those in `besides` left out: nearest to the wishes first, else the newest."""

    async def changes(self, workspace_id: UUID, wanted: Wanted) -> Sequence[Change]:
        """Each single thing that, being a little different, would let some home fit."""

    async def get(self, workspace_id: UUID, keys: Sequence[str]) -> Sequence[Listing]:
        """As they stand now, in this order."""

    async def at_address(self, workspace_id: UUID, number: str, street: str) -> Sequence[Listing]:
        """Those at this house number and street, whatever becomes of them; for sale first."""

    async def places(self, workspace_id: UUID, said: str) -> Sequence[str]:
        """Neighbourhoods, cities and postal codes of homes for sale that these words name, in small letters."""

    async def sold(
        self, workspace_id: UUID, latitude: float, longitude: float, miles: float, since: date
    ) -> Sequence[tuple[Listing, float]]:
        """Homes sold since that day not farther away, each with its distance in miles."""

    async def middle(self, workspace_id: UUID, places: Sequence[str]) -> tuple[float, float] | None:
        """Latitude and longitude of the middle of the homes there; None when none is known."""

    async def shortlist(self, workspace_id: UUID, contact_id: UUID) -> Sequence[Listing]: ...


class Waker(Protocol):
    """A hint that there is work. Losing one costs a poll's time, never work."""

    async def wake(self, topic: str) -> None: ...

    async def wait(self, topic: str, timeout_s: float) -> bool: ...

    def hear(self, family: str, heard: Callable[[str], None]) -> None: ...

    def unhear(self, family: str, heard: Callable[[str], None]) -> None: ...

"""Models one after the other within one deadline: each tried again with jitter where that may help, left alone while
it keeps failing, paid for in the ledger. When the last one fails the caller goes on without a model."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from uuid import UUID

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential_jitter

from dialogue.llm_breaker import Breaker
from dialogue.llm_checks import checked, looping
from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Call, Ended, Piece, Price, Request, Usage
from domain.ports import Ledger, Provider

logger = logging.getLogger(__name__)

AGAIN = frozenset({Trouble.TIMEOUT, Trouble.UNREACHABLE, Trouble.RATE_LIMITED, Trouble.OVERLOADED})
"""What a moment may mend."""
ONCE_MORE = frozenset({Trouble.BAD_JSON, Trouble.EMPTY, Trouble.LOOPING})
"""What the same model may do better the second time, not the third."""
ATTEMPTS, ATTEMPTS_ODD = 3, 2
SHARE = 0.6
"""Of the time that is left, for a model that has another behind it."""
LEAST_S = 0.5
"""With less time than this nobody is asked."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 4.0
PER_CHARACTER = 2
"""Characters a token, at the least that is likely: what is reserved is rather too much."""


class Chain:
    """`links` in the order of preference; prices by model."""

    def __init__(
        self,
        links: Sequence[Provider],
        ledger: Ledger,
        prices: Mapping[str, Price],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.links = tuple(links)
        self._ledger, self._prices, self._now = ledger, prices, now
        self._breakers = {link.model: Breaker(now) for link in links}

    @property
    def model(self) -> str:
        return ",".join(link.model for link in self.links)

    def resting(self, model: str) -> bool:
        breaker = self._breakers[model]
        return breaker.until > self._now()

    async def ask(self, request: Request) -> Answer:
        until = self._now() + request.seconds
        failed: ModelFailed | None = None
        for place, link in enumerate(self.links):
            left = self._share(until, place)
            if left < LEAST_S:
                break
            try:
                return await self._insist(link, request, self._now() + left)
            except ModelFailed as error:
                failed = error
                logger.warning("model %s: %s", error.model, error)
        raise failed or ModelFailed(Trouble.TIMEOUT, self.model, "there is no time left")

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """The next model takes over only as long as no word has left; after that a failure is one."""
        until = self._now() + request.seconds
        failed: ModelFailed | None = None
        for place, link in enumerate(self.links):
            begun, left = False, self._share(until, place)
            if left < LEAST_S:
                break
            try:
                async for piece in self._streamed(link, request, self._now() + left):
                    begun = True
                    yield piece
                return
            except ModelFailed as error:
                if begun:
                    raise
                failed = error
                logger.warning("model %s: %s", error.model, error)
        raise failed or ModelFailed(Trouble.TIMEOUT, self.model, "there is no time left")

    def _share(self, until: float, place: int) -> float:
        left = until - self._now()
        return left if place == len(self.links) - 1 else SHARE * left

    async def _insist(self, link: Provider, request: Request, until: float) -> Answer:
        """The same model again, after a wait with jitter, as long as there is time and hope."""
        jitter = wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=FIRST_WAIT_S)

        def wait_s(state: RetryCallState) -> float:
            asked_for = _error(state).retry_after_s
            return jitter(state) if asked_for is None else asked_for + random.uniform(0, FIRST_WAIT_S)  # noqa: S311

        def stop(state: RetryCallState) -> bool:
            most = ATTEMPTS if _error(state).trouble in AGAIN else ATTEMPTS_ODD
            return state.attempt_number >= most or self._now() + state.upcoming_sleep + LEAST_S > until

        attempts = AsyncRetrying(retry=retry_if_exception(_hopeful), wait=wait_s, stop=stop, reraise=True)
        return await attempts(self._once, link, request, until)

    async def _once(self, link: Provider, request: Request, until: float) -> Answer:
        breaker = self._breakers[link.model]
        if not breaker.lets():
            raise ModelFailed(Trouble.RESTING, link.model, "it kept failing and is left alone for a while")
        account = _Account(self._ledger, self._prices, link, request)
        try:
            await account.open()
            answer = await self._timed(link, request, until)
        except ModelFailed as error:
            breaker.failed(error.trouble)
            await account.close(error.usage, error.trouble)
            raise
        except BaseException:
            breaker.gave_up()
            raise
        breaker.worked()
        await account.close(answer.usage, None)
        return answer

    async def _timed(self, link: Provider, request: Request, until: float) -> Answer:
        left = max(0.0, until - self._now())
        try:
            async with asyncio.timeout(left):
                return checked(await link.ask(_within(request, left)), request.prompt)
        except TimeoutError:
            raise ModelFailed(Trouble.TIMEOUT, link.model, f"no answer within {left:.1f} s") from None

    async def _streamed(self, link: Provider, request: Request, until: float) -> AsyncIterator[Piece]:
        breaker = self._breakers[link.model]
        if not breaker.lets():
            raise ModelFailed(Trouble.RESTING, link.model, "it kept failing and is left alone for a while")
        account = _Account(self._ledger, self._prices, link, request)
        said = ""
        try:
            await account.open()
            async for piece in self._pieces(link, request, until):
                if isinstance(piece, Answer):
                    whole = checked(piece, request.prompt)
                    breaker.worked()
                    await account.close(whole.usage, None)
                    yield whole
                    return
                said += piece
                if looping(said[-2_000:]):
                    raise ModelFailed(Trouble.LOOPING, link.model)
                yield piece
            raise ModelFailed(Trouble.EMPTY, link.model, "the stream had no end")
        except ModelFailed as error:
            breaker.failed(error.trouble)
            await account.close(error.usage, error.trouble)
            raise
        except BaseException:
            breaker.gave_up()
            raise

    async def _pieces(self, link: Provider, request: Request, until: float) -> AsyncIterator[Piece]:
        """Each piece within the deadline; the time that the caller takes between two of them counts as well."""
        pieces = aiter(link.stream(_within(request, max(0.0, until - self._now()))))
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - self._now())):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ModelFailed(Trouble.TIMEOUT, link.model, "the stream stopped") from None
            yield piece


class _Account:
    """One attempt in the ledger: reserved before, settled after."""

    def __init__(self, ledger: Ledger, prices: Mapping[str, Price], link: Provider, request: Request) -> None:
        self._ledger, self._price, self._link, self._request = ledger, prices.get(link.model), link, request
        self._id: UUID | None = None
        self._at = time.monotonic()

    async def open(self) -> None:
        prompt = self._request.prompt
        most = Usage(
            -(-prompt.characters // PER_CHARACTER),
            prompt.max_tokens + self._link.headroom,
        )
        self._id = await self._ledger.begin(
            Call(
                self._request.workspace_id,
                self._request.conversation_id,
                prompt.purpose,
                self._link.model,
                most,
                self._price.of(most) if self._price else None,
                self._price.currency if self._price else None,
                self._request.allowance,
            )
        )

    async def close(self, usage: Usage | None, trouble: Trouble | None) -> None:
        """A refused request costs nothing; of one whose answer never came, nobody knows, and the reservation stays."""
        if self._id is None:
            return
        known = usage if usage is not None else None if trouble in _UNKNOWN else Usage()
        cost = self._price.of(known) if self._price and known is not None else None
        ended = Ended(known, cost, time.monotonic() - self._at, trouble)
        await self._ledger.end(self._request.workspace_id, self._id, ended)


_UNKNOWN = frozenset({Trouble.TIMEOUT, Trouble.UNREACHABLE, Trouble.BAD_JSON, Trouble.LOOPING})


def _within(request: Request, seconds: float) -> Request:
    return Request(request.prompt, request.workspace_id, request.conversation_id, seconds, request.allowance)


def _hopeful(error: BaseException) -> bool:
    return isinstance(error, ModelFailed) and error.trouble in AGAIN | ONCE_MORE


def _error(state: RetryCallState) -> ModelFailed:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ModelFailed)
    return error

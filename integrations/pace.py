"""Not faster than a provider allows: so many calls in so many seconds, as it says in its answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

MOST, SPAN_S = 100, 10.0
SHARE = 0.9
"""Of what is allowed: other programs of the business call too."""
BREATH_S = 0.02
"""While all that may be made are on their way."""


class Pace:
    """Of one account, in one process. Others are seen by what the provider says is left."""

    def __init__(self, most: int = MOST, span_s: float = SPAN_S) -> None:
        self._most, self._span = most, span_s
        self._answered: deque[float] = deque()
        self._under_way = 0
        self._not_before = 0.0
        self._line = asyncio.Lock()
        self.daily_left: int | None = None
        """Calls that may still be made today, by the provider's own word."""

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call, when it may be made. It counts from its answer on: the provider has seen it before."""
        async with self._line:
            while (wait := self._wait()) > 0:  # noqa: ASYNC110  (it waits for time to pass)
                await asyncio.sleep(wait)
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._answered.append(_now())

    def heard(self, headers: Mapping[str, str]) -> None:
        """https://marketplace.gohighlevel.com/docs/oauth/Faqs: X-RateLimit-Max in X-RateLimit-Interval-Milliseconds,
        -Remaining of them; -Daily-Remaining."""
        if (most := _whole(headers.get("x-ratelimit-max"))) is not None and most > 0:
            self._most = most
        if (span := _whole(headers.get("x-ratelimit-interval-milliseconds"))) is not None and span > 0:
            self._span = min(span / 1000, 60.0)
        if (daily := _whole(headers.get("x-ratelimit-daily-remaining"))) is not None:
            self.daily_left = daily
        left = _whole(headers.get("x-ratelimit-remaining"))
        if left is not None and left <= self._most * (1 - SHARE) / 2:
            self._not_before = max(self._not_before, _now() + self._span / 2)

    def _wait(self) -> float:
        now = _now()
        while self._answered and self._answered[0] <= now - self._span:
            self._answered.popleft()
        room = 0.0
        if len(self._answered) + self._under_way >= max(1, int(self._most * SHARE)):
            room = self._answered[0] + self._span - now if self._answered else BREATH_S
        return max(room, self._not_before - now, 0.0)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _whole(said: str | None) -> int | None:
    return int(said) if said is not None and said.isascii() and said.isdigit() else None

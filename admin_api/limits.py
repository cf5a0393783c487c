"""How often a key, a person or an address may ask. Counted in Redis when there is one, so that all count together."""

import contextlib
import logging
import time
from dataclasses import dataclass
from typing import cast

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage, Storage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from redis.asyncio import Redis

from domain.errors import TooMany

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of this minute."""

    limit: int
    remaining: int
    reset_s: int
    per_s: int = 60

    @property
    def headers(self) -> dict[str, str]:
        """The current draft's two fields (draft-ietf-httpapi-ratelimit-headers), and the three of the older
        ones, which are what most clients read."""
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={self.per_s}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }


class Limits:
    """While Redis is away each process counts for itself."""

    def __init__(self, redis_url: str | None, per_minute: int) -> None:
        self._rate = RateLimitItemPerMinute(per_minute, namespace="frontdesk")
        self._local = FixedWindowRateLimiter(_open("async+memory://"))
        self._shared = FixedWindowRateLimiter(_open_redis(redis_url)) if redis_url else self._local

    async def take(self, kind: str, who: str, rate: RateLimitItem | None = None) -> tuple[bool, Window]:
        """Count one; False when it was one too many."""
        try:
            return await self._take(self._shared, rate or self._rate, kind, who)
        except StorageError as error:
            logger.warning("redis is away, requests are counted here: %s", type(error.storage_error).__name__)
            return await self._take(self._local, rate or self._rate, kind, who)

    async def forget(self, kind: str, who: str, rate: RateLimitItem) -> None:
        """Begin to count anew."""
        for limiter in {self._shared, self._local}:
            with contextlib.suppress(StorageError):  # what is not counted there need not be forgotten there
                await limiter.clear(rate, kind, who)

    async def close(self) -> None:
        if isinstance(self._shared.storage, RedisStorage):
            client = cast(RedispyBridge, self._shared.storage.bridge).storage
            await cast(Redis, client).aclose()

    async def _take(
        self, limiter: FixedWindowRateLimiter, rate: RateLimitItem, kind: str, who: str
    ) -> tuple[bool, Window]:
        allowed = await limiter.hit(rate, kind, who)
        stats = await limiter.get_window_stats(rate, kind, who)
        reset_s = max(1, round(stats.reset_time - time.time()))
        return allowed, Window(rate.amount, max(0, stats.remaining), reset_s, rate.get_expiry())


def too_many(window: Window) -> TooMany:
    span = "a minute" if window.per_s == 60 else f"{window.per_s // 60} minutes"
    return TooMany(f"more than {window.limit} requests in {span}", window.reset_s)


def _open(url: str, **options: float | str | bool) -> Storage:
    storage = storage_from_string(url, wrap_exceptions=True, **options)
    assert isinstance(storage, Storage)
    return storage


def _open_redis(url: str) -> Storage:
    url = "redis+" + url if url.startswith("unix:") else url
    return _open(f"async+{url}", implementation="redispy", socket_connect_timeout=1, socket_timeout=1)

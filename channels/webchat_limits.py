"""How much one address, visitor or channel may ask of this process. Counted here and not in Redis: it is asked for
every frame. With several web processes each counts for itself."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from domain.errors import TooMany

MOST_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and `per_s` of them come back every second."""

    burst: float
    per_s: float


SESSIONS_PER_IP = Rate(20, 20 / 60)
SESSIONS_PER_CHANNEL = Rate(300, 10)
SOCKETS_PER_IP = Rate(60, 1)
MESSAGES_PER_VISITOR = Rate(12, 0.5)
MESSAGES_PER_IP = Rate(60, 4)
FILES_PER_IP = Rate(10, 0.2)
CODES_PER_IP = Rate(5, 5 / 600)
TRIES_PER_IP = Rate(15, 15 / 600)
FRAMES_PER_SOCKET = Rate(60, 20)


class Limits:
    """Buckets that fill again with time; the longest unused one is forgotten first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._buckets: OrderedDict[tuple[Rate, str], tuple[float, float]] = OrderedDict()

    def wait_s(self, rate: Rate, who: str) -> float:
        """Take one: 0.0 when there was one, or nobody to count, else the seconds until there is."""
        if not who:
            return 0.0
        now = self._now()
        left, at = self._buckets.pop((rate, who), (rate.burst, now))
        left = min(rate.burst, left + (now - at) * rate.per_s)
        taken = left >= 1
        self._buckets[(rate, who)] = (left - taken, now)
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - left) / rate.per_s

    def take(self, rate: Rate, who: str) -> None:
        """Raise TooMany."""
        wait = self.wait_s(rate, who)
        if wait:
            raise TooMany("too much at once; try again later", max(1, round(wait)))


def network_of(host: str) -> str:
    """Whom to count: an IPv4 address, or the /64 that one customer of a provider has. "" is nobody: this machine,
    which is a program of ours, or a proxy that does not say for whom it asks and would stand for everybody."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is None and not address.is_loopback:
            return str(ip_network((address, 64), strict=False))
        address = mapped or address
    return "" if address.is_loopback else str(address)

"""Signed webhooks as fast as they are answered, over kept connections, from a process of its own: reads an Order
as JSON on standard input, prints a Blow as JSON."""

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import cast
from urllib.parse import urlencode, urlsplit

import uvloop

from simulators.twilio.signature import sign

SENDERS = 500
MOST_PER_S = 6000
"""Requests are signed beforehand; more than these are not answered in a second."""
WORDS = ("what are your opening hours?", "do you fix pianos?", "how much is a checkup?", "see you on tuesday")


@dataclass(frozen=True, slots=True)
class Order:
    url: str
    account_sid: str
    auth_token: str
    number: str
    connections: int
    seconds: float
    seed: int


@dataclass(slots=True)
class Blow:
    """What one round gave. Milliseconds from the request's first byte written to the answer's last byte read."""

    rps: float = 0
    p50_ms: float = 0
    p99_ms: float = 0
    cpu_us: float = 0
    """Of the process that was struck, a request; the striker cannot know it."""
    postgres_us: float = 0
    """Of the database, a request; likewise."""
    client_us: float = 0
    """Of the striker itself, a request: what it takes from the machine that the struck cannot have."""
    answered: int = 0
    refused: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """One request at a time, the next as soon as the last is answered."""

    def __init__(self, requests: list[bytes], times: list[float], blow: Blow, until: float) -> None:
        self._requests, self._times, self._blow, self._until = requests, times, blow, until
        self._heard, self._since = b"", 0.0
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so
        self._ask()

    def _ask(self) -> None:
        if not self._requests or time.perf_counter() >= self._until:
            self._transport.close()
            return
        request = self._requests.pop()
        self._since = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, gap, body = self._heard.partition(b"\r\n\r\n")
        if not gap or len(body) < _length(head):
            return
        self._times.append(time.perf_counter() - self._since)
        self._heard, status = b"", head[9:12].decode()
        self._blow.statuses[status] = self._blow.statuses.get(status, 0) + 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def requests_for(order: Order, count: int) -> list[bytes]:
    """As Twilio posts them: distinct MessageSids, many senders."""
    dice, url = random.Random(order.seed), urlsplit(order.url)  # noqa: S311
    made = []
    for n in range(count):
        sid = f"SM{dice.getrandbits(128):032x}"
        form = {
            "ToCountry": "US", "ToState": "TX", "ToCity": "AUSTIN", "ToZip": "78702", "SmsMessageSid": sid,
            "NumMedia": "0", "SmsSid": sid, "SmsStatus": "received", "Body": dice.choice(WORDS),
            "To": order.number, "NumSegments": "1", "MessageSid": sid, "AccountSid": order.account_sid,
            "From": f"+1512{2_000_000 + n % SENDERS}", "ApiVersion": "2010-04-01",
            "FromCountry": "US", "FromState": "TX", "FromCity": "AUSTIN", "FromZip": "78701",
        }  # fmt: skip
        body = urlencode(form)
        made.append(
            f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"I-Twilio-Idempotency-Token: {dice.getrandbits(128):032x}\r\n"
            f"X-Twilio-Signature: {sign(order.auth_token, order.url, form)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return made


async def strike(order: Order) -> Blow:
    requests = requests_for(order, int(order.seconds * MOST_PER_S))
    url, times, blow = urlsplit(order.url), list[float](), Blow()
    loop, begun, used = asyncio.get_running_loop(), time.perf_counter(), time.process_time()
    made = [
        await loop.create_connection(
            lambda: Connection(requests, times, blow, begun + order.seconds),
            url.hostname or "",
            url.port or 80,
        )
        for _ in range(order.connections)
    ]
    await asyncio.wait([protocol.over for _, protocol in made], timeout=order.seconds + 30)
    took, used = time.perf_counter() - begun, time.process_time() - used
    times.sort()
    blow.answered = len(times)
    blow.refused = sum(n for status, n in blow.statuses.items() if not status.startswith("2"))
    blow.client_us = round(used / max(blow.answered, 1) * 1e6)
    blow.rps = round((blow.answered - blow.refused) / took, 1)
    if times:
        blow.p50_ms = round(times[len(times) // 2] * 1000, 2)
        blow.p99_ms = round(times[len(times) * 99 // 100] * 1000, 2)
    return blow


if __name__ == "__main__":
    struck = uvloop.run(strike(Order(**json.load(sys.stdin))))
    json.dump(asdict(struck), sys.stdout)

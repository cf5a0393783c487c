"""Outgoing webhooks as Standard Webhooks say: how a call is signed, which events are wanted, how long to wait. Pure.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta

PREFIX = "whsec_"
SECRET_BYTES = 32
FIRST, FACTOR, LONGEST = timedelta(seconds=5), 4, timedelta(hours=12)
GIVE_UP = timedelta(days=4)
"""After this a call is dead; a person may replay it."""


def secret_of(random: bytes) -> str:
    """As the receiver writes it down."""
    return PREFIX + base64.b64encode(random).decode()


def sign(secret: str, call_id: str, at: datetime, body: str) -> dict[str, str]:
    """The headers of one attempt: the id is the call's at every attempt, the time is this one's."""
    key, seconds = base64.b64decode(secret.removeprefix(PREFIX)), str(int(at.timestamp()))
    signature = hmac.digest(key, f"{call_id}.{seconds}.{body}".encode(), "sha256")
    return {
        "webhook-id": call_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def wait(failures: int, chance: float, asked: timedelta | None = None) -> timedelta:
    """Before the next attempt, after so many that failed (from 1): 5 s, 20 s, 80 s, … 12 h, up to a fifth more or less.
    `chance` is 0..1; `asked` is the receiver's Retry-After, which is heard up to 12 h."""
    times: int = FACTOR ** min(failures - 1, 12)
    grown = min(FIRST * times, LONGEST)
    return max(grown * (0.8 + 0.4 * chance), min(asked or timedelta(0), LONGEST))


def wanted(patterns: Iterable[str], kind: str) -> bool:
    """`draft.approved`, all of a noun as `draft.*`, or everything as `*`."""
    return any(one in ("*", kind) or (one.endswith(".*") and kind.startswith(one[:-1])) for one in patterns)

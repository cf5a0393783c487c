"""Who is at the other end: what they have shown, for what, until when. A caller id or a name shows nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.skill import WorldEffect

CODE_LIFE = timedelta(minutes=10)
PROVEN = timedelta(minutes=15)
"""So long after its code a customer is known, at the address from which it was asked for and nowhere else."""
ATTEMPTS = 5
_CODE = re.compile(r"(?<![0-9$€£.,-])([0-9]{3})[ -]?([0-9]{3})(?![0-9]|[.,-][0-9])")
MOST_WORDS = 8
"""A code is typed alone or with few words; a number within a longer message is something else."""


class Heard(StrEnum):
    """What became of the code that this very burst holds."""

    GIVEN = "given"
    WRONG = "wrong"
    SPENT = "spent"  # too old, used before, or tried too often


@dataclass(frozen=True, slots=True)
class Proof:
    """`purpose` "" is to be known; any other allows exactly what it is the digest of."""

    purpose: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Of the contact at the address from which they write now."""

    proofs: tuple[Proof, ...] = ()
    heard: Heard | None = None
    waits_for: str | None = None
    """The purpose of a code that is on its way and still good."""
    left: int = 0
    """How often it may still be tried."""

    def proves(self, purpose: str, now: datetime) -> bool:
        """Whoever has proved anything is known; what has a purpose wants its own proof."""
        return any(one.until > now and (not purpose or one.purpose == purpose) for one in self.proofs)


@dataclass(frozen=True, slots=True)
class Way:
    """A verified address of the contact, other than the one they write from. `hint`: its last two digits."""

    address_id: UUID
    channel_id: UUID
    hint: str


@dataclass(frozen=True, slots=True)
class SendCode(WorldEffect):
    """`words` hold {code} where the code goes; `kept` is what stands in the conversation instead."""

    contact_id: UUID
    thread_id: UUID
    """In which it is asked for."""
    address_id: UUID
    channel_id: UUID
    purpose: str
    words: str
    kept: str


def typed(text: str) -> Iterator[str]:
    """The codes in a message: "123456", "it's 123 456"."""
    if len(text.split()) <= MOST_WORDS:
        yield from (match[1] + match[2] for match in _CODE.finditer(text))

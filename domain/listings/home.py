"""One listing as the business has it, whatever feed it came from."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Status(StrEnum):
    """Only what is active is found by a search; what is sold is compared with."""

    ACTIVE = "active"
    PENDING = "pending"
    SOLD = "sold"
    OFF = "off"


class Deal(StrEnum):
    SALE = "sale"
    RENT = "rent"


KINDS = ("house", "condo", "townhouse", "multi_family", "manufactured", "land", "other")
MOST_REMARKS = 10_000
"""Characters of a listing's own words that are kept."""


@dataclass(frozen=True, slots=True)
class Listing:
    """`size` is in square feet, `lot` too; `price` is asked for, a month's if it is for rent. `key` is the feed's."""

    key: str
    modified_at: datetime
    number: str = ""
    """The number that people know it by (MLS number)."""
    status: Status = Status.ACTIVE
    deal: Deal = Deal.SALE
    kind: str = "house"
    price: Decimal = Decimal(0)
    beds: int = 0
    baths: Decimal | None = None
    size: int | None = None
    lot: int | None = None
    year: int | None = None
    address: str = ""
    city: str = ""
    postal_code: str = ""
    neighbourhood: str = ""
    latitude: float | None = None
    longitude: float | None = None
    features: tuple[str, ...] = ()
    remarks: str = ""
    fee: Decimal | None = None
    """Of the homeowners' association, a month."""
    listed_on: date | None = None
    sold_price: Decimal | None = None
    sold_on: date | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A listing that is shown no longer; nothing else of it need be known."""

    key: str
    modified_at: datetime

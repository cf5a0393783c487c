"""A comparative market analysis: sales that are like a home, by declared rules, and what each would have brought had it
been that home, by declared adjustments. Arithmetic only: no opinion, no forecast, no promise of a price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Annotated, Literal

from pydantic import Field

from domain.listings.home import Listing
from domain.workspace import Model, SkillSettings

MONTH = timedelta(days=30.4375)
THOUSAND = Decimal(1000)
Value = Literal["beds", "baths", "size", "year", "area"]


class Rules(Model):
    """What counts as comparable."""

    radius: Annotated[Decimal, Field(gt=0, le=50)] = Decimal(1)
    """Miles."""
    months: Annotated[int, Field(ge=1, le=60)] = 6
    """How long ago it may have been sold."""
    size: Annotated[int, Field(ge=1, le=100)] = 25
    """Per cent that it may be larger or smaller."""
    beds: Annotated[int, Field(ge=0, le=10)] = 1
    """Bedrooms that it may have more or less."""
    least: Annotated[int, Field(ge=1, le=10)] = 3
    most: Annotated[int, Field(ge=1, le=12)] = 5


class Adjust(Model):
    """Dollars for each that a home has more than the one that was sold; 0 leaves it out."""

    foot: Annotated[Decimal, Field(ge=0)] = Decimal(120)
    bed: Annotated[Decimal, Field(ge=0)] = Decimal(10_000)
    bath: Annotated[Decimal, Field(ge=0)] = Decimal(8_000)
    year: Annotated[Decimal, Field(ge=0)] = Decimal(500)


def _fields() -> dict[Value, str]:
    return {"beds": "bedrooms", "baths": "bathrooms", "size": "size", "year": "year_built", "area": "area"}


class HomeValueSettings(SkillSettings):
    """`skills.home_value` of a workspace."""

    begin: tuple[str, ...] = ()
    """Intents that begin it, beside its own words (what is my home worth, market analysis…)."""
    fields: dict[Value, str] = Field(default_factory=_fields)
    """Which field of the context says what of the customer's home."""
    areas: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What an area takes in, as under property_search."""
    rules: Rules = Rules()
    adjust: Adjust = Adjust()
    approve: bool = True
    """An agent reads it before the customer does. Texas: 22 TAC 535.17 wants a licence holder behind it."""


@dataclass(frozen=True, slots=True)
class Home:
    """The customer's. What is None is not known, and not adjusted for."""

    address: str
    beds: int
    size: int
    latitude: float
    longitude: float
    kind: str = "house"
    baths: Decimal | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`more` is what the customer's home has more (or less) than the one that was sold."""

    what: Literal["size", "beds", "baths", "year"]
    more: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Comparable:
    sale: Listing
    miles: float
    adjustments: tuple[Adjustment, ...]

    @property
    def adjusted(self) -> Decimal:
        assert self.sale.sold_price is not None
        return self.sale.sold_price + sum((one.amount for one in self.adjustments), Decimal(0))


@dataclass(frozen=True, slots=True)
class Analysis:
    """`low`, `middle` and `high` of the adjusted prices, to the thousand; None of them when there are too few."""

    comparables: tuple[Comparable, ...]
    low: Decimal | None = None
    middle: Decimal | None = None
    high: Decimal | None = None


def since(rules: Rules, today: date) -> date:
    return today - timedelta(days=round(rules.months * MONTH.days))


def analyse(
    home: Home, sold: Sequence[tuple[Listing, float]], rules: Rules, adjust: Adjust, today: date
) -> Analysis:
    """`sold` with their distance in miles, in any order."""
    fitting = [(sale, miles) for sale, miles in sold if _comparable(home, sale, miles, rules, today)]
    nearest = sorted(fitting, key=lambda pair: (_unlike(home, pair[0], pair[1], rules, today), pair[0].key))[
        : rules.most
    ]
    found = tuple(Comparable(sale, miles, _adjustments(home, sale, adjust)) for sale, miles in nearest)
    if len(found) < rules.least:
        return Analysis(found)
    prices = [one.adjusted for one in found]
    return Analysis(found, _round(min(prices)), _round(median(prices)), _round(max(prices)))


def _comparable(home: Home, sale: Listing, miles: float, rules: Rules, today: date) -> bool:
    if sale.sold_price is None or sale.sold_on is None or not sale.size or sale.kind != home.kind:
        return False
    return (
        miles <= float(rules.radius)
        and since(rules, today) <= sale.sold_on <= today
        and abs(sale.size - home.size) * 100 <= rules.size * home.size
        and abs(sale.beds - home.beds) <= rules.beds
    )


def _unlike(home: Home, sale: Listing, miles: float, rules: Rules, today: date) -> float:
    assert sale.size
    assert sale.sold_on
    size = abs(sale.size - home.size) * 100 / (rules.size * home.size)
    age = (today - sale.sold_on).days / max(rules.months * MONTH.days, 1)
    return size + miles / float(rules.radius) + age + abs(sale.beds - home.beds)


def _adjustments(home: Home, sale: Listing, adjust: Adjust) -> tuple[Adjustment, ...]:
    known = (
        ("size", home.size, sale.size, adjust.foot),
        ("beds", home.beds, sale.beds, adjust.bed),
        ("baths", home.baths, sale.baths, adjust.bath),
        ("year", home.year, sale.year, adjust.year),
    )
    found = []
    for what, own, theirs, each in known:
        if own is None or theirs is None or not each or own == theirs:
            continue
        more = Decimal(own) - Decimal(theirs)
        found.append(Adjustment(what, more, more * each))  # type: ignore[arg-type]
    return tuple(found)


def _round(price: Decimal) -> Decimal:
    return (price / THOUSAND).quantize(Decimal(1), ROUND_HALF_UP) * THOUSAND

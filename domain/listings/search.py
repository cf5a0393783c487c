"""What a customer wants of a home, and what would have to be different for there to be one. Homes and figures only:
nothing here can hold a wish about people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.listings.home import Listing
from domain.workspace import SkillSettings

Filter = Literal["deal", "price", "beds", "baths", "size", "area", "kind", "features"]
Order = Literal["", "newest", "cheapest", "dearest", "largest"]
TOO_FAR = 0.75
"""A price three quarters higher, a place fifteen miles away."""
RENT_BELOW = Decimal(20_000)
"""Nobody buys a home for less; so much a month is a rent."""


def _fields() -> dict[Filter, str]:
    return {
        "deal": "goal", "price": "budget", "beds": "bedrooms", "baths": "bathrooms", "size": "size", "area": "area",
        "kind": "home_type", "features": "must_have",
    }  # fmt: skip


class PropertySearchSettings(SkillSettings):
    """`skills.property_search` of a workspace."""

    begin: tuple[str, ...] = ("find_home",)
    """Intents that begin it, beside its own words (looking for a house, show me condos…)."""
    fields: dict[Filter, str] = Field(default_factory=_fields)
    """Which field of the context is which filter."""
    areas: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What an area takes in: neighbourhoods, cities and postal codes as the listings name them."""
    short: Annotated[int, Field(ge=1, le=5)] = 3
    """Homes that are shown at once by text message."""
    long: Annotated[int, Field(ge=1, le=10)] = 5
    """Elsewhere."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Prices from `low` up to `high`; at least so many `beds`, `baths` and square feet (`size`). `places` are what the
    listings call the `areas`, in small letters. `wishes` are compared by meaning, `like` is a home that it shall be
    like. Whatever is empty is not asked for."""

    deal: str = "sale"
    low: Decimal | None = None
    high: Decimal | None = None
    beds: int = 0
    baths: Decimal = Decimal(0)
    size: int = 0
    most_size: int = 0
    newer: int = 0
    areas: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()
    like: str = ""
    order: str = ""

    @property
    def open(self) -> bool:
        """Nothing is asked for yet."""
        return replace(self, deal="sale", order="", like="") == Wanted()

    def as_json(self) -> dict[str, Any]:
        kept = {name: value for name, value in asdict(self).items() if value != _BARE[name]}
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in kept.items()}


_BARE = asdict(Wanted())


def from_json(kept: Mapping[str, Any] | None) -> Wanted:
    values = dict(kept or {})
    for name in ("low", "high", "baths"):
        if name in values:
            values[name] = Decimal(values[name])
    for name in ("areas", "places", "kinds", "features", "wishes"):
        if name in values:
            values[name] = tuple(values[name])
    return Wanted(**values)


@dataclass(frozen=True, slots=True)
class Hit:
    """`similarity` to the wishes, a cosine; None where nothing was compared."""

    home: Listing
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The first of `total` homes that fit."""

    hits: tuple[Hit, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that could be different, by as little as there is; then `total` homes fit, from this price on. `miles`
    is how far away the nearest other place is."""

    what: str
    value: Any
    total: int
    cheapest: Decimal
    miles: float | None = None

    def as_json(self) -> dict[str, Any]:
        plain = {name: str(one) if isinstance(one, Decimal) else one for name, one in asdict(self).items()}
        return plain | {"decimal": isinstance(self.value, Decimal)}


def change_from_json(kept: Mapping[str, Any]) -> Change:
    value = Decimal(kept["value"]) if kept["decimal"] else kept["value"]
    return Change(kept["what"], value, kept["total"], Decimal(kept["cheapest"]), kept["miles"])


def changed(wanted: Wanted, by: Change) -> Wanted:
    match by.what:
        case "high":
            return replace(wanted, high=by.value)
        case "low":
            return replace(wanted, low=by.value)
        case "beds":
            return replace(wanted, beds=by.value)
        case "baths":
            return replace(wanted, baths=by.value)
        case "size":
            return replace(wanted, size=by.value)
        case "area":
            return replace(wanted, areas=(*wanted.areas, by.value), places=(*wanted.places, by.value.lower()))
        case "kind":
            return replace(wanted, kinds=(*wanted.kinds, by.value))
        case _:
            return replace(wanted, features=tuple(one for one in wanted.features if one != by.value))


def without(wanted: Wanted, what: str, feature: str = "") -> Wanted | None:
    """The same with this asked for no longer; None when it was not."""
    match what:
        case "high" if wanted.high is not None:
            return replace(wanted, high=None)
        case "low" if wanted.low is not None:
            return replace(wanted, low=None)
        case "beds" if wanted.beds:
            return replace(wanted, beds=0)
        case "baths" if wanted.baths:
            return replace(wanted, baths=Decimal(0))
        case "size" if wanted.size:
            return replace(wanted, size=0)
        case "area" if wanted.places:
            return replace(wanted, areas=(), places=())
        case "kind" if wanted.kinds:
            return replace(wanted, kinds=())
        case "feature":
            return replace(wanted, features=tuple(one for one in wanted.features if one != feature))
    return None


def nearest(changes: Sequence[Change], wanted: Wanted, limit: int) -> tuple[Change, ...]:
    """Those that ask the least of the customer first: how far they are from what was wanted, each in its own measure.
    What is too far from it is not near to it at all."""
    bearable = [one for one in changes if _cost(one, wanted) <= TOO_FAR]
    return tuple(sorted(bearable, key=lambda one: (_cost(one, wanted), one.what))[:limit])


def _cost(one: Change, wanted: Wanted) -> float:
    match one.what:
        case "high":
            return float(one.value / (wanted.high or one.value)) - 1
        case "low":
            return 1 - float(one.value / (wanted.low or one.value))
        case "beds":
            return 0.15 * (wanted.beds - int(one.value))
        case "baths":
            return 0.08 * float(wanted.baths - one.value)
        case "size":
            return 1 - int(one.value) / max(wanted.size, 1)
        case "area":
            return 0.05 * (one.miles if one.miles is not None else 10)
        case "kind":
            return 0.2
    return 0.12

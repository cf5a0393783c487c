"""Homes found: hard filters as conditions, wishes as the order of what fits; and what would have to be different."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from domain.listings.home import Listing
from domain.listings.search import Change, Hit, Wanted, changed, without
from store.db import Tx
from store.listings import COLUMNS, listing
from store.passages import as_halfvec

EARTH = 3958.8
"""Miles from its middle."""
_FITS = (
    "l.workspace_id = frontdesk_workspace() and l.status = 'active' and l.deal = :deal"
    " and (cast(:low as numeric) is null or l.price >= :low) and (cast(:high as numeric) is null or l.price <= :high)"
    " and l.beds >= :beds and (:baths = 0 or l.baths >= :baths) and (:size = 0 or l.size >= :size)"
    " and (:most_size = 0 or l.size <= :most_size) and (:newer = 0 or l.year >= :newer)"
    " and (cast(:places as text[]) is null or l.places && cast(:places as text[]))"
    " and (cast(:kinds as text[]) is null or l.kind = any(:kinds)) and l.features @> cast(:features as text[])"
)
_OTHER = " and not (l.key = any(:besides))"
_OF = "l." + COLUMNS.replace(", ", ", l.")
_ORDERS = {
    "": "l.listed_on desc nulls last, l.key",
    "newest": "l.listed_on desc nulls last, l.key",
    "cheapest": "l.price, l.key",
    "dearest": "l.price desc, l.key",
    "largest": "l.size desc nulls last, l.key",
}


def _miles(a: str, b: str) -> str:
    """Between the places of two rows."""
    return (
        f"2 * {EARTH} * asin(sqrt(least(1, sin(radians({b}.latitude - {a}.latitude) / 2) ^ 2"
        f" + cos(radians({a}.latitude)) * cos(radians({b}.latitude))"
        f" * sin(radians({b}.longitude - {a}.longitude) / 2) ^ 2)))"
    )


# The rows themselves are read only of those that are shown.
_PLAIN = {
    order: text(
        "with fits as (select l.key, count(*) over () as total, row_number() over (order by"  # noqa: S608
        f" {by}) as place from listing l where {_FITS}{_OTHER} order by {by} limit :limit)"
        f" select {_OF}, f.total, cast(null as float8) as similarity from fits f join listing l"
        " on l.workspace_id = frontdesk_workspace() and l.key = f.key order by f.place"
    )
    for order, by in _ORDERS.items()
}
_WISHED = text(
    "with fits as (select l.key, count(*) over () as total, -(v.vector <#> cast(:vector as halfvec)) as similarity"  # noqa: S608
    " from listing l left join listing_vector v on v.workspace_id = frontdesk_workspace() and v.model = :model"
    f" and v.key = l.key where {_FITS}{_OTHER}"
    " order by similarity desc nulls last, l.listed_on desc nulls last, l.key limit :limit)"
    f" select {_OF}, f.total, f.similarity from fits f join listing l"
    " on l.workspace_id = frontdesk_workspace() and l.key = f.key"
    " order by f.similarity desc nulls last, l.listed_on desc nulls last, l.key"
)
# As much like the one as its words are, less what differs in size, price, rooms and place.
_ALIKE = text(
    "with one as (select l.*, v.vector from listing l left join listing_vector v on v.workspace_id = l.workspace_id"  # noqa: S608
    " and v.model = :model and v.key = l.key where l.workspace_id = frontdesk_workspace() and l.key = :like),"
    " fits as (select l.key, count(*) over () as total, coalesce(-(v.vector <#> one.vector), 0)"
    " - 0.4 * coalesce(abs(l.size - one.size) / one.size::float8, 0.3) - 0.4 * abs(l.price - one.price) / one.price"
    " - 0.1 * abs(l.beds - one.beds) - 0.15 * (l.kind <> one.kind)::int"
    f" - 0.03 * least(10, coalesce({_miles('l', 'one')}, 5)) as similarity"
    " from one cross join listing l left join listing_vector v on v.workspace_id = l.workspace_id and v.model = :model"
    f" and v.key = l.key where {_FITS}{_OTHER} and l.key <> :like order by similarity desc, l.key limit :limit)"
    f" select {_OF}, f.total, f.similarity from fits f join listing l"
    " on l.workspace_id = frontdesk_workspace() and l.key = f.key order by f.similarity desc, l.key"
)
_NEAREST = {
    "high": f"select min(l.price) as value from listing l where {_FITS}",  # noqa: S608
    "low": f"select max(l.price) as value from listing l where {_FITS}",  # noqa: S608
    "beds": f"select max(l.beds) as value from listing l where {_FITS}",  # noqa: S608
    "baths": f"select max(l.baths) as value from listing l where {_FITS}",  # noqa: S608
    "size": f"select max(l.size) as value from listing l where {_FITS}",  # noqa: S608
    "kind": f"select l.kind as value from listing l where {_FITS} group by l.kind order by count(*) desc, 1 limit 1",  # noqa: S608
    "feature": f"select cast(null as text) as value from listing l where {_FITS} limit 1",  # noqa: S608
}
_NEAREST_SQL = {what: text(said) for what, said in _NEAREST.items()}
# From the middle of the homes of the area that was asked for, be they for sale or not.
_NEAREST_PLACE = text(
    "with here as (select avg(latitude) as latitude, avg(longitude) as longitude from listing"  # noqa: S608
    " where workspace_id = frontdesk_workspace() and places && cast(:wanted as text[]))"
    f" select l.neighbourhood as value, min({_miles('l', 'here')}) as miles from listing l cross join here"
    f" where {_FITS} and l.neighbourhood <> '' group by l.neighbourhood order by 2 nulls last, 1 limit 1"
)
_COUNT = text(f"select count(*) as total, min(l.price) as cheapest from listing l where {_FITS}")  # noqa: S608
_NAMED = text(
    "select distinct one from listing l, unnest(l.places) one where l.workspace_id = frontdesk_workspace()"
    " and l.status = 'active' and length(one) > 2 and position(one in :said) > 0 order by 1 limit 20"
)


_SOLD = text(
    "with here as (select cast(:latitude as float8) as latitude, cast(:longitude as float8) as longitude)"  # noqa: S608
    f" select {_OF}, {_miles('l', 'here')} as miles from listing l cross join here"
    " where l.workspace_id = frontdesk_workspace() and l.status = 'sold' and l.sold_on >= :since"
    " and l.sold_price is not null and l.deal = 'sale'"
    f" and {_miles('l', 'here')} <= :most order by miles, l.key limit 500"
)
_MIDDLE = text(
    "select avg(latitude) as latitude, avg(longitude) as longitude from listing"
    " where workspace_id = frontdesk_workspace() and places && cast(:places as text[])"
)


@dataclass(frozen=True, slots=True)
class Meant:
    """The middle of what the wishes mean, and the model that made it."""

    vector: Sequence[float]
    model: str


async def find(
    tx: Tx, wanted: Wanted, limit: int, besides: Collection[str], meant: Meant | None, model: str
) -> tuple[list[Hit], int]:
    """The best `limit` and how many fit at all, those in `besides` not counted. Without `meant` the newest come first,
    or in the order that is wanted; `model` names whose vectors serve."""
    values = _values(wanted) | {"besides": list(besides), "limit": limit}
    if wanted.order:
        rows = await tx.execute(_PLAIN[wanted.order], values)
    elif wanted.like:
        rows = await tx.execute(_ALIKE, values | {"like": wanted.like, "model": model})
    elif meant is not None:
        rows = await tx.execute(_WISHED, values | {"vector": as_halfvec(meant.vector), "model": meant.model})
    else:
        rows = await tx.execute(_PLAIN[""], values)
    found = rows.all()
    hits = [Hit(listing(row), None if row.similarity is None else float(row.similarity)) for row in found]
    return hits, int(found[0].total) if found else 0


async def changes(tx: Tx, wanted: Wanted) -> list[Change]:
    """Each single thing that, being different by as little as there is, would let a home fit."""
    found = []
    for what in ("high", "low", "beds", "baths", "size", "kind", "area"):
        looser = without(wanted, what)
        if looser is not None and (one := await _change(tx, wanted, looser, what)):
            found.append(one)
    for feature in wanted.features:
        looser = without(wanted, "feature", feature)
        assert looser is not None
        total, cheapest = await _counted(tx, looser)
        if cheapest is not None:
            found.append(Change("feature", feature, total, cheapest))
    return found


async def _change(tx: Tx, wanted: Wanted, looser: Wanted, what: str) -> Change | None:
    miles: float | None = None
    if what == "area":
        row = (await tx.execute(_NEAREST_PLACE, _values(looser) | {"wanted": list(wanted.places)})).first()
        miles = None if row is None or row.miles is None else round(float(row.miles), 1)
    else:
        row = (await tx.execute(_NEAREST_SQL[what], _values(looser))).first()
    if row is None or row.value is None:
        return None
    value = row.value
    only = Change(what, value, 0, Decimal(0))
    bound = changed(looser if what in ("area", "kind") else wanted, only)
    total, cheapest = await _counted(tx, bound)
    return None if cheapest is None else Change(what, value, total, cheapest, miles)


async def _counted(tx: Tx, wanted: Wanted) -> tuple[int, Decimal | None]:
    row = (await tx.execute(_COUNT, _values(wanted))).one()
    return int(row.total), row.cheapest


async def named(tx: Tx, said: str) -> list[str]:
    """Places of homes for sale whose name occurs in these small letters, anywhere."""
    return [row.one for row in await tx.execute(_NAMED, {"said": said})]


async def sold(
    tx: Tx, latitude: float, longitude: float, miles: float, since: date
) -> list[tuple[Listing, float]]:
    values = {"latitude": latitude, "longitude": longitude, "most": miles, "since": since}
    return [(listing(row), float(row.miles)) for row in await tx.execute(_SOLD, values)]


async def middle(tx: Tx, places: Sequence[str]) -> tuple[float, float] | None:
    row = (await tx.execute(_MIDDLE, {"places": list(places)})).one()
    return None if row.latitude is None else (float(row.latitude), float(row.longitude))


def _values(wanted: Wanted) -> dict[str, Any]:
    return {
        "deal": wanted.deal, "low": wanted.low, "high": wanted.high, "beds": wanted.beds, "baths": wanted.baths,
        "size": wanted.size, "most_size": wanted.most_size, "newer": wanted.newer,
        "places": list(wanted.places) or None, "kinds": list(wanted.kinds) or None, "features": list(wanted.features),
    }  # fmt: skip

"""Listings: brought up to what a feed says, looked at, one after the other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import text

from domain.listings import reso
from domain.listings.home import Deal, Gone, Listing, Status
from store.db import Tx

COLUMNS = (
    "key, modified_at, number, status, deal, kind, price, beds, baths, size, lot, year, address, city, postal_code,"
    " neighbourhood, latitude, longitude, features, remarks, fee, listed_on, sold_price, sold_on"
)
_OWN = f"{COLUMNS}, words, places"
_SET = ", ".join(f"{name} = excluded.{name}" for name in _OWN.split(", ") if name != "key")
_SAID = (
    "with said as (select * from jsonb_to_recordset(cast(:rows as jsonb)) as one (key text, modified_at timestamptz,"
    " number text, status text, deal text, kind text, price numeric, beds int, baths numeric, size int, lot int,"
    " year int, address text, city text, postal_code text, neighbourhood text, latitude float8, longitude float8,"
    " features text[], remarks text, fee numeric, listed_on date, sold_price numeric, sold_on date, words text,"
    " places text[]))"
)
# What stood there before is read by the same statement that writes: it sees the rows as they were when it began.
_COUNTED = (
    " select count(*) filter (where l.key is null) as new, count(*) filter (where l.modified_at < s.modified_at)"
    " as changed, count(*) filter (where l.modified_at = s.modified_at) as same,"
    " count(*) filter (where l.modified_at > s.modified_at) as older from said s"
    " left join listing l on l.workspace_id = frontdesk_workspace() and l.key = s.key"
)
_PUT = text(
    f"{_SAID}, put as (insert into listing as l (workspace_id, {_OWN}) select :w, {_OWN} from said order by key"  # noqa: S608
    f" on conflict (workspace_id, key) do update set {_SET}, updated_at = frontdesk_now()"
    " where excluded.modified_at > l.modified_at)" + _COUNTED
)
_GO = text(
    "with said as (select * from unnest(cast(:keys as text[]), cast(:moments as timestamptz[])) as one (key, modified_at)),"  # noqa: S608
    " went as (update listing l set status = 'off', modified_at = s.modified_at, updated_at = frontdesk_now() from said s"
    " where l.workspace_id = frontdesk_workspace() and l.key = s.key and l.modified_at < s.modified_at)"
    + _COUNTED
)
_DUE = text(
    "insert into listing_state as known (workspace_id, version, due_at) values (:w, 1, frontdesk_now())"
    " on conflict (workspace_id) do update set version = known.version + 1, due_at = frontdesk_now()"
)
_GET = text(f"select {COLUMNS} from listing where key = any(:keys)")  # noqa: S608
_PAGE = text(
    f"select {COLUMNS} from listing"  # noqa: S608
    " where (cast(:status as text) is null or status = :status) and (cast(:deal as text) is null or deal = :deal)"
    " and (cast(:after as timestamptz) is null or (modified_at, key) < (:after, :after_key))"
    " order by modified_at desc, key desc limit :limit"
)
_AT = text(
    f"select {COLUMNS} from listing where lower(address) ~ :address"  # noqa: S608
    " order by status = 'active' desc, modified_at desc limit 5"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of rows: `older` ones are of before what is known."""

    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0

    def __add__(self, other: "Counted") -> "Counted":
        return Counted(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.older + other.older,
        )


async def put(tx: Tx, rows: Sequence[Listing | Gone]) -> Counted:
    """Each as it stands there, unless what is known is newer. Of several with one key the newest counts."""
    newest: dict[str, Listing | Gone] = {}
    for one in rows:
        if one.key not in newest or newest[one.key].modified_at < one.modified_at:
            newest[one.key] = one
    counted = Counted(older=len(rows) - len(newest))
    listings = [one for one in newest.values() if isinstance(one, Listing)]
    gone = [one for one in newest.values() if isinstance(one, Gone)]
    if listings:
        row = (
            await tx.execute(_PUT, {"w": tx.workspace_id, "rows": json.dumps([_row(x) for x in listings])})
        ).one()
        counted += Counted(row.new, row.changed, row.same, row.older)
    if gone:
        values = {"keys": [one.key for one in gone], "moments": [one.modified_at for one in gone]}
        row = (await tx.execute(_GO, values)).one()
        # Gone before it was known here: as if it had never been.
        counted += Counted(0, row.changed, row.same + row.new, row.older)
    if counted.new or counted.changed:
        await tx.execute(_DUE, {"w": tx.workspace_id})
    return counted


async def get(tx: Tx, keys: Sequence[str]) -> list[Listing]:
    """In this order; those that are not there are left out."""
    found = {row.key: listing(row) for row in await tx.execute(_GET, {"keys": list(keys)})}
    return [found[key] for key in keys if key in found]


async def page(
    tx: Tx, status: str | None, deal: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[Listing]:
    """What changed last first."""
    values: dict[str, Any] = {"status": status, "deal": deal, "limit": limit}
    values |= {"after": after and after[0], "after_key": after and after[1]}
    return [listing(row) for row in await tx.execute(_PAGE, values)]


async def at_address(tx: Tx, pattern: str) -> list[Listing]:
    """Those whose address, in small letters, this regular expression finds; what is for sale first."""
    return [listing(row) for row in await tx.execute(_AT, {"address": pattern})]


def places(one: Listing) -> list[str]:
    return list(dict.fromkeys(x.lower() for x in (one.neighbourhood, one.city, one.postal_code) if x))


def _row(one: Listing) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in COLUMNS.split(", ")}
    more = {"words": reso.words(one), "places": places(one)}
    return dict(to_jsonable_python(plain | more))


def listing(row: Any) -> Listing:
    values = {name: getattr(row, name) for name in COLUMNS.split(", ")}
    values |= {"status": Status(row.status), "deal": Deal(row.deal), "features": tuple(row.features)}
    return Listing(**values | {"price": _plain(row.price), "baths": _plain(row.baths)})


def _plain(value: Decimal | None) -> Any:
    """Without trailing zeros, never in powers of ten."""
    if value is None:
        return None
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()

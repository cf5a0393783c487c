"""A record in the words of the RESO Data Dictionary (2.0) as one of our listings, or what is wrong with it.

https://ddwiki.reso.org: the names of fields and the values of StandardStatus, PropertyType and PropertySubType.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from domain import fair_housing, suspect
from domain.listings import features
from domain.listings.home import MOST_REMARKS, Deal, Gone, Listing, Status

NEEDED = ("ListingKey", "StandardStatus", "ModificationTimestamp")
_STATUS = {
    "active": Status.ACTIVE,
    **dict.fromkeys(("active under contract", "pending", "contingent"), Status.PENDING),
    **dict.fromkeys(("closed", "sold"), Status.SOLD),
    **dict.fromkeys(
        ("canceled", "cancelled", "expired", "withdrawn", "hold", "delete", "deleted", "incomplete", "coming soon"),
        Status.OFF,
    ),
}  # fmt: skip
_KINDS = (
    ("multi_family", r"duplex|triplex|quadruplex|multi ?family"),
    ("townhouse", r"town ?ho(?:use|me)|row ?house"),
    ("condo", r"condominium|condo|apartment|stock cooperative|loft"),
    ("manufactured", r"manufactured|mobile"),
    ("land", r"\bland\b|acreage|\blot\b"),
    ("house", r"single family|house|residential|cabin|villa|farm|ranch"),
)
_PERIODS = {"monthly": 1, "annually": 12, "quarterly": 3, "semiannually": 6, "semi-annually": 6}
_TEXTS = (
    "InteriorFeatures", "ExteriorFeatures", "LotFeatures", "PatioAndPorchFeatures", "Flooring", "Cooling", "Fencing",
    "LaundryFeatures", "PoolFeatures", "View", "WaterfrontFeatures", "AccessibilityFeatures", "Basement", "Furnished",
    "ParkingFeatures", "FireplaceFeatures", "GreenEnergyGeneration", "Levels", "OtherStructures", "PropertyCondition",
)  # fmt: skip
_FLAGS = {
    "PoolPrivateYN": "pool", "GarageYN": "garage", "FireplaceYN": "fireplace", "WaterfrontYN": "waterfront",
    "ViewYN": "view", "NewConstructionYN": "new", "CoolingYN": "air_conditioning",
}  # fmt: skip
_YES, _NO = frozenset({"true", "y", "yes", "1"}), frozenset({"false", "n", "no", "0"})
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
SQUARE_METRE = Decimal("10.7639")
LONGEST_KEY = 120
AHEAD = timedelta(days=1)
"""A change that is dated later than this would keep every true one out."""

Record = Mapping[str, Any]


class Wrong(Exception):
    """What is wrong with a record, in words for whoever sent it."""


def read(record: Record, now: datetime) -> Listing | Gone:
    """Names are read without regard to case. Raise Wrong."""
    said = {str(name).lower(): value for name, value in record.items()}
    key = _text(said, "ListingKey") or _text(said, "ListingId")
    if not key:
        raise Wrong("ListingKey is empty")
    if len(key) > LONGEST_KEY:
        raise Wrong(f"ListingKey is longer than {LONGEST_KEY} characters")
    changed, status = _moment(said, now), _status(said)
    if status is Status.OFF or _flag(said, "MlgCanView") is False:
        return Gone(key, changed)
    return _whole(said, key, changed, status)


def _whole(said: Record, key: str, changed: datetime, status: Status) -> Listing:
    kind = _kind(said)
    place = _place(said)
    sold = _number(said, "ClosePrice", 1, 10**10)
    listing = Listing(
        key, changed, _text(said, "ListingId")[:100], status, _deal(said), kind,
        _needed(_number(said, "ListPrice", 1, 10**10) or (sold if status is Status.SOLD else None), "ListPrice"),
        int(_needed(Decimal(0) if kind == "land" else _number(said, "BedroomsTotal", 0, 100), "BedroomsTotal")),
        _baths(said), _area(said, "LivingArea", "LivingAreaUnits"), _lot(said), _year(said, changed),
        _address(said), _text(said, "City")[:100], _text(said, "PostalCode")[:12],
        (_text(said, "SubdivisionName") or _text(said, "MLSAreaMinor"))[:100], place[0], place[1],
        (), remarks(said), _fee(said), _day(said, "ListingContractDate") or _day(said, "OnMarketDate"),
        sold, _day(said, "CloseDate"),
    )  # fmt: skip
    return Listing(
        **{name: getattr(listing, name) for name in Listing.__slots__} | {"features": _features(said)}
    )


def remarks(said: Record) -> str:
    """The listing's own words, without what nobody sees and without what speaks to a machine."""
    raw = _text(said, "PublicRemarks")[:MOST_REMARKS]
    return " ".join(suspect.without_orders(raw).split())


def words(listing: Listing) -> str:
    """What a listing's vector is made of: the home, in its own words. Sentences about people, or about how good an area
    is, are left out, so that no wish can find a home by them."""
    kept = [one for one in _SENTENCE.split(listing.remarks) if one and not about_people(one)]
    has = ", ".join(features.called(one, "en") for one in listing.features)
    return " ".join([f"{listing.kind.replace('_', ' ')}{' with ' + has if has else ''}.", *kept])


def about_people(sentence: str) -> bool:
    return fair_housing.asks(sentence) or fair_housing.describes(sentence)


def _text(said: Record, name: str) -> str:
    value = said.get(name.lower())
    if value is None:
        return ""
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    return _UNSEEN.sub(" ", str(value)).strip()


def _number(said: Record, name: str, least: int, most: int) -> Decimal | None:
    raw = said.get(name.lower())
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    shown = f"{name} {str(raw)[:40]!r}"
    if isinstance(raw, bool) or not _NUMBER.fullmatch(str(raw).strip()):
        raise Wrong(f"{shown} must be a number without thousands separators, such as 1250.5")
    try:
        value = Decimal(str(raw).strip())
    except InvalidOperation:
        raise Wrong(f"{shown} must be a number") from None
    if not least <= value <= most:
        raise Wrong(f"{shown} must lie between {least} and {most}")
    return value


def _needed(value: Decimal | None, name: str) -> Decimal:
    if value is None:
        raise Wrong(f"{name} is empty")
    return value


def _flag(said: Record, name: str) -> bool | None:
    raw = _text(said, name).lower()
    if not raw:
        return None
    if raw not in _YES | _NO:
        raise Wrong(f"{name} {raw[:40]!r} must be true or false")
    return raw in _YES


def _moment(said: Record, now: datetime) -> datetime:
    raw = _text(said, "ModificationTimestamp")
    try:
        value = datetime.fromisoformat(raw)
    except ValueError:
        value = None
    if value is None or value.tzinfo is None:
        raise Wrong(
            f"ModificationTimestamp {raw[:40]!r} must be a moment with its zone, such as 2026-11-20T15:04:05Z"
        )
    if value > now + AHEAD:
        raise Wrong(f"ModificationTimestamp {raw[:40]!r} lies in the future")
    return value


def _day(said: Record, name: str) -> date | None:
    raw = _text(said, name)
    if not raw:
        return None
    try:
        return date.fromisoformat(raw[:10])
    except ValueError:
        raise Wrong(f"{name} {raw[:40]!r} must be a day, such as 2026-11-20") from None


def _status(said: Record) -> Status:
    raw = _text(said, "StandardStatus")
    status = _STATUS.get(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", raw).lower())
    if status is None:
        raise Wrong(f"StandardStatus {raw[:40]!r} is none of Active, Pending, Closed, Withdrawn, ...")
    return status


def _deal(said: Record) -> Deal:
    return Deal.RENT if re.search(r"lease|rental", _text(said, "PropertyType"), re.IGNORECASE) else Deal.SALE


def _kind(said: Record) -> str:
    for name in ("PropertySubType", "PropertyType"):
        raw = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _text(said, name))
        for kind, pattern in _KINDS:
            if re.search(pattern, raw, re.IGNORECASE):
                return kind
    return "other"


def _baths(said: Record) -> Decimal | None:
    whole = _number(said, "BathroomsTotalDecimal", 0, 100)
    full, half = _number(said, "BathroomsFull", 0, 100), _number(said, "BathroomsHalf", 0, 100)
    if whole is None and full is not None:
        whole = full + (half or Decimal(0)) / 2
    return whole if whole is not None else _number(said, "BathroomsTotalInteger", 0, 100)


def _area(said: Record, name: str, units: str) -> int | None:
    value = _number(said, name, 0, 100_000_000)
    if not value:
        return None
    if re.search(r"met(?:er|re)", _text(said, units), re.IGNORECASE):
        value *= SQUARE_METRE
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def _lot(said: Record) -> int | None:
    if square := _area(said, "LotSizeSquareFeet", ""):
        return square
    acres = _number(said, "LotSizeAcres", 0, 1_000_000)
    return int(acres * 43_560) if acres else None


def _year(said: Record, changed: datetime) -> int | None:
    value = _number(said, "YearBuilt", 0, changed.year + 5)
    return int(value) if value and value >= 1600 else None


def _place(said: Record) -> tuple[float | None, float | None]:
    latitude, longitude = _number(said, "Latitude", -90, 90), _number(said, "Longitude", -180, 180)
    if latitude is None or longitude is None or not (latitude or longitude):
        return None, None
    return float(latitude), float(longitude)


def _address(said: Record) -> str:
    parts = ("StreetNumber", "StreetDirPrefix", "StreetName", "StreetSuffix", "StreetDirSuffix")
    whole = _text(said, "UnparsedAddress") or " ".join(filter(None, (_text(said, one) for one in parts)))
    unit = _text(said, "UnitNumber")
    if not whole:
        raise Wrong("UnparsedAddress is empty, and so are StreetNumber and StreetName")
    return f"{whole} #{unit}"[:200] if unit and unit not in whole else whole[:200]


def _fee(said: Record) -> Decimal | None:
    fee = _number(said, "AssociationFee", 0, 1_000_000)
    months = _PERIODS.get(_text(said, "AssociationFeeFrequency").lower(), 1)
    return (fee / months).quantize(Decimal(1)) if fee else None


def _features(said: Record) -> tuple[str, ...]:
    """What its fields say that it has; not what its remarks say, which may be that it has none."""
    listed = ", ".join(_text(said, name) for name in _TEXTS)
    found = {*features.named(listed), *(name for flag, name in _FLAGS.items() if _flag(said, flag))}
    found -= {name for flag, name in _FLAGS.items() if _flag(said, flag) is False}
    if (_number(said, "GarageSpaces", 0, 1000) or 0) > 0:
        found.add("garage")
    if _number(said, "StoriesTotal", 0, 1000) == 1 or _text(said, "Levels").lower() == "one":
        found.add("single_story")
    if _text(said, "PetsAllowed") and not _text(said, "PetsAllowed").lower().startswith("no"):
        found.add("pets")
    if _flag(said, "AssociationYN") is False:
        found.add("no_hoa")
    return tuple(name for name in features.FEATURES if name in found)

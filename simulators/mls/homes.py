"""Homes that never were: the same seed makes the same ones. Price follows size, place, age, kind and what a home has,
with as much chance in it as real prices have."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulators.mls.places import PLACES, STREETS, SUFFIXES, Place
from simulators.mls.words import KITCHEN, LIGHT, ROOMS, STATE, STREET, YARD

KINDS = {"condo": "Condominium", "townhouse": "Townhouse", "house": "Single Family Residence"}
MILE = 1 / 69.0
"""Degrees of latitude."""
Record = dict[str, Any]


class Maker:
    """`sold` is the share of homes that are sold, `rented` of those that are for rent."""

    def __init__(
        self, seed: int, today: date, places: Sequence[str] = (), sold: float = 0.24, rented: float = 0.1
    ):
        self._drawn = random.Random(seed)  # noqa: S311  (no secret: made-up homes)
        self._today, self._sold, self._rented = today, sold, rented
        self._places = [one for one in PLACES if not places or one.name in places]
        self._addresses = set[str]()
        if unknown := set(places) - {one.name for one in PLACES}:
            raise ValueError(f"no such neighbourhood: {', '.join(sorted(unknown))}")

    def homes(self, count: int) -> Iterator[Record]:
        for n in range(count):
            yield self._home(n)

    def _home(self, n: int) -> Record:
        drawn, place = self._drawn, self._drawn.choice(self._places)
        kind = "house" if drawn.random() < place.houses else drawn.choice(("condo", "condo", "townhouse"))
        beds = self._beds(kind)
        size = self._size(kind, beds)
        year = min(int(drawn.triangular(*place.built)), self._today.year)
        has = self._has(kind, size, year)
        record = self._record(n, place, kind, beds, size, year, has)
        return record | self._priced(place, kind, size, year, has, record)

    def _beds(self, kind: str) -> int:
        weights = {"condo": (4, 34, 44, 16, 2), "townhouse": (0, 4, 38, 46, 12), "house": (0, 2, 16, 48, 34)}
        beds = self._drawn.choices(range(5), weights[kind])[0]
        return beds + (beds == 4 and self._drawn.random() < 0.25)

    def _size(self, kind: str, beds: int) -> int:
        base = {"condo": (520, 310), "townhouse": (560, 370), "house": (420, 480)}[kind]
        return max(380, round((base[0] + base[1] * beds) * self._drawn.lognormvariate(0, 0.16)))

    def _has(self, kind: str, size: int, year: int) -> set[str]:
        drawn, house = self._drawn, kind == "house"
        chances = {
            "pool": 0.16 if house and size > 1700 else 0.02, "garage": 0.75 if house else 0.35, "fireplace": 0.35,
            "office": 0.3 if size > 1500 else 0.08, "hardwood": 0.5, "patio": 0.5, "fence": 0.7 if house else 0.1,
            "view": 0.12, "one": 0.55 if house else 0.75, "solar": 0.08 if year > 1990 else 0.03,
            "fee": 0.5 if house else 0.95, "balcony": 0.02 if house else 0.5, "access": 0.05,
            "ev": 0.1 if year > 2012 else 0.02,
        }  # fmt: skip
        return {name for name, chance in chances.items() if drawn.random() < chance}

    def _record(
        self, n: int, place: Place, kind: str, beds: int, size: int, year: int, has: set[str]
    ) -> Record:
        drawn = self._drawn
        baths = max(1.0, round((beds * 0.72 + drawn.choice((0, 0.5, 0.5, 1))) * 2) / 2)
        lot = round(drawn.triangular(3200, 14000, 6500)) if kind == "house" else None
        spread = 0.3 * MILE
        return {
            "ListingKey": f"ATX{1_000_000 + n}", "ListingId": f"{8_000_000 + n * 7}",
            "PropertySubType": KINDS[kind], "BedroomsTotal": beds, "BathroomsFull": int(baths),
            "BathroomsHalf": int(baths % 1 > 0), "LivingArea": size, "LotSizeSquareFeet": lot, "YearBuilt": year,
            "UnparsedAddress": self._address(), "UnitNumber": str(drawn.randint(101, 2240)) if kind == "condo" else None,
            "City": place.city, "StateOrProvince": "TX", "PostalCode": place.zip, "SubdivisionName": place.name,
            "Latitude": round(place.latitude + drawn.gauss(0, spread), 6),
            "Longitude": round(place.longitude + drawn.gauss(0, spread * 1.15), 6),
            "PoolPrivateYN": "pool" in has, "GarageSpaces": drawn.choice((1, 2, 2, 2, 3)) if "garage" in has else 0,
            "FireplaceYN": "fireplace" in has, "NewConstructionYN": year >= self._today.year - 1, "ViewYN": "view" in has,
            "Levels": "One" if "one" in has else "Two",
            "Flooring": ["Hardwood"] if "hardwood" in has else ["Tile", "Carpet"],
            "InteriorFeatures": [name for key, name in (("office", "Home Office"), ("access", "Wheelchair Accessible"))
                                 if key in has],
            "PatioAndPorchFeatures": ["Covered Patio"] if "patio" in has else [],
            "ExteriorFeatures": ["Balcony"] if "balcony" in has else [],
            "Fencing": ["Fenced"] if "fence" in has else [], "Cooling": ["Central Air"],
            "GreenEnergyGeneration": ["Solar"] if "solar" in has else [],
            "ParkingFeatures": ["EV Charging"] if "ev" in has else [],
            "AssociationYN": "fee" in has,
            "AssociationFee": round(drawn.triangular(30, 420 if kind == "condo" else 120)) if "fee" in has else None,
            "AssociationFeeFrequency": "Monthly" if "fee" in has else None,
            "PublicRemarks": self._remarks(kind, year, has),
        }  # fmt: skip

    def _address(self) -> str:
        while True:
            street = f"{self._drawn.choice(STREETS)} {self._drawn.choice(SUFFIXES)}"
            address = f"{self._drawn.randint(100, 9899)} {street}"
            if address not in self._addresses:
                self._addresses.add(address)
                return address

    def _remarks(self, kind: str, year: int, has: set[str]) -> str:
        drawn = self._drawn
        state = "new" if year >= self._today.year - 1 else drawn.choices(("kept", "work"), (8, 2))[0]
        kitchen = "cook" if state == "new" else drawn.choice(("bright", "cook", "plain"))
        yard = drawn.choice(("garden", "yard")) if kind == "house" else "small"
        groups = [KITCHEN[kitchen], LIGHT[drawn.choice(("bright", "shade"))], YARD[yard]]
        groups.append(STREET[drawn.choices(("quiet", "lively", "busy"), (5, 3, 2))[0]])
        rooms = {"office": "office", "fireplace": "fire", "hardwood": "floors"}
        groups += [ROOMS[room] for name, room in rooms.items() if name in has]
        groups.append(
            ROOMS[
                "loft" if kind == "condo" and drawn.random() < 0.3 else drawn.choice(("storage", "primary"))
            ]
        )
        groups.append(STATE[state])
        said = [drawn.choice(one).format(roof=drawn.randint(2015, self._today.year)) for one in groups]
        drawn.shuffle(said)
        return " ".join(said)

    def _priced(self, place: Place, kind: str, size: int, year: int, has: set[str], record: Record) -> Record:
        """A larger home costs less a foot; a newer one more; a pool, a garage and a large lot are paid for."""
        drawn = self._drawn
        foot = place.foot * (1600 / size) ** 0.18 * {"house": 1.0, "townhouse": 0.94, "condo": 0.97}[kind]
        foot *= 1 + 0.0025 * (year - sum(place.built) / 2)
        worth = size * foot + 38_000 * ("pool" in has) + 14_000 * ("garage" in has)
        worth += 3 * max(0, (record["LotSizeSquareFeet"] or 6000) - 6000)
        worth *= drawn.lognormvariate(0, 0.07) * (0.86 if "Needs work" in record["PublicRemarks"] else 1)
        for_rent = drawn.random() < self._rented
        asked = (
            round(worth * 0.0053 / 25) * 25
            if for_rent
            else round(worth / 1000) * 1000 - drawn.choice((0, 0, 100))
        )
        return {
            "PropertyType": "Residential Lease" if for_rent else "Residential", "ListPrice": asked,
        } | self._dated(asked, for_rent)  # fmt: skip

    def _dated(self, asked: int, for_rent: bool) -> Record:
        drawn = self._drawn
        sold = 0.0 if for_rent else self._sold
        status = drawn.choices(("Active", "Pending", "Closed", "Withdrawn"), (0.86 - sold, 0.08, sold, 0.06))[
            0
        ]
        listed = self._today - timedelta(days=round(drawn.triangular(1, 120, 15)))
        closed, price = None, None
        if status == "Closed":
            closed = self._today - timedelta(days=round(drawn.triangular(3, 330, 60)))
            listed = closed - timedelta(days=round(drawn.triangular(20, 110, 45)))
            price = round(asked * drawn.gauss(0.985, 0.02) / 500) * 500
        changed = closed or min(self._today, listed + timedelta(days=drawn.randint(0, 20)))
        at = datetime(
            changed.year, changed.month, changed.day, drawn.randint(7, 21), drawn.randint(0, 59), tzinfo=UTC
        )
        return {
            "StandardStatus": status, "ListingContractDate": listed.isoformat(),
            "CloseDate": closed.isoformat() if closed else None, "ClosePrice": price,
            "ModificationTimestamp": at.isoformat().replace("+00:00", "Z"),
        }  # fmt: skip

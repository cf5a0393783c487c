"""Records as a listing service sends them, one change at a time."""

from typing import Any

Record = dict[str, Any]
HOME: Record = {
    "ListingKey": "K1", "ListingId": "8123", "StandardStatus": "Active", "PropertyType": "Residential",
    "PropertySubType": "Single Family Residence", "ListPrice": 450000, "BedroomsTotal": 3, "BathroomsFull": 2,
    "BathroomsHalf": 1, "LivingArea": 1650, "YearBuilt": 1998, "UnparsedAddress": "412 Maple Ave", "City": "Austin",
    "PostalCode": "78704", "SubdivisionName": "Zilker", "Latitude": 30.25, "Longitude": -97.77, "PoolPrivateYN": True,
    "GarageSpaces": 2, "PublicRemarks": "Bright kitchen. Great for families.",
    "ModificationTimestamp": "2026-02-20T10:00:00Z",
}  # fmt: skip


def record(**changes: Any) -> Record:
    return {name: value for name, value in (HOME | changes).items() if value is not None}

"""Homes that are listed: brought in from a listing service's file, and looked at."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from admin_api import pagination
from admin_api.auth import Admitted, guarded
from admin_api.documents import ONE_FILE, uploaded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Told
from domain.errors import FieldError, Invalid, NotFound
from runtime import listings as feeds
from runtime.wake import LISTINGS
from store import listings

_FORM = "multipart/form-data"
router = APIRouter(
    prefix="/listings",
    route_class=guarded(write=Right.CONFIGURE, accepts=frozenset({_FORM, "application/json"})),
    tags=["listings"],
)
Status = Literal["active", "pending", "sold", "off"]
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {_FORM: ONE_FILE}}}


class ListingTold(Told):
    """Sizes are in square feet; `price` is a month's if it is for rent."""

    key: str
    number: str
    status: Status
    deal: Literal["sale", "rent"]
    kind: str
    price: Decimal
    beds: int
    baths: Decimal | None
    size: int | None
    lot: int | None
    year: int | None
    address: str
    city: str
    postal_code: str
    neighbourhood: str
    latitude: float | None
    longitude: float | None
    features: list[str]
    remarks: str
    fee: Decimal | None = Field(description="Of the homeowners' association, a month.")
    listed_on: date | None
    sold_price: Decimal | None
    sold_on: date | None
    modified_at: Moment = Field(description="The feed's ModificationTimestamp.")


class NotTaken(Told):
    line: int = Field(description="Of the CSV; of JSON, which record it is, from 1.")
    why: str


class Imported(BaseModel):
    """Every row is in one of: new, changed, same, older, bad."""

    rows: int
    new: int
    changed: int
    same: int
    older: int = Field(description="Older than what is known; what is known stays.")
    bad: list[NotTaken]


@router.post("/import", openapi_extra=_BODY)
async def import_(here: Admitted, request: Request) -> Imported:
    """RESO-style JSON, or CSV with the same names, at most 20 MB, as a form. The newest ModificationTimestamp wins, so
    that the same file again changes nothing, and one that was broken off goes on."""
    if not request.headers.get("content-type", "").startswith(_FORM):
        raise Invalid("send it as the form's `file`", errors=[FieldError("/file", "there is none")])
    name, data = await uploaded(request)
    try:
        text = data.decode("utf-8-sig")
        form: Literal["csv"] | None = "csv" if name.lower().endswith(".csv") else None
        taken = await feeds.take(here.rt.db, here.caller.workspace_id, text, here.caller.actor, form)
    except UnicodeDecodeError as error:
        said = f"it is not UTF-8 (byte {error.start})"
        raise Invalid("the file cannot be read", errors=[FieldError("/file", said)]) from None
    except ValueError as error:
        raise Invalid("this is no file of listings", errors=[FieldError("/file", str(error))]) from None
    await here.rt.wake.wake(LISTINGS)
    of = taken.counted
    return Imported(
        rows=taken.rows, new=of.new, changed=of.changed, same=of.same, older=of.older,
        bad=[NotTaken.model_validate(one) for one in taken.bad],
    )  # fmt: skip


@router.get("")
async def listed(
    here: Admitted,
    status: Status | None = None,
    deal: Literal["sale", "rent"] | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[ListingTold]:
    """What the feed changed last comes first."""
    after = pagination.read_keyed("listings", cursor)
    async with here.transaction() as tx:
        rows = await listings.page(tx, status, deal, after, limit + 1)
    return pagination.page(
        rows,
        limit,
        ListingTold.model_validate,
        lambda row: pagination.write("listings", row.modified_at, row.key),
    )


@router.get("/{key}")
async def one(here: Admitted, key: str) -> ListingTold:
    """By the feed's key."""
    async with here.transaction() as tx:
        found = await listings.get(tx, [key])
    if not found:
        raise NotFound("there is no such listing here")
    return ListingTold.model_validate(found[0])

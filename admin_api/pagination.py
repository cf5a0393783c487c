"""Lists in pages: opaque cursors that say where the last page ended, checked when they come back."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from domain.errors import FieldError, Invalid

Row = TypeVar("Row")
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]
LIMIT = 50
_LONGEST = 300


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_cursor: str | None
    """None: this was the last page."""


def page(
    rows: Sequence[Row], limit: int, show: Callable[[Row], Item], place: Callable[[Row], str]
) -> Page[Item]:
    """`rows` are up to one more than `limit`; the one too many only says that there is another page."""
    shown = rows[:limit]
    return Page(
        items=[show(row) for row in shown], next_cursor=place(shown[-1]) if len(rows) > limit else None
    )


def write(kind: str, *parts: datetime | UUID | int | str) -> str:
    told = [part.isoformat() if isinstance(part, datetime) else str(part) for part in parts]
    return base64.urlsafe_b64encode(json.dumps([kind, *told]).encode()).decode().rstrip("=")


def read_id(kind: str, cursor: str | None) -> UUID | None:
    return None if cursor is None else _read(kind, cursor, lambda told: UUID(told[0]), 1)


def read_seq(kind: str, cursor: str | None) -> int | None:
    return None if cursor is None else _read(kind, cursor, lambda told: _seq(told[0]), 1)


def read_moment(kind: str, cursor: str | None) -> tuple[datetime, UUID] | None:
    return None if cursor is None else _read(kind, cursor, lambda told: (_aware(told[0]), UUID(told[1])), 2)


def read_keyed(kind: str, cursor: str | None) -> tuple[datetime, str] | None:
    """A moment and the key of something that is not ours to name."""
    return None if cursor is None else _read(kind, cursor, lambda told: (_aware(told[0]), told[1]), 2)


def read_count(kind: str, cursor: str | None) -> tuple[int, UUID] | None:
    return None if cursor is None else _read(kind, cursor, lambda told: (_seq(told[0]), UUID(told[1])), 2)


def _read(kind: str, cursor: str, parse: Callable[[list[str]], Row], parts: int) -> Row:
    try:
        if len(cursor) > _LONGEST or not cursor.isascii():
            raise ValueError("not one of ours")
        told: Any = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(told, list) or len(told) != parts + 1 or told[0] != kind:
            raise ValueError("another list's")
        return parse([str(part) for part in told[1:]])
    except (ValueError, binascii.Error, RecursionError):
        wrong = FieldError("/query/cursor", "not a cursor of this list; send next_cursor as it came")
        raise Invalid("the cursor is not valid", code="bad_cursor", errors=[wrong]) from None


def _aware(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _seq(told: str) -> int:
    seq = int(told)
    if not 0 <= seq < 2**63:
        raise ValueError("no seq")
    return seq

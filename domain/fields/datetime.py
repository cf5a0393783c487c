"""Moments, as ISO 8601 with the workspace's offset; a day or a time alone is the part that is known so far."""

from datetime import date, datetime, time
from typing import Any, ClassVar

from domain.entities.datetimes import moment
from domain.fields import date as day_
from domain.fields import time as clock_
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_MOMENT = Complaint("not_a_moment", "write a day and a time, like Tuesday at 3 pm")


class DateTime(Kind):
    type: ClassVar[FieldType] = FieldType.DATETIME

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        written = _iso(text.strip(), here)
        if written is not None:
            return written
        whole = [
            e.value.isoformat() for e in entities(text, here, "datetime") if isinstance(e.value, datetime)
        ]
        if whole:
            return only(whole, NO_MOMENT)
        return self._parts(text, field, here)

    def _parts(self, text: str, field: Field_, here: Here) -> Any:
        day = day_.Date().parse(text, field, here)
        clock = clock_.Time().parse(text, field, here)
        found = [one for one in (day, clock) if not isinstance(one, Complaint)]
        return join(day, clock, here) if len(found) == 2 else (found or [NO_MOMENT])[0]

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return NO_MOMENT

    def show(self, value: Any, field: Field_, here: Here) -> str:
        if "T" not in value:
            part = clock_.Time() if ":" in value else day_.Date()
            return part.show(value, field, here)
        at = datetime.fromisoformat(value)
        return f"{day_.shown(at.date(), here)}, {clock_.shown(at.time(), here)}"

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def order(self, value: Any) -> Any:
        return None if ":" in value and "T" not in value else date.fromisoformat(value[:10])

    def bound(self, said: Any, here: Here | None) -> Any:
        return day_.bound(said, here)


def complete(value: str) -> bool:
    return "T" in value


def join(day: str, clock: str, here: Here) -> str:
    """A day and a time that the clocks jump over stay as written, with the offset after the jump."""
    at, on = time.fromisoformat(clock), date.fromisoformat(day)
    there = moment(on, at, here.now) or datetime.combine(on, at, here.now.tzinfo)
    return there.isoformat()


def _iso(text: str, here: Here) -> str | None:
    if len(text) < 16 or text[10:11] not in ("T", " "):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at.astimezone(here.now.tzinfo) if at.tzinfo else at.replace(tzinfo=here.now.tzinfo)).isoformat()

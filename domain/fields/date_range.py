"""Spans of days, both ends included: {start, end} as ISO days."""

import re
from datetime import date
from typing import Any, ClassVar

from domain.entities import DateRange as Days
from domain.fields import date as day_
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_RANGE = Complaint("not_a_range", "write two days, like May 3 to May 7")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)\s*(?:/|-|to|a)\s*(\d{4}-\d\d-\d\d)")


class DateRange(Kind):
    type: ClassVar[FieldType] = FieldType.DATE_RANGE

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        if iso := _ISO.fullmatch(text.strip()):
            return self.canonical({"start": iso[1], "end": iso[2]}, field, here)
        spans = [_value(e.value) for e in entities(text, here, "date_range") if isinstance(e.value, Days)]
        if spans:
            return only(spans, NO_RANGE)
        days = day_.days_in(text, here)
        if not 1 <= len(days) <= 2 or days != sorted(days):
            return NO_RANGE
        return {"start": days[0], "end": days[-1]}

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        if not isinstance(value, dict) or set(value) != {"start", "end"}:
            return Complaint("wrong_type", 'write {"start": "2026-05-03", "end": "2026-05-07"}')
        try:
            start, end = date.fromisoformat(str(value["start"])), date.fromisoformat(str(value["end"]))
        except ValueError:
            return NO_RANGE
        if end < start:
            return Complaint("backwards", "the end is before the start")
        return _value(Days(start, end))

    def show(self, value: Any, field: Field_, here: Here) -> str:
        ends = [day_.shown(date.fromisoformat(value[end]), here) for end in ("start", "end")]
        return ends[0] if ends[0] == ends[1] else " - ".join(ends)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        day = {"type": "string", "format": "date"}
        return {
            "type": "object",
            "properties": {"start": day, "end": day},
            "required": ["start", "end"],
            "additionalProperties": False,
        }

    def order(self, value: Any) -> Any:
        return date.fromisoformat(value["start"])

    def bound(self, said: Any, here: Here | None) -> Any:
        return day_.bound(said, here)


def _value(days: Days) -> dict[str, str]:
    return {"start": days.start.isoformat(), "end": days.end.isoformat()}

"""Days, as ISO 8601."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from babel.dates import format_date

from domain.entities import TimeRange, parse_date
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_DATE = Complaint("not_a_date", "write a day, like Tuesday or March 5")


class Date(Kind):
    type: ClassVar[FieldType] = FieldType.DATE

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        whole = parse_date(text, here.now, country=here.country)
        if whole is not None:
            return whole.isoformat()
        return only(days_in(text, here), NO_DATE)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return NO_DATE

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return shown(date.fromisoformat(value), here)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def order(self, value: Any) -> Any:
        return date.fromisoformat(value)

    def bound(self, said: Any, here: Here | None) -> Any:
        return bound(said, here)


def bound(said: Any, here: Here | None) -> date:
    if said == "today":
        return here.now.date() if here else date.today()  # noqa: DTZ011  only whether it is well-formed
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        raise ValueError(f"{said!r} is not a day; write 2026-12-31 or today") from None


def day_of(value: Any) -> date | None:
    """The day that an entity says."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, TimeRange):
        return value.on
    return value if isinstance(value, date) else None


def days_in(text: str, here: Here) -> list[str]:
    found = entities(text, here, "date", "datetime", "time_range")
    return [day.isoformat() for e in found if (day := day_of(e.value)) is not None]


def shown(day: date, here: Here) -> str:
    """With the year when it is not the next such day."""
    there = here.now.date()
    far = not there <= day <= there + timedelta(days=330)
    if here.locale == "en_US":
        return str(format_date(day, "EEEE, MMM d, yyyy" if far else "EEEE, MMM d", locale="en_US"))
    return str(format_date(day, "EEEE d 'de' MMMM" + (" 'de' yyyy" if far else ""), locale=here.locale))

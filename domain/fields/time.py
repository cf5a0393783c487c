"""Clock times of the workspace's zone, as HH:MM."""

from datetime import datetime, time
from typing import Any, ClassVar

from babel.dates import format_time

from domain.entities import parse_time
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_TIME = Complaint("not_a_time", "write a time, like 3:30 pm")


class Time(Kind):
    type: ClassVar[FieldType] = FieldType.TIME

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        whole = parse_time(text, here.now)
        if whole is not None:
            return whole.isoformat("minutes")
        return only(times_in(text, here), NO_TIME)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return NO_TIME

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return shown(time.fromisoformat(value), here)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}

    def order(self, value: Any) -> Any:
        return time.fromisoformat(value)

    def bound(self, said: Any, here: Here | None) -> Any:
        try:
            return time.fromisoformat(str(said).zfill(5))
        except ValueError:
            raise ValueError(f"{said!r} is not a time; write 09:30") from None


def times_in(text: str, here: Here) -> list[str]:
    found = [e.value for e in entities(text, here, "time", "datetime")]
    clocks = [value.time() if isinstance(value, datetime) else value for value in found]
    return [value.isoformat("minutes") for value in clocks if isinstance(value, time)]


def shown(moment: time, here: Here) -> str:
    """Without the non-breaking spaces that would turn a text message into UCS-2."""
    said = str(format_time(moment, "short", locale=here.locale))
    return said.replace("\u202f", " ").replace("\u00a0", " ")

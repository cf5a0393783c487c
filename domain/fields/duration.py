"""How long something takes, in whole seconds."""

import re
from datetime import timedelta
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType

NO_DURATION = Complaint("not_a_duration", "write how long, like 45 minutes")
LONGEST = 10 * 366 * 86_400
_SIZES = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_SPANISH = {"day": "día", "hour": "hora", "minute": "minuto", "second": "segundo"}
_PART = r"(\d{1,7}) ?(d|h|m|s|days?|hours?|minutes?|seconds?|d[ií]as?|horas?|minutos?|segundos?)\b"
_PARTS = re.compile(rf"(?:{_PART}[ ,]*(?:and |y )?)+", re.I)
_SHORT = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Duration(Kind):
    type: ClassVar[FieldType] = FieldType.DURATION

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        if _PARTS.fullmatch(text.strip()):
            parts = re.findall(_PART, text, re.I)
            return _bounded(sum(int(n) * _SHORT[unit[0].lower()] for n, unit in parts))
        spans = [e.value for e in entities(text, here, "duration")]
        found = [round(one.total_seconds()) for one in spans if isinstance(one, timedelta)]
        value = only(found, NO_DURATION)
        return value if isinstance(value, Complaint) else _bounded(value)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        return _bounded(int(value)) if whole else Complaint("wrong_type", "write seconds, or words")

    def show(self, value: Any, field: Field_, here: Here) -> str:
        parts, rest = [], int(value)
        for unit, size in _SIZES:
            n, rest = divmod(rest, size)
            if n:
                name = _SPANISH[unit] if here.language == "es" else unit
                parts.append(f"{n} {name}{'s' if n != 1 else ''}")
        return " ".join(parts) or ("0 segundos" if here.language == "es" else "0 seconds")

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "description": "seconds"}

    def order(self, value: Any) -> Any:
        return value

    def bound(self, said: Any, here: Here | None) -> Any:
        if isinstance(said, int | float):
            return said
        parts = re.findall(_PART, said, re.I) if _PARTS.fullmatch(said.strip()) else []
        if not parts:
            raise ValueError(f"{said!r} is not a duration; write 90m or 2h 30m")
        return sum(int(n) * _SHORT[unit[0].lower()] for n, unit in parts)


def _bounded(seconds: int) -> Any:
    return seconds if 0 <= seconds <= LONGEST else NO_DURATION

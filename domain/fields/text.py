"""Words as they are, on one line."""

import re
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here, Kind
from domain.fields.definition import Field_, FieldType

LONGEST = 500


class Text(Kind):
    type: ClassVar[FieldType] = FieldType.TEXT
    longest: ClassVar[int] = LONGEST

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        value = self.tidy(text)
        if not value:
            return Complaint("empty", "write something")
        longest = min(self.longest, field.max_length or self.longest)
        if len(value) > longest:
            return Complaint("too_long", f"must have at most {longest} characters")
        if field.pattern and not re.fullmatch(field.pattern, value):
            return Complaint("pattern", f"{value!r} does not match {field.pattern}")
        return value

    def tidy(self, text: str) -> str:
        return " ".join(text.replace("\0", "").split())

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        return self.parse(str(value), field, here) if isinstance(value, int | float) else _not(self.type)

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(value)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        limits = {"minLength": field.min_length, "maxLength": field.max_length, "pattern": _anchored(field)}
        return {"type": "string"} | {name: limit for name, limit in limits.items() if limit is not None}


def _anchored(field: Field_) -> str | None:
    return f"^(?:{field.pattern})$" if field.pattern else None


def _not(type: FieldType) -> Complaint:
    return Complaint("wrong_type", f"a {type} is written as a string")

"""So many of so many stars: from 1 to `maximum`, five unless the admin says another number."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from domain.fields.base import Complaint, Here
from domain.fields.definition import Field_, FieldType
from domain.fields.numbers import Number, bound, number_in

_OF = re.compile(r"(\d+) ?(?:/|of|out of|de|sobre) ?\d+\b", re.I)
_STARS = re.compile(r"[★⭐]")


class Rating(Number):
    type: ClassVar[FieldType] = FieldType.RATING

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        if of := _OF.search(text):
            return self.of(Decimal(of[1]), field)
        if stars := len(_STARS.findall(text)):
            return self.of(Decimal(stars), field)
        found = number_in(text, here)
        return self.of(found, field) if isinstance(found, Decimal) else found

    def of(self, value: Decimal, field: Field_) -> Any:
        best, least = most(field), bound(1 if field.minimum is None else field.minimum)
        if not value.is_finite() or value != value.to_integral_value() or not least <= value <= best:
            return Complaint("not_a_rating", f"write a number from {least} to {best}")
        return int(value)

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return f"{value}/{most(field)}"

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {
            "type": "integer",
            "minimum": 1 if field.minimum is None else field.minimum,
            "maximum": int(most(field)),
        }


def most(field: Field_) -> Decimal:
    return bound(5 if field.maximum is None else field.maximum)

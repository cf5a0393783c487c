"""Whole numbers."""

from decimal import Decimal
from typing import Any, ClassVar

from babel.numbers import format_decimal

from domain.fields.base import Complaint, Here
from domain.fields.definition import Field_, FieldType
from domain.fields.numbers import FARTHEST, Number


class Integer(Number):
    type: ClassVar[FieldType] = FieldType.INTEGER

    def of(self, value: Decimal, field: Field_) -> Any:
        if not value.is_finite() or value != value.to_integral_value() or abs(value) > FARTHEST:
            return Complaint("not_a_whole_number", "write a whole number, like 3")
        return int(value)

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(format_decimal(value, locale=here.locale))

    def json_schema(self, field: Field_) -> dict[str, Any]:
        limits = {"minimum": field.minimum, "maximum": field.maximum}
        return {"type": "integer"} | {name: limit for name, limit in limits.items() if limit is not None}

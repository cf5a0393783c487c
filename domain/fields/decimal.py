"""Numbers with a fraction, as decimal strings."""

from decimal import Decimal as Number_
from typing import Any, ClassVar

from babel.numbers import format_decimal

from domain.fields.base import Here
from domain.fields.definition import Field_, FieldType
from domain.fields.numbers import FARTHEST, NO_NUMBER, Number, written


class Decimal(Number):
    type: ClassVar[FieldType] = FieldType.DECIMAL

    def of(self, value: Number_, field: Field_) -> Any:
        if not value.is_finite() or abs(value) > FARTHEST:
            return NO_NUMBER
        return written(round(value, 12))

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return str(format_decimal(Number_(value), locale=here.locale, decimal_quantization=False))

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}

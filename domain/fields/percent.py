"""Shares of a hundred, as decimal strings: "6.5" is 6.5 %."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from domain.fields.base import Here
from domain.fields.definition import Field_, FieldType
from domain.fields.numbers import FARTHEST, NO_NUMBER, Number, number_in, written

_SIGN = re.compile(r"(-?\d{1,12}(?:[.,]\d{1,6})?) ?(?:%|percent\b|per cent\b|por ciento\b|pct\b)", re.I)
_WORD = re.compile(r"(?:%|\bpercent(?:age)?|\bper cent|\bpor ciento|\bpct)\b", re.I)


class Percent(Number):
    type: ClassVar[FieldType] = FieldType.PERCENT

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        said = {m[1] for m in _SIGN.finditer(text)}
        if len(said) == 1:
            return self.of(Decimal(said.pop().replace(",", ".")), field)
        found = number_in(_WORD.sub(" ", text), here)
        return self.of(found, field) if isinstance(found, Decimal) else found

    def of(self, value: Decimal, field: Field_) -> Any:
        if not value.is_finite() or abs(value) > FARTHEST:
            return NO_NUMBER
        return written(round(value, 6))

    def show(self, value: Any, field: Field_, here: Here) -> str:
        return f"{value}%"

    def json_schema(self, field: Field_) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}

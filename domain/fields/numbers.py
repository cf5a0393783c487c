"""What integer, decimal, percent and rating share: reading one number, and its limits."""

from abc import abstractmethod
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.entities import parse_number
from domain.fields.base import Complaint, Here, Kind, entities
from domain.fields.definition import Field_

FARTHEST = Decimal(10) ** 15
NO_NUMBER = Complaint("not_a_number", "write a number, like 3")


class Number(Kind):
    def parse(self, text: str, field: Field_, here: Here) -> Any:
        value = number_in(text, here)
        return value if isinstance(value, Complaint) else self.of(value, field)

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return NO_NUMBER
        return self.of(Decimal(str(value)), field)

    @abstractmethod
    def of(self, value: Decimal, field: Field_) -> Any:
        """The canonical form of a number, or a Complaint."""

    def order(self, value: Any) -> Any:
        return Decimal(str(value))

    def bound(self, said: Any, here: Here | None) -> Any:
        return bound(said)


def bound(said: Any) -> Decimal:
    try:
        return Decimal(str(said))
    except InvalidOperation:
        raise ValueError(f"{said!r} is not a number") from None


def number_in(text: str, here: Here) -> Decimal | Complaint:
    """The only number of the text."""
    whole = parse_number(text)
    found = [whole] if whole is not None else [e.value for e in entities(text, here, "number")]
    distinct = {value for value in found if isinstance(value, Decimal)}
    if len(distinct) > 1:
        return Complaint("ambiguous", "holds more than one number; write one")
    return next(iter(distinct), NO_NUMBER)


def written(value: Decimal) -> str:
    """ "450000", "3.5": no exponent, no zeros at the end."""
    shown = f"{value:f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) if value else "0"

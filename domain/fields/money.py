"""Amounts: {amount: decimal string, currency: ISO 4217}; of "300 to 400k", the high end, with `from` as the low one."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from babel.numbers import format_currency, get_currency_symbol, list_currencies

from domain.entities import Money as Sum
from domain.entities import MoneyRange, parse_money
from domain.entities.money import SYMBOLS, amount_of, home_currency
from domain.fields.base import Complaint, Here, Kind, entities, only
from domain.fields.definition import Field_, FieldType
from domain.fields.numbers import FARTHEST, bound, number_in, written

NO_MONEY = Complaint("not_money", "write an amount, like $450")
_CODED = re.compile(r"(-?\d[\d.,]{0,20}) ([A-Z]{3})")


class Money(Kind):
    type: ClassVar[FieldType] = FieldType.MONEY

    def parse(self, text: str, field: Field_, here: Here) -> Any:
        if (coded := _CODED.fullmatch(text.strip())) and coded[2] in list_currencies():
            return _valid(written(amount_of(coded[1])), coded[2])
        found = entities(text, here, "money", "money_range")
        if found:
            return only((value_of(e.value) for e in found), NO_MONEY)
        whole = parse_money(text, country=here.country)
        bare = whole.amount if whole else number_in(text, here)
        if isinstance(bare, Complaint):
            return NO_MONEY if bare.code != "ambiguous" else bare
        return _valid(written(bare), field.currency or home_currency(here.country))

    def canonical(self, value: Any, field: Field_, here: Here) -> Any:
        home = field.currency or home_currency(here.country)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _valid(value, home)
        if not isinstance(value, dict) or not {"amount"} <= set(value) <= {"amount", "currency", "from"}:
            return Complaint("wrong_type", 'write {"amount": "450.00", "currency": "USD"}')
        whole = _valid(value["amount"], value.get("currency") or home)
        if isinstance(whole, Complaint) or value.get("from") is None:
            return whole
        low = _valid(value["from"], whole["currency"])
        return low if isinstance(low, Complaint) else whole | {"from": low["amount"]}

    def show(self, value: Any, field: Field_, here: Here) -> str:
        low = f"{_shown(value['from'], value['currency'], here)} - " if value.get("from") else ""
        return low + _shown(value["amount"], value["currency"], here)

    def json_schema(self, field: Field_) -> dict[str, Any]:
        amount = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
        return {
            "type": "object",
            "properties": {"amount": amount, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
            "required": ["amount", "currency"],
            "additionalProperties": False,
        }

    def order(self, value: Any) -> Any:
        return Decimal(value["amount"])

    def bound(self, said: Any, here: Here | None) -> Any:
        return bound(said)


def value_of(said: Any) -> dict[str, str]:
    """Of an entity's Money or MoneyRange."""
    if isinstance(said, MoneyRange):
        return value_of(said.high) | {"from": written(said.low.amount)}
    assert isinstance(said, Sum)
    return {"amount": written(said.amount), "currency": said.currency}


def _valid(amount: Any, currency: Any) -> Any:
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return NO_MONEY
    if not value.is_finite() or abs(value) > FARTHEST or currency not in list_currencies():
        return NO_MONEY
    return {"amount": written(value), "currency": currency}


def _shown(amount: str, currency: str, here: Here) -> str:
    """With the sign where people would read the same currency back, else with the code."""
    value = Decimal(amount)
    sign = get_currency_symbol(currency, locale="en_US")
    means = SYMBOLS.get(sign.lower())
    if currency != (means or (home_currency(here.country) if sign == "$" else None)):
        return f"{written(value)} {currency}"
    if value == value.to_integral_value():
        return str(format_currency(value, currency, "¤#,##0", locale="en_US", currency_digits=False))
    exact = -int(value.as_tuple().exponent) > 2
    return str(format_currency(value, currency, locale="en_US", decimal_quantization=not exact))

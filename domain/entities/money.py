"""Amounts of money: "$1,200.50", "about 450k", "between 300 and 400 thousand", "450 dólares"."""

import re
from decimal import Decimal
from functools import cache

from babel.numbers import get_territory_currencies

from domain.entities.base import Kind, Money, MoneyRange
from domain.entities.grammar import Match, Row, Scene, group, nothing, row

SYMBOLS = {
    "$": "",
    "us$": "USD",
    "c$": "CAD",
    "ca$": "CAD",
    "a$": "AUD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
}
"""A plain dollar sign is the dollar (or the peso) of the country."""
WORDS = {
    **dict.fromkeys(("dollar", "dollars", "buck", "bucks", "dolar", "dolares"), ""),
    **dict.fromkeys(("usd", "us dollar", "us dollars"), "USD"),
    **dict.fromkeys(("euro", "euros", "eur"), "EUR"),
    **dict.fromkeys(("pound", "pounds", "quid", "gbp", "sterling"), "GBP"),
    **dict.fromkeys(("yen", "jpy"), "JPY"),
    **dict.fromkeys(("rupee", "rupees", "inr", "rs"), "INR"),
    **dict.fromkeys(("canadian dollars", "cad"), "CAD"),
    **dict.fromkeys(("australian dollars", "aud"), "AUD"),
    **dict.fromkeys(("peso", "pesos", "mxn"), "MXN"),
    **dict.fromkeys(("franc", "francs", "chf"), "CHF"),
}
SCALES = {
    **dict.fromkeys(("k", "thousand", "grand", "mil"), 1_000),
    **dict.fromkeys(("m", "mm", "mn", "mil.", "million", "millon", "millones"), 1_000_000),
    **dict.fromkeys(("b", "bn", "billion"), 1_000_000_000),
}
_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP"})


@cache
def home_currency(country: str) -> str:
    """What people pay with there today; USD for a country nobody knows."""
    return next(iter(get_territory_currencies(country)), "USD") if len(country) == 2 else "USD"


def amount_of(digits: str) -> Decimal:
    """ "1,200.50" and "1.200,50": the last mark is the decimal one, unless it only parts groups of three."""
    marks = [char for char in digits if char in ",."]
    if not marks:
        return Decimal(digits)
    last, tail = marks[-1], digits.rpartition(marks[-1])[2]
    grouping = len(set(marks)) == 1 and len(tail) == 3 and (last == "," or len(marks) > 1)
    if grouping:
        return Decimal(re.sub("[.,]", "", digits))
    whole = re.sub("[.,]", "", digits.rpartition(last)[0])
    return Decimal(f"{whole or 0}.{tail}")


def _scaled(digits: str, scale: str) -> Decimal:
    """ "mil." needs no plural; half a cent is kept."""
    value = amount_of(digits) * SCALES.get(scale, 1)
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def _currency(said: str, scene: Scene) -> str:
    said = said.replace(" ", "") if "$" in said else said
    home = home_currency(scene.country)
    code = SYMBOLS.get(said, WORDS.get(said, ""))
    if code or not said:
        return code or home
    return home if home in _DOLLARS else "USD"


def _money(m: Match, scene: Scene) -> Money:
    said = group(m, "symbol") or group(m, "word")
    cents = Decimal(group(m, "cents") or 0) / 100
    return Money(_scaled(m["n"], group(m, "scale")) + cents, _currency(said, scene))


def _cents(m: Match, scene: Scene) -> Money:
    return Money(Decimal(m["n"]) / 100, _currency("dollars", scene))


def _one(m: Match, scene: Scene) -> Money:
    return Money(Decimal(1), _currency(m["word"], scene))


def _range(m: Match, scene: Scene) -> MoneyRange | None:
    """The low end shares the currency and the scale of the high one: "300 to 400k"."""
    said = group(m, "symbol") or group(m, "symbol2") or group(m, "word")
    if not (said or group(m, "scale")):
        return None
    low_scale = group(m, "scale1") or (m["scale"] if amount_of(m["n1"]) < 1_000 else "") or ""
    if not group(m, "scale1") and amount_of(m["n1"]) > amount_of(m["n"]):
        low_scale = ""
    low, high = _scaled(m["n1"], low_scale), _scaled(m["n"], group(m, "scale"))
    currency = _currency(said, scene)
    return MoneyRange(Money(low, currency), Money(high, currency)) if low <= high else None


NUM = r"\d{1,15}(?:[.,]\d{1,15}){0,5}"
_FREE = r"(?<![\w.,])"
_N = rf"(?P<n>{NUM})(?!\d)"
_SYMBOL = r"(?:(?P<symbol>(?:us ?|ca? ?|a ?)?[$€£¥₹]) ?)"
_SCALE = r"(?: ?(?P<scale>k|thousand|grand|mm?|mil|million|millon|millones|bn?|billion)\b\.?)"
_WORD = rf"(?: ?-?(?:de )?(?P<word>us ?\$|[$€£¥₹]|(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})\b))"
_LOW = rf"(?P<n1>{NUM})(?: ?(?P<scale1>k|thousand|mil|million|m)\b)?"
_TO = r"(?: ?(?:to|-|a) ?)"
_BETWEEN = r"\b(?:between|from|entre) "  # "$300 and 400 people" is no range; "between $300 and 400" is
# "450k" is money by itself; "450k people" is not
_NOT_COUNTED = (
    r"(?! ?-? ?(?:people|users|followers|miles?|km|run|race|views|square|sq|steps|words|times|years|\d))"
)
_WORD1 = r"(?: ?(?:[$€£¥₹]|dollars|bucks|euros|pounds|dolares|pesos))"
_SYMBOL2 = r"(?:(?P<symbol2>[$€£¥₹]) ?)"
_OR = r" ?(?:to|-|and|y|a) ?"
_CENTS = r"(?:,? (?:(?:and|con|with) )?(?P<cents>\d\d?) (?:cents|centavos|centimos|pence|p)\b)"
_CODE = r"(?P<word>usd|eur|gbp|cad|aud|mxn|inr|chf|jpy|rs)"
M, RANGE = Kind.MONEY, Kind.MONEY_RANGE

ROWS: tuple[Row, ...] = (
    nothing(r"(?<![\w.,$])401 ?k\b"),  # a way to save for old age, and hardly ever a price
    row(
        RANGE,
        rf"{_BETWEEN}(?P<x>{_SYMBOL}?{_LOW}{_WORD1}?{_OR}{_SYMBOL2}?{_N}{_SCALE}?{_WORD}?)(?!\w)",
        _range,
    ),  # between $300 and 400
    row(RANGE, rf"{_FREE}{_SYMBOL}{_LOW}{_TO}{_SYMBOL2}?{_N}{_SCALE}?(?!\w)", _range),  # $300-400k
    row(RANGE, rf"{_FREE}{_LOW}{_TO}{_N}{_SCALE}?{_WORD}", _range),  # 300 to 400 dollars
    row(RANGE, rf"{_FREE}{_LOW}{_TO}{_N}{_SCALE}{_NOT_COUNTED}", _range),  # 300 to 400k
    row(M, rf"{_FREE}{_N}{_SCALE}?{_WORD}{_CENTS}?", _money),  # 450 dollars
    row(M, rf"\b{_CODE}\.? ?{_N}{_SCALE}?(?!\w)", _money),  # EUR 20
    row(M, rf"(?<![\w.,]){_SYMBOL}{_N}{_SCALE}?(?: ?(?:usd|dollars|bucks)\b)?", _money),  # $1,200.50
    row(M, rf"{_FREE}(?P<n>\d{{1,3}}) ?(?:cents?\b|¢|centavos\b)", _cents),  # 50 cents
    row(M, r"\b(?:a|one|un) (?P<word>dollar|buck|euro|pound|dolar|peso)\b", _one),  # a dollar
    row(M, rf"{_FREE}{_N} ?(?P<scale>k|grand|thousand|million)\b{_NOT_COUNTED}", _money),  # 450k
)

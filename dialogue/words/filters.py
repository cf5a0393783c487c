"""How templates show plain values: moments, choices, appointments, money, in the language they are said in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from babel.dates import format_date, format_time
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context

LOCALES = {"en": "en_US", "es": "es_US"}
_AND, _OR, _AT = {"en": "and", "es": "y"}, {"en": "or", "es": "o"}, {"en": "at", "es": "a las"}


_HOME_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "beds": "bd", "baths": "ba", "size": "sq ft", "month": " a month", "built": "built", "house": "house",
        "condo": "condo", "townhouse": "townhouse", "multi_family": "multi-family", "manufactured": "manufactured",
        "land": "land", "other": "other", "pending": "under contract", "sold": "sold", "off": "no longer listed",
        "in": "in", "up_to": "up to", "from": "from", "at_most": "at most", "since": "built since",
    },
    "es": {
        "beds": "rec", "baths": "baños", "size": "pies2", "month": " al mes", "built": "de", "house": "casa",
        "condo": "condominio", "townhouse": "casa adosada", "multi_family": "dúplex", "manufactured": "prefabricada",
        "land": "terreno", "other": "otro", "pending": "bajo contrato", "sold": "vendida", "off": "ya no se ofrece",
        "in": "en", "up_to": "hasta", "from": "desde", "at_most": "como mucho", "since": "construida desde",
    },
}  # fmt: skip


_SALE_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "size": "sq ft", "beds": "bd", "baths": "ba", "year": "yr", "foot": "a sq ft", "bed": "a bedroom",
        "bath": "a bathroom", "a_year": "a year of age",
    },
    "es": {
        "size": "pies2", "beds": "rec", "baths": "baños", "year": "años", "foot": "el pie2", "bed": "la recámara",
        "bath": "el baño", "a_year": "el año",
    },
}  # fmt: skip


def clock(value: time, language: str) -> str:
    """Without the non-breaking spaces that would turn a text message into UCS-2."""
    shown = format_time(value, "short", locale=LOCALES.get(language, "en_US"))
    return shown.replace("\u202f", " ").replace("\u00a0", " ")


def day(value: datetime, language: str) -> str:
    shape = "EEE, MMM d" if language == "en" else "EEEE d 'de' MMMM"
    return format_date(value.date(), shape, locale=LOCALES.get(language, "en_US"))


def date_(value: date, language: str) -> str:
    """ "October 23, 2026" """
    return format_date(value, "long", locale=LOCALES.get(language, "en_US"))


def moment(value: datetime, language: str) -> str:
    """ "Tue, Nov 24 at 2:00 PM" """
    return f"{day(value, language)} {_AT.get(language, 'at')} {clock(value.time(), language)}"


def moments(values: Sequence[datetime], language: str) -> str:
    """A day is said once for all of its times: "Tue, Nov 24 at 1:00 PM, 2:00 PM or 3:00 PM"."""
    shown: list[str] = []
    for n, value in enumerate(values):
        same = n > 0 and values[n - 1].date() == value.date()
        shown.append(clock(value.time(), language) if same else moment(value, language))
    return _joined(shown, _OR[language])


def appointments(values: Sequence[Mapping[str, Any]], language: str) -> str:
    on = "on" if language == "en" else "el"
    return _joined(
        [f"{one['service']} {on} {moment(one['start'], language)}" for one in values], _AND[language]
    )


def money(value: Mapping[str, Any], language: str) -> str:
    """`value` is {amount, currency}; cents only where there are some."""
    amount = Decimal(str(value["amount"]))
    whole = amount == amount.to_integral_value()
    locale = LOCALES.get(language, "en_US")
    return format_currency(
        amount, value["currency"], "¤#,##0" if whole else None, locale=locale, currency_digits=not whole
    )


def homes(values: Sequence[Mapping[str, Any]], language: str) -> str:
    """One a line: "1) 412 Maple Ave, Zilker: $450,000, 3 bd, 2.5 ba, 1,650 sq ft"."""
    return "\n".join(f"{one['n']}) {home(one, language)}" for one in values)


def home(one: Mapping[str, Any], language: str) -> str:
    """Where there is room also what kind of home it is, when it was built and what it has."""
    words = _HOME_WORDS[language if language in _HOME_WORDS else "en"]
    price = money(one["price"], language) + (words["month"] if one["rent"] else "")
    parts = [price, f"{one['beds']} {words['beds']}"]
    parts += [f"{one['baths']} {words['baths']}"] if one["baths"] else []
    parts += [f"{one['size']:,} {words['size']}"] if one["size"] else []
    if one["rich"]:
        parts += [words[one["kind"]]] if one["kind"] in words else []
        parts += [f"{words['built']} {one['year']}"] if one["year"] else []
        parts += [", ".join(one["has"][:4])] if one["has"] else []
    gone = f" ({words[one['gone']]})" if one["gone"] else ""
    says = f" - {', '.join(one['says'])}" if one["says"] else ""
    return f"{one['address']}, {one['place']}{gone}: {', '.join(parts)}{says}"


def wanted(one: Mapping[str, Any], language: str) -> str:
    """What was asked for, as one reads it back; "" when nothing was."""
    words = _HOME_WORDS[language if language in _HOME_WORDS else "en"]
    parts = [f"{one['beds']}+ {words['beds']}"] if one["beds"] else []
    parts += [f"{one['baths']}+ {words['baths']}"] if one["baths"] else []
    parts += [f"{one['size']:,}+ {words['size']}"] if one["size"] else []
    parts += [f"{words['at_most']} {one['most_size']:,} {words['size']}"] if one["most_size"] else []
    parts += [f"{words['since']} {one['newer']}"] if one["newer"] else []
    if one["low"] and one["high"]:
        parts.append(f"{money(one['low'], language)} - {money(one['high'], language)}")
    elif one["low"] or one["high"]:
        parts.append(
            f"{words['up_to' if one['high'] else 'from']} {money(one['high'] or one['low'], language)}"
        )
    parts += (
        [_joined([words.get(kind, kind) for kind in one["kinds"]], _OR[language])] if one["kinds"] else []
    )
    parts += one["features"]
    parts += [f"{words['in']} {_joined(one['areas'], _OR[language])}"] if one["areas"] else []
    return ", ".join(parts)


def sale(one: Mapping[str, Any], language: str) -> str:
    """ "515 Maple Ave, 0.1 mi, Oct 12: $462,000 +$8,400 (70 sq ft) -$8,000 (1 ba) = $462,400"."""
    words = _SALE_WORDS[language if language in _SALE_WORDS else "en"]
    shown = [money(one["price"], language)]
    for each in one["adjustments"]:
        sign = "+" if each["is_more"] else "-"
        shown.append(f"{sign}{money(each['amount'], language)} ({each['more']} {words[each['what']]})")
    on = format_date(
        one["sold_on"], "MMM d" if language == "en" else "d MMM", locale=LOCALES.get(language, "en_US")
    )
    total = f" = {money(one['adjusted'], language)}" if one["adjustments"] else ""
    return f"{one['address']}, {one['miles']} mi, {on}: {' '.join(shown)}{total}"


def rates(values: Mapping[str, Any], language: str) -> str:
    """ "$120 a sq ft, $10,000 a bedroom"."""
    words = _SALE_WORDS[language if language in _SALE_WORDS else "en"]
    each = {"year": words["a_year"]}
    return ", ".join(
        f"{money(value, language)} {each.get(name, words[name])}" for name, value in values.items()
    )


def _joined(shown: Sequence[str], last: str) -> str:
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def _in_language(show: Callable[[Any, str], str]) -> Callable[..., str]:
    @pass_context
    def shown(context: Context, value: Any) -> str:
        return show(value, context["language"])

    return shown


FILTERS: dict[str, Callable[..., str]] = {
    "moment": _in_language(moment),
    "moments": _in_language(moments),
    "day": _in_language(day),
    "date": _in_language(date_),
    "clock": _in_language(clock),
    "appointments": _in_language(appointments),
    "money": _in_language(money),
    "homes": _in_language(homes),
    "sale": _in_language(sale),
    "rates": _in_language(rates),
    "home": _in_language(home),
    "wanted": _in_language(wanted),
    "either": _in_language(
        lambda values, language: _joined([str(v).replace("_", " ") for v in values], _OR[language])
    ),
    "all_of": _in_language(lambda values, language: _joined([str(v) for v in values], _AND[language])),
    "capital": lambda value: str(value)[:1].upper() + str(value)[1:],
}

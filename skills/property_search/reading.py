"""What is wanted, as it was and as this message changes it: from the context's fields, and from words of homes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.entities import Kind, Money, MoneyRange
from domain.listings import features, wishes
from domain.listings.search import RENT_BELOW, Filter, PropertySearchSettings, Wanted
from domain.skill import Heard

LEAST = 300
"""Dollars: less is no price of a home."""
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5,
}  # fmt: skip
_N = rf"(\d{{1,2}}(?:\.5)?|{'|'.join(_NUMBERS)})\s*(?:\+|or more|plus|o m[aá]s)?[\s-]*"
_BEDS = re.compile(
    rf"\b{_N}(?:beds?\b|bedrooms?|br\b|bd\b|bdrms?|rec[aá]maras?|habitaci[oó]n(?:es)?|dormitorios?|cuartos?)",
    re.I,
)
_BATHS = re.compile(rf"\b{_N}(?:full )?(?:baths?\b|bathrooms?|ba\b|ba[nñ]os?)", re.IGNORECASE)
_SIZE = re.compile(
    r"\b(\d{1,2},?\d{3}|\d{3,5})\s*\+?\s*(?:sq\.? ?f(?:ee|oo)?t|sqft|square f|sf\b|pies cuadrados)",
    re.IGNORECASE,
)
_KINDS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(
        rf"(?<!the )(?<!that )(?<!this )(?<!guest )(?<!open )(?<!la )\b(?:{words})\b", re.IGNORECASE
    )
    for name, words in (
        ("townhouse", r"town ?(?:houses?|homes?)|casas? adosadas?"),
        ("condo", r"condos?|condominiums?|condominios?|apartments?|apts?|departamentos?|flats?|lofts?"),
        ("multi_family", r"duplex(?:es)?|d[uú]plex|multi[- ]?family"),
        ("manufactured", r"mobile homes?|manufactured homes?"),
        ("land", r"land|lots? to build|terrenos?"),
        ("house", r"(?<!town )houses?|single[- ]family(?: homes?)?|casas?(?! adosadas?)"),
    )
}
_RENT = re.compile(
    r"\b(?:for rent|to rent|renting|rentals?|lease|leasing|alquil\w+|en renta|rentar|rento)\b", re.IGNORECASE
)
_BUY = re.compile(r"\b(?:buy(?:ing)?|purchas\w+|for sale|compr\w+|en venta)\b", re.IGNORECASE)
_FLOOR = re.compile(
    r"\b(?:over|above|at least|minimum(?: of)?|more than|starting at|no less than|m[aá]s de|m[ií]nimo(?: de)?"
    r"|desde|por encima de)\W*$",
    re.IGNORECASE,
)
_ADDS = re.compile(r"\b(?:too|also|as well|or even|add(?:ing)?|tambi[eé]n|adem[aá]s)\b", re.IGNORECASE)
_CHEAPER = re.compile(
    r"\b(?:cheaper|less (?:expensive|money)|lower(?: price)?|more affordable|m[aá]s (?:barat|econ[oó]mic)\w+"
    r"|menos car\w+)\b",
    re.I,
)
_LARGER = re.compile(
    r"\b(?:bigger|larger|more (?:space|room|square)|m[aá]s (?:grandes?|ampli[ao]s?|espacio))\b", re.IGNORECASE
)
_SMALLER = re.compile(r"\b(?:smaller|m[aá]s peque[nñ]\w+)\b", re.IGNORECASE)
_NEWER = re.compile(
    r"\b(?:newer|more recent|more modern|m[aá]s (?:nuev|reciente|modern)\w*)\b", re.IGNORECASE
)
_ROOMIER = re.compile(
    r"\b(?:(?:one )?more bed\w*|(?:another|an? extra|an? additional) bed\w*|m[aá]s (?:rec[aá]mara|habitaci"
    r"|dormitorio)\w*)\b",
    re.I,
)
_ORDERS = {
    name: re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for name, words in (
        (
            "cheapest",
            r"cheapest|lowest[- ]priced?|least expensive|(?:las?|los?|el) m[aá]s (?:barat|econ[oó]mic)\w+",
        ),
        ("dearest", r"most expensive|priciest|(?:las?|los?|el) m[aá]s car\w+"),
        ("newest", r"newest listings?|latest|most recent|just listed|reci[eé]n (?:listad|publicad)\w+"),
        ("largest", r"biggest|largest|(?:las?|los?|el) m[aá]s grandes?"),
    )
}
_ANY_PRICE = re.compile(
    r"\b(?:any price|price (?:doesn'?t|does not|isn'?t) |no (?:budget|price) limit|(?:forget|ignore"
    r"|drop) the (?:budget|price)"
    r"|budget (?:doesn'?t|is no)|cualquier precio|sin l[ií]mite de precio)",
    re.IGNORECASE,
)
_ANY_AREA = re.compile(
    r"\b(?:any ?where|any (?:area|part|neighbou?rhood)|(?:area|location) (?:doesn'?t|does not)|cualquier (?:zona"
    r"|parte|lugar))\b",
    re.I,
)
_ANY_KIND = re.compile(r"\b(?:any (?:type|kind|sort)|cualquier tipo)\b", re.IGNORECASE)
_ANY_BEDS = re.compile(
    r"\b(?:any number of bed\w*|bedrooms (?:don'?t|do not) matter|cualquier n[uú]mero de rec\w+)\b",
    re.IGNORECASE,
)
_ANEW = re.compile(
    r"\b(?:(?:new|another|different|fresh) search|from scratch|start (?:again|over)|(?:nueva|otra) b[uú]squeda"
    r"|desde cero)\b",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"(?<![\d.,])(\d{1,4}(?:[.,]\d{1,3})?)\s*(k|mil|thousand|m|mill[oó]n(?:es)?|million)\b(?!\s*pies)",
    re.IGNORECASE,
)
_SCALES = {"k": 1_000, "mil": 1_000, "thousand": 1_000}
_NEGATED = re.compile(
    r"\b(?:no|not|without|don'?t (?:need|want)|doesn'?t (?:need|have to)|sin|no necesit\w+)\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
_UNNEEDED = re.compile(
    r"^\W+(?:is|are|isn'?t|not)?\W*(?:not )?(?:needed|necessary|required|important|a must|optional)",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:your|you guys'?|su|sus) (?:office|oficina|study|parking)", re.IGNORECASE)
_NEAR = 25
"""Characters before an amount or a feature that are read for what is said of it."""
Shown = Mapping[str, Any]


def read(
    before: Wanted, heard: Heard, settings: PropertySearchSettings, places: Sequence[str],
    reference: Sequence[Shown], *, begins: bool,
) -> Wanted:  # fmt: skip
    """`places` are those that the message names; `reference` the homes that "cheaper" and "larger" compare with."""
    told = {name: heard.context.get(field) for name, field in settings.fields.items()
            if field in heard.context and (begins or field in heard.told)}  # fmt: skip
    text = _OURS.sub(" ", heard.text[: wishes.LONGEST])
    wanted = _figures(before, heard, told, text)
    wanted = _of_places(wanted, told, settings, text, places)
    wanted = _things(wanted, told, text)
    wanted = _compared(wanted, text, reference)
    return replace(wanted, deal=_deal(before, wanted, told, text))


def anew(text: str) -> bool:
    """They say that what they wanted before counts no longer."""
    return bool(_ANEW.search(text))


def compares(text: str) -> bool:
    """Cheaper, larger, the cheapest, at any price…"""
    patterns = (
        _ANY_BEDS, _CHEAPER, _LARGER, _SMALLER, _NEWER, _ROOMIER, _ANY_PRICE, _ANY_AREA, _ANY_KIND, *_ORDERS.values(),
    )  # fmt: skip
    return any(one.search(text) for one in patterns)


def says_something(text: str) -> bool:
    """Words of this message can be a filter or a wish."""
    text = _OURS.sub(" ", text[: wishes.LONGEST])
    own = _BEDS.search(text) or _BATHS.search(text) or _SIZE.search(text)
    return bool(own or compares(text) or features.named(text) or wishes.read(text) or kinds(text))


def figures(text: str) -> dict[str, Any]:
    """Bedrooms, bathrooms and square feet that are told in so many words."""
    return {
        "beds": int(_number(_BEDS, text)), "baths": f"{_number(_BATHS, text):g}" if _BATHS.search(text) else "",
        "size": int(_number(_SIZE, text)),
    }  # fmt: skip


def kinds(text: str) -> tuple[str, ...]:
    return tuple(name for name, words in _KINDS.items() if words.search(text))


def fills(wanted: Wanted, heard: Heard, settings: PropertySearchSettings) -> dict[str, Any]:
    """Counts that were read here and that the context's own reader did not see."""
    types = {field.name: field.type for field in heard.profile.fields}
    values: dict[str, int | Decimal] = {"beds": wanted.beds, "baths": wanted.baths, "size": wanted.size}
    found: dict[str, Any] = {}
    for name, value in values.items():
        field = settings.fields.get(name)  # type: ignore[call-overload]
        if field and value and types.get(field) in ("integer", "decimal") and field not in heard.context:
            found[field] = int(value) if value == int(value) else float(value)
    budget = settings.fields.get("price", "")
    if wanted.high is not None and types.get(budget) == "money" and budget not in heard.context:
        found[budget] = {"amount": str(wanted.high), "currency": "USD"}
    return found


def _figures(wanted: Wanted, heard: Heard, told: Mapping[Filter, Any], text: str) -> Wanted:
    for name, pattern in (("beds", _BEDS), ("baths", _BATHS), ("size", _SIZE)):
        value = told.get(name) if isinstance(told.get(name), int | float) else _number(pattern, text)  # type: ignore[call-overload]
        if value:
            kept: Any = Decimal(str(value)) if name == "baths" else int(value)
            wanted = replace(wanted, **{name: kept})
    if _ANY_BEDS.search(text):
        wanted = replace(wanted, beds=0)
    if _ANY_PRICE.search(text):
        return replace(wanted, low=None, high=None)
    low, high = _prices(heard, told, text)
    if low is None and high is None:
        return wanted
    return replace(wanted, low=low, high=high)


def _number(pattern: re.Pattern[str], text: str) -> float:
    """The last that is said: "3 bedrooms, no, 4 bedrooms"."""
    found = [m[1].lower().replace(",", "") for m in pattern.finditer(text)]
    return float(_NUMBERS.get(found[-1], found[-1])) if found else 0.0


def _prices(heard: Heard, told: Mapping[Filter, Any], text: str) -> tuple[Decimal | None, Decimal | None]:
    said = [one for one in heard.entities if one.kind in (Kind.MONEY, Kind.MONEY_RANGE)]
    for one in reversed(said):
        if isinstance(one.value, MoneyRange) and one.value.high.amount >= LEAST:
            return one.value.low.amount, one.value.high.amount
        if isinstance(one.value, Money) and one.value.amount >= LEAST:
            floor = _FLOOR.search(heard.text[max(0, one.start - _NEAR) : one.start])
            return (one.value.amount, None) if floor else (None, one.value.amount)
    if not said and (found := _SUM.search(heard.text)):
        amount = Decimal(found[1].replace(",", ".")) * _SCALES.get(found[2].lower(), 1_000_000)
        floor = _FLOOR.search(heard.text[max(0, found.start() - _NEAR) : found.start()])
        return (amount, None) if floor else (None, amount)
    kept = told.get("price")
    if isinstance(kept, Mapping) and Decimal(str(kept.get("amount", 0))) >= LEAST:
        low = kept.get("from")
        return (Decimal(str(low)) if low else None), Decimal(str(kept["amount"]))
    return None, None


def _of_places(
    wanted: Wanted, told: Mapping[Filter, Any], settings: PropertySearchSettings, text: str, places: Sequence[str]
) -> Wanted:  # fmt: skip
    if _ANY_AREA.search(text):
        return replace(wanted, areas=(), places=())
    said = told.get("area")
    labels = [said] if isinstance(said, str) else list(said or ())
    lower = text.lower()
    labels += [one for one in settings.areas if one.lower() in lower and one not in labels]
    covered = [name.lower() for label in labels for name in (settings.areas.get(label) or (label,))]
    own = [one for one in places if one not in covered]
    if not labels and not own:
        return wanted
    names = [label.title() if label.islower() else label for label in labels]
    names += [one.title() for one in own]
    kept = wanted if _ADDS.search(text) else replace(wanted, areas=(), places=())
    return replace(
        wanted,
        areas=tuple(dict.fromkeys((*kept.areas, *names))),
        places=tuple(dict.fromkeys((*kept.places, *covered, *own))),
    )


def _things(wanted: Wanted, told: Mapping[Filter, Any], text: str) -> Wanted:
    said = kinds(
        " ".join(told["kind"]) if isinstance(told.get("kind"), list) else str(told.get("kind") or "")
    ) or kinds(text)
    if _ANY_KIND.search(text):
        wanted = replace(wanted, kinds=())
    elif said:
        wanted = replace(
            wanted, kinds=tuple(dict.fromkeys((*(wanted.kinds if _ADDS.search(text) else ()), *said)))
        )
    has = told.get("features")
    listed = features.named(", ".join(has)) if isinstance(has, list | tuple) else ()
    needed, unneeded = _features(text)
    kept = dict.fromkeys((*wanted.features, *listed, *needed))
    found = tuple(one for one in kept if one not in unneeded)
    return replace(
        wanted,
        features=found,
        wishes=tuple(dict.fromkeys((*wanted.wishes, *wishes.read(text))))[-wishes.MOST :],
    )


def _features(text: str) -> tuple[list[str], list[str]]:
    """What they ask for, and what they say that they can do without."""
    needed, unneeded = list[str](), list[str]()
    for name, pattern in features.FEATURES.items():
        for found in pattern.finditer(text):
            before, after = (
                text[max(0, found.start() - _NEAR) : found.start()],
                text[found.end() : found.end() + _NEAR],
            )
            denied = name != "no_hoa" and _NEGATED.search(before)
            (unneeded if denied or _UNNEEDED.search(after) else needed).append(name)
    return needed, unneeded


def _compared(wanted: Wanted, text: str, reference: Sequence[Shown]) -> Wanted:
    order = next((name for name, words in _ORDERS.items() if words.search(text)), "")
    if order:
        return replace(wanted, order=order)
    prices = [Decimal(str(one["price"])) for one in reference]
    sizes = [int(one["size"]) for one in reference if one.get("size")]
    years = [int(one["year"]) for one in reference if one.get("year")]
    if _CHEAPER.search(text) and prices:
        wanted = replace(
            wanted, high=min(prices) - 1, low=None if wanted.low and wanted.low >= min(prices) else wanted.low
        )
    if _LARGER.search(text) and sizes:
        wanted = replace(wanted, size=max(sizes) + 1, most_size=0)
    if _SMALLER.search(text) and sizes:
        wanted = replace(wanted, most_size=max(1, min(sizes) - 1), size=0)
    if _NEWER.search(text) and years:
        wanted = replace(wanted, newer=max(years) + 1)
    if _ROOMIER.search(text):
        beds = [int(one["beds"]) for one in reference]
        wanted = replace(wanted, beds=(max(beds) if beds else wanted.beds) + 1)
    return wanted


def _deal(before: Wanted, wanted: Wanted, told: Mapping[Filter, Any], text: str) -> str:
    said = told.get("deal")
    if said == "rent" or (_RENT.search(text) and not _BUY.search(text)):
        return "rent"
    if said == "buy" or _BUY.search(text):
        return "sale"
    if wanted.high is not None and wanted.high != before.high:
        return "rent" if wanted.high < RENT_BELOW else "sale"
    return before.deal

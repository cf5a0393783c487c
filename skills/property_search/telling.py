"""Homes as the templates show them: the facts of the listing, never words about who lives around it."""

import re
from collections.abc import Sequence
from typing import Any

from domain import fair_housing
from domain.listings import features, wishes
from domain.listings.home import Listing, Status
from domain.listings.search import Change, Wanted
from domain.skill import Heard, Said

_TERSE = frozenset({"twilio_sms", "twilio_voice"})
CURRENCY = "USD"
SENTENCES, LONGEST = 3, 260
"""Of a listing's own words, so many sentences and characters are told where there is room."""
_ASKS = re.compile(r"\?|\b(?:does it|do they|has it|has that|is there|any|tiene|hay)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def terse(heard: Heard) -> bool:
    return heard.channel_kind in _TERSE


def homes(page: Sequence[Listing], heard: Heard, before: int, said: Sequence[str] = ()) -> dict[str, Any]:
    """Numbered on from those that were shown `before`."""
    return {"homes": [line(one, heard, before + n, said) for n, one in enumerate(page, 1)]}


def line(home: Listing, heard: Heard, n: int, said: Sequence[str] = ()) -> dict[str, Any]:
    speaks = [wish for wish in said if wishes.mentions(wish, home.remarks)] if heard.language == "en" else []
    return {
        "n": n, "address": home.address, "place": home.neighbourhood or home.city, "price": money(home.price),
        "rent": home.deal == "rent", "beds": home.beds, "baths": plain(home.baths), "size": home.size,
        "kind": home.kind, "year": home.year, "gone": "" if home.status is Status.ACTIVE else home.status.value,
        "rich": not terse(heard), "says": speaks,
        "has": [features.called(one, heard.language) for one in home.features][:6],
    }  # fmt: skip


def kept(home: Listing) -> dict[str, Any]:
    """What is remembered of a home that was shown."""
    return {
        "key": home.key, "address": home.address, "price": str(home.price), "size": home.size, "year": home.year,
        "beds": home.beds,
    }  # fmt: skip


def wanted(one: Wanted, heard: Heard) -> dict[str, Any]:
    return {
        "wanted": {
            "rent": one.deal == "rent", "low": money(one.low) if one.low else None,
            "high": money(one.high) if one.high else None, "beds": one.beds, "baths": plain(one.baths) if one.baths else "",
            "size": one.size, "most_size": one.most_size, "newer": one.newer, "areas": list(one.areas),
            "kinds": list(one.kinds),
            "features": [features.called(name, heard.language) for name in one.features],
            "wishes": list(one.wishes) if heard.language == "en" else [],
        }
    }  # fmt: skip


def change(one: Change, heard: Heard) -> dict[str, Any]:
    value = money(one.value) if one.what in ("high", "low") else one.value
    if one.what == "feature":
        value = features.called(one.value, heard.language)
    elif one.what == "baths":
        value = plain(one.value)
    return {
        "what": one.what, "value": value, "total": one.total, "cheapest": money(one.cheapest),
        "miles": plain(one.miles) if one.miles is not None else "",
    }  # fmt: skip


def details(home: Listing, heard: Heard) -> Said:
    asked = features.named(heard.text)
    shown = line(home, heard, 0) | {
        "lot": home.lot, "number": home.number, "zip": home.postal_code, "city": home.city,
        "fee": money(home.fee) if home.fee else None,
        "has": [features.called(one, heard.language) for one in home.features],
        "words": "" if terse(heard) else excerpt(home.remarks),
    }  # fmt: skip
    if asked and _ASKS.search(heard.text):
        has = [features.called(one, heard.language) for one in asked if one in home.features]
        lacks = [features.called(one, heard.language) for one in asked if one not in home.features]
        return Said("homes_has", {"home": shown, "have": has, "lack": lacks})
    return Said("homes_details", {"home": shown, "books": "booking" in heard.profile.skills})


def excerpt(remarks: str) -> str:
    """Sentences about the home; none about people, and none that rates an area."""
    kept, length = list[str](), 0
    for sentence in _SENTENCE.split(remarks):
        if fair_housing.asks(sentence) or fair_housing.describes(sentence):
            continue
        length += len(sentence) + 1
        if len(kept) == SENTENCES or length > LONGEST:
            break
        kept.append(sentence)
    return " ".join(kept)


def money(amount: Any) -> dict[str, str]:
    return {"amount": str(amount), "currency": CURRENCY}


def plain(value: Any) -> str:
    """2.50 as "2.5", 2.0 as "2"."""
    shown = f"{value:f}" if value is not None else ""
    return shown.rstrip("0").rstrip(".") if "." in shown else shown

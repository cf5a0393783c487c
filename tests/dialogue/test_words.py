"""Templates: whole in both languages, short enough for a text message."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from dialogue import words
from domain.segments import GSM_COST
from domain.workspace import FieldType

LONG_NAMES = {
    "medical": True,
    "assistant": "Ava",
    "business": "Cedar Dental",
    "name": "Ann",
    "label": "service",
    "options": "a, b or c",
}
LONG_NAMES |= {
    "facts": "cleaning",
    "day": "Tuesday",
    "answer": "Yes.",
    "source": "Prices",
    "week": "Mon-Fri 8-5",
}
LONG_NAMES |= {"until": "5:00 PM", "opens": "today at 8:00 AM", "spans": "8-5", "time": "8:00 AM"}

_AT = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
_USD = {"amount": "109936.30", "currency": "USD"}
_CHANGE = _USD | {"up": True, "flat": False, "percent": "1.2"}
_HELD = {"symbol": "VTI", "value": _USD, "percent": "54.7"}
_HOME = {
    "n": 1, "address": "412 Maple Ave", "place": "Zilker", "price": _USD, "rent": False, "beds": 3, "baths": "2.5",
    "size": 1650, "kind": "house", "year": 1998, "gone": "", "rich": False, "says": [], "has": ["pool", "garage"],
    "lot": 6500, "number": "8123", "fee": _USD, "words": "",
}  # fmt: skip
_WANTED = {
    "rent": False, "low": None, "high": _USD, "beds": 3, "baths": "", "size": 0, "most_size": 0, "newer": 0,
    "areas": ["Zilker"], "kinds": ["house"], "features": ["pool"], "wishes": ["quiet street"],
}  # fmt: skip
_CHANGES = [
    {"what": what, "value": value, "total": 2, "cheapest": _USD, "miles": "1.2"}
    for what, value in (("high", _USD), ("area", "Mueller"))
]
OF_SKILLS: dict[str, dict[str, Any]] = {
    "booking": {
        "service": "cleaning", "times": [_AT, _AT.replace(hour=15), _AT.replace(day=25)], "start": _AT, "before": _AT,
        "staff": "Dr. Lee", "others": ["Dr. Roe"], "tomorrow": True, "options": ["cleaning", "checkup"],
        "appointments": [{"service": "cleaning", "start": _AT}], "day": _AT, "first": _AT, "last": _AT, "minutes": 30,
        "at": _AT.time(), "earliest": _AT.time(), "latest": _AT.time(), "until": _AT,
    },
    "qualification": {"summary": "three bedrooms, $450,000, Austin"},
    "identity": {
        "hint": "41", "minutes": 10, "left": 3, "code": "123456",
        "what": "Withdrawal of $25,000, First Platypus Bank ...1234.",
    },
    "value": {
        "lacking": ["beds", "latitude"], "address": "1100 Maple Ave", "count": 2, "radius": "1", "months": 6, "least": 3,
        "beds": 3, "baths": "2", "size": 1600, "year": 1960, "low": _USD, "middle": _USD, "high": _USD,
        "each": {"foot": _USD, "bed": _USD},
        "sales": [{
            "n": 1, "address": "515 Maple Ave", "miles": "0.1", "sold_on": _AT.date(), "price": _USD, "adjusted": _USD,
            "adjustments": [{"what": "size", "more": "70", "is_more": True, "amount": _USD}],
        }],
    },
    "homes": {
        "homes": [_HOME, _HOME | {"n": 2}], "wanted": _WANTED, "total": 12, "more": True, "count": 3, "home": _HOME,
        "books": True, "have": ["pool"], "lack": ["view"], "addresses": ["412 Maple Ave"], "changes": _CHANGES,
        "address": "412 Maple",
    },
    "portfolio": {
        "value": _USD, "day": _CHANGE, "accounts": [], "cash": _USD, "symbol": "VTI", "quantity": "120.25",
        "percent": "54.7", "price": _USD, "positions": [_HELD] * 3, "more": 4, "limit": "25", "large": [_HELD],
        "top": _HELD, "shares": [{"kind": one, "percent": "20"} for one in ("fund", "stock", "bond", "cash")],
        "change": _CHANGE, "since": _AT.date(), "symbols": ["VTI", "BND"], "at": _AT, "name": "Vanguard Total Market ETF",
    },
}  # fmt: skip
_BANK = {"bank": "First Platypus Bank", "mask": "1234", "state": "ready"}
_MOVED = _BANK | {
    "kind": "transfer", "direction": "out", "amount": {"amount": "24999.99", "currency": "USD"}, "state": "approval",
    "side": "buy", "quantity": "100", "symbol": "AAPL",
}  # fmt: skip
OF_SKILLS["money"] = _MOVED | {
    "banks": [_BANK, _BANK], "asked": [_MOVED] * 3, "fee": _USD, "account_mask": "4821", "people": 2, "days": 3,
    "limits": dict.fromkeys(("least", "transfer", "day", "cash", "order"), _USD), "price": "271.49", "limit": "274.20",
    "name": "Apple Inc. Common Stock", "given": "Maria del Carmen", "family": "Hale", "email": "maria@example.com",
}  # fmt: skip
OF_SKILLS["rasa"] = {
    "what": "cancel the order",
    "values": ["order A-10442", "reason too late"],
    "text": "It is on its way.",
}
OF_SKILLS["payment"] = {
    "item": "Initial consultation", "amount": {"amount": "1250.00", "currency": "USD"}, "at": _AT,
    "items": [{"item": "Initial consultation", "amount": _USD}, {"item": "Deposit", "amount": _USD}],
    "url": "https://frontdesk.example.com/pay/AaJbDcQdTeGfHgIhJiKjLkMlNmOnPoQp",
}  # fmt: skip
OF_SKILLS["callback"] = {
    "at": _AT,
    "who": "",
    "hint": "00",
    "now": False,
    "wanted": False,
    "fits": False,
    "asks": True,
}
OF_SKILLS["company"] = {"symbol": "AAPL", "name": "Apple Inc. Common Stock", "price": _USD, "at": _AT}
OF_SKILLS["bank"] = _BANK | {"url": "https://hosted.plaid.com/link/lp-1234567890abcdef"}


def facts(key: str) -> dict[str, Any]:
    """What a template of this name may show."""
    return LONG_NAMES | OF_SKILLS.get(key.partition("_")[0], {})


def test_both_languages_have_every_key() -> None:
    assert set(words.templates("en")) == set(words.templates("es"))


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize(
    "personality", ["friendly", "professional", "casual", "formal", "empathetic", "concise"]
)
def test_every_template_renders_short(language: str, personality: str) -> None:
    for key in words.templates(language):
        text = words.say(key, language, personality, **facts(key))
        assert text
        assert len(text) <= 320
        assert not re.search(r"[{}]|\s\s|\bNone\b", text), (key, text)


def test_english_fits_the_gsm_alphabet() -> None:
    for key in words.templates("en"):
        assert set(words.say(key, "en", "friendly", **facts(key))) <= set(GSM_COST), key


def test_every_field_type_can_be_asked_for() -> None:
    known = {key.removeprefix("ask_") for key in words.templates("en") if key.startswith("ask_")}
    assert {"choice", "datetime", "date", "time", "person_name", "phone", "email", "money", "text"} <= known
    assert FieldType is not None

"""Templates: whole in both languages, short enough for a text message."""

import re

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


def test_both_languages_have_every_key() -> None:
    assert set(words.templates("en")) == set(words.templates("es"))


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize(
    "personality", ["friendly", "professional", "casual", "formal", "empathetic", "concise"]
)
def test_every_template_renders_short(language: str, personality: str) -> None:
    for key in words.templates(language):
        text = words.say(key, language, personality, **LONG_NAMES)
        assert text
        assert len(text) <= 320
        assert not re.search(r"[{}]|\s\s|\bNone\b", text), (key, text)


def test_english_fits_the_gsm_alphabet() -> None:
    for key in words.templates("en"):
        assert set(words.say(key, "en", "friendly", **LONG_NAMES)) <= set(GSM_COST), key


def test_every_field_type_can_be_asked_for() -> None:
    known = {key.removeprefix("ask_") for key in words.templates("en") if key.startswith("ask_")}
    assert {"choice", "datetime", "date", "time", "person_name", "phone", "email", "money", "text"} <= known
    assert FieldType is not None

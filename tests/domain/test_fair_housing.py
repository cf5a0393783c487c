"""What a broker's assistant must not answer, and what it may."""

import pytest

from domain.fair_housing import asks, asks_for_sources, describes


@pytest.mark.parametrize(
    "text",
    [
        "is it a safe neighborhood?",
        "any good schools?",
        "is round rock mostly white families or is it diverse",
        "are there a lot of kids in that neighborhood",
        "what kind of people live there",
        "is cedar park a good area for a young family?",
        "where do the christians live",
        "is it close to a synagogue",
        "whats the crime like",
        "do they take section 8",
        "is this a good part of town",
        "¿es un barrio seguro?",
        "qué tipo de gente vive ahí",
    ],
)
def test_about_people_or_how_good_an_area_is(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    [
        "is the white house on 5th still available",
        "does it have black cabinets",
        "how much are homes in cedar park",
        "can my kids come to the showing",
        "is it safe to wire the earnest money",
        "how far is it from downtown",
        "is there a garage",
        "what fees do you charge sellers?",
        "3 bedrooms, wheelchair accessible",
    ],
)
def test_about_homes_streets_and_money(text: str) -> None:
    assert not asks(text)


def test_schools_and_safety_have_public_sources() -> None:
    assert asks_for_sources("any good schools?")
    assert asks_for_sources("is it safe")
    assert not asks_for_sources("who lives there")


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("It is a quiet, safe neighborhood.", True),
        ("Perfect for young families.", True),
        ("The area is mostly young professionals.", True),
        ("A family-friendly community with great schools.", True),
        ("For schools please use the Texas Education Agency's public reports.", False),
        ("Three bedrooms, a fenced yard, 19 miles from downtown.", False),
        ("Fair-housing rules do not let me describe who lives in an area or rate it.", False),
    ],
)
def test_what_our_own_words_may_not_say(text: str, rates: bool) -> None:
    assert describes(text) is rates

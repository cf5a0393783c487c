"""Zones and states from numbers, compared with phonenumbers' geocoder, which the program itself does not load."""

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import geocoder

from domain.zones import SOMEWHERE, region_for, zones_for

NAMES = {
    "New York": "NY", "Florida": "FL", "Texas": "TX", "Illinois": "IL", "Alabama": "AL", "Connecticut": "CT",
    "Maryland": "MD", "Mississippi": "MS", "New Jersey": "NJ", "Oklahoma": "OK", "Rhode Island": "RI",
    "Washington State": "WA", "Washington D.C.": "DC", "Louisiana": "LA", "Massachusetts": "MA", "Nevada": "NV",
    "Kentucky": "KY", "Michigan": "MI", "Minnesota": "MN", "New Mexico": "NM", "Pennsylvania": "PA",
    "South Dakota": "SD", "Utah": "UT", "Wyoming": "WY", "California": "CA",
}  # fmt: skip


@pytest.mark.parametrize(
    ("number", "zones", "region"),
    [
        ("+15125550100", ("America/Chicago",), "US-TX"),
        ("15125550100", ("America/Chicago",), "US-TX"),  # as WhatsApp writes it
        ("+19155550100", ("America/Denver",), "US-TX"),
        ("+13055550100", ("America/New_York",), "US-FL"),
        ("+18505550100", ("America/Chicago", "America/New_York"), "US-FL"),  # the panhandle is on both sides
        ("+12705550100", ("America/Chicago", "America/New_York"), "US-KY"),
        ("+14155550100", ("America/Los_Angeles",), "US-CA"),
        ("+12025550100", ("America/New_York",), "US-DC"),
        ("+14805550100", ("America/Phoenix",), "US-AZ"),
        ("+17875550100", ("America/Puerto_Rico",), "PR"),
        ("+14165550100", ("America/Toronto",), "CA"),
        ("+442079460000", ("Europe/London",), "GB"),
        ("+5215512345678", None, "MX"),  # the old mobile form, which WhatsApp keeps
        ("72345", SOMEWHERE, None),
        ("ana@example.com", SOMEWHERE, None),
        ("", SOMEWHERE, None),
        ("+88310000000", SOMEWHERE, None),
    ],
)
def test_numbers(number: str, zones: tuple[str, ...] | None, region: str | None) -> None:
    assert zones is None or zones_for(number) == zones
    assert region_for(number) == region


def test_a_toll_free_number_may_ring_anywhere() -> None:
    zones = zones_for("+18005550100")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= set(zones)
    assert region_for("+18005550100") == "US"


def test_states_are_those_of_the_geocoder() -> None:
    wrong = []
    for code in range(200, 1000):
        number = phonenumbers.parse(f"+1{code}5550100")
        name = geocoder.description_for_number(number, "en")
        state = NAMES.get(name) or (name.rpartition(", ")[2] if ", " in name else None)
        if phonenumbers.region_code_for_number(number) == "US" and state:
            wrong += [(code, name)] if region_for(f"+1{code}5550100") != f"US-{state}" else []
    assert wrong == []


@settings(deadline=None)
@given(st.text(max_size=20) | st.from_regex(r"\+?[0-9]{1,16}", fullmatch=True))
def test_any_text_has_zones_that_exist(number: str) -> None:
    zones = zones_for(number)
    assert zones
    assert all(ZoneInfo(zone) for zone in zones)
    region = region_for(number)
    assert region is None or region.replace("US-", "").isalpha()

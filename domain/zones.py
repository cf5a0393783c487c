"""Where the person behind a telephone number may be: time zones and the jurisdiction, from the number alone.

The weakest evidence there is (numbers move with people), so callers ask it last: an address on file, then
what the customer told us, then this. Several answers mean that any of them may be right.
"""

import json
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import timezone

UNKNOWN: Final = "Etc/Unknown"
SOMEWHERE: Final = (
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/New_York",
    "Pacific/Honolulu",
)
"""Where somebody may be of whom nothing is known. The hours that suit all of them are few, and right."""


def is_known(zone: str) -> bool:
    """It is in the IANA database."""
    return zone in _known()


@cache
def _known() -> frozenset[str]:
    """Read once: looking for them opens hundreds of files."""
    return frozenset(available_timezones())


@lru_cache(maxsize=4096)
def zones_for(number: str) -> tuple[str, ...]:
    """Every zone in which this E.164 number may ring, sorted; `SOMEWHERE` when the number says nothing (a
    short code, a satellite telephone). A toll-free number has no place: all zones of its country code."""
    parsed = _parsed(number)
    if parsed is None:
        return SOMEWHERE
    zones = {zone for zone in timezone.time_zones_for_geographical_number(parsed) if zone != UNKNOWN}
    zones |= set(_SPLIT.get(_area_code(parsed), ()))
    return tuple(sorted(zones)) or SOMEWHERE


@lru_cache(maxsize=4096)
def region_for(number: str) -> str | None:
    """The state by area code as ISO 3166-2 ("US-TX"), else the country ("MX"), else None. The prefix matters:
    a bare "CA" would be California and Canada, "DE" Delaware and Germany."""
    parsed = _parsed(number)
    if parsed is None:
        return None
    if state := _STATES.get(_area_code(parsed)):
        return f"US-{state}"
    country = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
    return country if country.isalpha() and country != "ZZ" else None


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    """WhatsApp writes E.164 without the plus."""
    try:
        return phonenumbers.parse(f"+{number}" if number.isdigit() and len(number) > 8 else number)
    except phonenumbers.NumberParseException:
        return None


def _area_code(number: phonenumbers.PhoneNumber) -> str:
    """Of a number of the North American plan; empty for all others."""
    return str(number.national_number)[:3] if number.country_code == 1 else ""


_TABLE: Final = json.loads(files("domain").joinpath("area_codes.json").read_text(encoding="utf-8"))
_STATES: Final[dict[str, str]] = {
    code: state for state, codes in _TABLE["states"].items() for code in codes.split()
}
_SPLIT: Final[dict[str, list[str]]] = _TABLE["split"]

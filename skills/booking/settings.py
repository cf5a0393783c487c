"""The workspace's `skills.booking`, read once for each version of it, and the service a customer means."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rapidfuzz import fuzz

from domain.booking import BookingSettings, Service
from domain.skill import Heard
from domain.workspace import Profile

ALIKE = 88
"""Of 100: how much some stretch of the message must look like a service's name."""
SHORT = 4
"""Names up to this length must be spelt right."""


def settings_of(profile: Profile) -> BookingSettings:
    """Validated when the workspace was applied."""
    return _read(repr(profile.skills["booking"]), _Holder(profile.skills["booking"]))


def service_in(text: str, settings: BookingSettings) -> Service | None:
    """The service that is named, the one named last if there are several: "not a cleaning, a checkup". Of a "trial
    lesson" and a "lesson" that end at the same place the longer one."""
    found = [(place, one) for one in settings.services if (place := _place(text.casefold(), one)) is not None]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def service_told(heard: Heard, settings: BookingSettings) -> Service | str | None:
    """What this message, or else the context, says: a service, or the name of something that cannot be booked here."""
    if named := service_in(heard.text, settings):
        return named
    for name in sorted(heard.context, key=lambda name: name not in heard.told):
        value = heard.context[name]
        if isinstance(value, str) and (known := settings.service(value)):
            return known
    told = heard.context.get("service")
    return told if isinstance(told, str) and told else None


def _place(text: str, service: Service) -> tuple[int, int] | None:
    """Where its name ends, and how long that is."""
    for name in (service.name, *service.names.values(), *service.synonyms):
        wanted = name.replace("_", " ").casefold()
        if (at := text.rfind(wanted)) >= 0:
            return at + len(wanted), len(wanted)
        if len(wanted) > SHORT and len(text) < 2000:
            alike = fuzz.partial_ratio_alignment(wanted, text, score_cutoff=ALIKE)
            if alike is not None and alike.score >= ALIKE and len(text) >= len(wanted):
                return int(alike.dest_end), int(alike.dest_end - alike.dest_start)
    return None


class _Holder:
    """Carries a value past a cache that only looks at its words."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=256)
def _read(_words: str, holder: _Holder) -> BookingSettings:
    return BookingSettings.model_validate(holder.value)

"""By whom a customer wants it done: named with the wish, or while times are looked for, or not at all."""

import re
from dataclasses import replace

from domain.booking import BookingSettings, Service
from domain.entities import Kind
from domain.skill import Heard, Run, Said


def named(heard: Heard, settings: BookingSettings) -> str | None:
    """Somebody of the business, written as names are, or after "with". A customer of the same name only says who they
    are."""
    own = [(one.start, one.end) for one in heard.entities if one.kind is Kind.NAME]
    places = [(_place(heard.text, one.name, own), one.name) for one in settings.staff]
    return max(((at, name) for at, name in places if at >= 0), default=(0, None))[1]


def chosen(
    run: Run, heard: Heard, settings: BookingSettings, service: Service
) -> tuple[Run, Service, tuple[Said, ...]]:
    """The service as whoever is wished for does it, and what is said if they do not do it."""
    wished = named(heard, settings) or run.slots.get("staff")
    if wished is not None and wished in service.staff:
        return run.holding(staff=wished), service.model_copy(update={"staff": (wished,)}), ()
    run = replace(run, slots={name: value for name, value in run.slots.items() if name != "staff"})
    if wished is None or not service.staff:
        return run, service, ()
    facts = {"staff": wished, "service": service.called(heard.language), "others": list(service.staff)}
    return run, service, (Said("booking_staff_cannot", facts),)


def as_before(heard: Heard, settings: BookingSettings, service: Service, staff: str) -> Service:
    """Who moves an appointment comes to whoever they were to come to, if that one is free, unless they name another."""
    if (other := named(heard, settings)) is not None and other in service.staff:
        return service.model_copy(update={"staff": (other,)})
    if staff not in service.staff:
        return service
    rest = tuple(name for name in service.staff if name != staff)
    return service.model_copy(update={"staff": (staff, *rest)})


def does(service: Service, resource: str) -> bool:
    return not service.staff or resource in service.staff


def _place(text: str, name: str, own: list[tuple[int, int]]) -> int:
    """Where they are named last, -1 for nowhere; a first name will do."""
    names = "|".join(re.escape(one) for one in dict.fromkeys((name, name.split()[0])))
    found = re.finditer(rf"\b(?:(?i:with|con)\s+(?i:{names})|{names})\b", text)
    there = [
        one.start() for one in found if all(one.end() <= start or one.start() >= end for start, end in own)
    ]
    return max(there, default=-1)

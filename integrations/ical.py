"""Appointments as iCalendar (RFC 5545, RFC 7986), for calendars that subscribe. All times are UTC, so that no zone's
rules need to travel with them."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from icalendar import Calendar, Event

from domain.calendars import Entry

AGAIN = timedelta(minutes=15)
"""How often a subscriber is asked to look."""


def feed(name: str, entries: Iterable[Entry]) -> bytes:
    """The same appointments give the same bytes. What was called off stays in it as cancelled."""
    made = Calendar()
    made.add("prodid", "-//Frontdesk//Appointments//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("name", name)
    made.add("refresh-interval", AGAIN, parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT15M")
    for entry in entries:
        made.add_component(_event(entry))
    return bytes(made.to_ical())


def _event(entry: Entry) -> Event:
    made, changed = Event(), entry.changed_at.astimezone(UTC).replace(microsecond=0)
    made.add("uid", f"{entry.id}@frontdesk")
    made.add("dtstamp", changed)
    made.add("last-modified", changed)
    made.add("sequence", entry.sequence)
    made.add("dtstart", entry.start.astimezone(UTC))
    made.add("dtend", entry.end.astimezone(UTC))
    made.add("summary", entry.title)
    made.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    made.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    return made

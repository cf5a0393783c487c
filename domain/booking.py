"""Appointments: what is free, what is nearest to what was asked, and the changes a skill may propose. No clock."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from domain.opening import spans_on
from domain.skill import WorldEffect
from domain.workspace import Duration, Hours, Model, Name, SkillSettings, Span


class Service(Model):
    """What can be booked. `buffer` is kept free after it; `capacity` is how many customers one time takes."""

    name: Name
    minutes: Annotated[int, Field(ge=5, le=24 * 60)]
    buffer: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    capacity: Annotated[int, Field(ge=1, le=1000)] = 1
    staff: tuple[Name, ...] = ()
    """Who does it; nobody named is the business as a whole, one customer (or `capacity`) at a time."""
    synonyms: tuple[str, ...] = ()
    names: dict[Literal["en", "es"], Name] = Field(default_factory=dict)
    """What it is called in another language: {es: limpieza}."""
    description: str = ""
    of: Name | None = None
    """What kind of thing it can be about: home, for a showing. Nobody else is there at the same time."""

    def called(self, language: str) -> str:
        return next((name for code, name in self.names.items() if code == language), self.name)


class Staff(Model):
    """Somebody or something that can be booked: a person, a chair, a room, a boat."""

    name: Name
    hours: Hours | None = None


class Exception_(Model):
    """A day unlike its weekday: a holiday, a half day. `staff` empty is everybody."""

    date: date
    hours: str = "closed"
    staff: tuple[Name, ...] = ()

    def spans(self) -> tuple[Span, ...]:
        return Hours.model_validate({"mon": self.hours}).days[0]

    @model_validator(mode="after")
    def _readable(self) -> "Exception_":
        self.spans()
        return self


class BookingSettings(SkillSettings):
    """`skills.booking` of a workspace."""

    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    staff: tuple[Staff, ...] = ()
    exceptions: tuple[Exception_, ...] = ()
    calendar: Literal["local", "google"] = "local"
    notice: Duration = timedelta(hours=1)
    """Nothing sooner than this can be booked."""
    horizon: Duration = timedelta(days=60)
    every: Annotated[int, Field(ge=5, le=240)] = 15
    """Minutes between two possible beginnings."""
    hold: Duration = timedelta(minutes=10)
    """How long a chosen time is kept while the customer makes up their mind."""
    offer: Duration = timedelta(minutes=30)
    """How long a time that has become free is kept for whoever waits for it and is asked."""
    remind: tuple[Duration, ...] = (timedelta(hours=24),)
    remind_with: Name | None = None
    """The template by which a reminder goes where the provider takes no other words any more (WhatsApp after 24 hours)."""
    change_until: Duration = timedelta(0)
    """Later than this before it begins, only a person may move or cancel it."""
    ask_name: bool = True

    @model_validator(mode="after")
    def _names_fit(self) -> "BookingSettings":
        names = [service.name.casefold() for service in self.services]
        if len(set(names)) != len(names):
            raise ValueError("two services have the same name")
        known = {one.name for one in self.staff}
        named = {name for one in self.services for name in one.staff}
        named |= {name for one in self.exceptions for name in one.staff}
        if unknown := sorted(named - known):
            raise ValueError(f"staff {', '.join(unknown)} is not listed under skills.booking.staff")
        return self

    def called(self, service: str, language: str, about: str = "") -> str:
        """With what it is about: "showing (412 Maple Ave)"."""
        known = self.service(service)
        name = known.called(language) if known else service
        return f"{name} ({about})" if about else name

    def service(self, name: str) -> Service | None:
        return next((one for one in self.services if one.name.casefold() == name.casefold()), None)


ABOUT = "about:"
"""The resource that a thing is which appointments are about: this, and its key."""
EVERYBODY = "*"
"""The resource of a service that names no staff."""
WHOLE = -1
"""In place of a seat: every one that the resource has."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A time that is taken: one seat of a resource, its buffer included."""

    resource: str
    seat: int
    """WHOLE for all of them."""
    start: datetime
    end: datetime

    def takes(self, resource: str, seat: int = 0) -> bool:
        """Whether this seat is taken by it. What takes the whole business takes everybody."""
        if self.seat == WHOLE:
            return self.resource in (EVERYBODY, resource)
        return (self.resource, self.seat) == (resource, seat)


@dataclass(frozen=True, slots=True)
class Opening:
    """A time that can be booked, with one resource and seat that are free then. Both ends in UTC."""

    start: datetime
    end: datetime
    resource: str
    seat: int

    @property
    def staff(self) -> str:
        return "" if self.resource == EVERYBODY else self.resource


@dataclass(frozen=True, slots=True)
class Window:
    """When it is wanted: from `start` before `end`, on the clock between `earliest` and `latest`; `at` is the very
    moment that was asked for."""

    start: datetime
    end: datetime
    earliest: time = time.min
    latest: time = time.max
    at: datetime | None = None
    about: str = ""
    """The key of what it is about."""


@dataclass(frozen=True, slots=True)
class Appointment:
    id: UUID
    contact_id: UUID
    service: str
    resource: str
    start: datetime
    end: datetime
    state: str
    version: int = 1
    name: str | None = None
    confirmed_at: datetime | None = None
    """When they said, to a reminder, that they will come."""
    conversation_id: UUID | None = None
    source: str = "customer"
    about: str = ""
    """The key of what it is about: of a home that is shown."""
    about_called: str = ""

    @property
    def staff(self) -> str:
        return "" if self.resource == EVERYBODY else self.resource


@dataclass(frozen=True, slots=True)
class HoldTime(WorldEffect):
    """Keep this opening for the run until `until`. What the run held before is let go. Raises Overtaken."""

    run_id: UUID
    contact_id: UUID
    conversation_id: UUID | None
    service: str
    opening: Opening
    buffer: timedelta
    until: datetime
    about: str = ""
    about_called: str = ""


@dataclass(frozen=True, slots=True)
class BookTime(WorldEffect):
    """Make an appointment of what the run holds, or of `held` itself when the hold has run out meanwhile.
    Raises Overtaken when somebody else has it now."""

    held: HoldTime
    name: str | None = None
    remind: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveTime(WorldEffect):
    """Give this appointment the time that the run holds. Raises Overtaken when it has changed or is taken."""

    appointment_id: UUID
    version: int
    held: HoldTime
    remind: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelTime(WorldEffect):
    appointment_id: UUID
    version: int
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class ConfirmTime(WorldEffect):
    """They will come. Raises Overtaken when it is theirs no longer."""

    appointment_id: UUID
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class LetGo(WorldEffect):
    """Whatever the run holds is free again."""

    run_id: UUID


def openings(
    settings: BookingSettings,
    hours: Hours,
    zone: ZoneInfo,
    service: Service,
    busy: Iterable[Busy],
    window: Window,
    now: datetime,
) -> Iterator[Opening]:
    """Every beginning at which the service can be booked, earliest first, one resource each. Local opening hours
    are turned into moments day by day, so that a day of 23 or 25 hours has what its clock shows: a time that the
    clock skips does not exist, one that comes twice is its first."""
    first = max(window.start, now + settings.notice)
    last = min(window.end, now + settings.horizon)
    lanes = _lanes(service)
    taken = {lane: sorted((b.start, b.end) for b in busy if b.takes(*lane)) for lane in lanes}
    elsewhere = sorted((b.start, b.end) for b in busy if b.resource.startswith(ABOUT))
    length, rest = timedelta(minutes=service.minutes), timedelta(minutes=service.buffer)
    day = first.astimezone(zone).date()
    while datetime.combine(day, time.min, zone) < last:
        found: dict[datetime, Opening] = {}
        for resource, seat in lanes:
            for opens, closes in _spans(settings, hours, resource, day):
                for start in _beginnings(day, opens, closes, zone, length, settings.every):
                    local = start.astimezone(zone).time()
                    if start in found or not (first <= start < last):
                        continue
                    if not (window.earliest <= local <= window.latest):
                        continue
                    if not _clear(elsewhere, start, start + length):
                        continue
                    if _clear(taken[resource, seat], start, start + length + rest):
                        found[start] = Opening(start, start + length, resource, seat)
        yield from (found[start] for start in sorted(found))
        day += timedelta(days=1)


def nearest(found: Sequence[Opening], wanted: datetime | None, n: int = 3) -> tuple[Opening, ...]:
    """Those nearest to the wanted moment, told in the order of the clock; without a wish the earliest, at least an
    hour apart where there is a choice."""
    if wanted is not None:
        chosen = sorted(found, key=lambda one: (abs(one.start - wanted), one.start))[:n]
        return tuple(sorted(chosen, key=lambda one: one.start))
    spread: list[Opening] = []
    for one in found:
        if all(abs(one.start - other.start) >= timedelta(hours=1) for other in spread):
            spread.append(one)
        if len(spread) == n:
            return tuple(spread)
    rest = [one for one in found if one not in spread][: n - len(spread)]
    return tuple(sorted([*spread, *rest], key=lambda one: one.start))


def opened(
    settings: BookingSettings, hours: Hours, zone: ZoneInfo, resource: str, day: date
) -> tuple[tuple[datetime, datetime], ...]:
    """When this resource can be booked on that day: (from, to) in UTC, exceptions counted."""
    spans = _spans(settings, hours, resource, day)
    return tuple((_bound(day, opens, zone), _bound(day, closes, zone)) for opens, closes in spans)


def free_lane(
    service: Service, busy: Iterable[Busy], start: datetime, staff: str | None = None
) -> Opening | None:
    """Who is free then, be the door open or not: a person of the business may overrule its hours, not what is taken."""
    taken = list(busy)
    end = start + timedelta(minutes=service.minutes)
    for resource, seat in _lanes(service):
        own = [(one.start, one.end) for one in taken if one.takes(resource, seat)]
        if staff in (None, resource) and _clear(own, start, end + timedelta(minutes=service.buffer)):
            return Opening(start, end, resource, seat)
    return None


def moment(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    """This wall-clock time in UTC; None when the clock skips it."""
    local = datetime.combine(day, clock, zone)
    back = local.astimezone(UTC).astimezone(zone)
    return local.astimezone(UTC) if back.replace(tzinfo=None) == local.replace(tzinfo=None) else None


def _lanes(service: Service) -> list[tuple[str, int]]:
    return [(who, seat) for who in (service.staff or (EVERYBODY,)) for seat in range(service.capacity)]


def _spans(settings: BookingSettings, hours: Hours, resource: str, day: date) -> tuple[Span, ...]:
    special = [
        one for one in settings.exceptions if one.date == day and (not one.staff or resource in one.staff)
    ]
    if special:
        return special[-1].spans()
    own = next((one.hours for one in settings.staff if one.name == resource and one.hours), hours)
    return spans_on(hours if day in hours.exceptions else own, day)


def _beginnings(
    day: date, opens: time, closes: time, zone: ZoneInfo, length: timedelta, every: int
) -> Iterator[datetime]:
    """On the clock's grid from the opening; it must end before the door closes."""
    shut = _bound(day, closes, zone)
    at = datetime.combine(day, opens)
    while at.date() == day and at.time() < closes:
        start = moment(day, at.time(), zone)
        if start is not None and start + length <= shut:
            yield start
        at += timedelta(minutes=every)


def _bound(day: date, clock: time, zone: ZoneInfo) -> datetime:
    if clock >= time(23, 59):
        return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _clear(taken: Sequence[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    return all(end <= begins or ends <= start for begins, ends in taken)


def as_json(opening: Opening) -> dict[str, Any]:
    return {
        "start": opening.start.isoformat(), "end": opening.end.isoformat(),
        "resource": opening.resource, "seat": opening.seat,
    }  # fmt: skip


def from_json(kept: dict[str, Any]) -> Opening:
    start, end = (datetime.fromisoformat(kept[name]) for name in ("start", "end"))
    return Opening(start, end, kept["resource"], kept["seat"])

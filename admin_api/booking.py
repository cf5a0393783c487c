"""Appointments: what can be booked and when, who comes, and what a person of the business does about it. A person may
overrule opening hours and notice, never what is taken. The customer is not written to; reminders follow the time."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from admin_api import once, pagination, versions
from admin_api.auth import Admitted, Guarded, Here
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.schemas import Moment, Note, Sent, Told
from admin_api.versions import IfMatch
from domain.booking import (
    EVERYBODY,
    Appointment,
    BookingSettings,
    HoldTime,
    Opening,
    Service,
    Window,
    free_lane,
    opened,
)
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.workspace import Profile
from runtime.diary import LONGEST, Diary
from runtime.wake import EVENTS
from store import appointments, contacts, conversations, workspaces
from store.db import Tx, new_id

catalogue = APIRouter(prefix="/services", route_class=Guarded, tags=["services"])
times = APIRouter(prefix="/slots", route_class=Guarded, tags=["slots"])
open_times = APIRouter(prefix="/availability", route_class=Guarded, tags=["availability"])
router = APIRouter(prefix="/appointments", route_class=Guarded, tags=["appointments"])

MOST_DAYS = 31
MOST_SLOTS = 500
State = Literal["booked", "cancelled", "done", "no_show"]
From = Annotated[AwareDatetime, Query(alias="from")]
Until = Annotated[AwareDatetime, Query(alias="to")]


class ServiceTold(Told):
    name: str
    minutes: int
    buffer: int = Field(description="Minutes that are kept free after it.")
    capacity: int = Field(description="How many customers one time takes.")
    staff: list[str] = Field(description="Who does it; empty is the business as a whole.")
    description: str


class Services(BaseModel):
    services: list[ServiceTold]


class Slot(BaseModel):
    start: Moment
    end: Moment
    staff: str | None


class Slots(BaseModel):
    timezone: str
    slots: list[Slot] = Field(description=f"The earliest first, {MOST_SLOTS} at most.")


class Span(BaseModel):
    start: Moment
    end: Moment


class OpenDay(BaseModel):
    date: date
    staff: str | None = Field(description="null is the business as a whole.")
    open: list[Span]
    taken: list[Span]


class Availability(BaseModel):
    timezone: str
    days: list[OpenDay]


class AppointmentTold(BaseModel):
    id: UUID
    contact_id: UUID
    conversation_id: UUID | None
    service: str
    staff: str | None
    start: Moment
    end: Moment
    state: State
    name: str | None
    confirmed_at: Moment | None = Field(description="When they said, to a reminder, that they will come.")
    source: str
    about: str | None = Field(
        description="What it is about, as people call it: the address of a home that is shown."
    )
    version: int


class NewAppointment(Sent):
    contact_id: UUID
    service: Note = Field(description="One of the services, by name.")
    start: AwareDatetime
    staff: Note | None = Field(None, description="Without it: whoever is free.")


class AppointmentMove(Sent):
    start: AwareDatetime
    staff: Note | None = Field(None, description="Without it: whoever is free.")


@catalogue.get("")
async def listed_services(here: Admitted) -> Services:
    """As `skills.booking` of the workspace has them."""
    async with here.transaction() as tx:
        settings = _settings(await _profile(tx))
    return Services(services=[ServiceTold.model_validate(one) for one in settings.services])


@times.get("")
async def free(
    here: Admitted, service: Annotated[str, Query(max_length=200)], start: From, end: Until
) -> Slots:
    """What a customer could book now: hours, exceptions, notice and horizon counted."""
    _check_range(start, end)
    async with here.transaction() as tx:
        profile, now = await _profile(tx), tx.now
    wanted = _service(_settings(profile), service, "/query/service")
    window, zone = Window(start, end), ZoneInfo(profile.workspace.timezone)
    local = now.astimezone(zone)
    found = await Diary(here.rt.db).openings(
        here.caller.workspace_id, profile, wanted, window, local, MOST_SLOTS
    )
    slots = [Slot(start=one.start, end=one.end, staff=one.staff or None) for one in found]
    return Slots(timezone=profile.workspace.timezone, slots=slots)


@open_times.get("")
async def opened_days(
    here: Admitted,
    start: Annotated[date, Query(alias="from")],
    end: Annotated[date, Query(alias="to", description="The last day, included.")],
) -> Availability:
    """When each of the staff works, exceptions counted, and what of it is taken or held."""
    if not start <= end <= start + timedelta(days=MOST_DAYS):
        raise _bad_range()
    async with here.transaction() as tx:
        profile = await _profile(tx)
        settings, zone = _settings(profile), ZoneInfo(profile.workspace.timezone)
        first, last = _midnight(start, zone), _midnight(end + timedelta(days=1), zone)
        busy = await appointments.busy(tx, first, last)
    resources = list(dict.fromkeys(who for one in settings.services for who in (one.staff or (EVERYBODY,))))
    days = []
    for n in range((end - start).days + 1):
        day = start + timedelta(days=n)
        begins, ends = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        for who in resources:
            spans = opened(settings, profile.hours, zone, who, day)
            taken = [one for one in busy if one.resource == who or one.takes(who)]
            taken = [one for one in taken if one.start < ends and one.end > begins]
            days.append(
                OpenDay(
                    date=day, staff=None if who == EVERYBODY else who,
                    open=[Span(start=a, end=b) for a, b in spans],
                    taken=[Span(start=one.start, end=one.end) for one in sorted(taken, key=lambda b: b.start)],
                )
            )  # fmt: skip
    return Availability(timezone=profile.workspace.timezone, days=days)


@router.get("")
async def listed(
    here: Admitted,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Beginning at this or later.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Beginning before this.")] = None,
    state: State | None = None,
    contact: UUID | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[AppointmentTold]:  # fmt: skip
    """The earliest first. Times that are only held are not among them."""
    after = pagination.read_moment("appointments", cursor)
    async with here.transaction() as tx:
        rows = await appointments.page(
            tx, start=start, end=end, contact_id=contact, state=state, limit=limit + 1, after=after
        )
    return pagination.page(
        rows, limit, _told, lambda row: pagination.write("appointments", row.start, row.id)
    )


@router.get("/{appointment_id}")
async def one(here: Admitted, appointment_id: UUID, response: Response) -> AppointmentTold:
    """Its `ETag` is its version."""
    async with here.transaction() as tx:
        told = _told(await appointments.get(tx, appointment_id))
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.post("", status_code=201, response_model=AppointmentTold)
async def book(here: Admitted, new: NewAppointment, key: once.Key = None) -> Response:
    """For a contact. 409 `time_taken` when nobody who does it is free then."""

    async def make() -> AppointmentTold:
        profile = await _profile(tx)
        settings = _settings(profile)
        service = _service(settings, new.service, "/service")
        who = await contacts.get(tx, new.contact_id)
        if who is None:
            raise NotFound("there is no such contact here")
        who = await contacts.get(tx, who.root_id) if who.root_id else who
        assert who is not None
        talk = await conversations.open_of(tx, who.id)
        if talk is not None:
            await conversations.hold(tx, talk)
        opening = await _opening(tx, service, new.start, new.staff)
        held = _held(tx, who.id, talk, service, opening)
        return _told(await appointments.make(tx, held, who.name, settings.remind, here.caller.actor))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST appointments", new), 201, make)
    await here.rt.wake.wake(EVENTS)
    return answer


@router.patch("/{appointment_id}")
async def move(
    here: Admitted, appointment_id: UUID, wish: AppointmentMove, response: Response, if_match: IfMatch = None
) -> AppointmentTold:
    """To another time, or to somebody else. What the customer had confirmed they are asked again."""
    async with here.transaction() as tx:
        mine = await _take(tx, appointment_id, if_match)
        settings = _settings(await _profile(tx))
        service = settings.service(mine.service)
        if service is None:
            raise Conflict(f"{mine.service} is booked here no longer", code="service_gone")
        opening = await _opening(tx, service, wish.start, wish.staff, mine.id)
        held = _held(tx, mine.contact_id, mine.conversation_id, service, opening)
        told = _told(await appointments.move_by_person(tx, mine, held, settings.remind, here.caller.actor))
    await here.rt.wake.wake(EVENTS)
    response.headers["ETag"] = versions.etag(told.version)
    return told


@router.post("/{appointment_id}/cancel", response_model=AppointmentTold)
async def cancel(
    here: Admitted, appointment_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """Its time is free again."""
    return await _mark(here, appointment_id, "cancelled", if_match, key)


@router.post("/{appointment_id}/done", response_model=AppointmentTold)
async def done(
    here: Admitted, appointment_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """They came. It is so by itself when its time is over."""
    return await _mark(here, appointment_id, "done", if_match, key)


@router.post("/{appointment_id}/no-show", response_model=AppointmentTold)
async def no_show(
    here: Admitted, appointment_id: UUID, if_match: IfMatch = None, key: once.Key = None
) -> Response:
    """They did not come."""
    return await _mark(here, appointment_id, "no_show", if_match, key)


async def _mark(
    here: Here, appointment_id: UUID, state: str, if_match: str | None, key: str | None
) -> Response:
    async def marked() -> AppointmentTold:
        mine = await _take(tx, appointment_id, if_match)
        return _told(await appointments.mark(tx, mine, state, here.caller.actor))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST appointments/{appointment_id}/{state}", None)
        answer = await once.answer(tx, asked, 200, marked)
    await here.rt.wake.wake(EVENTS)
    return answer


async def _take(tx: Tx, appointment_id: UUID, if_match: str | None) -> Appointment:
    mine = await appointments.take(tx, appointment_id)
    if mine is None:
        raise NotFound("there is no such appointment here")
    if not versions.is_current(if_match, mine.version):
        raise versions.stale(mine.version)
    return mine


async def _opening(
    tx: Tx, service: Service, start: datetime, staff: str | None, besides: UUID | None = None
) -> Opening:
    """Raise Invalid, or Conflict `time_taken`."""
    if start <= tx.now or start > tx.now + timedelta(days=3660):
        raise Invalid(
            "the time cannot be", errors=[FieldError("/start", "it must be in the future, within ten years")]
        )
    if staff is not None and staff not in service.staff:
        known = ", ".join(service.staff) or "nobody in particular"
        raise Invalid(
            "nobody of that name", errors=[FieldError("/staff", f"{service.name} is done by {known}")]
        )
    start = start.astimezone(UTC)
    end = start + timedelta(minutes=service.minutes + service.buffer)
    busy = await appointments.busy(tx, start - LONGEST, end, [besides] if besides else [])
    found = free_lane(service, busy, start, staff)
    if found is None:
        raise appointments.taken()
    return found


def _held(
    tx: Tx, contact_id: UUID, conversation_id: UUID | None, service: Service, opening: Opening
) -> HoldTime:
    buffer = timedelta(minutes=service.buffer)
    return HoldTime(new_id(), contact_id, conversation_id, service.name, opening, buffer, tx.now)


async def _profile(tx: Tx) -> Profile:
    return (await workspaces.get(tx)).profile


def _settings(profile: Profile) -> BookingSettings:
    if "booking" not in profile.skills:
        raise NotFound("this workspace books no appointments: it has no skills.booking")
    return BookingSettings.model_validate(profile.skills["booking"])


def _service(settings: BookingSettings, name: str, pointer: str) -> Service:
    found = settings.service(name)
    if found is None:
        known = ", ".join(one.name for one in settings.services)
        raise Invalid(
            "no such service", errors=[FieldError(pointer, f"there is no such service; there are {known}")]
        )
    return found


def _check_range(start: datetime, end: datetime) -> None:
    if not start < end <= start + timedelta(days=MOST_DAYS):
        raise _bad_range()


def _bad_range() -> Invalid:
    said = f"it must come after `from`, by {MOST_DAYS} days at most"
    return Invalid("the range cannot be", errors=[FieldError("/query/to", said)])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _told(row: Appointment) -> AppointmentTold:
    return AppointmentTold(
        id=row.id, contact_id=row.contact_id, conversation_id=row.conversation_id, service=row.service,
        staff=row.staff or None, start=row.start, end=row.end, state=row.state, name=row.name,  # type: ignore[arg-type]
        confirmed_at=row.confirmed_at, source=row.source, about=row.about_called or None,
        version=row.version,
    )  # fmt: skip

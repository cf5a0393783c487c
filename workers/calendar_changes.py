"""What somebody did there to an event of ours, done to the appointment: moved or deleted there, it is moved or cancelled
here, and the customer is told. What cannot be (the time is taken, or past) is put back, and a person told why."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from dialogue import compose, words
from domain.booking import Appointment, BookingSettings, HoldTime, Opening
from domain.calendars import Held
from domain.errors import Conflict
from domain.skill import SaveRun
from runtime.runtime import Runtime
from skills.booking import remind
from store import appointments, calendar_events, notifications, workspaces
from store.calendar_events import Job
from store.db import Tx, new_id
from workers import talks

ACTOR = "calendar"
LONGEST = timedelta(hours=24)


class _PutBack(Exception):
    """It cannot be so here."""


async def take(rt: Runtime, workspace_id: UUID, link_id: UUID, appointment_id: UUID, held: Held) -> None:
    """In a transaction of its own. An event that is as we wrote it is left alone."""
    try:
        async with rt.db.transaction(workspace_id) as tx:
            await _take(tx, rt, link_id, appointment_id, held)
    except _PutBack as reason:
        async with rt.db.transaction(workspace_id) as tx:
            job = await calendar_events.standing(tx, link_id, appointment_id)
            if job is not None and not job.due:
                await calendar_events.stands(tx, job, held, due=True)
                await _notify(tx, job, str(reason))


async def _take(tx: Tx, rt: Runtime, link_id: UUID, appointment_id: UUID, held: Held) -> None:
    mine = await appointments.take(tx, appointment_id)
    job = await calendar_events.standing(tx, link_id, appointment_id)
    if mine is None or job is None or job.event_id != held.id:
        return
    if job.due:
        if held.gone or (held.start, held.end) != job.told:
            await calendar_events.doubt(tx, job)
        return
    if mine.state != "booked" or mine.end <= tx.now:
        return
    if held.gone:
        await _deleted(tx, rt, mine, job)
    elif (held.start, held.end) == job.told:
        await calendar_events.stands(tx, job, held, due=False)
    else:
        await _moved(tx, rt, mine, job, held)


async def _deleted(tx: Tx, rt: Runtime, mine: Appointment, job: Job) -> None:
    if mine.start <= tx.now:
        await calendar_events.leave(tx, job)
        return
    await appointments.mark(tx, mine, "cancelled", ACTOR)
    await _tell(tx, rt, mine, None)


async def _moved(tx: Tx, rt: Runtime, mine: Appointment, job: Job, held: Held) -> None:
    """Raise _PutBack."""
    start, end = held.start, held.end
    if start is None or end is None or held.all_day or not start < end <= start + LONGEST:
        raise _PutBack("calendar_not_possible")
    if start <= tx.now or mine.start <= tx.now:
        raise _PutBack("calendar_past")
    profile = (await workspaces.get(tx)).profile
    if "booking" not in profile.skills:
        raise _PutBack("calendar_not_possible")
    settings = BookingSettings.model_validate(profile.skills["booking"])
    service = settings.service(mine.service)
    buffer = timedelta(minutes=service.buffer if service else 0)
    opening = Opening(start, end, mine.resource, await calendar_events.seat_of(tx, mine.id))
    wanted = HoldTime(new_id(), mine.contact_id, mine.conversation_id, mine.service, opening, buffer, tx.now)
    try:
        await appointments.move_by_person(tx, mine, wanted, settings.remind, ACTOR)
    except Conflict:
        raise _PutBack("calendar_time_taken") from None
    await calendar_events.stands(tx, job, held, due=False)
    if mine.start != start:
        await _tell(tx, rt, mine, held)


async def _tell(tx: Tx, rt: Runtime, mine: Appointment, held: Held | None) -> None:
    """Through policy and gate, like everything that nobody asked for just now."""
    started = await talks.talk(tx, mine.contact_id, mine.conversation_id)
    if started is None or await talks.waits(tx, started):
        await notifications.add(
            tx, notifications.Kind.CALENDAR, conversation_id=mine.conversation_id, subject_id=mine.id,
            reason="calendar_customer_not_told", roles=notifications.WORKING,
        )  # fmt: skip
        return
    turn = started.turn
    settings = BookingSettings.model_validate(turn.profile.skills["booking"])
    language, zone = compose.language_of(turn), turn.now.tzinfo
    facts = {"service": settings.called(mine.service, language), "before": mine.start.astimezone(zone)}
    facts |= {"business": turn.profile.workspace.name, "staff": mine.staff}
    then: tuple[SaveRun, ...] = ()
    if held is None or held.start is None or held.end is None:
        text = words.say("booking_we_cancelled", language, turn.profile.assistant.personality, **facts)
    else:
        moved = replace(mine, start=held.start, end=held.end, version=mine.version + 1, confirmed_at=None)
        facts |= {"start": moved.start.astimezone(zone)}
        text = words.say("booking_we_moved", language, turn.profile.assistant.personality, **facts)
        run, _ = remind.begun(moved, settings, language, turn.now)
        then = (SaveRun(replace(run, began_seq=turn.base_seq, read_back=text)),)
    await talks.tell(tx, rt, started, text, "calendar", then)


async def _notify(tx: Tx, job: Job, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.CALENDAR, conversation_id=job.conversation_id, subject_id=job.appointment_id,
        reason=reason, roles=notifications.WORKING,
    )  # fmt: skip

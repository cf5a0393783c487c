"""An appointment comes near: its customer is reminded, in the transaction that fires the timer. Never of one that is
cancelled or has moved, and never twice."""

from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from dialogue import compose, words
from dialogue.words import filters
from domain.booking import Appointment, BookingSettings
from domain.skill import SaveRun
from domain.templates import fill, render
from domain.workspace import Profile
from runtime.runtime import Runtime
from skills.booking import remind
from store import appointments, notifications, reminding, templates
from store.db import Tx
from store.timers import Timer
from store.turns import Started
from workers import talks


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    if timer.subject_id is None:
        return
    mine = await appointments.take(tx, timer.subject_id)
    if mine is None or mine.state != "booked" or mine.start <= tx.now:
        return
    if mine.start.isoformat() != timer.details.get("start"):
        return
    started = await talks.talk(tx, mine.contact_id, mine.conversation_id)
    if started is None:
        await _tell(tx, timer, "reminder_not_sent")
        return
    await _remind(tx, rt, started, mine, timer)


async def _remind(tx: Tx, rt: Runtime, started: Started, mine: Appointment, timer: Timer) -> None:
    turn = started.turn
    if "booking" not in turn.profile.skills:
        return
    if await talks.waits(tx, started):
        await _tell(tx, timer, "reminder_waits_behind_draft")
        return
    settings = BookingSettings.model_validate(turn.profile.skills["booking"])
    language = compose.language_of(turn)
    run, said = remind.begun(mine, settings, language, turn.now)
    text = words.say(said.key, language, turn.profile.assistant.personality, **said.facts)
    run = replace(run, began_seq=turn.base_seq, read_back=text if mine.confirmed_at is None else "")
    await talks.tell(tx, rt, started, text, "reminder", (SaveRun(run),))
    await appointments.reminded(tx, mine.id, turn.conversation.id, started.id)


async def by_template(tx: Tx, profile: Profile, delivery_id: UUID) -> UUID | None:
    """The window is over: the reminder that waits in this delivery goes by the template that is meant for it, in place of
    its own words. Return the message's id; None when it is no reminder, or no such template is approved (yet): then it
    waits, and people are told."""
    waiting = await reminding.waiting(tx, delivery_id)
    if waiting is None or "booking" not in profile.skills:
        return None
    settings = BookingSettings.model_validate(profile.skills["booking"])
    version = None
    if settings.remind_with is not None:
        version = await templates.approved(
            tx, waiting.channel_id, settings.remind_with, profile, waiting.language
        )
    if version is None:
        await notifications.add(
            tx, notifications.Kind.CALENDAR, conversation_id=waiting.conversation_id,
            subject_id=waiting.appointment_id, reason="reminder_needs_template", roles=notifications.WORKING,
        )  # fmt: skip
        return None
    language = version.locale[:2]
    start = waiting.start.astimezone(ZoneInfo(profile.workspace.timezone))
    known = {
        "contact.name": waiting.name, "workspace.name": profile.workspace.name,
        "assistant.name": profile.assistant.name, "appointment.service": settings.called(waiting.service, language),
        "appointment.start": filters.moment(start, language), "appointment.staff": waiting.staff,
    }  # fmt: skip
    values = fill(version.variables, known, version.locale)
    return await reminding.replace_by(tx, waiting, version.id, values, render(version.body, values))


async def _tell(tx: Tx, timer: Timer, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.RULE, conversation_id=timer.conversation_id, subject_id=timer.subject_id,
        reason=reason, roles=("owner", "admin", "agent"),
    )  # fmt: skip

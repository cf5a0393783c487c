"""The reminder of an appointment, and what its answer means: they come, they want another time, or they do not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from domain.booking import Appointment, BookingSettings, ConfirmTime
from domain.skill import Command, Heard, Run, RunState, Said, Step
from skills.booking import wish as wishes
from skills.booking.wish import Wish

GOAL = "remind"
WAKING = range(8, 20)
"""Hours of the day in which a reminder leaves at once, so that "tomorrow" is true when it is read."""


def begun(mine: Appointment, settings: BookingSettings, language: str, now: datetime) -> tuple[Run, Said]:
    """The run that waits for the answer, and what the customer is told. `now` is in the workspace's zone."""
    run_id = uuid5(mine.id, f"remind:{mine.start.isoformat()}:{now.isoformat()}")
    run = Run(run_id, "booking", GOAL, 0).holding(appointment=str(mine.id), version=mine.version)
    return run.recalling(asked=GOAL, until=mine.start.isoformat()), _said(mine, settings, language, now)


def concerns(run: Run, heard: Heard) -> bool:
    """The answer to the reminder. Once it has begun there is nothing left to answer."""
    if heard.now >= datetime.fromisoformat(run.memory["until"]) or heard.intent.startswith("ask_"):
        return False
    answers = heard.affirms is not None or heard.command is not None
    changes = heard.intent in ("reschedule_appointment", "cancel_appointment")
    return answers or changes or bool(wishes.read(heard)) or wishes.others(heard.text)


def answered(run: Run, heard: Heard, mine: Appointment, settings: BookingSettings) -> Run | Step:
    """A step, or the run with what it has become: a move or a cancellation."""
    said = wishes.read(heard)
    if heard.confirmed and (not said or _is_theirs(said, mine, heard)):
        service = settings.called(mine.service, heard.language, mine.about_called)
        facts = {"service": service, "start": _local(mine, heard.now)}
        effect = ConfirmTime(mine.id, heard.contact_id)
        return Step(run.ended(RunState.DONE), (Said("booking_expected", facts),), (effect,))
    if heard.command is Command.CANCEL or heard.intent == "cancel_appointment":
        return replace(run, goal="cancel", read_back="")
    asks_other = heard.intent == "reschedule_appointment" or wishes.others(heard.text)
    if (said and not _is_theirs(said, mine, heard)) or asks_other:
        return replace(run, goal="move", read_back="")
    if heard.affirms is False:
        return Step(run, (Said("booking_not_coming"),))
    return Step(run, (_said(mine, settings, heard.language, heard.now),), asks_yes=True)


def _said(mine: Appointment, settings: BookingSettings, language: str, now: datetime) -> Said:
    start = _local(mine, now)
    next_day = start.date() == now.date() + timedelta(days=1) and now.hour in WAKING
    facts: dict[str, Any] = {
        "service": settings.called(mine.service, language, mine.about_called),
        "start": start,
    }
    facts |= {"staff": mine.staff, "tomorrow": next_day}
    return Said("booking_reminder" if mine.confirmed_at is None else "booking_reminder_again", facts)


def _is_theirs(said: Wish, mine: Appointment, heard: Heard) -> bool:
    """ "See you tomorrow at two" names the time that they have."""
    own = _local(mine, heard.now)
    return (
        all(day == own.date() for day in said.days)
        and said.at in (None, own.time().replace(tzinfo=None))
        and said.part is None
        and not said.soon
    )


def _local(mine: Appointment, now: datetime) -> datetime:
    return mine.start.astimezone(now.tzinfo)

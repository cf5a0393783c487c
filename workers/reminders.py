"""An appointment comes near: its customer is reminded, in the transaction that fires the timer. Never of one that is
cancelled or has moved, and never twice."""

from dataclasses import replace

from dialogue import compose, words
from domain.booking import Appointment, BookingSettings
from domain.skill import SaveRun
from runtime.runtime import Runtime
from skills.booking import remind
from store import appointments, notifications
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


async def _tell(tx: Tx, timer: Timer, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.RULE, conversation_id=timer.conversation_id, subject_id=timer.subject_id,
        reason=reason, roles=("owner", "admin", "agent"),
    )  # fmt: skip

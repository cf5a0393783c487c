"""An appointment comes near: its customer is reminded, in the transaction that fires the timer. Never of one that is
cancelled or has moved, and never twice."""

from dataclasses import replace

from dialogue import compose, ruling, words
from domain.booking import Appointment, BookingSettings
from domain.skill import SaveRun
from runtime.runtime import Runtime
from skills.booking import remind
from store import appointments, contacts, conversations, drafts, notifications, turns
from store.db import Tx
from store.timers import Timer
from store.turns import Started


async def fired(tx: Tx, rt: Runtime, timer: Timer) -> None:
    if timer.subject_id is None:
        return
    mine = await appointments.take(tx, timer.subject_id)
    if mine is None or mine.state != "booked" or mine.start <= tx.now:
        return
    if mine.start.isoformat() != timer.details.get("start"):
        return
    started = await _talk(tx, mine)
    if started is None:
        await _tell(tx, timer, "reminder_not_sent")
        return
    await _remind(tx, rt, started, mine, timer)


async def _talk(tx: Tx, mine: Appointment) -> Started | None:
    """Where the customer is spoken to now: the conversation of the appointment, or the one that is open since. None
    when nobody has ever written there."""
    who = await contacts.get(tx, mine.contact_id)
    open_now = await conversations.open_of(tx, who.root_id or who.id) if who else None
    talk = open_now or mine.conversation_id
    if talk is None:
        return None
    if open_now is None and not await conversations.reopen(tx, talk):
        return None
    return await turns.glimpse(tx, talk)


async def _remind(tx: Tx, rt: Runtime, started: Started, mine: Appointment, timer: Timer) -> None:
    turn = started.turn
    if "booking" not in turn.profile.skills:
        return
    if await drafts.page(tx, state="pending", conversation_id=turn.conversation.id, before=None, limit=1):
        await _tell(tx, timer, "reminder_waits_behind_draft")
        return
    settings = BookingSettings.model_validate(turn.profile.skills["booking"])
    language = compose.language_of(turn)
    run, said = remind.begun(mine, settings, language, turn.now)
    text = words.say(said.key, language, turn.profile.assistant.personality, **said.facts)
    run = replace(run, began_seq=turn.base_seq, read_back=text if mine.confirmed_at is None else "")
    turn = ruling.notify(turn, text, "reminder", (SaveRun(run),))
    await turns.save_glimpse(tx, started.id, turn, rt.split)
    await appointments.reminded(tx, mine.id, turn.conversation.id, started.id)


async def _tell(tx: Tx, timer: Timer, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.RULE, conversation_id=timer.conversation_id, subject_id=timer.subject_id,
        reason=reason, roles=("owner", "admin", "agent"),
    )  # fmt: skip

"""A reminder that waits because the provider takes no free words any more, and the template that goes in its place."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.booking import EVERYBODY
from store import conversations, outbox, skill_runs
from store.db import Tx
from store.outbox import NewMessage
from store.roots import root_of

_WAITING = text(
    "select d.message_id, d.conversation_id, d.thread_id, d.channel_id, m.turn_id, a.id as appointment_id, a.service,"  # noqa: S608  (constant text)
    " a.resource, a.starts_at, a.contact_id, p.name, p.language from delivery d"
    " join message m on m.workspace_id = d.workspace_id and m.id = d.message_id"
    " join appointment a on a.workspace_id = d.workspace_id and a.reminder_id = d.message_id"
    " join contact_address t on t.workspace_id = d.workspace_id and t.id = d.address_id"
    f" join contact p on p.workspace_id = t.workspace_id and p.id = {root_of('t', 'contact_id')}"
    " where d.id = :id and d.state = 'queued' and d.reason = 'needs_template' and a.state = 'booked'"
    " and a.starts_at > frontdesk_now()"
)
_TAKE_BACK = text(
    "update delivery set state = 'cancelled', reason = 'by_template', lease_until = null, updated_at = frontdesk_now()"
    " where message_id = :message and state = 'queued'"
)
_REMINDER = text("update appointment set reminder_id = :message where id = :id")


@dataclass(frozen=True, slots=True)
class Waiting:
    appointment_id: UUID
    contact_id: UUID
    message_id: UUID
    conversation_id: UUID
    thread_id: UUID
    channel_id: UUID
    turn_id: UUID | None
    service: str
    staff: str
    start: datetime
    name: str | None
    language: str | None


async def waiting(tx: Tx, delivery_id: UUID) -> Waiting | None:
    """None when this delivery is no reminder, or there is nothing left to be reminded of."""
    row: Any = (await tx.execute(_WAITING, {"id": delivery_id})).first()
    if row is None:
        return None
    name = tx.vault.open_maybe("contact.name", row.name and bytes(row.name))
    return Waiting(
        row.appointment_id, row.contact_id, row.message_id, row.conversation_id, row.thread_id, row.channel_id,
        row.turn_id, row.service, "" if row.resource == EVERYBODY else row.resource, row.starts_at, name, row.language,
    )  # fmt: skip


async def replace_by(
    tx: Tx, reminder: Waiting, version_id: UUID, values: tuple[str, ...], said: str
) -> UUID | None:
    """The template instead of the words that wait; a yes to it is the yes that those asked for."""
    await conversations.hold(tx, reminder.conversation_id)
    await tx.execute(_TAKE_BACK, {"message": reminder.message_id})
    disclosed = await outbox.is_disclosed(tx, reminder.thread_id)
    message_id = await outbox.put(
        tx,
        NewMessage(
            reminder.conversation_id, reminder.thread_id, "ai" if disclosed else "system", "notice", said,
            template_version_id=version_id, variables=values,
        ),
    )  # fmt: skip
    await tx.execute(_REMINDER, {"message": message_id, "id": reminder.appointment_id})
    for run in await skill_runs.active(tx, reminder.conversation_id):
        if run.goal == "remind" and run.slots.get("appointment") == str(reminder.appointment_id):
            changed = replace(run, read_back=said if run.read_back else "")
            await skill_runs.save(
                tx, reminder.conversation_id, reminder.contact_id, reminder.turn_id, changed
            )
    return message_id

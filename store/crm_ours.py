"""What a CRM may be told of a customer, as it stands here; and what became of their closed conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.messages import Scheme
from store import contacts, contexts
from store.contacts import Contact
from store.contexts import Kept
from store.db import Tx

_NAMED = text("select name_by, name_at from contact where id = :id")
_TALK = text(
    "select id, schema_name, status, tags, state from conversation where contact_id = :contact"
    " order by state = 'closed', updated_at desc, id desc limit 1"
)
_HOLD_TALK = text("select id from conversation where id = :id for update")
_HOLD_CONTACT = text("select id from contact where id = :id for no key update")
_NOTES = text(
    "select conversation_id, change, external_id, tried, state from crm_note where link_id = :link"
    " and contact_id = :contact and state = 'due' order by updated_at, conversation_id limit 20"
)
_TRIED = text("update crm_note set tried = true where link_id = :link and conversation_id = :conversation")
_NOTED = text(
    "update crm_note set external_id = :external, reason = null, updated_at = frontdesk_now(),"
    " state = case when change = :change then 'done' else 'due' end"
    " where link_id = :link and conversation_id = :conversation"
)
_NOTE_FAILED = text(
    "update crm_note set state = 'failed', reason = :reason, updated_at = frontdesk_now()"
    " where link_id = :link and conversation_id = :conversation and change = :change"
)
_DROP_NOTES = text(
    "update crm_note set state = 'done', reason = 'not_wanted' where link_id = :link and contact_id = :contact"
    " and state = 'due'"
)
_SPAN = text(
    "select count(*) as n, min(m.created_at) as first, max(m.created_at) as last,"
    " array_agg(distinct c.kind order by c.kind) as ways from message m join thread t"
    " on t.workspace_id = m.workspace_id and t.id = m.thread_id join channel c on c.workspace_id = t.workspace_id"
    " and c.id = t.channel_id where m.conversation_id = :conversation and m.kind not in ('reaction', 'system')"
)
_TALKED = text("select id, schema_name, status, tags, state from conversation where id = :id")


@dataclass(frozen=True, slots=True)
class Talk:
    id: UUID
    schema: str
    status: str
    tags: Sequence[str]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer, the conversation that is open (or was last), and what is known in it."""

    contact: Contact
    name_by: str | None
    name_at: datetime | None
    talk: Talk | None
    context: Mapping[str, Kept]

    def address(self, *schemes: Scheme, known: Any = None) -> str | None:
        """The one that is `known` there, while it is theirs; else that by which they wrote last, of these kinds. A number
        has + before it."""
        found = [one for one in self.contact.known if one.address.scheme in schemes]
        found = [
            one for one in found if one.address.scheme is Scheme.EMAIL or one.address.value.startswith("+")
        ]
        if any(one.address.value == known for one in found):
            return str(known)
        best = max(found, key=lambda one: (one.last_inbound_at or one.created_at, one.id), default=None)
        return best.address.value if best else None

    @property
    def is_out(self) -> bool:
        """They said STOP by text message or WhatsApp."""
        return any(one.opted_out_at is not None for one in self._numbers)

    @property
    def has_number(self) -> bool:
        return bool(self._numbers)

    @property
    def _numbers(self) -> list[contacts.Known]:
        return [one for one in self.contact.known if one.address.scheme in (Scheme.TEL, Scheme.WHATSAPP)]

    @property
    def not_out(self) -> list[UUID]:
        """Addresses at which they may still be written to."""
        return [one.id for one in self._numbers if one.opted_out_at is None]


@dataclass(frozen=True, slots=True)
class Note:
    conversation_id: UUID
    change: int
    external_id: str | None
    tried: bool


async def standing(tx: Tx, contact_id: UUID) -> Standing | None:
    """None for a contact that is not there (any more)."""
    found = await contacts.get(tx, contact_id)
    if found is None:
        return None
    named = (await tx.execute(_NAMED, {"id": contact_id})).one()
    row = (await tx.execute(_TALK, {"contact": contact_id})).first()
    talk = _talk(row) if row else None
    kept = await contexts.current(tx, talk.id, emptied=True) if talk else {}
    return Standing(found, named.name_by, named.name_at, talk, kept)


async def hold(tx: Tx, one: Standing) -> None:
    """Conversation and contact, until the transaction ends. Whoever changes them comes to the CRM's row last, and so does
    whoever takes from it."""
    if one.talk is not None:
        await tx.execute(_HOLD_TALK, {"id": one.talk.id})
    await tx.execute(_HOLD_CONTACT, {"id": one.contact.id})


async def talk(tx: Tx, conversation_id: UUID) -> Talk | None:
    row = (await tx.execute(_TALKED, {"id": conversation_id})).first()
    return _talk(row) if row else None


async def span(tx: Tx, conversation_id: UUID) -> Any:
    """n, first, last, ways: how many messages, when, over which kinds of channels."""
    return (await tx.execute(_SPAN, {"conversation": conversation_id})).one()


async def notes(tx: Tx, link_id: UUID, contact_id: UUID) -> list[Note]:
    """Those that are due, oldest first."""
    rows = await tx.execute(_NOTES, {"link": link_id, "contact": contact_id})
    return [Note(row.conversation_id, row.change, row.external_id, row.tried) for row in rows]


async def note_tried(tx: Tx, link_id: UUID, note: Note) -> None:
    """Before it is sent: whoever comes next looks whether it is there."""
    await tx.execute(_TRIED, {"link": link_id, "conversation": note.conversation_id})


async def noted(tx: Tx, link_id: UUID, note: Note, external_id: str) -> None:
    values = {"link": link_id, "conversation": note.conversation_id, "external": external_id}
    await tx.execute(_NOTED, values | {"change": note.change})


async def note_failed(tx: Tx, link_id: UUID, note: Note, reason: str) -> None:
    values = {"link": link_id, "conversation": note.conversation_id, "reason": reason}
    await tx.execute(_NOTE_FAILED, values | {"change": note.change})


async def drop_notes(tx: Tx, link_id: UUID, contact_id: UUID) -> None:
    """The business wants none."""
    await tx.execute(_DROP_NOTES, {"link": link_id, "contact": contact_id})


def _talk(row: Any) -> Talk:
    return Talk(row.id, row.schema_name or "", row.status or "", tuple(row.tags), row.state != "closed")

"""Messages that want to leave, one delivery a part: written here, in the transaction of what decided them.

    queued → sending → accepted → sent → delivered → read
       │        └→ unknown: no answer came; found at the provider, or reported by it, or surely absent
       └→ cancelled: the gate refused, a person took over, a newer message came        any → failed

Within a thread they leave in the order of (seq, part): what is not settled holds back what comes after. How one leaves:
store/sending.py, which asks store/permission.py; what became of it: store/outcomes.py, and store/reconciling.py when
nobody knows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import disclosure
from domain.messages import Button
from store import workspaces
from store.db import Tx, new_id
from store.roots import root_of

Split = Callable[[str, str], list[str]]
"""(channel kind, text) → the parts that such a channel can carry."""

_SEQ = text(
    "update conversation set last_seq = last_seq + 1, updated_at = frontdesk_now() where id = :id returning last_seq"
)
_THREAD = text(
    "select t.channel_id, t.address_id, c.kind, p.language from thread t"  # noqa: S608  (constant text)
    " join channel c on c.workspace_id = t.workspace_id and c.id = t.channel_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    f" join contact p on p.workspace_id = a.workspace_id and p.id = {root_of('a', 'contact_id')} where t.id = :id"
)
# By its conversation, of which the messages are indexed: by its thread alone, all that a business ever said is read.
_DISCLOSED = text(
    "select exists (select from thread t"
    " join message m on m.workspace_id = t.workspace_id and m.conversation_id = t.conversation_id and m.thread_id = t.id"
    " join delivery d on d.workspace_id = m.workspace_id and d.message_id = m.id"
    " where t.id = :thread and m.discloses and d.state not in ('failed', 'cancelled'))"
)
_MESSAGE = text(
    "insert into message (workspace_id, id, conversation_id, thread_id, seq, direction, author, purpose, body,"
    " discloses, person_id, turn_id, draft_id, details) values (:w, :id, :conversation, :thread, :seq, 'out',"
    " :author, :purpose, :body, :discloses, :person, :turn, :draft, :details)"
)
_DELIVERY = text(
    "insert into delivery (workspace_id, id, message_id, conversation_id, thread_id, channel_id, address_id, seq,"
    " part, body, template_version_id) values (:w, :id, :message, :conversation, :thread, :channel, :address, :seq,"
    " :part, :body, :template)"
)
_CANCEL = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " from message m where m.workspace_id = d.workspace_id and m.id = d.message_id and d.state = 'queued'"
    " and d.conversation_id = :conversation and m.author = any(:authors) returning d.id"
)
# What waits for an address that is somebody else's now. The answer to a keyword is that address's own affair.
_CANCEL_FOREIGN = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " from message m, contact_address a, conversation c, contact p where m.workspace_id = d.workspace_id"
    " and m.id = d.message_id and a.workspace_id = d.workspace_id and a.id = d.address_id"
    " and c.workspace_id = d.workspace_id and c.id = d.conversation_id and p.workspace_id = c.workspace_id"
    " and p.id = c.contact_id and d.state = 'queued' and d.conversation_id = :conversation"
    " and m.purpose <> 'confirmation'"
    " and coalesce(a.root_id, a.contact_id) <> coalesce(p.root_id, p.id) returning d.id"
)
_CANCEL_TO = text(
    "update delivery d set state = 'cancelled', reason = :reason, lease_until = null, updated_at = frontdesk_now()"
    " where d.conversation_id = :conversation and d.state = 'queued' and d.address_id = any(:addresses) returning d.id"
)
# A reply of the assistant that has not begun to leave is not woken: the turn for the new message takes it back. A
# reminder it leaves, and it must not hold back the answer.
_WINDOW_OPENED = text(
    "update delivery d set next_attempt_at = frontdesk_now(), reason = null, updated_at = frontdesk_now() from message m"
    " where m.workspace_id = d.workspace_id and m.id = d.message_id and d.thread_id = :thread and d.state = 'queued'"
    " and d.reason = 'needs_template' and (m.author <> 'ai' or m.purpose <> 'reply' or m.draft_id is not null"
    " or d.attempts > 0) returning d.id"
)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to say, by whom, and why."""

    conversation_id: UUID
    thread_id: UUID
    author: str
    purpose: str
    text: str
    person_id: UUID | None = None
    turn_id: UUID | None = None
    draft_id: UUID | None = None
    buttons: tuple[Button, ...] = ()
    """Shown under the last part."""
    template_version_id: UUID | None = None
    """The text is that of an approved template, and `variables` what stands in it."""
    variables: tuple[str, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """What is kept beside the words."""
        kept = {"buttons": [[one.id, one.title] for one in self.buttons], "variables": list(self.variables)}
        return {name: value for name, value in kept.items() if value}


async def put(tx: Tx, new: NewMessage, split: Split | None = None) -> UUID:
    """Add the message, with the conversation's next seq, and its deliveries; return its id. A machine's first
    answer on a thread says that it is one: the line is added when it is missing."""
    thread = (await tx.execute(_THREAD, {"id": new.thread_id})).one()
    new, discloses = await _disclosed(tx, new, thread.language)
    seq = (await tx.execute(_SEQ, {"id": new.conversation_id})).scalar_one()
    common = {"w": tx.workspace_id, "conversation": new.conversation_id, "thread": new.thread_id, "seq": seq}
    message_id = new_id()
    await tx.execute(
        _MESSAGE,
        common
        | {
            "id": message_id, "author": new.author, "purpose": new.purpose, "discloses": discloses,
            "body": tx.vault.seal("message.body", new.text), "person": new.person_id, "turn": new.turn_id,
            "draft": new.draft_id, "details": _sealed(tx, new.details),
        },
    )  # fmt: skip
    common |= {"message": message_id, "channel": thread.channel_id, "address": thread.address_id}
    common |= {"template": new.template_version_id}
    for part, words in enumerate(split(thread.kind, new.text) if split else [new.text]):
        body = tx.vault.seal("delivery.body", words)
        await tx.execute(_DELIVERY, common | {"id": new_id(), "part": part, "body": body})
    return message_id


def _sealed(tx: Tx, details: dict[str, Any]) -> bytes | None:
    return tx.vault.seal("message.details", json.dumps(details)) if details else None


async def _disclosed(tx: Tx, new: NewMessage, language: str | None) -> tuple[NewMessage, bool]:
    if new.author == "human" or new.purpose not in ("reply", "notice"):
        return new, False
    profile = (await workspaces.get(tx)).profile
    if not await is_disclosed(tx, new.thread_id):
        words = disclosure.disclosed(new.text, profile, language or profile.assistant.languages[0])
        new = replace(new, text=words)
    return new, disclosure.discloses(new.text, profile)


async def is_disclosed(tx: Tx, thread_id: UUID) -> bool:
    """Whether an AI message with the disclosure has left on this thread, or is about to."""
    return bool((await tx.execute(_DISCLOSED, {"thread": thread_id})).scalar_one())


async def cancel(
    tx: Tx, conversation_id: UUID, reason: str, authors: tuple[str, ...] = ("ai", "human", "system")
) -> int:
    """Take back what these authors have not sent yet; return how many parts."""
    values = {"conversation": conversation_id, "reason": reason, "authors": list(authors)}
    return len((await tx.execute(_CANCEL, values)).all())


async def cancel_to(tx: Tx, conversation_id: UUID, addresses: Sequence[UUID], reason: str) -> int:
    """Take back what has not been sent yet to these addresses; return how many parts."""
    values = {"conversation": conversation_id, "addresses": list(addresses), "reason": reason}
    return len((await tx.execute(_CANCEL_TO, values)).all())


async def cancel_foreign(tx: Tx, conversation_id: UUID, reason: str) -> int:
    """Take back what waits for addresses that do not belong to the conversation's contact (any more)."""
    values = {"conversation": conversation_id, "reason": reason}
    return len((await tx.execute(_CANCEL_FOREIGN, values)).all())


async def window_opened(tx: Tx, thread_id: UUID) -> bool:
    """The customer has written: what waited for that may leave. Return whether something does."""
    return (await tx.execute(_WINDOW_OPENED, {"thread": thread_id})).first() is not None

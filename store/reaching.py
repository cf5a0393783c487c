"""The thread by which an address is written to first: in its customer's open conversation, which is opened if need be."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.db import Tx, new_id

_OPEN = text(
    "insert into conversation (workspace_id, id, contact_id) values (:w, :id, :contact) on conflict do nothing"
)
_CONVERSATION = text(
    "select id from conversation where contact_id = :contact and state <> 'closed' for no key update"
)
_THREAD = text(
    "insert into thread (workspace_id, id, conversation_id, channel_id, address_id)"
    " values (:w, :id, :conversation, :channel, :address)"
    " on conflict (workspace_id, conversation_id, channel_id, address_id)"
    " do update set channel_id = excluded.channel_id returning id"
)


async def thread_to(tx: Tx, contact_id: UUID, address_id: UUID, channel_id: UUID) -> tuple[UUID, UUID]:
    """(conversation, thread) by which this address of this contact is reached over this channel."""
    values: dict[str, Any] = {"w": tx.workspace_id, "id": new_id(), "contact": contact_id}
    await tx.execute(_OPEN, values)
    conversation_id: UUID = (await tx.execute(_CONVERSATION, values)).scalar_one()
    values |= {"id": new_id(), "conversation": conversation_id, "channel": channel_id, "address": address_id}
    return conversation_id, (await tx.execute(_THREAD, values)).scalar_one()

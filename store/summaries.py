"""What long conversations came to, sealed."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.turn import Summary
from store.db import Tx

_GET = text("select body, upto_seq from conversation_summary where conversation_id = :conversation")
_KEEP = text(
    "insert into conversation_summary (workspace_id, conversation_id, upto_seq, body)"
    " values (:w, :conversation, :upto, :body) on conflict (workspace_id, conversation_id) do update set"
    " upto_seq = excluded.upto_seq, body = excluded.body, at = frontdesk_now()"
    " where conversation_summary.upto_seq < excluded.upto_seq"
)


async def get(tx: Tx, conversation_id: UUID) -> Summary | None:
    row = (await tx.execute(_GET, {"conversation": conversation_id})).first()
    return opened(tx, row) if row else None


def opened(tx: Tx, row: Any) -> Summary:
    """`row` has body and upto_seq."""
    return Summary(tx.vault.open("conversation_summary.body", bytes(row.body)), row.upto_seq)


async def keep(tx: Tx, conversation_id: UUID, summary: Summary) -> None:
    """An older one never takes the place of a newer."""
    sealed = tx.vault.seal("conversation_summary.body", summary.text)
    values = {"w": tx.workspace_id, "conversation": conversation_id, "upto": summary.upto_seq, "body": sealed}
    await tx.execute(_KEEP, values)

"""What came along with a message: announced in the webhook, fetched later, believed only after a look inside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from domain.messages import Media
from store.db import Dispatch, Tx, new_id

_ADD = text(
    "insert into attachment (workspace_id, id, message_id, n, declared_type, name, url)"
    " values (:w, :id, :message, :n, :type, :name, :url)"
)
_CLAIM = text(
    "update attachment set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from attachment where state = 'pending' and next_attempt_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_attempt_at limit :limit for update skip locked) returning workspace_id, id"
)
_GET = text(
    "select a.id, a.url, a.declared_type, a.attempts, t.channel_id from attachment a"
    " join message m on m.workspace_id = a.workspace_id and m.id = a.message_id"
    " join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id where a.id = :id and a.state = 'pending'"
)
_STORED = text(
    "update attachment set state = 'stored', sniffed_type = :type, size = :size, sha256 = :sha256, path = :path,"
    " url = null, lease_until = null where id = :id"
)
_REJECTED = text(
    "update attachment set state = 'rejected', reason = :reason, url = null, lease_until = null where id = :id"
)
_LATER = text(
    "update attachment set attempts = attempts + 1, reason = :reason, lease_until = null,"
    " next_attempt_at = frontdesk_now() + :base * power(2, attempts) * (0.5 + random() / 2) where id = :id"
)
_KEPT = text(
    "select a.state, a.reason, a.sniffed_type, a.size, a.path, a.name from attachment a"
    " join message m on m.workspace_id = a.workspace_id and m.id = a.message_id"
    " where a.id = :id and m.id = :message and m.conversation_id = :conversation"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """`type` is what its first bytes say, `path` below the data directory; both once it is stored."""

    state: str
    reason: str | None
    type: str | None
    size: int | None
    path: str | None
    name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    id: UUID
    channel_id: UUID
    url: str
    declared_type: str
    attempts: int


async def announce(tx: Tx, message_id: UUID, media: Sequence[Media]) -> None:
    for n, one in enumerate(media):
        values = {
            "w": tx.workspace_id,
            "id": new_id(),
            "message": message_id,
            "n": n,
            "type": one.content_type,
        }
        name = tx.vault.seal_maybe("attachment.name", one.name)
        await tx.execute(_ADD, values | {"name": name, "url": tx.vault.seal("attachment.url", one.url)})


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, attachment) pairs that are now ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def get(tx: Tx, attachment_id: UUID) -> Pending | None:
    row = (await tx.execute(_GET, {"id": attachment_id})).first()
    if row is None:
        return None
    url = tx.vault.open("attachment.url", bytes(row.url))
    return Pending(row.id, row.channel_id, url, row.declared_type, row.attempts)


async def kept(tx: Tx, conversation_id: UUID, message_id: UUID, attachment_id: UUID) -> Kept | None:
    """None when it is not in this message of this conversation."""
    values = {"id": attachment_id, "message": message_id, "conversation": conversation_id}
    row = (await tx.execute(_KEPT, values)).first()
    if row is None:
        return None
    name = tx.vault.open_maybe("attachment.name", row.name and bytes(row.name))
    return Kept(row.state, row.reason, row.sniffed_type, row.size, row.path, name)


async def stored(tx: Tx, attachment_id: UUID, kind: str, size: int, sha256: bytes, path: str) -> None:
    await tx.execute(
        _STORED, {"id": attachment_id, "type": kind, "size": size, "sha256": sha256, "path": path}
    )


async def rejected(tx: Tx, attachment_id: UUID, reason: str) -> None:
    await tx.execute(_REJECTED, {"id": attachment_id, "reason": reason})


async def later(tx: Tx, attachment_id: UUID, reason: str, base: timedelta) -> None:
    await tx.execute(_LATER, {"id": attachment_id, "reason": reason, "base": base})

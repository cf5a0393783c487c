"""What visitors of a web chat have been shown, in the order in which they were shown it.

A line's seq is given under the visitor's row lock, in the transaction in which the message may be seen: the
visitor's own when it is saved, an answer when its delivery is accepted. So there is no gap and nothing is ever
put in before what was shown already, whatever the conversation's own seq says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.messages import DeliveryState, Scheme
from store import contacts
from store.db import Dispatch, Tx

_SAID = text(
    "select l.seq from visitor_line l join visitor v on v.workspace_id = l.workspace_id and v.address_id = l.address_id"
    " where v.key = :key and l.client_id = :client_id"
)
_ADDRESS = text(
    "select id, coalesce(root_id, contact_id) as contact_id from contact_address"
    " where scheme = :scheme and value_hash = :key"
)
_ADD_VISITOR = text(
    "insert into visitor (workspace_id, address_id, channel_id, key) values (:w, :address, :channel, :key)"
    " on conflict do nothing returning key"
)
_NEXT_SEQ = text("update visitor set last_seq = last_seq + 1 where address_id = :address returning last_seq")
# In the transaction that saved it, the newest message from this address is the one without a line.
_NEWEST = text(
    "select m.id from thread t join conversation c on c.workspace_id = t.workspace_id and c.id = t.conversation_id"
    " join message m on m.workspace_id = t.workspace_id and m.conversation_id = t.conversation_id and m.thread_id = t.id"
    " where t.address_id = :address and m.direction = 'in' and m.seq > c.last_seq - 8 and not exists ("
    " select from visitor_line l where l.workspace_id = m.workspace_id and l.message_id = m.id)"
    " order by m.id desc limit 1"
)
_ADD_LINE = text(
    "insert into visitor_line (workspace_id, address_id, seq, message_id, client_id)"
    " values (:w, :address, :seq, :message, :client_id)"
)
_TO_SHOW = text(
    "select v.address_id, d.message_id from delivery d join visitor v on v.workspace_id = d.workspace_id"
    " and v.address_id = d.address_id where d.id = :delivery and d.state in ('accepted', 'delivered', 'read')"
    " and not exists (select from visitor_line l where l.workspace_id = d.workspace_id and l.message_id = d.message_id)"
)
# One question for everything that a tab needs: a row without a line when there is nothing new.
_LOOK = text(
    "select v.last_seq, c.id as conversation_id, c.owner, l.seq, l.client_id, l.shown_at, m.author, m.body, f.files"
    " from visitor v left join lateral (select c.id, c.owner from thread t join conversation c"
    " on c.workspace_id = t.workspace_id and c.id = t.conversation_id"
    " join contact p on p.workspace_id = c.workspace_id and p.id = c.contact_id"
    " join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id and t.address_id = v.address_id"
    " where coalesce(p.root_id, p.id) = coalesce(a.root_id, a.contact_id)"
    " order by (c.state <> 'closed') desc, c.created_at desc, c.id desc limit 1) c on true"
    " left join lateral (select * from visitor_line l where l.workspace_id = v.workspace_id"
    " and l.address_id = v.address_id and l.seq > :after order by l.seq limit :limit) l on true"
    " left join message m on m.workspace_id = l.workspace_id and m.id = l.message_id"
    " left join lateral (select json_agg(json_build_object('id', a.id, 'type', coalesce(a.sniffed_type,"
    " a.declared_type), 'size', a.size) order by a.n) as files from attachment a where a.workspace_id = m.workspace_id"
    " and a.message_id = m.id) f on true where v.key = :key order by l.seq"
)
_NOT_YET = text(
    "select d.message_id, d.part from visitor v join visitor_line l on l.workspace_id = v.workspace_id"
    " and l.address_id = v.address_id join delivery d on d.workspace_id = l.workspace_id"
    " and d.message_id = l.message_id where v.key = :key and l.seq <= :seq and d.state = any(:states)"
    " order by l.seq, d.part limit 200"
)
_MOVED = text("select key, last_seq from visitor where key = any(:keys)")
_ADD_FILE = text(
    "insert into visitor_file (workspace_id, id, key, type, name, size, sha256, path)"
    " values (:w, :id, :key, :type, :name, :size, :sha256, :path)"
)
_FILES = text(
    "select id, type, name, size, sha256, path from visitor_file"
    " where key = :key and id = any(:ids) and message_id is null for update"
)
_WAITING_FILES = text(
    "select count(*) as files, coalesce(sum(size), 0) as bytes from visitor_file"
    " where key = :key and message_id is null"
)
_FORGOTTEN = text(
    "delete from visitor_file where key = :key and message_id is null"
    " and created_at < frontdesk_now() - interval '1 day' returning path"
)
_SENT_FILE = text("update visitor_file set message_id = :message where id = :id")
_ATTACHMENTS = text("select id, n from attachment where message_id = :message order by n")
_MESSAGE_OF = text(
    "select l.message_id from visitor_line l join visitor v on v.workspace_id = l.workspace_id"
    " and v.address_id = l.address_id where v.key = :key and l.seq = :seq"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a visitor has come. `owner`: who answers, "ai" or "human"."""

    last_seq: int = 0
    conversation_id: UUID | None = None
    owner: str = "ai"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a visitor sees. `files` are {id, type, size}."""

    seq: int
    author: str
    text: str
    at: datetime
    client_id: str | None = None
    files: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    id: UUID
    type: str
    size: int
    sha256: bytes
    path: str
    name: str | None = field(default=None, repr=False)


def key(tx: Tx, visitor: str) -> bytes:
    """Under which a visitor is found: the hash of their address."""
    return tx.vault.hash(Scheme.WEBCHAT, visitor)


async def standing(tx: Tx, visitor: str) -> Standing:
    return (await look(tx, visitor, 0, 0))[0]


async def said(tx: Tx, visitor: str, client_id: str) -> int | None:
    """The seq of the message that the visitor's browser called so, if it came."""
    seq: int | None = (
        await tx.execute(_SAID, {"key": key(tx, visitor), "client_id": client_id})
    ).scalar_one_or_none()
    return seq


async def add(tx: Tx, visitor: str, channel_id: UUID, client_id: str, language: str | None) -> int | None:
    """Show the message that this transaction saved; its address is locked by that. Return its seq; None when it
    saved none, because the message came before and was erased since. A visitor's language is what their browser
    said, until their words say otherwise."""
    found = key(tx, visitor)
    address = (await tx.execute(_ADDRESS, {"scheme": Scheme.WEBCHAT.value, "key": found})).first()
    if address is None:
        return None
    new = {"w": tx.workspace_id, "address": address.id, "channel": channel_id, "key": found}
    first = (await tx.execute(_ADD_VISITOR, new)).first() is not None
    if first and language:
        await contacts.set_language(tx, address.contact_id, language)
    message_id = (await tx.execute(_NEWEST, {"address": address.id})).scalar_one_or_none()
    return await _show(tx, address.id, message_id, client_id) if message_id else None


async def show(tx: Tx, delivery_id: UUID) -> None:
    """An answer was accepted: the visitor sees it from now on, whether they are connected or not."""
    row = (await tx.execute(_TO_SHOW, {"delivery": delivery_id})).first()
    if row is not None:
        await _show(tx, row.address_id, row.message_id, None)


async def _show(tx: Tx, address_id: UUID, message_id: UUID, client_id: str | None) -> int:
    seq: int = (await tx.execute(_NEXT_SEQ, {"address": address_id})).scalar_one()
    values = {"w": tx.workspace_id, "address": address_id, "seq": seq}
    await tx.execute(_ADD_LINE, values | {"message": message_id, "client_id": client_id})
    return seq


async def look(tx: Tx, visitor: str, after: int, limit: int) -> tuple[Standing, list[Line]]:
    """How far they have come, and what was shown after `after`, in order."""
    rows = (await tx.execute(_LOOK, {"key": key(tx, visitor), "after": after, "limit": limit})).all()
    lines = [
        Line(
            row.seq, row.author, tx.vault.open("message.body", bytes(row.body)), row.shown_at, row.client_id,
            tuple(row.files or ()),
        )
        for row in rows
        if row.seq is not None
    ]  # fmt: skip
    if not rows:
        return Standing(), []
    return Standing(rows[0].last_seq, rows[0].conversation_id, rows[0].owner or "ai"), lines


async def not_yet(tx: Tx, visitor: str, seq: int, states: Sequence[DeliveryState]) -> list[tuple[UUID, int]]:
    """(message, part) of what was shown up to `seq` and is still in one of these states."""
    values = {"key": key(tx, visitor), "seq": seq, "states": [state.value for state in states]}
    return [(row.message_id, row.part) for row in await tx.execute(_NOT_YET, values)]


async def moved(dispatch: Dispatch, keys: Sequence[bytes]) -> dict[bytes, int]:
    """How far these visitors have come."""
    rows = await dispatch.db.execute(_MOVED, {"keys": list(keys)})
    return {bytes(row.key): row.last_seq for row in rows}


async def add_file(
    tx: Tx, visitor: str, file_id: UUID, kind: str, name: str | None, size: int, sha256: bytes, path: str
) -> None:
    sealed = tx.vault.seal_maybe("attachment.name", name)
    values = {"w": tx.workspace_id, "id": file_id, "key": key(tx, visitor), "type": kind, "name": sealed}
    await tx.execute(_ADD_FILE, values | {"size": size, "sha256": sha256, "path": path})


async def waiting_files(tx: Tx, visitor: str) -> tuple[int, int]:
    """How many files, and bytes, the visitor has uploaded and not sent."""
    row = (await tx.execute(_WAITING_FILES, {"key": key(tx, visitor)})).one()
    return row.files, int(row.bytes)


async def forget_files(tx: Tx, visitor: str) -> list[str]:
    """Files that were uploaded and not sent for a day; return their paths."""
    return [row.path for row in await tx.execute(_FORGOTTEN, {"key": key(tx, visitor)})]


async def files(tx: Tx, visitor: str, ids: Sequence[UUID]) -> list[File]:
    """Those of these files that are the visitor's and not sent yet, in the order asked for, held."""
    rows = await tx.execute(_FILES, {"key": key(tx, visitor), "ids": list(ids)})
    found = {
        row.id: File(
            row.id, row.type, row.size, bytes(row.sha256), row.path,
            tx.vault.open_maybe("attachment.name", row.name and bytes(row.name)),
        )
        for row in rows
    }  # fmt: skip
    return [found[one] for one in ids if one in found]


async def attach(tx: Tx, visitor: str, seq: int, sent: Sequence[File]) -> list[tuple[UUID, File]]:
    """Tie the files to the message at `seq`; return its attachments, announced in the same order."""
    message_id = (await tx.execute(_MESSAGE_OF, {"key": key(tx, visitor), "seq": seq})).scalar_one()
    for one in sent:
        await tx.execute(_SENT_FILE, {"id": one.id, "message": message_id})
    announced = await tx.execute(_ATTACHMENTS, {"message": message_id})
    return [(row.id, one) for row, one in zip(announced, sent, strict=True)]

"""Documents as they come in: uploaded or fetched, read in versions of which one serves. The newest version that could be
read serves until another could be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store import knowledge, vectors
from store.db import Dispatch, Tx, new_id
from store.knowledge import Chunk

WAITING = ("queued", "reading", "embedding")
MOST_ATTEMPTS = 3
"""How often a document is read that ends its reader, or whose worker is killed; then it is given up."""

_LOCK = text("select pg_advisory_xact_lock(25, hashtext(cast(:w as text)))")
_BY_SOURCE = text("select id, version, title from document where source = :source and origin = :origin")
_SAME = text(
    "select d.id from document_version v join document d on d.workspace_id = v.workspace_id and d.id = v.document_id"
    " where v.sha256 = :sha256 and d.origin = 'upload'"
    " and (v.state = any(:waiting) or (v.state = 'ready' and v.n = d.version)) limit 1"
)
_ADD = text(
    "insert into document (workspace_id, id, source, title, sha256, origin)"
    " values (:w, :id, :source, :title, '', :origin)"
)
_ADD_VERSION = text(
    "insert into document_version (workspace_id, id, document_id, n, name, url, original, sha256, size)"
    " values (:w, :id, :document, 1 + coalesce((select max(n) from document_version where document_id = :document), 0),"
    " :name, :url, :original, :sha256, :size)"
)
_GIVE_WAY = text(
    "update document_version set state = 'superseded', original = null, finished_at = frontdesk_now(), lease_until = null"
    " where document_id = :document and id <> :id and state = any(:waiting)"
)
_CLAIM = text(
    "update document_version set lease_until = frontdesk_now() + :lease, attempts = attempts + 1"
    " where (workspace_id, id) in (select workspace_id, id from document_version"
    "  where state in ('queued', 'reading', 'embedding') and next_attempt_at <= frontdesk_now()"
    "  and (lease_until is null or lease_until < frontdesk_now())"
    "  and (cast(:only as uuid) is null or workspace_id = :only)"
    "  order by next_attempt_at limit :limit for update skip locked) returning workspace_id, id, attempts"
)
_WORK = text(
    "select v.id, v.document_id, v.name, v.url, v.original, v.attempts, d.version, s.sha256 as served"
    " from document_version v join document d on d.workspace_id = v.workspace_id and d.id = v.document_id"
    " left join document_version s on s.workspace_id = d.workspace_id and s.document_id = d.id and s.n = d.version"
    " where v.id = :id and v.state = any(:waiting)"
)
_STEP = text(
    "update document_version set state = :state, done = :done, lease_until = frontdesk_now() + :lease"
    " where id = :id and state = any(:waiting) returning id"
)
_FETCHED = text(
    "update document_version set original = :original, sha256 = :sha256, size = :size where id = :id"
)
_HOLD = text(
    "select v.id, v.n, v.document_id from document_version v join document d on d.workspace_id = v.workspace_id"
    " and d.id = v.document_id where v.id = :id and v.state = any(:waiting) for update"
)
_OLD_PASSAGES = text("delete from passage where document_id = :document")
_PUBLISH = text(
    "update document set title = :title, sha256 = :sha256, version = :n, media_type = :type where id = :document"
)
_PUBLISHED = text(
    "update document_version set state = 'ready', done = 1, media_type = :type, pages = :pages, passages = :passages,"
    " flags = cast(:flags as jsonb), problem = null, detail = null, lease_until = null, finished_at = frontdesk_now()"
    " where id = :id"
)
_FORGET_BYTES = text(
    "update document_version set original = null where document_id = :document and id <> :id"
)
_END = text(
    "update document_version set state = :state, problem = :problem, detail = :detail, original = null,"
    " lease_until = null, finished_at = frontdesk_now() where id = :id and state = any(:waiting)"
)
_LATER = text(
    "update document_version set state = 'queued', problem = :problem, lease_until = null,"
    " next_attempt_at = frontdesk_now() + :base * power(2, attempts) where id = :id and state = any(:waiting)"
)
_GIVE_BACK = text(
    "update document_version set state = 'queued', attempts = attempts - 1, lease_until = null"
    " where id = :id and state = any(:waiting)"
)
_COLUMNS = (
    "select d.id, d.source, d.title, d.origin, d.version, d.created_at, coalesce(v.media_type, d.media_type) as media_type,"
    " v.n, v.state, v.done, v.name, v.url, v.size, v.pages, v.flags, v.problem, v.detail, v.attempts,"
    " coalesce(v.finished_at, v.created_at, d.created_at) as updated_at,"
    " (select count(*) from passage p where p.document_id = d.id) as passages from document d"
    " left join lateral (select * from document_version v where v.workspace_id = d.workspace_id"
    "  and v.document_id = d.id order by v.n desc limit 1) v on true"
)
_PAGE = text(
    _COLUMNS + " where (cast(:before as uuid) is null or d.id < :before)"
    " and (cast(:origin as text) is null or d.origin = :origin) order by d.id desc limit :limit"
)
_ONE = text(_COLUMNS + " where d.id = :id")
_VERSIONS = text(
    "select n, state, name, size, media_type, pages, passages, flags, problem, detail, created_at, finished_at"
    " from document_version where document_id = :id order by n desc limit 50"
)
_ORIGIN = text("select origin from document where id = :id for update")


@dataclass(frozen=True, slots=True)
class Added:
    """`new` is False when this very file is there already, or on its way."""

    id: UUID
    new: bool


@dataclass(frozen=True, slots=True)
class Work:
    id: UUID
    document_id: UUID
    name: str
    url: str | None
    original: bytes | None
    attempts: int
    served: bytes | None
    """The hash of the version that serves."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was read of a version. `flags` are (kind, where, sample)."""

    title: str
    kind: str
    chunks: Sequence[Chunk]
    pages: int | None
    flags: Sequence[tuple[str, str, str]]
    sha256: bytes
    model: str = ""
    embedded: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, slots=True)
class Version:
    n: int
    state: str
    name: str
    size: int | None
    media_type: str | None
    pages: int | None
    passages: int | None
    flags: list[dict[str, str]]
    problem: str | None
    detail: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Document:
    """`version` serves (0: none yet); the others tell of the newest version, which may still be read."""

    id: UUID
    title: str
    origin: str
    name: str
    url: str | None
    state: str
    done: float
    version: int
    newest: int
    media_type: str | None
    size: int | None
    pages: int | None
    passages: int
    flags: list[dict[str, str]]
    problem: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime


async def upload(tx: Tx, name: str, title: str, data: bytes, sha256: bytes) -> Added:
    """A file. The same bytes again are the same document, also under another name; the same name with other bytes is
    its next version."""
    await tx.execute(_LOCK, {"w": tx.workspace_id})
    known = (await tx.execute(_SAME, {"sha256": sha256, "waiting": list(WAITING)})).scalar_one_or_none()
    if known is not None:
        return Added(known, False)
    document = await _document(tx, f"upload:{name}", title, "upload")
    await _version(tx, document, name, None, data, sha256)
    return Added(document, True)


async def fetch(tx: Tx, url: str, name: str, title: str) -> Added:
    """An address; again, its next version."""
    await tx.execute(_LOCK, {"w": tx.workspace_id})
    source = "url:" + tx.vault.hash("document.url", url).hex()
    document = await _document(tx, source, title, "url")
    await _version(tx, document, name, url, None, None)
    return Added(document, True)


async def _document(tx: Tx, source: str, title: str, origin: str) -> UUID:
    known = (await tx.execute(_BY_SOURCE, {"source": source, "origin": origin})).first()
    if known is not None:
        return UUID(str(known.id))
    document = new_id()
    values = {"w": tx.workspace_id, "id": document, "source": source, "title": title, "origin": origin}
    await tx.execute(_ADD, values)
    return document


async def _version(
    tx: Tx, document: UUID, name: str, url: str | None, data: bytes | None, sha256: bytes | None
) -> None:
    version = new_id()
    values = {
        "w": tx.workspace_id, "id": version, "document": document, "name": name, "sha256": sha256,
        "url": tx.vault.seal_maybe("document_version.url", url),
        "original": None if data is None else tx.vault.seal_bytes("document_version.original", data),
        "size": None if data is None else len(data),
    }  # fmt: skip
    await tx.execute(_ADD_VERSION, values)
    await tx.execute(_GIVE_WAY, {"document": document, "id": version, "waiting": list(WAITING)})


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, version) pairs that are now ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def work(tx: Tx, version_id: UUID) -> Work | None:
    """None when the document was deleted, or a newer version came."""
    row = (await tx.execute(_WORK, {"id": version_id, "waiting": list(WAITING)})).first()
    if row is None:
        return None
    original = row.original and tx.vault.open_bytes("document_version.original", bytes(row.original))
    url = tx.vault.open_maybe("document_version.url", row.url and bytes(row.url))
    served = row.served and bytes(row.served)
    return Work(row.id, row.document_id, row.name, url, original, row.attempts, served)


async def step(tx: Tx, version_id: UUID, state: str, done: float, lease: timedelta) -> bool:
    """How far it is, and the lease goes on; False when nobody wants it any more."""
    values = {"id": version_id, "state": state, "done": done, "lease": lease, "waiting": list(WAITING)}
    return (await tx.execute(_STEP, values)).first() is not None


async def fetched(tx: Tx, version_id: UUID, data: bytes, sha256: bytes) -> None:
    sealed = tx.vault.seal_bytes("document_version.original", data)
    await tx.execute(_FETCHED, {"id": version_id, "original": sealed, "sha256": sha256, "size": len(data)})


async def publish(tx: Tx, version_id: UUID, learnt: Learnt) -> bool:
    """From now on this version is found, and the older one is not; False when nobody wants it any more."""
    row = (await tx.execute(_HOLD, {"id": version_id, "waiting": list(WAITING)})).first()
    if row is None:
        return False
    await tx.execute(_OLD_PASSAGES, {"document": row.document_id})
    numbers = await knowledge.add_passages(tx, row.document_id, learnt.chunks)
    await vectors.add(tx, learnt.model, numbers[: len(learnt.embedded)], learnt.embedded)
    about = {
        "document": row.document_id,
        "title": learnt.title,
        "sha256": learnt.sha256,
        "n": row.n,
        "type": learnt.kind,
    }
    await tx.execute(_PUBLISH, about)
    flags = [{"kind": kind, "where": where, "sample": sample} for kind, where, sample in learnt.flags]
    told = {"id": version_id, "type": learnt.kind, "pages": learnt.pages, "passages": len(learnt.chunks)}
    await tx.execute(_PUBLISHED, told | {"flags": json.dumps(flags)})
    await tx.execute(_FORGET_BYTES, {"document": row.document_id, "id": version_id})
    return True


async def end(
    tx: Tx, version_id: UUID, state: str, problem: str | None = None, detail: str | None = None
) -> None:
    """`failed`, which leaves the version serving that serves; or `unchanged`."""
    values = {
        "id": version_id,
        "state": state,
        "problem": problem,
        "detail": detail,
        "waiting": list(WAITING),
    }
    await tx.execute(_END, values)


async def later(tx: Tx, version_id: UUID, problem: str, base: timedelta) -> None:
    await tx.execute(_LATER, {"id": version_id, "problem": problem, "base": base, "waiting": list(WAITING)})


async def give_back(tx: Tx, version_id: UUID) -> None:
    """On the way out: whoever is next need not wait for the lease."""
    await tx.execute(_GIVE_BACK, {"id": version_id, "waiting": list(WAITING)})


async def page(tx: Tx, before: UUID | None, limit: int, origin: str | None = None) -> list[Document]:
    """The newest first."""
    rows = await tx.execute(_PAGE, {"before": before, "limit": limit, "origin": origin})
    return [_document_of(tx, row) for row in rows]


async def get(tx: Tx, document_id: UUID) -> Document | None:
    row = (await tx.execute(_ONE, {"id": document_id})).first()
    return _document_of(tx, row) if row else None


async def versions(tx: Tx, document_id: UUID) -> list[Version]:
    return [Version(*row) for row in await tx.execute(_VERSIONS, {"id": document_id})]


async def origin_of(tx: Tx, document_id: UUID) -> str | None:
    """Held until the end of the transaction."""
    found: str | None = (await tx.execute(_ORIGIN, {"id": document_id})).scalar_one_or_none()
    return found


def _document_of(tx: Tx, row: Any) -> Document:
    """One of the workspace's own file has no versions: it is ready, or not there."""
    url = tx.vault.open_maybe("document_version.url", row.url and bytes(row.url))
    return Document(
        row.id, row.title, row.origin, row.name or row.source, url, row.state or "ready",
        1.0 if row.state is None else float(row.done), row.version, row.n or 0, row.media_type, row.size, row.pages,
        row.passages, list(row.flags or ()), row.problem, row.detail, row.created_at, row.updated_at,
    )  # fmt: skip

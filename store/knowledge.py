"""Documents and their passages. How they are found is in `store.passages`, how they come in `store.documents`."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from store.db import Tx, new_id

_KNOWN = text("select id, sha256, original from document where source = :source")
_ADD = text(
    "insert into document (workspace_id, id, source, title, sha256, original)"
    " values (:w, :id, :source, :title, :sha256, :original)"
)
_ORIGINAL = text("update document set original = :original, title = :title where id = :id")
_STORED = text(
    "select d.source, d.title, d.sha256, d.original, count(p.id) as passages from document d"
    " left join passage p on p.workspace_id = d.workspace_id and p.document_id = d.id where d.origin = 'file'"
    " group by d.workspace_id, d.id order by d.source"
)
_PASSAGES = text(
    "select p.heading, p.text from passage p join document d on d.workspace_id = p.workspace_id"
    " and d.id = p.document_id where d.source = :source order by p.n"
)
_PASSAGE_IDS = text(
    "select p.id from passage p join document d on d.workspace_id = p.workspace_id and d.id = p.document_id"
    " where d.source = :source order by p.n"
)
_DROP_PASSAGES = text("delete from passage where document_id = any(:documents)")
_DROP = text("delete from document where id = any(:documents)")
_OTHERS = text("select id from document where origin = 'file' and not source = any(:sources)")
_PASSAGES_OF = text(
    "insert into passage (workspace_id, id, document_id, n, heading, text)"
    " select :w, one.id, :document, one.n - 1, one.heading, one.text from unnest(cast(:ids as uuid[]),"
    " cast(:headings as text[]), cast(:texts as text[])) with ordinality as one (id, heading, text, n) order by one.n"
    " returning n, nr"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Stored:
    """`original` are the file's bytes; None for a document stored before they were kept."""

    source: str
    title: str
    sha256: bytes
    original: bytes | None
    passages: int


def digest_of(chunks: Sequence[Chunk]) -> bytes:
    return sha256("\0".join(f"{c.heading}\0{c.text}" for c in chunks).encode()).digest()


async def put(
    tx: Tx, source: str, title: str, chunks: Sequence[Chunk], original: bytes | None = None
) -> bool:
    """Store the document in place of its older version; False when it is the same already."""
    digest = digest_of(chunks)
    known = (await tx.execute(_KNOWN, {"source": source})).first()
    if known is not None and bytes(known.sha256) == digest:
        if original is None or known.original == original:
            return False
        await tx.execute(_ORIGINAL, {"id": known.id, "original": original, "title": title})
        return True
    if known is not None:
        await drop(tx, [known.id])
    document = new_id()
    values = {"w": tx.workspace_id, "id": document, "source": source, "title": title, "sha256": digest}
    await tx.execute(_ADD, values | {"original": original})
    await add_passages(tx, document, chunks)
    return True


async def add_passages(tx: Tx, document_id: UUID, chunks: Sequence[Chunk]) -> list[int]:
    """Their numbers, in order. One statement: postings and counts are made once for all."""
    rows = await tx.execute(
        _PASSAGES_OF,
        {
            "w": tx.workspace_id, "document": document_id, "ids": [new_id() for _ in chunks],
            "headings": [one.heading for one in chunks], "texts": [one.text for one in chunks],
        },
    )  # fmt: skip
    return [row.nr for row in sorted(rows, key=lambda row: row.n)]


async def drop(tx: Tx, documents: Sequence[UUID]) -> int:
    """From now on no search finds them. How many there were."""
    if not documents:
        return 0
    await tx.execute(_DROP_PASSAGES, {"documents": list(documents)})
    return int((await tx.execute(_DROP, {"documents": list(documents)})).rowcount)


async def stored(tx: Tx) -> list[Stored]:
    """Every document of the workspace's file, by source."""
    rows = await tx.execute(_STORED)
    return [Stored(row.source, row.title, bytes(row.sha256), row.original, row.passages) for row in rows]


async def passages(tx: Tx, source: str) -> list[Chunk]:
    return [Chunk(row.heading, row.text) for row in await tx.execute(_PASSAGES, {"source": source})]


async def passage_ids(tx: Tx, source: str) -> list[UUID]:
    """In the document's order."""
    return [row.id for row in await tx.execute(_PASSAGE_IDS, {"source": source})]


async def keep_only(tx: Tx, sources: Sequence[str]) -> None:
    """Of the documents that the workspace's file names; what was uploaded or fetched stays."""
    rows = await tx.execute(_OTHERS, {"sources": list(sources)})
    await drop(tx, [row.id for row in rows])

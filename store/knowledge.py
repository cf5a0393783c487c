"""Documents and their passages, and finding them by full text."""

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
    " left join passage p on p.workspace_id = d.workspace_id and p.document_id = d.id"
    " group by d.workspace_id, d.id order by d.source"
)
_PASSAGES = text(
    "select p.heading, p.text from passage p join document d on d.workspace_id = p.workspace_id"
    " and d.id = p.document_id where d.source = :source order by p.n"
)
_DROP = text("delete from document where id = :id")
_DROP_OTHERS = text("delete from document where not source = any(:sources)")
_PASSAGE = text(
    "insert into passage (workspace_id, id, document_id, n, heading, text)"
    " values (:w, :id, :document, :n, :heading, :text)"
)
_WORDS = text("select tsvector_to_array(to_tsvector('english', :question)) as words")
# Any of the question's words may match; which of them did decides the score, not the rank alone.
_SEARCH = text(
    "select p.id, d.title, p.heading, p.text, tsvector_to_array(p.lexemes) as lexemes,"
    " ts_rank(p.lexemes, q.query, 1) as rank from passage p"
    " join document d on d.workspace_id = p.workspace_id and d.id = p.document_id,"
    " (select cast(:query as tsquery) as query) q where p.lexemes @@ q.query order by rank desc limit :limit"
)
_SPREAD = text(
    "select word, (select count(*) from passage where lexemes @@ cast(quote_literal(word) as tsquery)) as passages,"
    " (select count(*) from passage) as total from unnest(cast(:words as text[])) as word"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    id: UUID
    title: str
    heading: str
    text: str
    lexemes: frozenset[str]
    rank: float


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
        await tx.execute(_DROP, {"id": known.id})
    document = new_id()
    values = {"w": tx.workspace_id, "id": document, "source": source, "title": title, "sha256": digest}
    await tx.execute(_ADD, values | {"original": original})
    for n, chunk in enumerate(chunks):
        row = {"w": tx.workspace_id, "id": new_id(), "document": document, "n": n}
        await tx.execute(_PASSAGE, row | {"heading": chunk.heading, "text": chunk.text})
    return True


async def stored(tx: Tx) -> list[Stored]:
    """Every document, by source."""
    rows = await tx.execute(_STORED)
    return [Stored(row.source, row.title, bytes(row.sha256), row.original, row.passages) for row in rows]


async def passages(tx: Tx, source: str) -> list[Chunk]:
    return [Chunk(row.heading, row.text) for row in await tx.execute(_PASSAGES, {"source": source})]


async def keep_only(tx: Tx, sources: Sequence[str]) -> None:
    await tx.execute(_DROP_OTHERS, {"sources": list(sources)})


async def words(tx: Tx, question: str) -> list[str]:
    """The question's lexemes, stop words left out, as Postgres reads English."""
    return list((await tx.execute(_WORDS, {"question": question})).scalar_one())


async def search(tx: Tx, lexemes: Sequence[str], limit: int) -> list[Found]:
    """Passages with any of these lexemes, best rank first."""
    if not lexemes:
        return []
    query = " | ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in lexemes)
    rows = await tx.execute(_SEARCH, {"query": query, "limit": limit})
    return [Found(row.id, row.title, row.heading, row.text, frozenset(row.lexemes), row.rank) for row in rows]


async def spread(tx: Tx, lexemes: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each lexeme: in how many of how many passages it stands."""
    rows = await tx.execute(_SPREAD, {"words": list(lexemes)})
    return {row.word: (row.passages, row.total) for row in rows}

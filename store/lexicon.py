"""The words that a workspace's documents use, to find the one that a misspelt word was meant to be."""

from collections.abc import Sequence

from sqlalchemy import text

from store.db import Tx

_TERMS = text(
    "select term from lexeme where workspace_id = frontdesk_workspace() and passages > 0"
    ' and term >= cast(:first as text) collate "C" and term < cast(:next as text) collate "C"'
    " and length(term) between :shortest and :longest limit 20000"
)
_NEAR = text(
    "select distinct word from passage,"
    " regexp_split_to_table(lower(heading || ' ' || text), '[^[:alnum:]''-]+') as word"
    " where nr in (select nr from unnest(cast(:terms as text[])) as one, lateral (select nr from posting"
    '  where workspace_id = frontdesk_workspace() and term = one collate "C" limit 3) p)'
    " and left(word, 1) = left(:word, 1) and length(word) between length(:word) - 2 and length(:word) + 3"
)


async def terms(tx: Tx, lexeme: str) -> list[str]:
    """Lexemes of about this length that begin alike."""
    first = lexeme[:1]
    values = {
        "first": first,
        "next": chr(ord(first) + 1),
        "shortest": len(lexeme) - 3,
        "longest": len(lexeme) + 4,
    }
    return [row.term for row in await tx.execute(_TERMS, values)]


async def near(tx: Tx, word: str, terms_: Sequence[str]) -> list[str]:
    """Words of about this length that begin alike, out of a few passages that hold one of the lexemes."""
    return [row.word for row in await tx.execute(_NEAR, {"word": word, "terms": list(terms_)})]

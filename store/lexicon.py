"""The words that a workspace's documents use, to find the one that a misspelt word was meant to be."""

from sqlalchemy import text

from store.db import Tx

_NEAR = text(
    "select distinct word from passage,"
    " regexp_split_to_table(lower(heading || ' ' || text), '[^[:alnum:]''-]+') as word"
    " where left(word, 1) = left(:word, 1) and length(word) between length(:word) - 2 and length(:word) + 3"
)


async def near(tx: Tx, word: str) -> list[str]:
    """Words of about this length that begin alike. Reads every passage: for small workspaces."""
    return [row.word for row in await tx.execute(_NEAR, {"word": word})]

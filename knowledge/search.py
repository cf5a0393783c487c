"""Finds the passages that answer a question, in Postgres' full text, and says how well each covers it."""

from collections.abc import Mapping, Sequence
from math import log
from uuid import UUID

from domain.turn import Passage
from store import knowledge
from store.db import Database
from store.knowledge import Found

CANDIDATES = 20


class FullText:
    """A Retriever over one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def search(self, workspace_id: UUID, question: str, limit: int) -> Sequence[Passage]:
        """Best first. A passage's score is the share of the question's words that it holds, rare words
        counting more; 1.0 means that every word of the question stands in it."""
        async with self._db.transaction(workspace_id) as tx:
            words = await knowledge.words(tx, question[:2000])
            weights = weigh(await knowledge.spread(tx, words))
            found = await knowledge.search(tx, words, CANDIDATES)
        ranked = sorted(found, key=lambda one: (covers(one, weights), one.rank), reverse=True)
        return [
            Passage(one.id, one.title, one.heading, one.text, round(covers(one, weights), 3))
            for one in ranked[:limit]
        ]


def weigh(spread: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Inverse document frequency; a word that no passage has weighs most: the question may be about it."""
    return {word: log(1 + (total + 1) / (passages + 0.5)) for word, (passages, total) in spread.items()}


def covers(passage: Found, weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return (
        sum(weight for word, weight in weights.items() if word in passage.lexemes) / total if total else 0.0
    )

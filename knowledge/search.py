"""Finds the passages that answer a question, in Postgres' full text, and says how well each covers it."""

import re
from collections.abc import Mapping, Sequence
from math import log
from uuid import UUID

from rapidfuzz import fuzz, process

from domain.turn import Passage
from store import knowledge, lexicon
from store.db import Database, Tx
from store.knowledge import Found

CANDIDATES = 20
ALIKE, STEM_ALIKE = 86, 94
"""Of 100: how much a misspelt word must look like one of the documents, with and without its ending. "whitning" is
94 to "whitening"; "vacation" is 85 to "vacant", and "medicare" 75 to "medicaid"."""
SHORT, MANY = 5, 5_000
"""Shorter words must be spelt right; in more passages than this no misspelt word is looked for."""


class FullText:
    """A Retriever over one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def search(self, workspace_id: UUID, question: str, limit: int) -> Sequence[Passage]:
        """Best first. A passage's score is the share of the question's words that it holds, rare words
        counting more; 1.0 means that every word of the question stands in it."""
        async with self._db.transaction(workspace_id) as tx:
            words = await knowledge.words(tx, question[:2000])
            spread = await knowledge.spread(tx, words)
            if slips := [word for word, where in spread.items() if _may_be_a_slip(word, *where)]:
                meant = {word: await _meant(tx, word, question) for word in slips}
                words = list(dict.fromkeys(one for word in words for one in meant.get(word, [word])))
                spread = await knowledge.spread(tx, words)
            weights = weigh(spread)
            found = await knowledge.search(tx, words, CANDIDATES)
        ranked = sorted(found, key=lambda one: (covers(one, weights), one.rank), reverse=True)
        return [
            Passage(one.id, one.title, one.heading, one.text, round(covers(one, weights), 3))
            for one in ranked[:limit]
        ]


def _may_be_a_slip(word: str, passages: int, total: int) -> bool:
    return passages == 0 and len(word) >= SHORT and total <= MANY


async def _meant(tx: Tx, lexeme: str, question: str) -> list[str]:
    """The lexemes of the documents' word that the misspelt one looks like, else itself. Endings differ more
    than a slip of the thumb does, so also without them: "preapproved" is "pre-approval"."""
    said = next(
        (word for word in re.findall(r"\w+", question.lower()) if word.startswith(lexeme[:3])), lexeme
    )
    near = await lexicon.near(tx, said)
    joined = [word.replace("-", "") for word in near]
    whole = process.extractOne(said, joined, scorer=fuzz.ratio, score_cutoff=ALIKE)
    stems = [word[: len(lexeme)] for word in joined]
    stem = None if whole else process.extractOne(lexeme, stems, scorer=fuzz.ratio, score_cutoff=STEM_ALIKE)
    meant = whole or stem
    return await knowledge.words(tx, near[meant[2]]) if meant else [lexeme]


def weigh(spread: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Inverse document frequency; a word that no passage has weighs most: the question may be about it."""
    return {word: log(1 + (total + 1) / (passages + 0.5)) for word, (passages, total) in spread.items()}


def covers(passage: Found, weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return (
        sum(weight for word, weight in weights.items() if word in passage.lexemes) / total if total else 0.0
    )

"""Finds the passages that answer a question, by its words and by its meaning, in Postgres.

Both scores are added. How much the words count depends on the question: where one passage stands apart from its
neighbours in meaning, the vectors know what they have found; where many are alike near, the words decide. Measured in
docs/decisions/0024.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING
from uuid import UUID

from rapidfuzz import fuzz, process

from domain.errors import TurnFailed
from domain.fields.options import plain
from domain.ports import Embedder
from domain.turn import Passage
from store import lexicon, passages
from store.db import Database, Tx
from store.passages import Asked, Found, Hit, Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

MEASURED = frozenset({"all-MiniLM-L6-v2"})
"""Models whose cosines mean what `dialogue.answers` takes them for. Another's only put passages in order."""
CANDIDATES = 100
"""Of each kind: nearest in meaning, best by words."""
MOST_POSTINGS = 5_000
"""A word's passages are looked through only as long as all words together have no more; 5 ms."""
REMEMBERED = 10_000
"""Workspaces whose model is known without asking."""
COMMONEST = 0.5
"""A word that more than this share of very many passages hold tells none of them apart, and is not counted."""
LONGEST = 2_000
"""Characters of a question that are read."""
WORDS_MOST, WORDS_LEAST = 0.5, 0.1
"""What a passage that holds every word of the question gains in cosine."""
ALIKE_PEAK, APART_PEAK = 0.05, 0.20
"""How far the nearest passage stands above the mean of the nine after it: up to the one, words count most; from the
other on, least."""
ALIKE, STEM_ALIKE = 86, 94
"""Of 100: how much a misspelt word must look like one of the documents, with and without its ending. "whitning" is
94 to "whitening"; "vacation" is 85 to "vacant", and "medicare" 75 to "medicaid"."""
LIKELY, MOST_LIKELY = 60, 20
"""The same of the stems, to know in which passages to look for the words."""
SHORT, MANY, SLIPS = 5, 20_000, 3
"""Shorter words must be spelt right; in more passages than this, or of more words, no misspelt word is looked for."""
BARE = 3
"""But for their accents, which few people type: "ninos", "anos". Shorter words need those too."""

Rerank = Callable[[str, Sequence[Passage]], Sequence[Passage]]
"""A last look at the best passages, best first; a place for a cross-encoder."""


@dataclass(frozen=True, slots=True)
class Ranked:
    hit: Hit
    score: float


class Hybrid:
    """A Retriever over one database. While a workspace has no vectors of a model that is at hand, words alone serve."""

    def __init__(self, db: Database, *embedders: Embedder, rerank: Rerank | None = None) -> None:
        self._db, self._rerank = db, rerank
        self._embedders = {one.model: one for one in embedders}
        self._served: dict[UUID, str] = {}
        """Whose vectors served a workspace last: with them a question is embedded before anything is asked."""

    async def search(
        self, workspace_id: UUID, question: str, limit: int, *, asked_as: str = ""
    ) -> Sequence[Passage]:
        """Best first. `question` holds the words that count; `asked_as` is the sentence whose meaning counts, when it
        is another. A passage's score is the share of the question's words that it holds, rare words counting more;
        1.0 means that every word of the question stands in it. Its similarity is a cosine; None where its vector is
        still to be made."""
        question, sentence = question[:LONGEST], (asked_as or question)[:LONGEST]
        model = self._served.get(workspace_id, "")
        while True:
            # may take as long as a provider does: no transaction is open
            vector = await self._vector(model, sentence)
            async with self._db.transaction(workspace_id) as tx:
                known = await passages.shelf(tx, question)
                if known.passages == 0:
                    return ()
                serves = known.model if known.model in self._embedders else ""
                if serves == model:
                    known = await _corrected(tx, known, question)
                    found = await self._found(tx, known, vector, limit)
                    break
            model = self._remember(workspace_id, serves or "")
        if self._rerank:
            found = list(self._rerank(sentence, found))
        return found[:limit]

    def _remember(self, workspace_id: UUID, model: str) -> str:
        if len(self._served) >= REMEMBERED:
            self._served.clear()
        self._served[workspace_id] = model
        return model

    async def _vector(self, model: str, sentence: str) -> "NDArray[np.float32] | None":
        """None when there is no such model, or its provider does not answer: then words alone serve."""
        if not model:
            return None
        try:
            made = await self._embedders[model].embed([sentence])
        except TurnFailed as error:
            logger.warning("searching by words alone: %s", type(error).__name__)
            return None
        vector: NDArray[np.float32] = made[0]
        return vector

    async def _found(
        self, tx: Tx, known: Shelf, vector: "NDArray[np.float32] | None", limit: int
    ) -> list[Passage]:
        hits = await passages.search(tx, _asked(known, vector), known.average)
        best = rank(hits, known)[: limit if vector is not None and not self._rerank else limit * 4]
        read = await passages.read(tx, [one.hit.nr for one in best])
        coverage, measured = weigh(known), known.model in MEASURED
        found = [_passage(one, read[one.hit.nr], coverage, measured) for one in best if one.hit.nr in read]
        return sorted(found, key=lambda passage: -passage.score) if vector is None else found


def _asked(known: Shelf, vector: "NDArray[np.float32] | None") -> Asked:
    spread = {term: count for term, count in known.spread.items() if count}
    looked = rare(spread)
    weights = {
        term: idf(count, known.passages)
        for term, count in spread.items()
        if term in looked or count <= COMMONEST * known.passages
    }
    return Asked(
        weights, looked, None if vector is None else [float(one) for one in vector],
        known.model or "", known.ann, CANDIDATES,
    )  # fmt: skip


def idf(count: int, passages_: int) -> float:
    return log(1 + (passages_ - count + 0.5) / (count + 0.5))


def rare(spread: Mapping[str, int]) -> list[str]:
    """The words whose passages are few enough to look at, the rarest first; always one."""
    chosen: list[str] = []
    for term in sorted(spread, key=lambda term: spread[term]):
        if chosen and sum(spread[one] for one in chosen) + spread[term] > MOST_POSTINGS:
            break
        chosen.append(term)
    return chosen


def rank(hits: Sequence[Hit], known: Shelf) -> list[Ranked]:
    """Best first: cosine plus the words' share, weighed by how sure the vectors are. A passage whose vector is still to
    be made is taken to be as near as the ten nearest are: its words decide."""
    whole = sum(idf(count, known.passages) for count in known.spread.values()) or 1.0
    similar = sorted((one.similarity for one in hits if one.similarity is not None), reverse=True)
    weight, near = words_weight(similar), similar[:10]
    unknown = sum(near) / max(len(near), 1)
    ranked = [
        Ranked(one, (unknown if one.similarity is None else one.similarity) + weight * one.held / whole)
        for one in hits
    ]
    return sorted(ranked, key=lambda one: (-one.score, one.hit.nr))


def words_weight(similar: Sequence[float]) -> float:
    """`similar` are cosines, best first."""
    if len(similar) < 2:
        return WORDS_MOST
    others = similar[1:10]
    peak = similar[0] - sum(others) / len(others)
    share = min(1.0, max(0.0, (peak - ALIKE_PEAK) / (APART_PEAK - ALIKE_PEAK)))
    return WORDS_MOST + share * (WORDS_LEAST - WORDS_MOST)


def _passage(one: Ranked, found: Found, coverage: Mapping[str, float], measured: bool) -> Passage:
    known = measured and one.hit.similarity is not None
    similarity = round(one.hit.similarity or 0.0, 3) if known else None
    score = round(covers(found, coverage), 3)
    return Passage(found.id, found.title, found.heading, found.text, score, similarity)


async def _corrected(tx: Tx, known: Shelf, question: str) -> Shelf:
    """Words that no passage has are taken for the one of the documents that they look like."""
    slips = [term for term, count in known.spread.items() if _may_be_a_slip(term, count, known.passages)][
        :SLIPS
    ]
    if not slips:
        return known
    meant = {word: await _meant(tx, word, question) for word in slips}
    other = [one for word in slips for one in meant[word] if one != word]
    if not other:
        return known
    words = dict.fromkeys(one for word in known.spread for one in meant.get(word, [word]))
    fresh = await passages.shelf(tx, " ".join(other))
    spread = {word: known.spread.get(word, fresh.spread.get(word, 0)) for word in words}
    return Shelf(spread, known.passages, known.average, known.version, known.model, known.ann)


def _may_be_a_slip(word: str, count: int, total: int) -> bool:
    return count == 0 and len(word) >= BARE and total <= MANY


async def _meant(tx: Tx, lexeme: str, question: str) -> list[str]:
    """The lexemes of the documents' word that the misspelt one looks like, else itself. Endings differ more
    than a slip of the thumb does, so also without them: "preapproved" is "pre-approval"."""
    said = next(
        (word for word in re.findall(r"\w+", question.lower()) if word.startswith(lexeme[:3])), lexeme
    )
    there = await lexicon.terms(tx, lexeme)
    if bare := [term for term in there if plain(term) == plain(lexeme)]:
        return bare[:1]
    if len(lexeme) < SHORT:
        return [lexeme]
    likely = process.extract(lexeme, there, scorer=fuzz.ratio, score_cutoff=LIKELY, limit=MOST_LIKELY)
    near = await lexicon.near(tx, said, [one[0] for one in likely]) if likely else []
    joined = [plain(word.replace("-", "")) for word in near]  # "linea" is "línea", not nearly so
    whole = process.extractOne(plain(said), joined, scorer=fuzz.ratio, score_cutoff=ALIKE)
    stems = [word[: len(lexeme)] for word in joined]
    stem = (
        None
        if whole
        else process.extractOne(plain(lexeme), stems, scorer=fuzz.ratio, score_cutoff=STEM_ALIKE)
    )
    meant = whole or stem
    return list((await passages.shelf(tx, near[meant[2]])).spread) if meant else [lexeme]


def weigh(known: Shelf) -> dict[str, float]:
    """Inverse document frequency; a word that no passage has weighs most: the question may be about it."""
    return {word: log(1 + (known.passages + 1) / (count + 0.5)) for word, count in known.spread.items()}


def covers(passage: Found, weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return (
        sum(weight for word, weight in weights.items() if word in passage.lexemes) / total if total else 0.0
    )

"""A classifier that knows when it does not know. Learns from a thousand sentences in under a second.

Confidence is the geometric mean of the class's probability and the likeness to its nearest example; what
counts as too low is read off cross-validation on the examples themselves, so a workspace's own intents move
the threshold and nobody tunes it (design: facts/language.md 0.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import normalize
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from dialogue.understand.concepts import concepts
from dialogue.understand.examples import Example
from dialogue.understand.sentences import normal

Floats = NDArray[np.float64]

FOLDS = 3
REJECTED = 0.10
"""The share of the examples, seen blind, that may fall under the threshold."""
FLOOR, CEILING = 0.25, 0.50
"""Bounds of the threshold: a handful of odd examples shall let neither everything in nor nothing."""
DIMENSIONS = 300
"""Directions kept of the example space: as exact as all of them on our examples, and three times as fast."""
VOTERS = 8
VERBATIM = 0.97
"""A message this like an example is that example, whatever the other examples say."""
FAINT = 0.2
"""Examples less like the message than this have no vote on its language."""

_threads = ThreadpoolController()


@dataclass(frozen=True, slots=True)
class Guess:
    intent: str
    confidence: float
    nearest: str
    runner_up: str
    language: str


@dataclass(frozen=True)
class Model:
    features: Any
    rows: Any
    """The examples as unit vectors, one a row."""
    axes: Floats
    """From likeness to every example, to a point in the space that the head knows."""
    head: LogisticRegression
    examples: tuple[Example, ...]
    threshold: float

    def guess(self, text: str) -> Guess:
        """The best intent, however bad; the caller holds it against `threshold`."""
        with _threads.limit(limits=1):
            return self._guess(text)

    def _guess(self, text: str) -> Guess:
        row = normalize(self.features.transform([normal(text)]))
        likeness: Floats = np.asarray((self.rows @ row.T).todense()).ravel()
        probability = self.head.predict_proba((likeness @ self.axes)[None, :])[0]
        closest = int(likeness.argmax())
        if likeness[closest] > VERBATIM:
            probability = (self.head.classes_ == self.examples[closest].intent).astype(float)
        best, second = np.argsort(probability)[::-1][:2]
        intent = str(self.head.classes_[best])
        nearest = max(self._examples_of(intent), key=lambda place: likeness[place])
        return Guess(
            intent=intent,
            confidence=float(np.sqrt(probability[best] * max(likeness[nearest], 0.0))),
            nearest=self.examples[nearest].text,
            runner_up=f"{self.head.classes_[second]} {probability[second]:.2f}",
            language=_language(likeness, self.examples),
        )

    def _examples_of(self, intent: str) -> list[int]:
        return [place for place, example in enumerate(self.examples) if example.intent == intent]


def train(examples: Sequence[Example]) -> Model:
    """On one thread: for matrices this small, threads that wait for each other cost more than they give."""
    with _threads.limit(limits=1):
        return _train(examples)


def _train(examples: Sequence[Example]) -> Model:
    features = _features()
    rows = normalize(features.fit_transform([normal(example.text) for example in examples]).tocsr())
    likeness: Floats = np.asarray((rows @ rows.T).todense())
    axes = _axes(likeness)
    points = likeness @ axes
    intents = np.array([example.intent for example in examples])
    return Model(
        features,
        rows,
        axes,
        _head().fit(points, intents),
        tuple(examples),
        _threshold(points, likeness, intents),
    )


def _features() -> FeatureUnion:
    words = _tfidf("word", (1, 2), token_pattern=r"(?u)\b\w+\b|[^\w\s]")  # noqa: S106  # no password
    pieces = _tfidf("char_wb", (2, 5))
    return FeatureUnion(
        [("words", words), ("pieces", pieces), ("concepts", TfidfVectorizer(analyzer=concepts))]
    )


def _tfidf(analyzer: str, ngrams: tuple[int, int], **more: str) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer, ngram_range=ngrams, sublinear_tf=True, strip_accents="unicode", **more
    )


def _head() -> LogisticRegression:
    return LogisticRegression(C=10, tol=3e-3, max_iter=100, class_weight="balanced")


def _axes(likeness: Floats) -> Floats:
    """The strongest directions of the examples' own space: logistic regression there is the same as on the
    ten thousand features, and faster."""
    strength, directions = np.linalg.eigh(likeness)
    strength, directions = strength[-DIMENSIONS:], directions[:, -DIMENSIONS:]
    kept = strength > 1e-9
    axes: Floats = directions[:, kept] / np.sqrt(strength[kept])
    return axes


def _threshold(points: Floats, likeness: Floats, intents: NDArray[np.str_]) -> float:
    """The confidence that all but `REJECTED` of the examples reach when they were not learnt from."""
    fold = _folds(intents)
    scores = [
        _blind(points, likeness, intents, np.flatnonzero(fold != held), np.flatnonzero(fold == held))
        for held in range(FOLDS)
    ]
    return float(np.clip(np.quantile(np.concatenate(scores), REJECTED), FLOOR, CEILING))


def _folds(intents: NDArray[np.str_]) -> NDArray[np.int_]:
    """Each intent's examples dealt out in turn, also when a workspace wrote only one."""
    dealt: dict[str, int] = {}
    fold = []
    for intent in intents:
        dealt[intent] = dealt.get(intent, -1) + 1
        fold.append(dealt[intent] % FOLDS)
    return np.array(fold)


def _blind(points: Floats, likeness: Floats, intents: NDArray[np.str_], known: Any, held: Any) -> Floats:
    head = _head().fit(points[known], intents[known])
    probability = head.predict_proba(points[held])
    predicted = head.classes_[probability.argmax(axis=1)]
    same = predicted[:, None] == intents[known][None, :]
    nearest = np.where(same, likeness[np.ix_(held, known)], 0.0).max(axis=1)
    confidence: Floats = np.sqrt(probability.max(axis=1) * nearest)
    return confidence


def _language(likeness: Floats, examples: Sequence[Example]) -> str:
    """What the nearest examples are written in; "" when nothing is near."""
    votes: dict[str, float] = {}
    for place in np.argsort(likeness)[::-1][:VOTERS]:
        if examples[place].language and likeness[place] > FAINT:
            votes[examples[place].language] = votes.get(examples[place].language, 0.0) + float(
                likeness[place]
            )
    return max(votes, key=lambda language: votes[language]) if votes else ""

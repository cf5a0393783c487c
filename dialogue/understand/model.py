"""A classifier that knows when it does not know. Learns from a thousand sentences in about a second.

Which head, by how much there is to learn from (measured: docs/quality.md; design: facts/language.md 3):
few examples an intent, logistic regression on what the sentences mean and a linear support vector machine on their
words, which together decide; more, logistic regression on both at once; thousands, the regression and a machine that
sees both. Without an embedder the words alone. Where examples are few, the name of an intent is one more.

Confidence is the geometric mean of the intent's probability and the likeness to its nearest example; what counts
as too low is read off examples that were held back, so a workspace's own intents move the threshold and nobody
tunes it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from dialogue.understand.concepts import concepts
from dialogue.understand.examples import Example
from dialogue.understand.sentences import normal, wordless

Floats = NDArray[np.floating[Any]]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to rows of unit length."""

FEW = 30
"""Examples an intent: below this their words say less than their meaning alone."""
MANY = 3_000
"""Examples: above this the machine that looks at the edge cases only is better, and quicker than the kernel."""
FOLDS = 3
ASKED = 2_000
"""Of many examples half are learnt from while the threshold is found, and about so many of the others are asked:
learning twice from nearly all of them would cost the minute that it may take."""
REJECTED = 0.10
"""The share of the examples, seen blind, that may fall under the threshold."""
FLOOR, CEILING = 0.25, 0.70
"""Bounds of the threshold: a handful of odd examples shall let neither everything in nor nothing."""
DIMENSIONS = 400
"""Directions kept of the example space: as exact as all of them on our examples, and three times as fast."""
MEANINGS = (0.5, 1.0, 2.0)
"""How much longer the meaning is than the words, where both are looked at: the best by cross-validation."""
MEANING = 2.0
"""The same where trying costs too much."""
OF_FEW, OF_MANY = 0.8, 0.5
"""The say of the meaning alone, with few examples and with thousands: by cross-validation on training files."""
BLUNT, SHARPNESS = 4.0, 6.0
"""Turns margins into probabilities that are as often right as they say: 0.967 said, 0.973 right, on the half of
CLINC150's training part that was held back; with few examples a machine is less often right."""
TRIES = 200_000
"""Examples times intents up to which trying is cheap."""
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
class Seen:
    """Sentences as the heads see them, one a row: their words, and, with an embedder, their meaning."""

    words: Any
    meaning: Floats | None

    def __getitem__(self, rows: Any) -> "Seen":
        return Seen(self.words[rows], None if self.meaning is None else self.meaning[rows])

    def alike(self, other: "Seen") -> Floats:
        """To each sentence of the other by words alone. For one sentence a row of figures is quicker than a sparse
        matrix is turned."""
        if self.words.shape[0] == 1:
            return np.asarray(other.words @ self.words.toarray()[0])[None, :]
        return np.asarray((self.words @ other.words.T).todense())

    def likeness(self, other: "Seen", words: Floats | None = None) -> Floats:
        """To each sentence of the other: by words or by meaning, whichever is nearer. -1..1"""
        words = self.alike(other) if words is None else words
        if self.meaning is None or other.meaning is None:
            return words
        return np.maximum(words, self.meaning @ other.meaning.T)


class Head(Protocol):
    classes: NDArray[np.str_]

    def probability(self, seen: Seen) -> Floats:
        """Shape (sentences, classes); each row sums to one."""


@dataclass(frozen=True)
class Model:
    features: Sequence[TfidfVectorizer]
    embed: Embed | None
    seen: Seen
    head: Head
    examples: tuple[Example, ...]
    intents: NDArray[np.str_]
    threshold: float

    def guess(self, text: str) -> Guess:
        """The best intent, however bad; the caller holds it against `threshold`."""
        meaning = _meaning([text], self.embed)
        with _threads.limit(limits=1):
            return self._guess(Seen(_rows(self.features, [text]), meaning))

    def _guess(self, row: Seen) -> Guess:
        words = row.alike(self.seen)
        likeness, words = row.likeness(self.seen, words)[0], words[0]
        probability = self.head.probability(row)[0]
        closest = int(words.argmax())
        if words[closest] > VERBATIM:
            probability = (self.head.classes == self.examples[closest].intent).astype(float)
        best, second = np.argsort(probability)[::-1][:2] if len(probability) > 1 else (0, 0)
        intent = str(self.head.classes[best])
        nearest = int(np.where(self.intents == intent, likeness, -2.0).argmax())
        return Guess(
            intent=intent,
            confidence=float(np.sqrt(probability[best] * max(likeness[nearest], 0.0))),
            nearest=self.examples[nearest].text,
            runner_up=f"{self.head.classes[second]} {probability[second]:.2f}",
            language=_language(words, self.examples),
        )


def train(examples: Sequence[Example], embed: Embed | None = None) -> Model:
    """Algebra on one thread: for matrices this small, threads that wait for each other cost more than they give."""
    names = sorted({example.intent for example in examples})
    if len(examples) >= FEW * len(names):
        names = []  # what they said tells more
    said, count = [example.text for example in examples] + [spoken(name) for name in names], len(examples)
    meaning = _meaning(said, embed)
    with _threads.limit(limits=1):
        features = _features(said)
        seen = Seen(_rows(features, said), meaning)
        intents = np.array([example.intent for example in examples] + names)
        head, threshold = _learnt(seen, intents, count)
    return Model(features, embed, seen[:count], head, tuple(examples), intents[:count], threshold)


def spoken(name: str) -> str:
    """ "book_appointment" and "BookAppointment" as somebody would say them."""
    return " ".join(re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))).lower()


def _meaning(texts: Sequence[str], embed: Embed | None) -> Floats | None:
    """Nothing for what has no words: to the embedder every emoji is the same."""
    if embed is None:
        return None
    worded = np.array([not wordless(text) for text in texts])
    return np.asarray(embed(texts) * worded[:, None])


def _features(texts: Sequence[str]) -> list[TfidfVectorizer]:
    """Words and their pairs, pieces of words, and the concepts of a front desk."""
    least = 1 if len(texts) <= MANY else 2
    words = _tfidf("word", (1, 2), least, token_pattern=r"(?u)\b\w+\b|[^\w\s]")  # noqa: S106  # no password
    kinds = [words, _tfidf("char_wb", (2, 5), least), TfidfVectorizer(analyzer=concepts)]
    return [kind for kind in kinds if _fits(kind, [normal(text) for text in texts])]


def _fits(kind: TfidfVectorizer, texts: Sequence[str]) -> bool:
    """False where no text has anything of the kind."""
    try:
        kind.fit(texts)
    except ValueError:
        return False
    return True


def _rows(features: Sequence[TfidfVectorizer], texts: Sequence[str]) -> Any:
    """Sparse rows of unit length."""
    said = [normal(text) for text in texts]
    rows = sparse.hstack([kind.transform(said) for kind in features]).tocsr()
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.where(lengths, lengths, 1.0)) @ rows).tocsr()


def _tfidf(analyzer: str, ngrams: tuple[int, int], least: int, **more: str) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ngrams,
        min_df=least,
        sublinear_tf=True,
        strip_accents="unicode",
        **more,
    )


def _learnt(seen: Seen, intents: NDArray[np.str_], count: int) -> tuple[Head, float]:
    """The head, and the confidence that all but `REJECTED` of what it had not seen reach. Behind `count` examples
    may come the names of the intents, which are always known and never asked."""
    makers = _makers(seen, intents[:count])
    splits, names = _splits(intents[:count], count > MANY), np.arange(count, len(intents))
    tried = [[_blind(make, seen, intents, *split, names) for split in splits] for make in makers]
    right = [sum(float(hit.sum()) for hit, _ in blind) for blind in tried]
    best = int(np.argmax(right))
    scores = np.concatenate([confidence for _, confidence in tried[best]])
    threshold = float(np.clip(np.quantile(scores, REJECTED), FLOOR, CEILING))
    return makers[best](seen, intents), threshold


Maker = Callable[[Seen, NDArray[np.str_]], Head]


def _makers(seen: Seen, intents: NDArray[np.str_]) -> list[Maker]:
    """The heads that may serve."""
    count, classes = len(intents), len(np.unique(intents))
    if seen.meaning is None:
        return [_kernel(0.0)] if count <= MANY else [_machine(0.0)]
    if count < FEW * classes:
        return [lambda seen, intents: Both(seen, intents, 0.0, OF_FEW, BLUNT)]
    if count <= MANY:
        return [_kernel(MEANING / np.sqrt(2))]
    weights = MEANINGS if count * classes <= TRIES else (MEANING,)
    return [_both(weight) for weight in weights]


def _kernel(weight: float) -> Maker:
    return lambda seen, intents: Kernel(seen, intents, weight)


def _machine(weight: float) -> Maker:
    return lambda seen, intents: Machine(seen, intents, weight, SHARPNESS)


def _both(weight: float) -> Maker:
    return lambda seen, intents: Both(seen, intents, weight, OF_MANY, SHARPNESS)


def _logistic(balanced: bool, tolerance: float) -> LogisticRegression:
    weight = "balanced" if balanced else None
    return LogisticRegression(C=10, tol=tolerance, max_iter=200, class_weight=weight)


class Both:
    """What they mean, and a machine on their words that may see their meaning too: each has its say."""

    def __init__(
        self, seen: Seen, intents: NDArray[np.str_], weight: float, share: float, sharpness: float
    ) -> None:
        """`share` of the regression on the meaning, 0..1; the rest is the machine's."""
        self._meant, self._machine = Meant(seen, intents), Machine(seen, intents, weight, sharpness)
        self._share, self.classes = share, self._meant.classes

    def probability(self, seen: Seen) -> Floats:
        meant, machine = self._meant.probability(seen), self._machine.probability(seen)
        return self._share * meant + (1 - self._share) * machine


class Meant:
    """What they mean."""

    def __init__(self, seen: Seen, intents: NDArray[np.str_]) -> None:
        self._head = _logistic(False, 1e-4 if len(intents) <= MANY else 1e-3).fit(seen.meaning, intents)
        self.classes = self._head.classes_

    def probability(self, seen: Seen) -> Floats:
        assert seen.meaning is not None
        return _softmax(seen.meaning @ self._head.coef_.T + self._head.intercept_)


class Kernel:
    """Some hundred examples: words and meaning, in the strongest directions of the examples' own space. Logistic
    regression there is the same as on the ten thousand features, and faster."""

    def __init__(self, seen: Seen, intents: NDArray[np.str_], weight: float) -> None:
        self._known, self._weight = seen, weight
        likeness = self._likeness(seen)
        strength, directions = np.linalg.eigh(likeness)
        strength, directions = strength[-DIMENSIONS:], directions[:, -DIMENSIONS:]
        kept = strength > 1e-6
        self._axes = directions[:, kept] / np.sqrt(strength[kept])
        self._head = _logistic(True, 3e-3).fit(likeness @ self._axes, intents)
        self.classes = self._head.classes_

    def _likeness(self, seen: Seen) -> Floats:
        words = seen.alike(self._known)
        if seen.meaning is None or self._known.meaning is None or not self._weight:
            return words
        square = self._weight**2
        return np.asarray(
            (words + square * (seen.meaning @ self._known.meaning.T)) / (1 + square), np.float64
        )

    def probability(self, seen: Seen) -> Floats:
        return _softmax(self._likeness(seen) @ self._axes @ self._head.coef_.T + self._head.intercept_)


class Machine:
    """Words alone, or thousands of examples with their meaning."""

    def __init__(self, seen: Seen, intents: NDArray[np.str_], weight: float, sharpness: float) -> None:
        self._weight, self._sharpness = weight, sharpness
        self._axes = None if seen.meaning is None else _strongest(seen.meaning)
        self._head = LinearSVC(C=2 / (2 + weight**2), tol=1e-2).fit(self._row(seen), intents)
        self.classes = self._head.classes_
        self._columns = np.ascontiguousarray(self._head.coef_.T)  # turned once, not with every message

    def _row(self, seen: Seen) -> Any:
        """Words, pieces of words and concepts weigh one each, as if each had been brought to length alone."""
        words = seen.words * np.sqrt(3)
        if seen.meaning is None or self._axes is None or not self._weight:
            return words
        return sparse.hstack([words, sparse.csr_matrix(self._weight * (seen.meaning @ self._axes))]).tocsr()

    def probability(self, seen: Seen) -> Floats:
        return _softmax(self._sharpness * (self._row(seen) @ self._columns + self._head.intercept_))


def _softmax(margins: Floats) -> Floats:
    """Of two classes scikit-learn gives the margin of the second only."""
    if margins.shape[1] == 1:
        margins = np.hstack([np.zeros_like(margins), margins])
    odds = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _strongest(meaning: Floats) -> Floats:
    """The directions in which the sentences differ most: half of them tell nearly as much, in two thirds of the
    time."""
    _, directions = np.linalg.eigh((meaning.T @ meaning).astype(np.float64))
    return np.asarray(directions[:, -meaning.shape[1] // 2 :])


def _splits(intents: NDArray[np.str_], many: bool) -> list[tuple[Any, Any]]:
    """(learnt from, asked); each intent's examples dealt out in turn, also when a workspace wrote only one."""
    dealt: dict[str, int] = {}
    turns = []
    for intent in intents:
        dealt[intent] = dealt.get(intent, -1) + 1
        turns.append(dealt[intent])
    turn = np.array(turns)
    if many:
        known, asked = np.flatnonzero(turn % 2 == 0), np.flatnonzero(turn % 2)
        return [(known, asked[:: max(1, len(asked) // ASKED)])]
    return [
        (np.flatnonzero(turn % FOLDS != held), np.flatnonzero(turn % FOLDS == held)) for held in range(FOLDS)
    ]


def _blind(
    make: Maker, seen: Seen, intents: NDArray[np.str_], known: Any, asked: Any, names: Any
) -> tuple[Floats, Floats]:
    """Whether each was right, and how confidently."""
    learnt = np.concatenate([known, names])
    head = make(seen[learnt], intents[learnt])
    probability = head.probability(seen[asked])
    predicted = head.classes[probability.argmax(axis=1)]
    same = predicted[:, None] == intents[known][None, :]
    nearest = np.where(same, seen[asked].likeness(seen[known]), 0.0).max(axis=1)
    return predicted == intents[asked], np.sqrt(probability.max(axis=1) * np.maximum(nearest, 0.0))


def _language(likeness: Floats, examples: Sequence[Example]) -> str:
    """What the nearest examples are written in; "" when nothing is near."""
    votes: dict[str, float] = {}
    for place in np.argsort(likeness)[::-1][:VOTERS]:
        if examples[place].language and likeness[place] > FAINT:
            votes[examples[place].language] = votes.get(examples[place].language, 0.0) + float(
                likeness[place]
            )
    return max(votes, key=lambda language: votes[language]) if votes else ""

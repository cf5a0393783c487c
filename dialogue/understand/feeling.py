"""Feeling learnt from a business's own labelled messages: their words, their meaning at every depth,
and what `mood` says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from dialogue.understand.model import Embed
from dialogue.understand.mood import DIMENSIONS, valences
from dialogue.understand.sentences import normal

_threads = ThreadpoolController()
STRENGTH = 3.0
"""C of the regression: the better of two by cross-validation."""


@dataclass(frozen=True)
class Feeling:
    features: FeatureUnion
    embed: Embed | None
    head: LogisticRegression

    def label(self, text: str) -> str:
        return str(self.head.predict(_rows([text], self.features, self.embed))[0])


def learn(texts: Sequence[str], labels: Sequence[str], embed: Embed | None) -> Feeling:
    """Any labels, two or more. `embed` gives a text as it stands at every depth of the encoder, its vector last."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")  # noqa: S106
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    features = FeatureUnion([("words", words), ("pieces", pieces)]).fit([normal(text) for text in texts])
    with _threads.limit(limits=1):
        rows = _rows(texts, features, embed)
        return Feeling(features, embed, LogisticRegression(C=STRENGTH, max_iter=300).fit(rows, labels))


def _rows(texts: Sequence[str], features: FeatureUnion, embed: Embed | None) -> Any:
    meaning = embed(texts) if embed else np.zeros((len(texts), 1), np.float32)
    said = valences(texts, (lambda _: meaning[:, -DIMENSIONS:]) if embed else None)
    parts = [features.transform([normal(text) for text in texts]), sparse.csr_matrix(meaning)]
    return sparse.hstack([*parts, sparse.csr_matrix(np.array(said)[:, None])]).tocsr()

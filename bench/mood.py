"""Learns the weights in dialogue/understand/mood.json: `python -m bench.mood ../shared/data/vader_icwsm`.

VADER's ground truth (MIT): sentences with the mean of ten or more people's ratings. The film reviews are left out:
other people's test sets are made of the same reviews.
"""

import csv
import html
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge

from dialogue.understand.mood import WEIGHTS, pieces
from knowledge.embedding.minilm import MiniLM

SETS = ("tweets", "amazonReviewSnippets", "nytEditorialSnippets")
WORDS = 0.2
"""How much a word weighs beside the meaning while learning: the best of three on 2,000 sentences held back."""
SEEN = 4
"""A word in fewer sentences than this is not learnt."""
SLIGHT = 0.01
"""Weights below this are left out of the file."""


def read(folder: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Texts, and their ratings from -4..4 to -1..1."""
    rows = [row for name in SETS for row in _rows(folder / f"{name}.csv")]
    ratings = np.clip([float(row["mean_valence"]) / 4 for row in rows], -1, 1)
    return [html.unescape(row["text"]) for row in rows], ratings


def _rows(file: Path) -> Sequence[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def learn(texts: Sequence[str], ratings: NDArray[np.float64], vectors: NDArray[np.float32]) -> dict[str, Any]:
    counter = CountVectorizer(analyzer=pieces, min_df=SEEN, binary=True)
    counts = counter.fit_transform(texts)
    head = Ridge(1.0).fit(sparse.hstack([vectors, WORDS * counts]).tocsr(), ratings)
    width = vectors.shape[1]
    weights = zip(counter.get_feature_names_out(), WORDS * head.coef_[width:], strict=True)
    return {
        "bias": round(float(head.intercept_), 4),
        "meaning": [round(float(value), 4) for value in head.coef_[:width]],
        "words": {str(word): round(float(value), 3) for word, value in weights if abs(value) >= SLIGHT},
    }


def main() -> None:
    texts, ratings = read(Path(sys.argv[1]))
    learnt = learn(texts, ratings, MiniLM(kept=1).vectors(texts))
    WEIGHTS.write_text(json.dumps(learnt, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

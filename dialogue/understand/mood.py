"""How somebody feels and how much hurry there is, read off their sentences.

The weights in mood.json were learnt by `python -m bench.mood` from sentences whose feeling people have rated
(VADER's ground truth, MIT: tweets, product reviews, editorials). No film reviews are among them, so that
`frontdesk eval sentiment` may use them on film reviews.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from dialogue.understand.concepts import plain
from domain.turn import Sentiment

if TYPE_CHECKING:
    from dialogue.understand.model import Embed, Floats

WEIGHTS = Path(__file__).with_name("mood.json")
WORDS = Path(__file__).with_name("mood_words.yaml")
DIMENSIONS = 384
"""Of the vectors that its weights were learnt on."""
NEGATIVE, POSITIVE = -0.15, 0.2
"""Below and above these it is more than a tone."""
_TOKEN = re.compile(r"[\w']+|[!?]+")
_NEGATED = re.compile(r"^(?:no|not|nunca|ni|sin|tampoco)$")
_AT_ONCE = re.compile(
    r"\b(?:asap|a\.s\.a\.p|urgent(?:ly|e|emente)?|immediate(?:ly)?|right (?:now|away)|emergency|at once|hurry"
    r"|ahora mismo|de inmediato|inmediatamente|cuanto antes|lo antes posible|emergencia|ya mismo|right this)\b",
    re.IGNORECASE,
)
_SOON = re.compile(
    r"\b(?:today|tonight|this (?:morning|afternoon|evening)|now|soon|quick(?:ly)?|still waiting"
    r"|hoy|esta (?:tarde|noche|manana)|pronto|ya|rapido|sigo esperando)\b",
    re.IGNORECASE,
)
_OF_INTENT = {
    "emergency": 1.0,
    "urgent": 0.85,
    "threat": 0.9,
    "legal": 0.6,
    "complaint": 0.45,
    "want_human": 0.35,
}
"""What an intent alone makes urgent."""


@dataclass(frozen=True)
class _Weights:
    bias: float
    meaning: Sequence[float]
    words: Mapping[str, float]


def sentiment(sentences: Sequence[str], embed: "Embed | None") -> Sentiment:
    """Of a burst, each sentence counting by its length; a bad one counts twice, because it is what matters."""
    scores = valences(sentences, embed)
    weights = [
        max(len(one.split()), 1) * (2 if score < NEGATIVE else 1)
        for one, score in zip(sentences, scores, strict=True)
    ]
    score = sum(s * w for s, w in zip(scores, weights, strict=True)) / sum(weights) if sentences else 0.0
    label = "negative" if score <= NEGATIVE else "positive" if score >= POSITIVE else "neutral"
    return Sentiment(round(score, 3), label)


def valences(sentences: Sequence[str], embed: "Embed | None") -> list[float]:
    """Of each sentence, -1..1."""
    if not sentences:
        return []
    learnt = _weights()
    meant = _of_meaning(embed(sentences), learnt) if embed else [0.0] * len(sentences)
    return [
        max(
            -1.0,
            min(
                1.0,
                mean + learnt.bias + sum(learnt.words.get(one, 0.0) for one in pieces(text)) + _said(text),
            ),
        )
        for text, mean in zip(sentences, meant, strict=True)
    ]


def pieces(text: str) -> set[str]:
    """Words and pairs of words, as the weights know them."""
    tokens = _TOKEN.findall(text.casefold().replace("’", "'"))
    return {*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))}


def urgency(text: str, intents: Sequence[str]) -> float:
    """0..1: what is wanted, and the words of hurry around it; each adds to what is left."""
    shouting = sum(c.isupper() for c in text) > 0.6 * sum(c.isalpha() for c in text) and len(text.split()) > 2
    signs = [
        max((_OF_INTENT.get(intent, 0.0) for intent in intents), default=0.0),
        0.6 if _AT_ONCE.search(plain(text)) else 0.25 if _SOON.search(plain(text)) else 0.0,
        0.2 if shouting else 0.0,
        0.15 if "!!" in text else 0.0,
    ]
    calm = 1.0
    for sign in signs:
        calm *= 1 - sign
    return round(1 - calm, 3)


def _of_meaning(vectors: "Floats", learnt: _Weights) -> list[float]:
    return [float(value) for value in vectors @ learnt.meaning]


def _said(text: str) -> float:
    """By the words and signs of mood_words.yaml; a "no" before a word turns it around."""
    exact, beginnings, signs = _lexicon()
    tokens, score = _TOKEN.findall(plain(text.casefold())), 0.0
    for place, token in enumerate(tokens):
        value = exact.get(token) or next((v for start, v in beginnings if token.startswith(start)), 0.0)
        turned = any(_NEGATED.match(before) for before in tokens[max(0, place - 2) : place])
        score += -value / 2 if turned else value
    return score + max((v for sign, v in signs if sign in text), key=abs, default=0.0)


@cache
def _weights() -> _Weights:
    return _Weights(**json.loads(WEIGHTS.read_text(encoding="utf-8")))


@cache
def _lexicon() -> tuple[dict[str, float], list[tuple[str, float]], list[tuple[str, float]]]:
    file = YAML(typ="safe", pure=True).load(WORDS.read_text(encoding="utf-8"))
    words = [(word, float(value)) for value, line in file["es"].items() for word in line.split()]
    signs = [(sign, float(value)) for value, line in file["signs"].items() for sign in line.split()]
    exact = {word: value for word, value in words if not word.endswith("*")}
    return exact, [(word[:-1], value) for word, value in words if word.endswith("*")], signs

"""The sentence that answers, out of passages that hold it: not the page, and never a word of its own."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from dialogue.understand.concepts import plain
from domain.turn import Passage

QUESTION_WORDS = Path(__file__).with_name("question_words.yaml")
LONGEST = 320
"""Characters of an answer with its source: two text messages."""
KNOWS = 0.55
"""A passage that covers this much of the question answers it."""
MAYBE = 0.30
"""One that covers less than this does not; between the two a person looks first."""
AS_GOOD = 0.6
"""A neighbouring sentence joins if it fits the question this well compared with the best."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡\"(])")


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    passage: Passage
    coverage: float
    """How much of the question's weight the answer's own words carry, 0..1."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a bullet or a table row, and where it stands."""

    text: str
    passage: Passage
    place: int


def terms(text: str) -> frozenset[str]:
    """The words that carry the meaning, bent to one form."""
    return frozenset(_stem(word) for word in content(text))


@cache
def question_words() -> Any:
    return YAML(typ="safe", pure=True).load(QUESTION_WORDS.read_text(encoding="utf-8"))


@cache
def _stop() -> frozenset[str]:
    return frozenset(question_words()["stop"].split())


def content(text: str) -> list[str]:
    """The words that carry the meaning, in order, without accents and case."""
    words = _WORD.findall(plain(text.casefold()).replace("’", "'"))
    return [word for word in words if word not in _stop() and len(word) > 1]


def pick(question: str, passages: Sequence[Passage], *, wants_figure: bool = False) -> Answer | None:
    """The best sentence of all passages, with the neighbours that belong to it."""
    units = [unit for passage in passages for unit in _units(passage)]
    asked = terms(question)
    if not units:
        return None
    weights = _weights(asked, units)
    fit = {unit: _fit(unit, weights, wants_figure) for unit in units}
    best = max(units, key=lambda unit: (fit[unit], -unit.place))
    room = LONGEST - len(source_name(best.passage)) - len(" (from )")
    text = _with_neighbours(best, units, fit, room)
    return Answer(text, best.passage, _covered(terms(text) | terms(best.passage.heading), weights))


def source_name(passage: Passage) -> str:
    """A title as it is; "demos/clinic/first_visit.md" → "First visit"."""
    if not re.search(r"\.\w{2,5}$", passage.source):
        return passage.source
    shown = PurePosixPath(passage.source).stem.replace("_", " ").replace("-", " ")
    return shown[:1].upper() + shown[1:]


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """Without its grammatical ending, longest first; crude, and the same for question and passage."""
    fitting = (end for end in question_words()["endings"].split() if word.endswith(end))
    return next((word[: -len(end)] for end in fitting if len(word) - len(end) >= 3), word)


def _units(passage: Passage) -> list[Unit]:
    texts: list[str] = []
    for block in _blocks(passage.text):
        texts += [piece.strip() for piece in _SENTENCE.split(block) if piece.strip()]
    return [Unit(text, passage, place) for place, text in enumerate(texts)]


def _blocks(text: str) -> list[str]:
    """Paragraphs, bullets and table rows without their markup; headings fall away."""
    blocks: list[str] = []
    joining = False
    for line in text.splitlines():
        said = line.strip()
        row, bullet = said.startswith("|"), re.match(r"(?:[-*+•]|\d+[.)])\s+", said)
        if not said or said.startswith("#") or re.fullmatch(r"[|:\s-]+", said):
            joining = False
            continue
        clean = _clean(_row(said) if row else said[bullet.end() :] if bullet else said)
        if joining and not row and not bullet:
            blocks[-1] += " " + clean
        else:
            blocks.append(clean)
        joining = not row
    return blocks


def _row(line: str) -> str:
    cells = [cell.strip() for cell in line.strip("|").split("|") if cell.strip()]
    return f"{cells[0]}: {', '.join(cells[1:])}" if len(cells) > 1 else "".join(cells)


def _clean(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(\*\*|__|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w))", "", text)


def _weights(asked: frozenset[str], units: Sequence[Unit]) -> dict[str, float]:
    """Rare words of the question say more about where its answer is."""
    seen = [terms(unit.text) for unit in units]
    return {
        term: math.log(1 + (len(units) + 1) / (1 + sum(term in words for words in seen))) for term in asked
    }


def _covered(words: frozenset[str], weights: dict[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in words) / total if total else 0.0


def _fit(unit: Unit, weights: dict[str, float], wants_figure: bool) -> float:
    own = _covered(terms(unit.text), weights)
    with_heading = _covered(terms(unit.text) | terms(unit.passage.heading), weights)
    figure = 0.25 if wants_figure and re.search(r"[$€%]|\b(?:free|gratis)\b", unit.text) else 0.0
    return (
        0.5 * own
        + 0.5 * with_heading
        + 0.5 * unit.passage.score
        + figure
        - (0.3 if unit.text.endswith(":") else 0)
    )


def _with_neighbours(best: Unit, units: Sequence[Unit], fit: dict[Unit, float], room: int) -> str:
    text = _cut(best.text, room)
    for unit in units:
        follows = unit.passage is best.passage and best.place < unit.place <= best.place + 2
        if follows and fit[unit] >= AS_GOOD * fit[best] and len(text) + 1 + len(unit.text) <= room:
            text = f"{text}{'' if text[-1] in '.!?:;' else ';'} {unit.text}"
    return text


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3].rsplit(" ", 1)[0] + "..."

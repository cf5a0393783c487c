"""The sentence that answers, out of passages that hold it: not the page, and never a word of its own."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rapidfuzz import fuzz, process

from dialogue.vocabulary import content, speaks, stem, terms
from domain.turn import Passage

LONGEST = 320
"""Characters of an answer with its source: two text messages."""
KNOWS = 0.55
"""A passage that covers this much of the question answers it."""
MAYBE = 0.30
"""One that covers less than this does not; between the two a person looks first."""
MEANING = 1.0
"""What a passage's likeness to the question in meaning counts, beside its words."""
FAR, NEAR, NEARLY_ALL = 0.28, 0.45, 0.75
"""Cosines of question and passage: below the one it is about something else, whatever words they share; from the other
on the words decide alone; between the two they must hold nearly all. Of 30 questions that no document of the demos
answers 26 lie below FAR, of 60 that one does, none."""
ALIKE, STEM_ALIKE, SHORT = 86, 90, 5
"""How much, of 100, a misspelt word must look like one of the passages, with and without its ending; shorter ones
must be spelt right."""
AS_GOOD = 0.6
"""A neighbouring sentence joins if it fits the question this well compared with the best."""
_SHAPES = (
    (
        re.compile(
            r"how much|price|cost|fee|charge|comm?ission|rate|cu[aá]nto (?:cuesta|sale|vale|cobran)|precio",
            re.I,
        ),
        re.compile(r"[$€%]|\b(?:free|gratis)\b", re.I),
    ),
    (
        re.compile(r"how long|how soon|how many (?:days|weeks)|cu[aá]nto (?:tiempo|tarda|dura)", re.I),
        re.compile(r"\b(?:minutes?|hours?|days?|weeks?|months?|minutos|horas?|d[ií]as|semanas)\b", re.I),
    ),
    (
        re.compile(r"what time|when|hours|open|close|qu[eé] hora|cu[aá]ndo|horario|abren|cierran", re.I),
        re.compile(r"\d:\d\d|\b\d{1,2} ?[ap]\.?m\b|\b(?:open|closed|abierto|cerrado)s?\b", re.I),
    ),
)
"""How a question is put, and what its answer then has."""
_WHO = (
    re.compile(r"\bwho\b|which (?:doctor|dentist|person|adviser|agent)|\bqui[eé]n", re.I),
    re.compile(r"\b(?:Dra?|Mrs?|Ms|Sra?)\.|\b[A-ZÁÉÍÓÚ][a-zñáéíóú]+ [A-ZÁÉÍÓÚ][a-zñáéíóú]+\b"),
)
_NAME = re.compile(r"(?<=[\w,;(/&][ ])[A-ZÁÉÍÓÚÑ][\w'-]+")
_UNPRICED = re.compile(
    r"\bwe (?:do not|don't|cannot|never)\b|\bno (?:charge|fee|cost)|\bno (?:cobramos|damos|tenemos)\b", re.I
)
_GOES_ON = re.compile(r"(?:It|She|He|They|This|That|These|Those|Its|Her|His|Their)\b|There (?:is|are) no\b")
"""A sentence that speaks of the one before it: they are said together."""
_TITLES = "".join(rf"(?<!\b{title}\.)" for title in ("Dr", "Dra", "Mr", "Mrs", "Ms", "Sr", "Sra", "St"))
_SENTENCE = re.compile(rf"{_TITLES}(?<=[.!?])\s+(?=[A-ZÁÉÍÓÚÑ¿¡\"(])")


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    passage: Passage
    coverage: float
    """How much of the question's weight the answer and its heading carry, 0..1."""
    pointed: bool
    """It holds the question's rarest words. "How are the schools in Round Rock?" is not about Round Rock."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a bullet or a table row, and where it stands."""

    text: str
    passage: Passage
    place: int


def pick(
    question: str, passages: Sequence[Passage], *, asked_as: str = "", language: str = ""
) -> Answer | None:
    """The best sentence of all passages, with the neighbours that belong to it. `asked_as` is the customer's
    sentence: how it asks says what the answer looks like. Sentences in `language` come first."""
    units = [unit for passage in passages for unit in units_of(passage)]
    if not units:
        return None
    weights = _weights(_spelt(question, units), units)
    own = {unit: _covered(terms(unit.text), weights) for unit in units}
    rank = {passage.id: 0.03 * place for place, passage in enumerate(passages)}
    fit = {
        unit: 0.3 * own[unit]
        + _extras(unit, weights, asked_as)
        - rank[unit.passage.id]
        - 0.4 * (language not in ("", speaks(unit.text) or language))
        for unit in units
    }
    best = max(units, key=lambda unit: (fit[unit], -unit.place))
    text = _with_neighbours(best, units, own)
    held = terms(f"{text} {best.passage.heading} {best.passage.source}")
    rarest = {term for term, weight in weights.items() if weight == max(weights.values())}
    return Answer(text, best.passage, _covered(held, weights), rarest <= held)


def source_name(passage: Passage) -> str:
    """A title as it is; "demos/clinic/first_visit.md" → "First visit"."""
    if not re.search(r"\.\w{2,5}$", passage.source):
        return passage.source
    shown = PurePosixPath(passage.source).stem.replace("_", " ").replace("-", " ")
    return shown[:1].upper() + shown[1:]


def units_of(passage: Passage) -> list[Unit]:
    """Its sentences, bullets and rows, as an answer has them."""
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


def _spelt(question: str, units: Sequence[Unit]) -> frozenset[str]:
    """The question's terms. Words that no passage has are taken for the one of the passages they look like."""
    texts = [f"{u.text} {u.passage.heading} {u.passage.source}" for u in units]
    known = frozenset().union(*map(terms, texts))
    if terms(question) <= known:
        return terms(question)
    words = sorted({word for text in texts for word in content(text.replace("-", ""))})
    return frozenset(
        term
        for word in content(question)
        for term in (terms(word) if terms(word) <= known else terms(_meant(word, words)))
    )


def _meant(word: str, words: Sequence[str]) -> str:
    """As `knowledge.search` reads slips of the thumb, so that what was found for one is also picked."""
    if len(word) < SHORT:
        return word
    near = [other for other in words if other[0] == word[0]]
    found = process.extractOne(word, near, scorer=fuzz.ratio, score_cutoff=ALIKE)
    stems = [stem(other) for other in near]
    bare = (
        None if found else process.extractOne(stem(word), stems, scorer=fuzz.ratio, score_cutoff=STEM_ALIKE)
    )
    return str(found[0]) if found else near[bare[2]] if bare else word


def means(passage: Passage, score: float, question: str = "") -> bool:
    """The passage is about what was asked, and not only in the same words. Nobody has compared them: the words count.
    Of a name the vectors know little: a passage that holds it, and every other word of the question, is about it."""
    if passage.similarity is None or passage.similarity >= NEAR:
        return True
    if score >= 1.0 and not names(passage.text).isdisjoint(content(question)):
        return True
    return passage.similarity >= FAR and score >= NEARLY_ALL


def names(text: str) -> frozenset[str]:
    """Words with a capital that no beginning of a sentence explains, without accents and case."""
    return frozenset(word for found in _NAME.findall(text) for word in content(found))


def shaped(asked_as: str, text: str) -> bool:
    """An answer to "how long" holds a duration."""
    asks, has = _SHAPES[1]
    return not asks.search(asked_as) or bool(has.search(text))


def priced(text: str) -> bool:
    """It holds an amount, a percentage, that something is free, or that no price is told."""
    return bool(_SHAPES[0][1].search(text) or _UNPRICED.search(text))


def _weights(asked: frozenset[str], units: Sequence[Unit]) -> dict[str, float]:
    """Rare words of the question say more about where its answer is."""
    seen = [terms(unit.text) for unit in units]
    return {
        term: math.log(1 + (len(units) + 1) / (1 + sum(term in words for words in seen)))
        for term in sorted(asked)
    }


def _covered(words: frozenset[str], weights: dict[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in words) / total if total else 0.0


def _extras(unit: Unit, weights: dict[str, float], asked_as: str) -> float:
    """What speaks for a sentence beside the question's words in it: its heading, its passage, being about little
    else, and having what such a question wants: an amount, a duration."""
    words, heading = terms(unit.text), terms(f"{unit.passage.heading} {unit.passage.source}")
    covered = _covered(words | heading, weights) + 0.4 * unit.passage.score
    covered += MEANING * (unit.passage.similarity or 0.0)
    focus = 0.25 * len(words & weights.keys()) / (len(words) or 1)
    shape = 0.5 * any(asks.search(asked_as) and has.search(unit.text) for asks, has in (*_SHAPES, _WHO))
    topic = 0.15 * bool(terms(asked_as) & heading)
    last = unit.passage.heading.rpartition(" › ")[2]
    nearest = terms(last)
    topic += 0.4 * len(nearest & (weights.keys() | terms(asked_as))) / (len(nearest) or 1)
    asks_price = _SHAPES[0][0]
    topic += 0.5 * bool(asks_price.search(asked_as) and asks_price.search(last))
    late = min(0.03 * unit.place, 0.15) + unit.text.endswith(":")
    return covered + focus + shape + topic - late


def _with_neighbours(best: Unit, units: Sequence[Unit], own: dict[Unit, float]) -> str:
    """The sentence and up to two after it, as long as they hold the question's words as well. Where only the
    heading held them, the next sentence belongs to the answer too. One that only goes on ("There is no fee
    if …") is said after the sentence it goes on from."""
    room = LONGEST - len(source_name(best.passage)) - len(" (from )")
    text, reach = _cut(best.text, room), 2 if own[best] else 1
    before = next((u for u in units if u.passage is best.passage and u.place == best.place - 1), None)
    joins = before and (_GOES_ON.match(best.text) or own[before] >= AS_GOOD * own[best] > 0)
    if before and joins and len(before.text) + 1 + len(text) <= room:
        text = f"{before.text}{'' if before.text[-1] in '.!?:;' else ';'} {text}"
    for unit in units:
        follows = unit.passage is best.passage and best.place < unit.place <= best.place + reach
        fits = own[unit] >= AS_GOOD * own[best] or _GOES_ON.match(unit.text)
        if follows and fits and len(text) + 1 + len(unit.text) <= room:
            text = f"{text}{'' if text[-1] in '.!?:;' else ';'} {unit.text}"
    return text


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3].rsplit(" ", 1)[0] + "..."

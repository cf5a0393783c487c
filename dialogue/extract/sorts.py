"""Which sort of a thing: a cuisine, a kind of music, a rating."""

import re
from collections.abc import Iterator

from dialogue.extract.about import PLACE, RATED, SORT, SPOKEN_OR_EATEN, little, nations, without
from dialogue.extract.cues import Signs, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.polarity import negated
from dialogue.extract.spans import MASK, openers
from domain.fields import Field_, FieldType
from domain.fields.options import plain

_RATING = re.compile(
    r"\b(?:rat(?:ed|ing|ings)|score[ds]?|stars?|average)\b\D{0,25}?(?P<a>\d(?:\.\d)?)(?![\d:])"
    r"|(?<![\d.:])(?P<b>\d\.\d)(?![\d:])|(?<![\d.:])(?P<c>\d)(?= (?:or (?:higher|above|more|better)|and (?:above"
    r"|up)|rating\b|plus\b))",
    re.IGNORECASE,
)


def ratings(heard: Heard, fields: list[Field_], signs: dict[str, Signs]) -> Iterator[Found]:
    for f in fields:
        if f.type is not FieldType.TEXT or not RATED.search(signs[f.name].words):
            continue
        for m in _RATING.finditer(heard.text):
            said = m["a"] or m["b"] or m["c"]
            start = heard.text.index(said, m.start())
            yield Found(f.name, said, 0.85, said, start)
            break
        else:
            m2 = re.search(r"(?<![\d.:])\d(?:\.\d)?(?![\d:])", heard.text) if f.name in heard.asked else None
            if m2:
                yield Found(f.name, m2[0], 0.8, m2[0], m2.start())


def sorts(
    heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str, found: list[Found]
) -> Iterator[Found]:
    """ "Chinese food", "a pop music event", "serving Asian": the word before the thing's own name."""
    masked = without(masked, found)
    spoken_for = frozenset().union(*(one.all for one in signs.values()))
    yes_no = [signs[f.name].own for f in heard.fields if f.type is FieldType.BOOLEAN]
    flags = frozenset().union(*yes_no)
    for f in fields:
        s = signs[f.name]
        if f.type is not FieldType.TEXT or not SORT.search(s.words) or PLACE.search(s.words):
            continue
        place = (
            _cuisine(heard.text, masked, s, flags)
            or _before_thing(heard.text, masked, s)
            or (None if f.name in heard.asked else _liked(masked, spoken_for))
        )
        if place:
            start, words, sure = place
            yield Found(f.name, words, sure, words, start)


def _cuisine(text: str, masked: str, signs: Signs, others: frozenset[str]) -> tuple[int, str, float] | None:
    """What food or which language: its names are known."""
    if not SPOKEN_OR_EATEN.search(signs.words):
        return None
    for m in re.finditer(r"[^\W\d_]+", text):
        free = MASK not in masked[m.start() : m.end()] and not set(stems(m[0])) & others
        if plain(m[0]) in nations() and free and not negated(text, m.start()):
            return m.start(), m[0], 0.85
    return None


def _before_thing(text: str, masked: str, signs: Signs) -> tuple[int, str, float] | None:
    for m in _BEFORE_THING.finditer(text):
        things, what = stems(m["thing"]), m["what"].split()
        if MASK in masked[m.start("what") : m.end("what")] or not things or things[0] not in signs.all:
            continue
        said = what[-1:] if plain(what[0]) in openers() | little() else what
        if plain(said[-1]) not in openers() | little() and not set(stems(said[-1])) & signs.all:
            words = " ".join(said)
            return m.end("what") - len(words), words, 0.75
    return None


def _liked(masked: str, others: frozenset[str]) -> tuple[int, str, float] | None:
    for m in _LIKES.finditer(masked):
        words = m["what"]
        small = words.islower() and not re.match(r"[.,!?]|$| and\b", masked[m.end() :])
        if not small and plain(words) not in openers() | little() and not set(stems(words)) & others:
            return m.start("what"), words, 0.65
    return None


_BEFORE_THING = re.compile(
    r"(?=(?<![\w'])(?P<what>[^\W\d_]{3,}(?: [^\W\d_]{3,})?) (?P<thing>[^\W\d_]{3,})\b)"
)
_LIKES = re.compile(
    r"\b(?:serv(?:es|ing|e)|love|prefer|enjoy|craving|into|fan of|i (?:really )?like|maybe|like)"
    r" (?P<what>[^\W\d_]{3,}(?: [A-Z][a-z]+)?)\b(?! (?:event|ride|car|vehicle)s?\b)"
)

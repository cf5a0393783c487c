"""Places, also in small letters: where from and where to, and where we have just asked for one."""

import re
from collections.abc import Iterator
from functools import cache

from dialogue.extract.about import CITY, NAMED, PLACE, VERBS, direction, little
from dialogue.extract.cues import Signs, lexicon, stems
from dialogue.extract.heard import Found, Heard
from dialogue.extract.spans import Span, openers
from domain.fields import Field_, FieldType
from domain.fields.options import plain

_STATE = re.compile(r", ?(?:[A-Z][A-Za-z]\b|[A-Z][a-z]{2,}(?: [A-Z][a-z]+)?(?=[\s.,;!?]|$))")


def ways(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """Where from and where to, also in small letters: "a train from ely to london", "leaving cambridge". Of
    several fields the one for a city comes first."""
    used: set[int] = set()
    for f in sorted(fields, key=lambda f: (f.name not in heard.asked, not CITY.search(signs[f.name].words))):
        origin, target = direction(f, signs[f.name])
        if origin == target or f.type is not FieldType.TEXT or NAMED.search(signs[f.name].words):
            continue
        for m in (_FROM_A_PLACE if origin else _TO_A_PLACE).finditer(masked):
            if m.start("what") in used or (target and not _goes(m, masked, asked=f.name in heard.asked)):
                continue
            if words := _place_in(heard.text, m.start("what"), m["what"]):
                used.add(m.start("what"))
                yield Found(f.name, words, 0.8 if words[0].isupper() else 0.7, words, m.start("what"))
                break


def _goes(m: re.Match[str], masked: str, *, asked: bool) -> bool:
    """ "To" is a way only after something that goes; "change that to three" is none, "to include" is a verb."""
    left = masked[: m.start()]
    if not m[0].lower().startswith("to ") or _GOING.search(left):
        return True
    return not _CHANGES.search(left) and (m["what"][0].isupper() or asked)


_CHANGES = re.compile(r"\b(?:change|switch|update|set|make|transfer|send|pay|wire|give)\b[^.!?]{0,40}$", re.I)
_GOING = re.compile(
    r"\b(?:go|goes|going|gong|went|get|gets|getting|head\w*|travel\w*|trains?|bus|buses|taxis?|cab|ride|flights?|fly|flying|trip|journey"
    r"|tickets?|me|us|way|shuttle|drive|driving|car|boat|ferry|over|back|tour|sail\w*|from [\w' ]{2,40}) $",
    re.IGNORECASE,
)


def _place_in(text: str, start: int, words: str) -> str:
    """The words of a place at the beginning of `words`, "" if a verb or a pronoun begins them."""
    words = words.rstrip(" .,'-")
    while words and plain(words.split()[-1]) in openers() | little() and not words.split()[-1].isupper():
        words = words.rpartition(" ")[0].rstrip(" ,")
    first = words.split()[0] if words else ""
    if not words or (
        plain(first) in openers() | little() | _nowhere() and not (first.isupper() or first == "San")
    ):
        return ""
    return words + m[0] if (m := _STATE.match(text, start + len(words))) else words


@cache
def _nowhere() -> frozenset[str]:
    return frozenset(lexicon()["nowhere"].split())


_WHAT = (
    r"(?: (?-i:the))? (?P<what>[^\W\d_][\w'’.&-]*(?: (?!(?:on|at|by|after|before|for|and|to|from|in|with|around|near|please"
    r"|if|is|are|was|will"
    r"|would|i|we|that|this|next|as|or|when|leaving|departing|arriving|going|heading|today|tomorrow|tonight|y|con|el|para|a)\b)"
    r"[\w'’&-]+){0,4})"
)
_FROM_A_PLACE = re.compile(
    rf"\b(?:from|out of|leav(?:e|es|ing)|depart(?:s|ing)?|between|desde|salgo de"
    rf"|pick(?:ed|s)? (?:me|us) up (?:at|in|from)){_WHAT}",
    re.I,
)
_TO_A_PLACE = re.compile(
    rf"\b(?:to|arriv(?:e|es|ing) (?:in|at)|visit(?:ing)?|reach(?:ing)?"
    rf"|destination (?:is|be|should be|will be|to)|hacia|(?:voy|vamos|viajo|ir) a){_WHAT}",
    re.I,
)


def small_places(heard: Heard, fields: list[Field_], signs: dict[str, Signs], masked: str) -> Iterator[Found]:
    """ "in austin" after we asked where: places in small letters."""
    for f in fields:
        if not PLACE.search(signs[f.name].words) or NAMED.search(signs[f.name].words):
            continue
        for m in _SMALL.finditer(masked):
            words = _place_in(heard.text, m.start("what"), m["what"])
            if words and not set(stems(words)) <= signs[f.name].all and not VERBS.search(plain(words)):
                yield Found(f.name, words, 0.7, words, m.start("what"))
                break


_SMALL = re.compile(
    r"\b(?:in|to|from|near|around|en|hacia|desde)(?: the)? (?P<what>[a-zà-þ][\w'-]+(?: (?!(?:on|at|for|and|with"
    r"|from|to|in|by|is"
    r"|are|i|we|that|around|near|please|y|con|el|para)\b)[\w'-]+){0,3})"
)


def with_state(text: str, span: Span) -> str:
    """ "Seattle, WA", "London, England"."""
    m = _STATE.match(text, span.end) if not span.address else None
    said = m[0].strip(" ,") if m else ""
    return (
        span.text + m[0] if m and (len(said) == 2 or plain(said.split()[0]) not in openers()) else span.text
    )

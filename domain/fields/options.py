"""Options as people name them: by name or synonym, in any case, without accents, and with a slip of the thumb."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from domain.fields.definition import Field_

LIMIT = 2_000
"""Characters of a message that are looked at."""
SHORT = 4
"""Words up to this length must be spelt right: "oil" is not "ail"."""
_LITTLE = frozenset(("a", "an", "the", "my", "el", "la", "un", "una", "mi", "de"))
_TOKEN = re.compile(r"[^\W_][\w'&+]*")


@dataclass(frozen=True, slots=True)
class Mention:
    """`sureness` is 0..1: 0.97 when spelt right, less for a misspelling."""

    option: str
    start: int
    end: int
    sureness: float


@lru_cache(maxsize=20_000)
def plain(word: str) -> str:
    """Without case and accents."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).replace("’", "'")


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """Good enough to compare by: cities and city, cleanings and cleaning, class and classes."""
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ciones"):
        return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@dataclass(frozen=True, slots=True)
class Token:
    word: str
    start: int
    end: int


@lru_cache(maxsize=256)
def tokens(text: str) -> tuple[Token, ...]:
    """Words in singular, without case and accents; a hyphen parts them."""
    return tuple(Token(singular(plain(m[0])), m.start(), m.end()) for m in _TOKEN.finditer(text[:LIMIT]))


def mentions(text: str, field: Field_) -> list[Mention]:
    """Every option that is named, in the order of the text; of two that overlap, the longer or surer one."""
    said = tokens(text)
    found: list[Mention] = []
    for words, option in _names(field.options, tuple((o, field.synonyms.get(o, ())) for o in field.options)):
        found += _places(words, option, said)
    return apart(found)


def apart(found: Sequence[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for one in sorted(found, key=lambda m: (-(m.sureness > 0.9), m.start - m.end, -m.sureness)):
        if all(one.end <= other.start or one.start >= other.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda m: m.start)


@lru_cache(maxsize=2_000)
def _names(
    options: tuple[str, ...], synonyms: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[tuple[tuple[str, ...], str], ...]:
    named: dict[tuple[str, ...], str] = {}
    for option, others in synonyms:
        for name in (option, *others):
            words = tuple(token.word for token in tokens(name.replace("_", " ")))
            if words:
                named.setdefault(words, option)
    return tuple(named.items())


def _places(words: tuple[str, ...], option: str, said: Sequence[Token]) -> list[Mention]:
    """A little word may stand between those of a name: "I chipped a tooth"."""
    size = len(words)
    found: list[Mention] = []
    if size > 1 and not _LITTLE.intersection(words):
        said = [token for token in said if token.word not in _LITTLE]
    for at in range(len(said) - size + 1):
        sureness = 1.0
        for wanted, token in zip(words, said[at : at + size], strict=True):
            sureness = min(sureness, alike(wanted, token.word))
            if not sureness:
                break
        if sureness:
            found.append(Mention(option, said[at].start, said[at + size - 1].end, round(0.97 * sureness, 2)))
    return found


@lru_cache(maxsize=50_000)
def alike(wanted: str, said: str) -> float:
    """1 for the same word, less for a slip: one up to seven letters, two from eight on; the first letter is
    always right, and a word that only has another ending ("cleaner") is another word."""
    if wanted == said:
        return 1.0
    longest = max(len(wanted), len(said))
    if (
        wanted[:1] != said[:1]
        or min(len(wanted), len(said)) <= SHORT
        or longest - min(len(wanted), len(said)) > 2
    ):
        return 0.0
    slips = 1 if longest < 8 else 2
    distance = OSA.distance(wanted, said, score_cutoff=slips)
    if distance > slips or (wanted[:-2] == said[:-2] and len(wanted) == len(said)):
        return 0.0
    return 1 - 0.08 * distance

"""The message as the grammar reads it: folded, spaces collapsed, number words as digits; every character
knows where it stood in the original."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from domain.entities import words
from domain.entities.cardinals import number_at

LIMIT = 2_000
"""Characters of a message that are read for entities; what comes later is not looked at."""

MASK = "\0"
"""Stands in for what an earlier finder took: neither a word character nor a space."""

_TOKEN = re.compile(r"[^\W\d_]+|\d+|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class Reading:
    """`text[i]` was read from `original[starts[i]:ends[i]]`."""

    original: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original; an accent written as a character of its own stays with its letter."""
        stop = self.ends[end - 1]
        while stop < len(self.original) and unicodedata.combining(self.original[stop]):
            stop += 1
        return self.starts[start], stop

    def words(self, start: int, end: int) -> str:
        first, stop = self.span(start, end)
        return self.original[first:stop]

    def without(self, spans: Iterable[tuple[int, int]]) -> "Reading":
        """The same reading with these stretches masked."""
        chars = list(self.text)
        for start, end in spans:
            chars[start:end] = MASK * (end - start)
        return replace(self, text="".join(chars))


def read(original: str) -> Reading:
    folded, origin = _fold(original[:LIMIT])
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for text, start, end in _pieces(_TOKEN.findall(folded)):
        alike = len(text) == end - start
        chars.append(text)
        starts += (origin[start + i if alike else start] for i in range(len(text)))
        ends += (origin[start + i if alike else end - 1] + 1 for i in range(len(text)))
    return Reading(original, "".join(chars), tuple(starts), tuple(ends))


def _pieces(tokens: list[str]) -> Iterator[tuple[str, int, int]]:
    """What to write, and which stretch of the folded text it stands for."""
    said = [" " if token.isspace() else token for token in tokens]
    little = sum(word in words.SPANISH_LITTLE_WORDS for word in said)
    spanish = little >= 2 or not words.SPANISH_WORDS.isdisjoint(said)
    at = offset = 0
    while at < len(said):
        text, after = number_at(said, at, spanish) or (words.respell(said[at]), at + 1)
        length = sum(map(len, tokens[at:after]))
        yield text, offset, offset + length
        at, offset = after, offset + length


def _fold(text: str) -> tuple[str, list[int]]:
    """Lower case, no accents, ASCII digits; invisible characters dropped. And where each one stood."""
    kept = [(fold, i) for i, char in enumerate(text) if (fold := _fold_char(char))]
    return "".join(fold for fold, _ in kept), [i for _, i in kept]


@cache
def _fold_char(char: str) -> str:
    if char.isascii():
        return char.lower()
    if unicodedata.category(char) in ("Mn", "Cf"):
        return ""
    if char in "’‘`´ʼ":
        return "'"
    if char in "–—−‐‑":
        return "-"
    if (digit := unicodedata.decimal(char, None)) is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKD", char)[0].lower()
    return plain if len(plain) == 1 else char

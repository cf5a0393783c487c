"""Stretches of a message that could be a place or a name: by capital letters, street words, what leads to them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from dialogue.extract.cues import lexicon
from domain.fields.options import plain

MASK = "\0"
_CAP = (
    r"(?:(?:Dr|Mr|Mrs|Ms|St|Mt|Ft|Jr|Sr|Sra|Prof|Inc|Co|Ste)\.|[A-Z]\."
    r"|[A-ZÀ-ÞĀ-Ž][\w'’&/-]*(?:\.[A-Z]\w*)*(?:(?<=\.D)\.)?)"
)
_LINK = (
    r"(?:(?:of|the|and|&|de|la|las|los|del|el|du|le|by|vs\.?|versus|von|van|y|on the|at the|in the) ){0,2}"
)
_NAME = re.compile(
    rf"(?:(?:uncle|aunt|auntie|cousin|grandma|grandpa) )?(?:(?:The|the) )?(?:\d{{1,4}} )?{_CAP}"
    rf"(?:(?: |! |, (?=M\.?D|DDS|DMD|PhD|Inc|Jr)){_LINK}(?:{_CAP}|\d{{1,4}}\b))*!?"
)
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|drive|dr|boulevard|blvd|lane|ln|way|court|ct|place|pl|highway|hwy|parkway"
    r"|pkwy|terrace"
    r"|circle|cir|square|sq|plaza|alley|broadway|real|row|loop|trail|calle|avenida|camino)"
)
_SURELY = re.compile(r"\b(?:street|avenue|ave|road|rd|drive|boulevard|blvd|lane|highway|hwy|calle|avenida)\b")
_LITTLE = (
    r"(?!(?:to|then|for|at|and|in|on|near|is|with|from|am|pm|people|persons?|rooms?|beds?"
    r"|star|nights?|days?|or|of us|bucks|dollars|guests?)\b)"
)
_ADDRESS = re.compile(
    rf"(?<![\w$.:/-])(?:\d{{2,6}}[A-Za-z]?(?:-\d+)?|\d(?= [A-Z])),?(?: {_LITTLE}[\w'.-]+){{1,5}}? (?i:{_STREET})\b\.?"
    r"(?:,? (?i:suite|ste|apt|apartment|unit|floor|fl|no)\.? ?#?\w+|,? #\w+)?"
    rf"(?:, (?:[A-Z][a-z][\w.]+ ?){{1,3}}(?:,? [A-Z]{{2}}\b)?(?:,? \d{{5}}\b)?)?",
)
_LEAD = re.compile(
    r"\b(in|at|to|from|near|around|for|with|by|of|see|visit|visiting|into|towards?|called|named|titled|as|is"
    r"|located|within"
    r"|outside|like|love|prefer|serving|serves|en|(?:voy|vamos|ir|viaj\w+|lleg\w+|envi\w+|mand\w+) a|desde|hasta"
    r"|hacia|con|cerca de|por)\b"
    r"(?: (?:the|a|an|el|la|city of|town of|name|title|my|our))*\W{0,2}$",
    re.IGNORECASE,
)
_ARTICLES = frozenset(["the", "a", "an", "el", "la", "los", "las", "una", "un", "le"])


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    start: int
    lead: str
    """The little word that leads to it: in, at, to, from, called, …"""
    tail: tuple[str, ...]
    """The two words after it."""
    address: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@cache
def openers() -> frozenset[str]:
    """Words that everybody writes with a capital at the start of a sentence."""
    return frozenset(lexicon()["openers"].split())


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """In small letters only with a word that means nothing but a street: "1790 bucks their way" is none."""
    for m in _ADDRESS.finditer(text):
        if not m[0].islower() or _SURELY.search(m[0]):
            yield m.start(), m.start() + len(m[0].rstrip(" ,."))


def spans(text: str, masked: str) -> Iterator[Span]:
    """Addresses, then capitalised words; a message all in capitals has none of these. `masked` is the text with
    what has been read already blotted out."""
    rest = masked
    for start, end in addresses(masked):
        yield _span(text, masked, start, end, address=True)
        rest = rest[:start] + MASK * (end - start) + rest[end:]
    if text.isupper():
        return
    for m in _NAME.finditer(rest):
        start, end = _trimmed(rest, m.start(), m.end())
        if start < end:
            yield _span(text, rest, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the words that open sentences and everyone writes with a capital."""
    while (m := re.match(r"([\w'’]+)([^\w\s]?)\s*", text[start:end])) and _opens(text, start, m[1], m[2]):
        start += m.end()
    while (m := re.search(r"(?:^|\s)(\S+)$", text[start:end])) and _closes(m[1]):
        end = start + m.start()
    said = text[start:end]
    whole = re.search(r"\b(?:[A-Z]\.|Inc\.|Jr\.|D\.)$", said)
    return start, start + len(said if whole else said.rstrip(" .,'’-!"))


def _opens(text: str, start: int, word: str, mark: str) -> bool:
    """ "The" belongs to "The Gwen" within a sentence; LA is no article."""
    if plain(word) not in openers() or (word.isupper() and len(word) > 1 and plain(word) not in ("ok",)):
        return False
    first = not text[:start].strip() or text[:start].rstrip()[-1:] in ".!?\n:\0"
    return mark != "." and (first or word.islower() or plain(word) not in _ARTICLES)


def _closes(word: str) -> bool:
    bare = word.strip(".,!?'’")
    return plain(bare) in openers() | {"and", "the", "of", "&"} and not (bare.isupper() and len(bare) > 1)


def _span(text: str, masked: str, start: int, end: int, *, address: bool = False) -> Span:
    lead = _LEAD.search(masked[max(0, start - 30) : start])
    right = re.split(r"[.!?;,\n\0]", masked[end : end + 30])[0]
    tail = tuple(re.findall(r"[a-z]+", right.lower())[:2])
    if masked[start:end].endswith(("'s", "’s")) and masked[end : end + 1] == " ":
        end -= 2
        tail = ("'s", *tail)
    led = lead[1].lower() if lead else ""
    return Span(text[start:end], start, "to" if led.endswith(" a") else led, tail, address)

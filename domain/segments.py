"""How a text message is charged and cut: GSM-7 or UCS-2, how many segments, and where to part a long one.

Sources: 3GPP TS 23.038 (alphabet, escape table), TS 23.040 (160/153 septets, 70/67 UTF-16 units).
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"  # an escape septet and another one
GSM_COST = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENDED, 2)

_LOOKALIKES = str.maketrans(
    dict.fromkeys("’‘‛′´`ʼ", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f", " ")
    | {"…": "...", "‹": "<", "›": ">", "⁄": "/"}
)

_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’)\]]*(?=\s)|(?<=[。！？])|(?=\n)""")
_WORD_END = re.compile(r"(?<=\S)(?=\s)")
_URL = re.compile(r"https?://[!-~]+")
_ZWJ, _VIRAMA = "\u200d", 9


@dataclass(frozen=True, slots=True)
class Segments:
    """`units` are septets (GSM-7, an extension character is two) or UTF-16 units (UCS-2)."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


class _Meter:
    """Fills segments unit by unit; a character of two units is never parted by a border."""

    __slots__ = ("full", "multi", "single", "units", "used")

    def __init__(self, single: int, multi: int) -> None:
        self.single, self.multi = single, multi
        self.units = self.full = self.used = 0

    def add(self, cost: int) -> None:
        self.units += cost
        self.used += cost
        if self.used > self.multi:
            self.full, self.used = self.full + 1, cost

    @property
    def segments(self) -> int:
        return min(self.units, 1) if self.units <= self.single else self.full + 1


class _Gauge:
    """A text as it grows: GSM-7 until the first character that GSM-7 has not."""

    __slots__ = ("gsm", "is_gsm", "ucs")

    def __init__(self) -> None:
        self.gsm, self.ucs, self.is_gsm = _Meter(160, 153), _Meter(70, 67), True

    def add(self, character: str) -> None:
        cost = GSM_COST.get(character)
        self.is_gsm = self.is_gsm and cost is not None
        self.gsm.add(cost or 0)
        self.ucs.add(2 if character > "\uffff" else 1)

    @property
    def meter(self) -> _Meter:
        return self.gsm if self.is_gsm else self.ucs


def count(text: str) -> Segments:
    """What the text costs as one message. The empty text is no segment."""
    gauge = _Gauge()
    for character in text:
        gauge.add(character)
    return Segments("GSM-7" if gauge.is_gsm else "UCS-2", gauge.meter.units, gauge.meter.segments)


def to_gsm(text: str) -> str:
    """Typographic quotes, dashes, spaces and dots as their plain twins, if that makes all of it GSM-7;
    otherwise the text as it is. One ’ would else turn 160 characters a segment into 70."""
    plain = text.translate(_LOOKALIKES)
    return plain if all(character in GSM_COST for character in plain) else text


def split(text: str, limit: int, characters: int = 1600) -> list[str]:
    """Parts of at most `limit` segments and `characters` UTF-16 units, none empty, no non-space character
    lost: cut after a sentence if that leaves the part half full, else between words, else before a URL that
    fits whole into the next part, else between graphemes."""
    text, parts, start = text.strip(), [], 0
    while start < len(text):
        cut = _cut(text, start, limit, characters)
        parts.append(text[start:cut].rstrip())
        start = _skip_space(text, cut)
    return parts


def _cut(text: str, start: int, limit: int, characters: int) -> int:
    end = _fitting(text, start, limit, characters)
    if end == len(text):
        return end
    half = start + (end - start) // 2
    for border, least in ((_SENTENCE_END, half), (_WORD_END, start)):
        cuts = (found.end() for found in border.finditer(text, start, end + 1))
        if clean := [cut for cut in cuts if least < cut <= end and _parts_cleanly(text, cut)]:
            return clean[-1]
    for url in _URL.finditer(text, start):
        if url.start() >= end:
            break
        whole = _fitting(text, url.start(), limit, characters) >= url.end()
        if start < url.start() < end < url.end() and whole and not _joins(text, url.start()):
            return url.start()
    return _grapheme_border(text, start, end)


def _fitting(text: str, start: int, limit: int, characters: int) -> int:
    """The end of the longest stretch from `start` that one part can hold; never less than one character."""
    gauge = _Gauge()
    for index in range(start, len(text)):
        gauge.add(text[index])
        if gauge.meter.segments > limit or gauge.ucs.units > characters:
            return max(index, start + 1)
    return len(text)


def _grapheme_border(text: str, start: int, end: int) -> int:
    """The last border between graphemes up to `end`; `end` itself when one grapheme fills the whole part."""
    cut = end
    while cut > start and not _parts_cleanly(text, cut):
        cut -= 1
    return cut if cut > start else end


def _parts_cleanly(text: str, cut: int) -> bool:
    return not _joins(text, cut) and not _joins(text, _skip_space(text, cut))


def _skip_space(text: str, index: int) -> int:
    while index < len(text) and text[index].isspace():
        index += 1
    return index


def _joins(text: str, index: int) -> bool:
    """Does the character at `index` belong to the grapheme before it? After Unicode UAX 29, without its
    tables: a little too willing to join, which costs nothing here."""
    if not 0 < index < len(text):
        return False
    before, here = text[index - 1], text[index]
    if here.isspace() or before in "\r\n":
        return False
    if before == _ZWJ or here in "\u200c\u200d" or unicodedata.category(here) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True  # skin tones; tags, as in the flag of Scotland
    if "\u1160" <= here <= "\u11ff":
        return True  # conjoining Hangul vowels and finals
    if unicodedata.combining(before) == _VIRAMA and unicodedata.category(here) == "Lo":
        return True
    return _is_flag_letter(here) and _flag_letters_before(text, index) % 2 == 1


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, index: int) -> int:
    first = index
    while first > 0 and _is_flag_letter(text[first - 1]):
        first -= 1
    return index - first

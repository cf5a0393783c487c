"""Telephone numbers, typed or spelled out, as E.164; phonenumbers says which ones can exist."""

import re
from collections.abc import Iterator

import phonenumbers

from domain.entities.base import Kind
from domain.entities.grammar import Found
from domain.entities.reading import Reading

_GROUP = r"(?:double |triple )?(?:\d{1,15}|oh?)"
_CANDIDATE = re.compile(
    rf"(?<![\w$€£#@/.,:])(?:\+ ?|\(\+?)?{_GROUP}(?:[ ,.()/-]{{1,3}}{_GROUP}){{0,15}}(?![\w@])"
)
_PIECE = re.compile(_GROUP)
_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4}")
_MONEY = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d\d?)?$")


def find(reading: Reading, country: str) -> list[Found]:
    return [found for m in _CANDIDATE.finditer(reading.text) for found in _first(m, country)]


def _first(m: re.Match[str], country: str) -> Iterator[Found]:
    """The longest stretch of whole groups that is a number: "35, 512 555 0100" holds one."""
    text = m[0]
    if sum(map(str.isdigit, text)) < 7 or _DATE.search(text) or _MONEY.match(text):
        return
    pieces = [(piece.start(), piece.end()) for piece in _PIECE.finditer(text)]
    for begin, end in _stretches(len(pieces)):
        start, stop = (0 if begin == 0 else pieces[begin][0]), pieces[end - 1][1]
        if number := e164(text[start:stop], country):
            yield Found(Kind.PHONE, number, m.start() + start, m.start() + stop)
            return


def _stretches(n: int) -> Iterator[tuple[int, int]]:
    """All of it, then without up to three groups at either end."""
    cuts = [(front, back) for front in range(4) for back in range(4) if front + back < n]
    return ((front, n - back) for front, back in sorted(cuts, key=sum))


def e164(text: str, country: str) -> str | None:
    """`text` holds digits, marks and the words oh, double, triple."""
    digits = _digits(text)
    if not 7 <= len(digits.lstrip("+")) <= 17:
        return None
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _digits(text: str) -> str:
    said = (_piece_digits(piece[0]) for piece in _PIECE.finditer(text))
    return ("+" if "+" in text[:3] else "") + "".join(said)


def _piece_digits(piece: str) -> str:
    """ "512", "oh", "double 5"."""
    times = {"d": 2, "t": 3}.get(piece[0], 1)
    digits = piece.split()[-1].replace("oh", "0").replace("o", "0")
    return digits[0] * times + digits[1:]

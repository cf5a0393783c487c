"""A person's own name, by the words that introduce it; never by looks alone."""

import re
from collections.abc import Iterator

from domain.entities.base import Kind
from domain.entities.grammar import Found
from domain.entities.reading import MASK, Reading
from domain.entities.words import spoken

_STRONG = re.compile(
    r"\b(?:(?:my |the )?(?:full |first |last )?name(?: is|'s|:)|call me|i go by|"
    r"i am called|me llamo|mi nombre(?: completo)? es|a nombre de|under the name(?: of)?) (?=\w)"
)
_WEAK = re.compile(
    r"\b(?:i'm|i am|im|this is|it's|it is|soy|habla|le habla|signed|regards,|thanks,|-) (?=\w)"
)
_SPEAKING = re.compile(r"(?=,? (?:speaking|here|calling|from|again)\b)")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*\.?")
_OPENING = re.compile(r"^(?:hi|hello|hey|hola)?[,!. ]{0,2}(?=\w)")
_HERE = re.compile(r",? (?:here|speaking)\b")
_PARTICLES = spoken("de del la las los van von der den di da dos bin ibn al el o mc mac st")
_STOP = spoken(
    "and but or from calling speaking here with i my at on the for to is was are am it its this that in "
    "of by as if so not no yes ok okay please thanks thank phone number email address again y con desde "
    "para pero mi su por que hi hello dr mr mrs ms miss can could would will just looking interested late "
    "sorry available free fine good great happy sure ready back done trying going waiting sick new client "
    "customer patient tenant buyer seller owner agent your you we they there sir madam a an very really "
    "still also only about monday tuesday wednesday thursday friday saturday sunday january february "
    "march april june july august september october november december today tomorrow tonight morning "
    "afternoon evening busy out home outside unable afraid glad hoping wondering having running coming "
    "leaving planning thinking una un cliente paciente nuevo nueva what who when where how why urgent "
    "important great ridiculous perfect correct right wrong okay regarding because american spanish "
    "english mexican driving working"
)

_SENTENCE = spoken(
    "a the and or but on at for to is was were are be been with would could should can not it that this these those there "
    "please some any have has had do does did want need like nor than then"
)


def is_sentence(words: str) -> bool:
    """Whether it holds small words that stand in no name, written small: "a cooler and a tube". "Will An" is one."""
    return any(word in _SENTENCE for word in words.split())


def find(reading: Reading) -> list[Found]:
    found = [
        *_after(_STRONG, reading, strong=True),
        *_after(_WEAK, reading, strong=False),
        *_before_here(reading),
    ]
    return _apart(found)


def _apart(found: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for each in found:
        if all(each.end <= other.start or each.start >= other.end for other in kept):
            kept.append(each)
    return kept


def _after(cue: re.Pattern[str], reading: Reading, *, strong: bool) -> Iterator[Found]:
    for m in cue.finditer(reading.text):
        words = list(_words(reading, m.end()))
        if words and (strong or _looks_like_one(reading, *words)):
            yield _found(reading, words[0][0], words[-1][1])


def _before_here(reading: Reading) -> Iterator[Found]:
    """ "Ann Lee here", "Hi, Ann Lee speaking": capitals needed."""
    opening = _OPENING.match(reading.text)
    words = list(_words(reading, opening.end() if opening else 0))
    if words and _HERE.match(reading.text, words[-1][1]) and _capital(reading, *words):
        yield _found(reading, words[0][0], words[-1][1])


def _words(reading: Reading, at: int) -> Iterator[tuple[int, int]]:
    """Up to four words of a name; a lower-case word after a capital one ends it, particles aside."""
    held: list[tuple[int, int]] = []
    first_capital = False
    for n in range(5):
        m = _WORD.match(reading.text, at)
        if m is None or m[0].rstrip(".").removesuffix("'s") in _STOP or MASK in m[0] or n == 4:
            return
        end = m.end() if len(m[0]) == 2 or not m[0].endswith(".") else m.end() - 1
        capital = _capital(reading, (at, end))
        first_capital = first_capital or (n == 0 and capital)
        if m[0] in _PARTICLES and n:
            held.append((at, end))
        elif first_capital and not capital:
            return
        else:
            yield from held
            held.clear()
            yield at, end
        if reading.text[end : end + 1] != " ":
            return
        at = end + 1


def _looks_like_one(reading: Reading, *words: tuple[int, int]) -> bool:
    """After "I'm" or "this is": capitals in a message that has small letters, or "… speaking"."""
    spoken = _SPEAKING.match(reading.text, words[-1][1])
    return _capital(reading, *words) or (spoken is not None and len(words) <= 3)


def _capital(reading: Reading, *words: tuple[int, int]) -> bool:
    said = [reading.words(*word) for word in words]
    shouting = reading.original[:500].isupper()
    small = [word for word in said if not word[:1].isupper() and word.lower() not in _PARTICLES]
    return not small and not shouting


def _found(reading: Reading, start: int, end: int) -> Found:
    return Found(Kind.NAME, spelled(reading.words(start, end)), start, end)


def spelled(name: str) -> str:
    """As written; written all small or all capital, with capitals where names have them."""
    if not (name.islower() or (name.isupper() and len(name) > 3)):
        return name
    return " ".join(word if word in _PARTICLES else word.title() for word in name.lower().split())

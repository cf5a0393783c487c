"""Number words to digits, one phrase at a time: "two hundred and five" → "205", "veintidós" → "22"."""

from collections.abc import Sequence
from typing import NamedTuple

from domain.entities import words

Words = Sequence[str]


class Said(NamedTuple):
    """What to write instead, and the index of the first word after it."""

    text: str
    after: int


def number_at(said: Words, at: int, spanish: bool) -> Said | None:
    """The longest number or ordinal that begins at `said[at]`; spaces and hyphens are items of their own."""
    return _idiom(said, at) or _ordinal(said, at) or _cardinal(said, at, spanish)


_IDIOMS = (
    (("half", " ", "a", " ", "dozen"), "6"),
    (("half", " ", "a", " ", "million"), "0.5 million"),
    (("media", " ", "docena"), "6"),
    (("a", " ", "dozen"), "12"),
    (("una", " ", "docena"), "12"),
    (("two", " ", "dozen"), "24"),
    (("a", " ", "couple", " ", "of"), "2"),
    (("couple", " ", "of"), "2"),
    (("un", " ", "par", " ", "de"), "2"),
)


def _idiom(said: Words, at: int) -> Said | None:
    if said[at] not in ("half", "a", "couple", "two", "un", "una", "media"):
        return None
    for phrase, text in _IDIOMS:
        if tuple(said[at : at + len(phrase)]) == phrase:
            return Said(text, at + len(phrase))
    return None


def _ordinal(said: Words, at: int) -> Said | None:
    """ "fifth" → "5eth", "twenty-first" → "21eth": not "th", so that the grammar can tell a spelled "first"
    (hardly ever a day) from "1st" (mostly one). "second" counts only where a day can be meant."""
    word, follow = said[at], _get(said, at + 2)
    if word in words.TENS and _get(said, at + 1) in (" ", "-") and words.ORDINALS.get(follow, 99) < 10:
        return Said(f"{words.TENS[word] + words.ORDINALS[follow]}eth", at + 3)
    if word not in words.ORDINALS:
        return None
    if word == "second" and not (
        _get(said, at - 2) == "the" or follow == "of" or follow in words.MONTHS or follow in words.WEEKDAYS
    ):
        return None
    return Said(f"{words.ORDINALS[word]}eth", at + 1)


def _cardinal(said: Words, at: int, spanish: bool) -> Said | None:
    opening = _opening(said, at, spanish)
    if opening is None:
        return None
    total, group, at = 0, *opening
    while (step := _step(said, at, total, group, spanish)) is not None:
        total, group, at = step
    if said[at : at + 6] == [" ", "and", " ", "a", " ", "half"] and not total:
        return Said(f"{group}.5", at + 6)
    return None if said[at - 1].isdigit() else Said(_written(total, group), at)


def _opening(said: Words, at: int, spanish: bool) -> tuple[int, int] | None:
    """The value of the first word and where the second begins; "a hundred" and "mil" leave a one unsaid."""
    word = said[at]
    if word in ("a", "an") and _get(said, at + 2) in ("hundred", "thousand", "million", "billion"):
        return 1, at + 1
    if word == "mil" and spanish and not _get(said, at - 2).isdigit():
        return 1, at
    if word.isdigit() and len(word) <= 3 and said[at + 1 : at + 7] == [" ", "and", " ", "a", " ", "half"]:
        return int(word), at + 1
    value = (
        None if word == "one" and _pronoun(said, at) else _value(word, spanish or _get(said, at - 2) == "las")
    )
    return None if value is None else (value, at + 1)


def _pronoun(said: Words, at: int) -> bool:
    """ "this one", "one of them", "I'd like one for Monday": a "one" that counts nothing."""
    before, after = _get(said, at - 2), _get(said, at + 2)
    counted = _get(said, at + 1) == " " and after not in words.AFTER_TAKEN
    return (
        before in words.WHICH
        or before in words.ORDINALS
        or after in words.AFTER_PRONOUN
        or (before in words.TAKING and not counted)
    )


def _step(said: Words, at: int, total: int, group: int, spanish: bool) -> tuple[int, int, int] | None:
    """(total, group, at) with one more word taken; `group` is what has not met its "thousand" yet."""
    joint, at = _joint(said, at)
    word = _get(said, at)
    if word == "hundred" and not joint and 0 < group < 100:
        return total, group * 100, at + 1
    scale = words.SCALES.get(word) if spanish or word != "mil" else None
    if scale and group and not joint and (not total or total % (scale * 1_000) == 0):
        return total + group * scale, 0, at + 1
    value = _value(word, spanish)
    if value and _fits(total, group, value, joint):
        return total, group + value, at + 1
    return None


def _joint(said: Words, at: int) -> tuple[str, int]:
    """The "and" or "y" that may stand between two number words, and where the next word is."""
    if _get(said, at) not in (" ", "-"):
        return "", at
    if _get(said, at + 1) in ("and", "y") and _get(said, at + 2) == " ":
        return said[at + 1], at + 3
    return "", at + 1


def _fits(total: int, group: int, value: int, joint: str) -> bool:
    """Whether `value` continues the group: "twenty|two", "treinta y|dos", "two hundred and|twelve"."""
    if not group:
        return total > 0
    if group % 100 == 0:
        return value < 100
    return value < 10 and group % 10 == 0 and group % 100 >= 20 and joint != "and"


def _value(word: str, spanish: bool) -> int | None:
    if word in words.ONLY_SPANISH and not spanish:
        return None
    return words.CARDINALS.get(word)


def _written(total: int, group: int) -> str:
    """Round thousands and millions keep their word, so that "between 300 and 400 thousand" can share it."""
    for name, size in (("million", 1_000_000), ("thousand", 1_000)):
        if total and not group and total % size == 0 and total < 1_000 * size:
            return f"{total // size} {name}"
    return str(total + group)


def _get(said: Words, at: int) -> str:
    return said[at] if 0 <= at < len(said) else ""

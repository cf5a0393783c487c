"""Reads STOP, START and HELP out of what a customer wrote, in English and Spanish; rules only, no model.

A clear request must be honoured at once and by any reasonable means of asking (47 CFR 64.1200(a)(10), in
force since 2025-04-11), while providers match messages of one word only: "STOP PLEASE" reaches us as ordinary
text. What only looks like such a wish is reported as not `certain`: the caller pauses and asks a person.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import re2
from rapidfuzz import fuzz

from domain import optout_phrases as phrases
from domain.messages import Keyword

LONGEST = 4000
"""Characters read. An e-mail may be endless; a request to stop stands in its first screens."""


@dataclass(frozen=True, slots=True)
class OptOutReading:
    """`matched` is the normalised words that decided, for the explanation shown to a person."""

    keyword: Keyword | None
    certain: bool
    matched: str


NOTHING = OptOutReading(None, False, "")


def classify(text: str) -> OptOutReading:
    """What the whole message asks for. STOP wins over START when both are said, unless the STOP is told as a
    mistake ("I texted stop by accident, please resume")."""
    if not might_ask(text[:LONGEST]) or _REACTION.match(text[:LONGEST].strip()):
        return NOTHING
    said = plain(text)
    if reading := _whole(said):
        return reading
    sentences = [_without(part, phrases.FILLERS) for part in said.split("|")]
    sentences = [part for part in sentences if part]
    pieces = [piece for part in sentences for piece in part.split(" , ")]
    if any(_BY_MISTAKE.search(part) for part in sentences):
        return _first(pieces, _START, Keyword.START) or NOTHING
    return (
        _stop_with_a_reason(pieces)
        or _stop(sentences)
        or _first(pieces, _START, Keyword.START)
        or _leading_stop(text, sentences)
        or NOTHING
    )


def might_ask(text: str) -> bool:
    """False when nothing in it can be a wish of these: most messages, at a tenth of what reading them costs."""
    if not text.isascii():
        return True
    text = text.casefold().translate(_LETTERS)
    words = text.split()
    letters = "".join(words)
    return (
        not _WORDS.isdisjoint(words)
        or _SIGN.search(letters) is not None
        or _LONG_STOP.search(letters) is not None
        or _NEARLY_UNSUBSCRIBE.search(text) is not None
    )


def plain(text: str) -> str:
    """Lower case without accents, apostrophes, emoji and invisible characters; chat spellings written out;
    ` , ` for commas and ` | ` between sentences; our quoted footers ("Reply STOP to opt out") left out."""
    text = text[:LONGEST].casefold() if text.isascii() else _without_marks(text[:LONGEST])
    text = _QUOTED.sub("\n", text)
    text = _SPACED_STOP.sub(" stop ", re.sub(r"['’‘`´]", "", text))
    text = re.sub(r"[.!?;:\n()\[\]{}…¡¿|—–]+|\s-+\s", " | ", text)
    text = re.sub(r"[^\w,|]+", " ", text.replace(",", " , "))
    words = " ".join(_spelling(word) for word in text.split())
    for pattern, spelling in _RESPELLED:
        words = pattern.sub(spelling, words)
    return _FOOTER.sub(" ", words).strip(" ,|")


def _without_marks(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("🛑", " stop ")
    text = unicodedata.normalize("NFD", text)
    return "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))


def _spelling(word: str) -> str:
    if _LONG_STOP.fullmatch(word):
        return "stop"
    return phrases.SPELLINGS.get(word, word)


def _whole(said: str) -> OptOutReading | None:
    """The message is a keyword and nothing else, give or take a courtesy."""
    joined = re.sub(r"[|,]", " ", said).replace("opt out", "optout").replace("stop all", "stopall")
    words = joined.split()
    core = [word for word in words if word not in phrases.COURTESIES] or words
    if not core:
        return None
    said_stop = [_is_stop_word(word) for word in core]
    bare = all(word in phrases.BARE_STOP_WORDS for word in words)
    others = {word for word, stops in zip(core, said_stop, strict=True) if not stops}
    if bare or (any(said_stop) and others <= phrases.BARE_STOP_WORDS):
        return OptOutReading(Keyword.STOP, True, " ".join(core))
    if len(core) > 1:
        return None
    word = core[0]
    if word in phrases.MAYBE_WORDS:
        return OptOutReading(Keyword.STOP, False, word)
    if word in phrases.START_WORDS:
        return OptOutReading(Keyword.START, True, word)
    if word in phrases.HELP_WORDS and len(words) == 1:
        return OptOutReading(Keyword.HELP, True, word)
    return None


def _is_stop_word(word: str) -> bool:
    """A keyword or a slip of the thumb. Only long words are compared loosely: "shop" is near STOP."""
    if word in phrases.STOP_WORDS or word in phrases.TYPOS:
        return True
    return word[:2] == "un" and word[-2:] != "ed" and fuzz.ratio(word, "unsubscribe") >= 85


def _stop(sentences: list[str]) -> OptOutReading | None:
    """The first sure phrase, else the first doubtful one."""
    doubtful: str | None = None
    for sentence in sentences:
        for match in _matches(sentence, _SURE):
            if not _SOFTENED_AFTER.match(sentence[match.end() :]):
                return OptOutReading(Keyword.STOP, True, match.group())
            doubtful = doubtful or match.group()
    if doubtful:
        return OptOutReading(Keyword.STOP, False, doubtful)
    return _first(sentences, _MAYBE, Keyword.STOP, certain=False)


def _stop_with_a_reason(pieces: list[str]) -> OptOutReading | None:
    """STOP by itself beside a second sign of not wanting us: "STOP. Not interested", "Stop, wrong number"."""
    alone = next((piece for piece in pieces if piece in phrases.STOP_WORDS), None)
    others = [piece for piece in pieces if piece not in phrases.STOP_WORDS]
    if alone and (reason := _first(others, _MAYBE, Keyword.STOP)):
        return OptOutReading(Keyword.STOP, True, f"{alone} | {reason.matched}")
    return None


@dataclass(frozen=True, slots=True)
class _Phrases:
    each: tuple[re.Pattern[str], ...]
    any: re.Pattern[str]
    """Matches where one of them does. Asked first: most sentences hold none, and this says so three times as
    fast as all of them."""

    @classmethod
    def of(cls, patterns: tuple[str, ...]) -> "_Phrases":
        words = "|".join(_grouped(one) for one in patterns if not _is_anchored(one))
        anchored = [_grouped(one) for one in patterns if _is_anchored(one)]
        each = tuple(_regex(pattern) for pattern in patterns)
        return cls(each, re.compile("|".join([rf"(?<!\w)(?:{words})", *anchored])))


def _matches(sentence: str, wanted: _Phrases) -> Iterable[re.Match[str]]:
    """Every phrase that stands in the sentence and is not turned around by the words before it."""
    if not wanted.any.search(sentence):
        return
    for pattern in wanted.each:
        for match in pattern.finditer(sentence):
            before = sentence[: match.start()].rstrip()
            allowed = _ALLOWED_BEFORE.search(before) and not _DENIED_BEFORE.search(before)
            if allowed or not _REFUSED_BEFORE.search(before):
                yield match


def _first(
    sentences: list[str], wanted: _Phrases, keyword: Keyword, *, certain: bool = True
) -> OptOutReading | None:
    for sentence in sentences:
        for match in _matches(sentence, wanted):
            return OptOutReading(keyword, certain, match.group())
    return None


def _leading_stop(text: str, sentences: list[str]) -> OptOutReading | None:
    """A message that opens or closes with STOP and says something else beside it, such as "STOP, I cannot
    come" (the case of Spoke #1016): neither ignored nor taken at its word, but asked about."""
    if not sentences:
        return None
    first, last = sentences[0], sentences[-1]
    alone = re.match(r"(?:stop|alto|basta|unsubscribe)(?: ,|$)", first) or re.search(r"(?:^|, )stop$", last)
    shouted = re.match(r"\W*STOP\b", text) and text.upper() != text and not _BENIGN_STOP.match(first)
    if alone or shouted:
        return OptOutReading(Keyword.STOP, False, "stop")
    return None


def _without(sentence: str, words: frozenset[str]) -> str:
    kept = " ".join(word for word in sentence.split() if word not in words)
    return re.sub(r"(?:, )*, ", ", ", kept).strip(" ,")


def _regex(pattern: str) -> re.Pattern[str]:
    """A phrase starts where a word starts."""
    grouped = _grouped(pattern)
    return re.compile(grouped if _is_anchored(pattern) else rf"(?<!\w)(?:{grouped})")


def _grouped(pattern: str) -> str:
    """The tables write `(` for `(?:`."""
    return re.sub(r"\((?!\?)", "(?:", pattern)


def _is_anchored(pattern: str) -> bool:
    return pattern.startswith(("^", "(?"))


_SURE = _Phrases.of(phrases.SURE)
_MAYBE = _Phrases.of(phrases.MAYBE)
_START = _Phrases.of(phrases.START)
_ALLOWED_BEFORE = _regex(phrases.ALLOWED_BEFORE)
_REFUSED_BEFORE = _regex(phrases.REFUSED_BEFORE)
_DENIED_BEFORE = _regex(phrases.DENIED_BEFORE)
_SOFTENED_AFTER = _regex(phrases.SOFTENED_AFTER)
_BY_MISTAKE = _regex(phrases.BY_MISTAKE)
_BENIGN_STOP = _regex(phrases.BENIGN_STOP)
_QUOTED = _regex(phrases.QUOTED)
_FOOTER = _regex(phrases.FOOTER)
_REACTION = _regex(phrases.REACTION)
_RESPELLED = tuple((_regex(pattern), spelling) for pattern, spelling in phrases.RESPELLED)
_LONG_STOP = re.compile(r"s+t+o+p+")
_NEARLY_UNSUBSCRIBE = re.compile(r"\bun\w{6}")
_WORDS = (
    phrases.STOP_WORDS
    | phrases.BARE_STOP_WORDS
    | phrases.TYPOS
    | phrases.MAYBE_WORDS
    | phrases.START_WORDS
    | phrases.HELP_WORDS
    | {written for written, meant in phrases.SPELLINGS.items() if meant == "stop"}
)
_SIGN = re2.compile("|".join(phrases.SIGNS))
_LETTERS = str.maketrans(
    {
        character: "" if character in "'`" else " "
        for character in map(chr, range(128))
        if not character.isalpha()
    }
)
_SPACED_STOP = re.compile(r"(?<!\w)s[\s.\-_*]+t[\s.\-_*]+o[\s.\-_*]+p(?!\w)")

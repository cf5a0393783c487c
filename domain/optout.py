"""Reads STOP, START and HELP out of what a customer wrote, in English and Spanish; rules only, no model.

A clear request must be honoured at once and by any reasonable means of asking (47 CFR 64.1200(a)(10), in force
since 2025-04-11), while providers only match messages of one word: "STOP PLEASE" reaches us as ordinary text.
What only looks like such a wish is reported as not `certain`: the caller pauses and asks a person.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

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
    if _REACTION.match(text[:LONGEST].strip()):
        return NOTHING
    said = plain(text)
    if reading := _whole(said):
        return reading
    sentences = [_without(part, phrases.FILLERS) for part in said.split("|")]
    sentences = [part for part in sentences if part]
    pieces = [piece for part in sentences for piece in part.split(" , ")]
    if any(_BY_MISTAKE.search(part) for part in sentences):
        return _first(pieces, _START, Keyword.START) or NOTHING
    return _stop(sentences) or _first(pieces, _START, Keyword.START) or _leading_stop(text, sentences) or NOTHING


def plain(text: str) -> str:
    """Lower case without accents, apostrophes, emoji and invisible characters; chat spellings written out;
    ` , ` for commas and ` | ` between sentences; our own quoted footers ("Reply STOP to opt out") left out."""
    text = unicodedata.normalize("NFKC", text[:LONGEST]).casefold().replace("🛑", " stop ")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) not in ("Mn", "Cf"))
    text = _QUOTED.sub("\n", text)
    text = _SPACED_STOP.sub(" stop ", re.sub(r"['’‘`´]", "", text))
    text = re.sub(r"[.!?;:\n()\[\]{}…¡¿|—–]+|\s-+\s", " | ", text)
    text = re.sub(r"[^\w,|]+", " ", text.replace(",", " , "))
    words = " ".join(_spelling(word) for word in text.split())
    for pattern, spelling in _RESPELLED:
        words = pattern.sub(spelling, words)
    return _FOOTER.sub(" ", words).strip(" ,|")


def _spelling(word: str) -> str:
    if _LONG_STOP.fullmatch(word):
        return "stop"
    return phrases.SPELLINGS.get(word, word)


def _whole(said: str) -> OptOutReading | None:
    """The message is a keyword and nothing else, give or take a courtesy."""
    words = said.replace("|", " ").replace(",", " ").replace("opt out", "optout").replace("stop all", "stopall").split()
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
    """A keyword or a slip of the thumb. Only long words are compared loosely: "shop" is one letter off STOP."""
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


def _matches(sentence: str, patterns: tuple[re.Pattern[str], ...]) -> Iterable[re.Match[str]]:
    """Every phrase that stands in the sentence and is not turned around by the words before it."""
    for pattern in patterns:
        for match in pattern.finditer(sentence):
            before = sentence[: match.start()].rstrip()
            if _ALLOWED_BEFORE.search(before) and not _DENIED.search(before):
                yield match
            elif not _REFUSED_BEFORE.search(before):
                yield match


def _first(
    sentences: list[str], patterns: tuple[re.Pattern[str], ...], keyword: Keyword, *, certain: bool = True
) -> OptOutReading | None:
    for sentence in sentences:
        for match in _matches(sentence, patterns):
            return OptOutReading(keyword, certain, match.group())
    return None


def _leading_stop(text: str, sentences: list[str]) -> OptOutReading | None:
    """A message that opens or closes with STOP and says something else beside it: "STOP, I cannot come"
    (Spoke #1016 treats it as an opt-out, a provider does not; we ask)."""
    if not sentences:
        return None
    first, last = sentences[0], sentences[-1]
    alone = re.match(r"(?:stop|alto|basta|unsubscribe)(?: ,|$)", first) or re.search(r"(?:^|, )stop$", last)
    shouted = re.match(r"\W*STOP\b", text) and not _benign(first) and text.upper() != text
    if alone or shouted:
        return OptOutReading(Keyword.STOP, False, "stop")
    return None


def _benign(sentence: str) -> bool:
    return bool(_BENIGN_STOP.match(sentence))


def _without(sentence: str, words: frozenset[str]) -> str:
    kept = " ".join(word for word in sentence.split() if word not in words)
    return re.sub(r"(?:, )*, ", ", ", kept).strip(" ,")


def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"(?<!\w)(?:{pattern})" if pattern[0] != "^" else pattern) for pattern in patterns)


_SURE = _compiled(phrases.SURE)
_MAYBE = _compiled(phrases.MAYBE)
_START = _compiled(phrases.START)
_ALLOWED_BEFORE = re.compile(phrases.ALLOWED_BEFORE)
_REFUSED_BEFORE = re.compile(phrases.REFUSED_BEFORE)
_DENIED = re.compile(phrases.DENIED_BEFORE)
_SOFTENED_AFTER = re.compile(phrases.SOFTENED_AFTER)
_BY_MISTAKE = re.compile(phrases.BY_MISTAKE)
_BENIGN_STOP = re.compile(phrases.BENIGN_STOP)
_RESPELLED = tuple((re.compile(pattern), spelling) for pattern, spelling in phrases.RESPELLED)
_LONG_STOP = re.compile(r"s+t+o+p+")
_SPACED_STOP = re.compile(r"(?<!\w)s[\s.\-_*]+t[\s.\-_*]+o[\s.\-_*]+p(?!\w)")
_QUOTED = re.compile(r"(?m)^\s*>.*$|^\s*(?:sent from|enviado desde) m[iy] [\w ]{2,30}\s*$|^on .{5,80} wrote:\s*$[\s\S]*")
_FOOTER = re.compile(
    r"\b(?:reply|replying|text|texting|send|txt|responda|responde|envie|conteste) (?:with )?(?:stop|alto|baja|end|help|start)"
    r" (?:to|2|para|and|or)(?: (?:opt out|unsubscribe|end|cancel|quit|stop|cancelar|terminar|no recibir mas))?(?: (?:messages|texts|mensajes))?"
)
_REACTION = re.compile(
    r"(?is)^(?:liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|removed an? \w+ from|reacted \S+ to|.{1,6} (?:to|a)"
    r"|le (?:gustó|encantó|dio risa|hizo gracia|puso \S+ a)|le gusto|a .{1,30} le (?:gustó|encantó)) [“\"«].*"
)
"""An iPhone's or Android's reaction to a message of ours arrives as text that quotes it, footer and all."""

"""Is another machine answering us? A few counts over the last minutes; nothing is learnt or guessed.

Two bots that answer each other cost a message each way until somebody's money is gone. Every rule needs
what a person does not do: the same long sentence after each of our answers, our own words sent back, or
answers faster than ours can be read. A person who types in bursts, or says "yes" five times, trips none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

SAME_TEXT: Final = 3
"""The same incoming text this often, an answer of ours between each two …"""
SAME_WITHIN: Final = timedelta(minutes=5)
SENTENCE: Final = 20
"""… and at least this many characters: "yes", "ok" and "1" are said to many questions."""
LONG_SENTENCE: Final = 50
"""From here on figures are ignored, as in ticket numbers; below, "can you do 3:30 on tuesday?" is a new question."""
SAME_QUESTION: Final = 6
"""A short question needs more: who is not content with an answer asks again, word for word."""
_QUESTION: Final = re.compile(r"[^.!?;\n]{1,80}\?+\s*")
"""Nothing but a question: a machine's opens or ends with other words."""
ECHOES: Final = 2
"""Incoming texts that are word for word what we had just said."""
REPLIES: Final = 12
"""Our messages in ten minutes …"""
REPLIES_WITHIN: Final = timedelta(minutes=10)
INSTANT: Final = timedelta(seconds=3)
INSTANT_SHARE: Final = 0.8
"""… of which this share was answered within three seconds: nobody reads and types that fast twelve times."""


class LoopReason(StrEnum):
    REPEATS = "repeats"  # the same sentence after each of our answers
    ECHO = "echo"  # our own words come back
    TOO_FAST = "too_fast"  # answers come before ours can be read


@dataclass(frozen=True, slots=True)
class Beat:
    """One message of either side."""

    at: datetime
    incoming: bool
    text: str


@dataclass(frozen=True, slots=True)
class Recent:
    """What the gate counts: our automatic replies of the last ten minutes, and how often among them
    these very words were sent."""

    replies: int = 0
    identical: int = 0


def is_loop(exchange: Sequence[Beat], now: datetime) -> LoopReason | None:
    """The first rule that the last ten minutes break; beats may come in any order."""
    beats = sorted(_since(exchange, now - REPLIES_WITHIN), key=lambda beat: beat.at)
    if _repeats(_since(beats, now - SAME_WITHIN)):
        return LoopReason.REPEATS
    if _echoes(beats) >= ECHOES:
        return LoopReason.ECHO
    if _too_fast(beats):
        return LoopReason.TOO_FAST
    return None


def recent(exchange: Sequence[Beat], text: str, now: datetime) -> Recent:
    """The counts for `gate.Facts.recent` before `text` is sent."""
    ours = [beat for beat in _since(exchange, now - REPLIES_WITHIN) if not beat.incoming]
    same = _words(text)
    return Recent(replies=len(ours), identical=sum(_words(beat.text) == same for beat in ours))


def looks_automatic(text: str) -> bool:
    """The words themselves say that a machine wrote them: an auto-reply, an out-of-office note. Such a
    message is kept and shown but not answered; one is enough, while `is_loop` needs an exchange. Being away
    is not automatic ("I'm out of the office until 3, can we do 4?"); saying what happens meanwhile is."""
    words = normalised(text)
    return bool(_AUTOMATIC.search(words) or (_AWAY.search(words) and _AWAY_NOTE.search(words)))


def normalised(text: str) -> str:
    """Lower case, letters only."""
    return " ".join(re.sub(r"[\W\d_]+", " ", text.casefold()).split())


def _sentence(text: str) -> str:
    """What is the same when it comes again."""
    letters = normalised(text)
    return letters if len(letters) >= LONG_SENTENCE else " ".join(_words(text))


def _words(text: str) -> list[str]:
    """As `normalised`, figures kept: "2:00 is free" and "3:00 is free" are two answers."""
    return text.casefold().split()


def _since(exchange: Sequence[Beat], start: datetime) -> list[Beat]:
    return [beat for beat in exchange if beat.at > start]


def _repeats(beats: list[Beat]) -> bool:
    """Some sentence came SAME_TEXT times, or as a bare question SAME_QUESTION times, each after a message of ours that
    followed the one before."""
    rounds: dict[str, tuple[int, int]] = {}  # text → (times counted, our messages seen by then)
    ours = 0
    for beat in beats:
        if not beat.incoming:
            ours += 1
            continue
        words = _sentence(beat.text)
        times, seen = rounds.get(words, (0, -1))
        if len(words) >= SENTENCE and ours > seen:
            rounds[words] = (times + 1, ours)
            if times + 1 >= (SAME_QUESTION if _QUESTION.fullmatch(beat.text.strip()) else SAME_TEXT):
                return True
    return False


def _echoes(beats: list[Beat]) -> int:
    """How many of our last words came straight back."""
    return sum(
        theirs.incoming and not ours.incoming and _words(ours.text) == _words(theirs.text)
        for ours, theirs in pairwise(beats)
        if len(normalised(ours.text)) >= SENTENCE
    )


def _too_fast(beats: list[Beat]) -> bool:
    """Enough of our messages, nearly all of them answered at once. Fragments of one burst count once:
    only the first message after ours is looked at."""
    ours = [beat for beat in beats if not beat.incoming]
    if len(ours) < REPLIES:
        return False
    answered = sum(
        theirs.incoming and not mine.incoming and theirs.at - mine.at <= INSTANT
        for mine, theirs in pairwise(beats)
    )
    return answered >= INSTANT_SHARE * len(ours)


_AUTOMATIC_PHRASES: Final = (
    r"\b(this is|you have reached) an? (automated|automatic|auto generated)( \w+)?"
    r" (message|reply|response|text|e ?mail|notification)\b",
    r"\bthis (message|text|e ?mail) (was|is|has been) (sent )?(automatically|(auto|computer) generated)\b",
    r"^(re )?auto(matic|mated)? ?(reply|response|responder)\b",
    r"\b(do not|don t) reply to this\b|^please do not reply\b",
    r"\b(mailbox|inbox|number|line) is (not|un) ?monitored\b",
    r"\bdriving with do not disturb\b",
    r"\bthank(s| you) for (contacting|messaging|texting|reaching out to|your (message|inquiry))\b"
    r".{0,80}\b(will|ll) (be in touch|be with you|get back to you|respond|reply|contact you)\b",
    r"\bwe (have )?received your (message|text|inquiry|request) and\b",
    r"\b(message|text) (could not be|was not) delivered\b",
    r"\bmessage blocking is active\b|\bundeliverable\b",
    r"^(respuesta automática|mensaje automático)\b|\bgenerado automáticamente\b",
    r"\b(es|este es) (un|una) (mensaje|respuesta) automátic[oa]\b",
    r"\bno (responda|responder|conteste|contestar) (a )?este (mensaje|correo|número)\b",
    r"\bgracias por (contactar|comunicarse|escribir)\w*\b.{0,80}\b(responder|contestar|atender)emos\b",
)
_AUTOMATIC: Final = re.compile("|".join(_AUTOMATIC_PHRASES))
_AWAY: Final = re.compile(
    r"\b(out of (the )?office|on (vacation|annual leave|parental leave|maternity leave)"
    r"|fuera de (la )?oficina|de vacaciones)\b"
)
_AWAY_NOTE: Final = re.compile(
    r"\b(limited access|when i return|upon my return|(will|ll) (respond|reply|get back)|in my absence"
    r"|(for|if (this|it) is|if you need) (urgent|immediate)|urgent matters|please contact|auto\w*"
    r"|a mi regreso|cuando regrese|responderé|para (asuntos )?urgen\w+|en caso de urgencia)\b"
)

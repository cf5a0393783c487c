"""Which sentences of a burst the workspace's documents are asked about, and with which words."""

import re
from collections.abc import Sequence

from dialogue import hours
from dialogue.understand.local import BUILT_IN, weight
from dialogue.vocabulary import content, kind_words, topic
from domain.turn import Part, Passage, Turn

LIMIT = 5
"""Passages that are asked for."""
MOST = 3
"""Questions of one burst that are answered; a fourth is for a person to read."""
_DOCUMENTED = frozenset({"ask_price", "ask_payment", "ask_location", "ask_knowledge", "unknown"})
_HOLIDAY = re.compile(
    r"holiday|thanksgiving|christmas|xmas|new year|easter|labor day|memorial day|4th of july|fourth of july|"
    r"independence day|navidad|a[ñn]o nuevo|acci[oó]n de gracias|feriado|festivo|semana santa",
    re.IGNORECASE,
)


def questions(turn: Turn) -> tuple[Part, ...]:
    """The sentences that want something, in the order they were said; pleasantries are not among them."""
    understood = turn.understood
    if understood is None:
        return ()
    wanting = [part for part in understood.parts if weight(part.intent) >= 5]
    if wanting:
        return tuple(wanting[:MOST])
    return tuple(part for part in understood.parts if part.intent == "unknown" and part.text)[:1]


def documented(part: Part, turn: Turn) -> bool:
    """The documents are where its answer would be."""
    if part.intent == "ask_hours":
        return not hours.known(turn.profile.hours) or bool(_words(part))
    return part.intent in _DOCUMENTED or part.intent not in BUILT_IN


def on_holiday(part: Part) -> bool:
    """The week's opening hours say nothing about it."""
    return bool(_HOLIDAY.search(part.text))


def query(part: Part, turn: Turn) -> str:
    """The words of the customer that say what it is about; if there are none, the topic and what they chose
    earlier. Words that only say which kind of question it is would count against every passage."""
    if words := _words(part):
        return " ".join(words)
    about = topic(part.intent, turn.understood.language if turn.understood else "en")
    said = [word for word in content(part.text) if word in about.split()]
    if said:
        return " ".join(said)
    chosen = _chosen(turn) if part.intent == "ask_price" else []
    return " ".join(chosen) or about or part.text


def _words(part: Part) -> list[str]:
    known = kind_words(part.intent)
    return [word for word in content(part.text) if word not in known and not word.isdigit()]


def _chosen(turn: Turn) -> list[str]:
    fields = (field for field in turn.profile.fields if field.type == "choice" and field.name in turn.context)
    return [str(turn.context[field.name].value) for field in fields]


def merge(found: Sequence[Passage]) -> tuple[Passage, ...]:
    """One of each, best first."""
    best: dict[object, Passage] = {}
    for passage in found:
        if passage.id not in best or best[passage.id].score < passage.score:
            best[passage.id] = passage
    return tuple(sorted(best.values(), key=lambda passage: -passage.score))

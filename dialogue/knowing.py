"""Which sentences of a burst the workspace's documents are asked about, and with which words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dialogue import hours
from dialogue.understand.local import BUILT_IN, weight
from dialogue.vocabulary import content, kind_words, topic, variants
from domain import fair_housing
from domain.turn import NameContact, Part, Passage, SetField, Turn

LIMIT = 5
"""Passages that are asked for."""
BARE = frozenset({"unknown", "give_information"})
"""A few words that fill no field may be a question all the same: "delta dental"."""
FORM = 4
"""Digits of a figure that names something: form 1099."""
MOST = 3
"""Questions of one burst that are answered; a fourth is for a person to read."""
_DOCUMENTED = frozenset(
    {"ask_price", "ask_payment", "ask_location", "ask_knowledge", "unknown", "give_information", "urgent"}
)
_HOLIDAY = re.compile(
    r"holiday|thanksgiving|christmas|xmas|new year|easter|labor day|memorial day|4th of july|fourth of july|"
    r"independence day|navidad|a[ñn]o nuevo|acci[oó]n de gracias|feriado|festivo|semana santa",
    re.IGNORECASE,
)


_SELF_PAY = re.compile(
    r"\b(?:w/o|without|no|(?:don'?t|do not) have|sin|no tengo)(?: any)? (?:insurance|seguro)\b|\bout of pocket\b",
    re.IGNORECASE,
)
"""Prices are without it: it says nothing of what is bought."""


def questions(turn: Turn) -> tuple[Part, ...]:
    """The sentences that want something, in the order they were said; pleasantries are not among them."""
    understood = turn.understood
    if understood is None:
        return ()
    wanting = [part for part in understood.parts if weight(part.intent) >= 5]
    if wanting:
        return tuple(wanting[:MOST])
    if any(isinstance(effect, SetField | NameContact) for effect in turn.effects):
        return ()
    return tuple(part for part in understood.parts if part.intent in BARE and part.text)[:1]


def documented(part: Part, turn: Turn) -> bool:
    """The documents are where its answer would be."""
    if part.intent == "ask_hours":
        return not hours.known(turn.profile.hours) or bool(_words(part))
    if part.intent == "fair_housing":
        return fair_housing.asks_for_sources(part.text)
    return part.intent in _DOCUMENTED or part.intent not in BUILT_IN


def on_holiday(part: Part) -> bool:
    """The week's opening hours say nothing about it."""
    return bool(_HOLIDAY.search(part.text))


def query(part: Part, turn: Turn) -> str:
    """The words of the customer that say what it is about; if there are none, the topic and what they chose
    earlier. Words that only say which kind of question it is would count against every passage."""
    about = topic(part.intent, turn.understood.language if turn.understood else "en")
    if part.intent == "fair_housing":
        return about
    if part.intent == "urgent":
        return f"{about} {_when_urgent(turn)}".strip()
    if words := _words(part):
        return " ".join(words)
    if part.intent == "ask_price" and (meant := _meant(part, turn)):
        return " ".join(meant)
    said = [word for word in content(part.text) if word in about.split()]
    return " ".join(said) or about or part.text


def sentence(part: Part, query: str) -> str:
    """What is meant, in whole: "what does it cost?" with the service that was chosen before."""
    return part.text if set(query.split()) & set(content(part.text)) else f"{part.text} {query}"


def queries(part: Part, turn: Turn) -> tuple[str, ...]:
    """What is searched for. The words of a topic stand for each other, and each is looked for by itself."""
    asked, about = query(part, turn), topics(part, turn)
    if about and set(asked.split()) <= set(about):
        return about
    return tuple(variants(asked.split())) if _words(part) else (asked,)


def topics(part: Part, turn: Turn) -> tuple[str, ...]:
    language = turn.understood.language if turn.understood else "en"
    about = topic(part.intent, language)
    return tuple(f"{about} {_when_urgent(turn) if part.intent == 'urgent' else ''}".split())


def _when_urgent(turn: Turn) -> str:
    """Whom to turn to depends on whether somebody is there."""
    if not hours.known(turn.profile.hours) or hours.closing(turn.profile.hours, turn.now):
        return ""
    language = turn.understood.language if turn.understood else "en"
    return topic("urgent_closed", language)


def _words(part: Part) -> list[str]:
    known = kind_words(part.intent)
    text = _SELF_PAY.sub(" ", part.text) if part.intent == "ask_price" else part.text
    return [word for word in content(text) if word not in known and not (word.isdigit() and len(word) < FORM)]


def leans(part: Part, turn: Turn) -> Part | None:
    """The sentence before, where a question names nothing itself: "Do you do whitening? How much?" """
    parts = turn.understood.parts if turn.understood else ()
    if part.intent != "ask_price" or _words(part) or part not in parts:
        return None
    before = parts[parts.index(part) - 1] if parts.index(part) else None
    asks = before and before.intent not in BARE and documented(before, turn)
    return before if before and asks and _words(before) else None


def _meant(part: Part, turn: Turn) -> list[str]:
    """What a question of a price that names nothing is of: chosen just now, named just before, or chosen earlier."""
    fresh = {one.name: one.value for one in turn.effects if isinstance(one, SetField)}
    earlier = {name: value.value for name, value in turn.context.items()}
    before = leans(part, turn)
    return _chosen(turn, fresh) or (_words(before) if before else []) or _chosen(turn, earlier)


def _chosen(turn: Turn, values: Mapping[str, Any]) -> list[str]:
    return [str(values[f.name]) for f in turn.profile.fields if f.type == "choice" and f.name in values]


def merge(found: Sequence[Passage]) -> tuple[Passage, ...]:
    """One of each, best first."""
    best: dict[object, Passage] = {}
    for passage in found:
        if passage.id not in best or best[passage.id].score < passage.score:
            best[passage.id] = passage
    return tuple(sorted(best.values(), key=lambda passage: -passage.score))

"""Every figure and link that leaves must stand somewhere we trust: documents, profile, context, what
was written. A reply with any other is not sent but shown to a person. Deterministic; says what it missed."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from dialogue import words
from dialogue.asking import context_of, summary
from domain import advice, fair_housing
from domain.disclosure import disclosure
from domain.turn import Reply, Turn

_LINK = re.compile(
    r"(?:https?://|www\.)[^\s)\]>\"']+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|io|ly|co|info|biz|me|app|dev)\b(?:/\S*)?",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?\(?\d[\d\s().-]{7,}\d")
_TIME = re.compile(
    r"\b(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*([ap])\.?\s?m\b\.?|\b(\d{1,2}):(\d{2})\b|T(\d{2}):(\d{2})", re.I
)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?\s*(k|mil|thousand|m|million|millones)?\b", re.I)
_SCALES = {
    "k": 1000,
    "mil": 1000,
    "thousand": 1000,
    "m": 1_000_000,
    "million": 1_000_000,
    "millones": 1_000_000,
}
Figure = tuple[str, str]
"""Kind and normal form."""
Reader = Callable[[re.Match[str]], Figure | None]
Sources = tuple[list[str], list[str]]
"""Texts to quote from: those that change seldom, and those of this turn."""
LEAK = 24
"""Characters of the instructions that, said word for word, are a leak and no coincidence."""


def guard(turn: Turn) -> Turn:
    """Marks a reply that says what nothing supports as not grounded."""
    if turn.reply is None:
        return turn
    faults = complaints(turn.reply, turn)
    if not faults:
        return turn.noting("Guard: every figure and link has a source.")
    return replace(turn, reply=replace(turn.reply, grounded=False)).noting(f"Guard: {'; '.join(faults)}.")


def complaints(reply: Reply, turn: Turn) -> list[str]:
    found = _unsupported(reply, turn)
    if turn.profile.workspace.industry == "real_estate" and fair_housing.describes(reply.text):
        found.append("it describes who lives somewhere or rates an area")
    if turn.profile.workspace.industry == "finance" and advice.gives(reply.text):
        found.append("it gives advice, or a forecast")
    return found + (["it repeats the instructions"] if _leaks(reply.text, turn) else [])


def _unsupported(reply: Reply, turn: Turn) -> list[str]:
    """The sources are long: they are read only for a reply that says something they must support."""
    loose, links = figures(reply.text), _links(reply.text)
    if not loose and not links:
        return []
    standing, passing = _sources(turn) if reply.model else _trusted(turn)
    for text in standing:
        found = _stands_in(text)
        loose, links = loose - found[0], links - found[1]
    for text in passing if loose or links else ():
        loose, links = loose - figures(text), links - _links(text)
    faults = [f"nothing supports {kind} {value}" for kind, value in sorted(loose)]
    return faults + [f"no source has the link {link}" for link in sorted(links)]


@lru_cache(maxsize=128)
def _stands_in(text: str) -> tuple[frozenset[Figure], frozenset[str]]:
    """Figures and links of what is the same in turn after turn."""
    return frozenset(figures(text)), frozenset(_links(text))


def figures(text: str) -> set[Figure]:
    """Telephone numbers, times and numbers in one notation: "5 PM" is "17:00" and "$450k" is "450000"."""
    found: set[Figure] = set()
    text = _take(_PHONE, text, found, _phone)
    text = _take(_TIME, text, found, _time)
    _take(_NUMBER, text, found, _number)
    return found


def _take(pattern: re.Pattern[str], text: str, found: set[Figure], read: Reader) -> str:
    """Adds what the pattern finds and blanks it, so that the next pattern does not read it again."""

    def keep(match: re.Match[str]) -> str:
        figure = read(match)
        if figure is None:
            return match[0]
        found.add(figure)
        return " "

    return pattern.sub(keep, text)


def _phone(match: re.Match[str]) -> Figure | None:
    digits = re.sub(r"\D", "", match[0])
    return ("telephone number", digits[-10:]) if 10 <= len(digits) <= 15 else None


def _time(match: re.Match[str]) -> Figure | None:
    hour = int(match[1] or match[4] or match[6])
    minute = int(match[2] or match[5] or match[7] or 0)
    if match[3] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
    return ("time", f"{hour:02}:{minute:02}") if hour < 24 and minute < 60 else None


def _number(match: re.Match[str]) -> Figure | None:
    try:
        value = Decimal(re.sub(r"[^\d.]", "", match[0])) * _SCALES.get((match[1] or "").lower(), 1)
    except InvalidOperation:
        return None
    return "figure", f"{value.normalize():f}"


def _links(text: str) -> set[str]:
    return {match[0].lower().rstrip(".,;:") for match in _LINK.finditer(text)}


def _trusted(turn: Turn) -> Sources:
    """Everything that a reply may quote."""
    profile = turn.profile
    own = profile.model_dump_json(
        exclude={"channels": {"__all__": {"credentials"}}, "intents": True, "rules": True, "models": True,
                 "skills": {"rasa"}}
    )  # fmt: skip
    context = [str(value.value) for value in context_of(turn).values()]
    readings = [summary(turn, language) for language in words.LANGUAGES]
    said = [line.text for line in (*turn.history, *turn.burst)]
    passages = [f"{passage.source} {passage.heading} {passage.text}" for passage in turn.passages]
    skill = [*([turn.spoken.text] if turn.spoken else []), *turn.added]
    return [own, *_literals()], [*context, *readings, *said, *passages, *skill]


def _sources(turn: Turn) -> Sources:
    """What a model may quote: documents, opening hours and names. What the customer wrote is no source (they may have
    written it to hear it back), and neither is what we said before, which they may have made us say."""
    profile = turn.profile
    own = profile.model_dump_json(
        include={"workspace": {"name"}, "hours": True, "assistant": {"name", "greeting"}}
    )
    passages = [f"{passage.source} {passage.heading} {passage.text}" for passage in turn.passages]
    return [own, *_literals(), *(disclosure(profile, one) for one in words.LANGUAGES)], passages


def _literals() -> list[str]:
    """What our own templates say."""
    return [words.literals(language) for language in words.LANGUAGES]


def _leaks(text: str, turn: Turn) -> bool:
    """Whether the business's instructions to the assistant are read out."""
    said = " ".join(text.casefold().split())
    lines = re.split(r"[.!?\n]+", turn.profile.assistant.instructions.casefold())
    return any(line in said for line in (" ".join(raw.split()) for raw in lines) if len(line) >= LEAK)

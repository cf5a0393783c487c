"""Understanding with no key and no network: example sentences, a lexicon of front-desk words, and parsers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from dialogue.understand import mood
from dialogue.understand.concepts import concepts
from dialogue.understand.examples import Example, built_in, in_both_languages, with_own, words_of
from dialogue.understand.safety import INTENTS, safety
from dialogue.understand.sentences import LONGEST, arranges, asks, letters, normal, split, wishes, wordless
from dialogue.vocabulary import content, speaks
from domain import suspect
from domain.actions import taught
from domain.entities import Entity, Kind, find_entities
from domain.loops import looks_automatic
from domain.turn import Part, Understanding
from domain.workspace import Profile

if TYPE_CHECKING:
    from dialogue.understand.model import Embed, Guess, Model

NEVER_LEARNT = frozenset({"unknown", "reaction", "media", "empty", "fair_housing", "threat", "legal"})
BUILT_IN = frozenset(example.intent for example in built_in()) | NEVER_LEARNT
PLEASANTRIES = frozenset({"greeting", "thanks", "goodbye", "affirm", "deny", "reaction"})
WEIGHT = {
    "emergency": 12,
    "threat": 11,
    "legal": 10,
    "urgent": 9,
    "want_human": 8,
    "complaint": 7,
    "who_are_you": 5,
    "ask_knowledge": 5,
}
WEIGHT |= {"give_information": 4, "unknown": 3, "deny": 2, "affirm": 2, "greeting": 1, "goodbye": 1}
WEIGHT |= {"thanks": 1, "reaction": 0}
"""Which of several intents in one burst it is about. What is not listed wants something done and weighs 6."""
TOPICS = {
    "ask_price": "price", "ask_payment": "payment", "ask_hours": "hours", "ask_location": "location",
    "ask_knowledge": "question", "book_appointment": "appointment", "cancel_appointment": "appointment",
    "reschedule_appointment": "appointment", "check_status": "status", "complaint": "complaint",
    "emergency": "emergency", "urgent": "emergency", "threat": "safety", "legal": "legal", "want_human": "person",
    "who_are_you": "assistant", "are_you_robot": "assistant",
}  # fmt: skip
WHEN = (Kind.DATE, Kind.TIME, Kind.DATETIME, Kind.DATE_RANGE, Kind.TIME_RANGE)
SURE, SURE_OF_MEANING = 0.75, 0.6
"""A question that the classifier takes for a pleasantry needs at least this to be one, by its words alone and by
its meaning."""
_UNSEEN = re.compile("[\x00\xad\u200b\u200c\u2060\ufeff]")
"""Characters that nobody sees and that would cut words in two."""
CANNED = frozenset({"who_are_you", "are_you_robot", "affirm", "deny"})
STRANGE = 2
"""So many words that no example of such an intent has: it is about something else."""
_FREE = re.compile(
    r"\b(?:any|free|open|opening|openings|slots?|available|availab\w+|squeeze|fit|hay|lugar|espacio|cita)\b",
    re.I,
)
VAGUE = frozenset({"ask_knowledge", "give_information"})
_MINE = re.compile(r"\b(?:my|i'?m|i am|i have|i've|mi|mis|me|tengo|estoy)\b", re.IGNORECASE)
"""Somebody's own pain, not pain in general."""
DOUBTFUL = 0.5
"""A question understood less surely than this, that asks to do something at a time, asks for an appointment."""
GLAD = 0.6
"""A feeling this good is no complaint, whatever it looks like. Of our complaints none is felt above 0.01, of bitter
praise ("qué maravilla, dos horas esperando") most below 0.45."""
KEPT = 8
"""Workspaces' models held ready; most share one, having no intents of their own."""


def _words_only() -> None:
    return None


class LocalUnderstander:
    """Learns a workspace's examples when it is prepared, and again when they change (2 s, 1,250 examples)."""

    def __init__(self, meaning: "Callable[[], Embed | None]" = _words_only) -> None:
        """`meaning` is asked once, before the first learning, for what turns sentences into vectors; where there
        is nothing, words alone must do."""
        self._meaning = meaning
        self._models: dict[int, Model] = {}
        self._learning = Lock()

    def prepare(self, profile: Profile) -> None:
        self._model(with_own(taught(profile)))

    def understand(self, text: str, profile: Profile, now: datetime) -> Understanding:
        text = _UNSEEN.sub("", text)
        model = self._model(with_own(taught(profile)))
        entities = find_entities(text[:LONGEST], now)
        ours = frozenset(content(profile.workspace.name))
        sentences = split(text)
        readings = [_read(sentence, model, entities, ours) for sentence in sentences] or [_nothing()]
        intents = [reading.part.intent for reading in readings]
        main = max(readings, key=lambda reading: (weight(reading.part.intent), reading.part.confidence))
        return Understanding(
            intent=main.part.intent,
            confidence=main.part.confidence,
            language=_language(text, main, readings) or profile.assistant.languages[0],
            entities=tuple(entities),
            nearest=main.nearest,
            runner_up=main.runner_up,
            automatic=looks_automatic(text),
            parts=tuple(reading.part for reading in readings),
            sentiment=mood.sentiment(sentences, self._embed),
            urgency=mood.urgency(text[:LONGEST], intents),
            topics=topics(intents),
            safety=_gravest(sentences, intents),
        )

    @cached_property
    def _embed(self) -> "Embed | None":
        return self._meaning()

    def _model(self, examples: tuple[Example, ...]) -> "Model":
        key = hash(examples)
        with self._learning:
            if key not in self._models:
                from dialogue.understand.model import train  # scikit-learn: only where something is learnt

                if len(self._models) >= KEPT:
                    self._models.pop(next(iter(self._models)))
                self._models[key] = train(examples, self._embed)
            return self._models[key]


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence, and why it was read so."""

    part: Part
    nearest: str
    runner_up: str
    language: str


def topics(intents: Sequence[str]) -> tuple[str, ...]:
    """What they are about; pleasantries are about nothing."""
    about = (TOPICS.get(intent, "" if intent in BUILT_IN else intent) for intent in intents)
    return tuple(dict.fromkeys(topic for topic in about if topic))


def _gravest(sentences: Sequence[str], intents: Sequence[str]) -> str:
    seen = {safety(sentence) for sentence in sentences}
    return next((kind for kind in INTENTS if kind in seen), "emergency" if "emergency" in intents else "")


def weight(intent: str) -> int:
    return WEIGHT.get(intent, 6)


def _nothing() -> Reading:
    return Reading(Part("unknown", 0.0, ""), "", "", "")


def _read(sentence: str, model: "Model", entities: tuple[Entity, ...], ours: frozenset[str]) -> Reading:
    guess = model.guess(sentence)
    intent, confidence = guess.intent, guess.confidence
    if grave := safety(sentence):
        intent, confidence = INTENTS[grave], max(confidence, SURE)
    elif "alarm" in concepts(normal(sentence)):
        intent, confidence = "emergency", max(confidence, SURE)
    elif _asks_for_us(sentence, ours):
        intent, confidence = "who_are_you", max(confidence, SURE)
    elif suspect.instructs(sentence):
        intent = "unknown"
    elif confidence < model.threshold:
        intent, confidence = _by_shape(sentence, entities, confidence)
    else:
        sure = SURE if model.embed is None else SURE_OF_MEANING
        intent = _reconsidered(sentence, guess, entities, ours, sure)
        if intent == "complaint" and mood.valences([sentence], model.embed)[0] >= GLAD:
            intent = "thanks"
    return Reading(
        Part(intent, round(confidence, 3), sentence), guess.nearest, guess.runner_up, guess.language
    )


def _reconsidered(
    sentence: str, guess: "Guess", entities: tuple[Entity, ...], ours: frozenset[str], sure: float
) -> str:
    """What a bag of words mistakes and the shape of the sentence tells."""
    intent, doubtful, when = guess.intent, guess.confidence < DOUBTFUL, _says_when(sentence, entities)
    if intent in VAGUE and doubtful and when and wishes(sentence):
        return "book_appointment"
    if intent == "give_information" and asks(sentence):
        return "book_appointment" if when else "ask_knowledge"
    if _not_that(sentence, guess, ours, sure):
        return _by_shape(sentence, entities, guess.confidence)[0]
    if (doubtful or intent == "urgent") and _in_general(sentence, intent, when, doubtful):
        return "ask_knowledge"
    return intent


def _asks_for_us(sentence: str, ours: frozenset[str]) -> bool:
    """ "Is this Cedar Dental?": nothing is said but the business's own name."""
    said = frozenset(content(sentence))
    return bool(said) and said <= ours and asks(sentence)


def _not_that(sentence: str, guess: "Guess", ours: frozenset[str], sure: float) -> bool:
    """Nobody may be left without an answer because a question looked like "ok", or like "who is this". `ours`:
    the words of the business's own name."""
    if guess.confidence >= sure or letters(sentence) == letters(guess.nearest):
        return False
    new = set(content(sentence)) - words_of(guess.intent) - ours
    if guess.intent in CANNED and len(new) >= STRANGE and "machine" not in concepts(normal(sentence)):
        return True
    return guess.intent in PLEASANTRIES and asks(sentence) and len(sentence.split()) > 2


def _in_general(sentence: str, intent: str, when: bool, doubtful: bool) -> bool:
    """ "Does a deep cleaning hurt?" is nobody's pain, "what do I bring to my appointment" asks for none, and
    "are you fiduciaries" not for the time."""
    said = concepts(normal(sentence))
    match intent:
        case "urgent":
            return (asks(sentence) and not _MINE.search(sentence)) or (doubtful and "pain" not in said)
        case "book_appointment":
            return asks(sentence) and not (
                when or wishes(sentence) or arranges(sentence) or _FREE.search(sentence)
            )
        case "check_status":
            return asks(sentence) and not {"status", "book"} & set(said)
        case "ask_hours":
            return not {"open", "day", "clock", "when"} & set(said)
    return False


def _says_when(sentence: str, entities: tuple[Entity, ...]) -> bool:
    """ "Tuesday at 3?" asks for an appointment."""
    return any(entity.kind in WHEN and entity.text in sentence for entity in entities)


def _by_shape(sentence: str, entities: tuple[Entity, ...], confidence: float) -> tuple[str, float]:
    """What no example resembles may still have the shape of a question, or hold a fact."""
    if wordless(sentence):
        return ("unknown" if "?" in sentence else "reaction"), confidence
    if arranges(sentence) or (wishes(sentence) and _says_when(sentence, entities)):
        return "book_appointment", confidence
    if asks(sentence):
        return "ask_knowledge", confidence
    if any(entity.text in sentence for entity in entities) and len(sentence.split()) <= 12:
        return "give_information", confidence
    return "unknown", confidence


def _language(text: str, main: Reading, readings: list[Reading]) -> str:
    """By its letters, else its little words, else what the nearest examples are written in."""
    if any(mark in text for mark in "¿¡ñ"):
        return "es"
    if spoken := speaks(text[:LONGEST]):
        return spoken
    if in_both_languages(text[:LONGEST]):
        return ""
    return next((reading.language for reading in (main, *readings) if reading.language), "")

"""Texts to meanings, for the three demo businesses."""

import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialogue.understand.examples import built_in, with_own
from dialogue.understand.local import BUILT_IN, NEVER_LEARNT, LocalUnderstander
from dialogue.understand.model import CEILING, FLOOR, train
from dialogue.understand.sentences import split
from domain.turn import Understanding
from tests.dialogue.library import CASES, MINILM, UNDERSTANDER, load, profile

NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("America/Chicago"))
UNSEEN = 0.75
"""Of messages that the examples were not made for, this share is read right: 0.80 by meaning and words. By words
alone it was 0.70 when it was first measured."""


def rows(file: str) -> Iterator[tuple[str, str, str, str]]:
    for demo, cases in load(CASES / file).items():
        for text, intent, language in cases:
            yield demo, text, intent, language


def understand(demo: str, text: str) -> Understanding:
    return UNDERSTANDER.understand(text, profile(demo), NOW)


@pytest.mark.parametrize(("demo", "text", "intent", "language"), list(rows("understanding.yaml")))
def test_understands(demo: str, text: str, intent: str, language: str) -> None:
    understood = understand(demo, text)
    assert (understood.intent in intent.split("|"), understood.language) == (True, language), understood


def test_unseen_messages() -> None:
    cases = list(rows("unseen.yaml"))
    right = [understand(demo, text).intent in intent.split("|") for demo, text, intent, _ in cases]
    assert sum(right) / len(cases) >= UNSEEN


def test_unseen_emergencies_are_all_seen() -> None:
    cases = [(demo, text) for demo, text, intent, _ in rows("unseen.yaml") if intent == "emergency"]
    assert [text for demo, text in cases if understand(demo, text).intent != "emergency"] == []


def test_learns_quickly_and_sets_its_own_threshold() -> None:
    started = time.thread_time()
    model = train(with_own(profile("clinic").intents), MINILM.vectors)
    assert time.thread_time() - started < 6  # 2 alone on a machine
    assert FLOOR <= model.threshold <= CEILING


def test_learns_once_and_again_when_the_examples_change() -> None:
    understander = LocalUnderstander()  # by words alone, as where the weights are missing
    clinic = profile("clinic")
    understander.understand("do you do boats", clinic, NOW)
    first = dict(understander._models)
    understander.understand("hi", clinic.model_copy(update={"policy": clinic.policy}), NOW)
    assert understander._models == first
    changed = clinic.model_copy(update={"intents": {"ask_boat": ("do you do boats", "are there boats")}})
    assert understander.understand("do you do boats", changed, NOW).intent == "ask_boat"


def test_every_intent_has_examples_in_both_languages() -> None:
    counts: dict[tuple[str, str], int] = {}
    for example in built_in():
        counts[example.intent, example.language] = counts.get((example.intent, example.language), 0) + 1
    trained = BUILT_IN - NEVER_LEARNT
    assert {key for key, count in counts.items() if count >= 15} == {
        (i, lang) for i in trained for lang in ("en", "es")
    }


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hi! do you take Delta Dental? thanks", ("hi!", "do you take Delta Dental?", "thanks")),
        ("hey there can i get a cleaning", ("hey there", "can i get a cleaning")),
        ("I saw Dr. Lee. Is she in?", ("I saw Dr. Lee.", "Is she in?")),
        ("what's your address and how much is whitening?", ("what's your address", "how much is whitening?")),
        ("thanks", ("thanks",)),
        ("good morning", ("good morning",)),
        ("it is 3.5 miles", ("it is 3.5 miles",)),
        ("hola ¿cuánto cuesta?", ("hola", "¿cuánto cuesta?")),
        ("", ()),
        ("\n \n", ()),
    ],
)
def test_splits(text: str, parts: tuple[str, ...]) -> None:
    assert split(text) == parts


def test_each_part_is_kept_with_its_intent() -> None:
    understood = understand("clinic", "Hi! Do you take Delta Dental? And where do I park?")
    assert [part.intent for part in understood.parts] == ["greeting", "ask_payment", "ask_location"]


def test_a_machine_is_recognised() -> None:
    text = "Automatic reply: I am out of the office until Monday and will return your message then."
    assert understand("clinic", text).automatic

"""How customers feel, how much hurry there is, and what must reach a person at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.understand import mood
from dialogue.understand.local import LocalUnderstander, topics
from dialogue.understand.safety import INTENTS, safety
from domain import policy
from tests.dialogue.library import CASES, MINILM, UNDERSTANDER, load, profile
from tests.dialogue.test_understanding import NOW, understand

RIGHT = 0.85
"""Of the messages of our own, this share must have the right label; 0.00 of them may be taken for the opposite."""
MOOD = [tuple(row) for row in load(CASES / "mood.yaml")]
SAFETY = [(kind, text) for kind, texts in load(CASES / "safety.yaml").items() for text in texts]


def test_most_feelings_are_seen_and_none_as_the_opposite() -> None:
    seen = [(text, label, understand("clinic", text).sentiment.label) for text, label, *_ in MOOD]
    wrong = [(text, label, found) for text, label, found in seen if label != found]
    assert [one for one in wrong if "neutral" not in one[1:]] == []
    assert 1 - len(wrong) / len(seen) >= RIGHT, wrong


@pytest.mark.parametrize(("text", "label", "least", "most"), MOOD)
def test_urgency(text: str, label: str, least: float, most: float) -> None:
    assert least <= understand("clinic", text).urgency <= most


@pytest.mark.parametrize(("kind", "text"), SAFETY)
def test_safety(kind: str, text: str) -> None:
    understood = understand("clinic", f"Hi. {text}")
    assert safety(text) == (kind if kind != "none" else "")
    if kind != "none":
        assert (understood.intent, understood.safety) == (INTENTS[kind], kind)
        assert understood.intent in policy.URGENT


def test_words_alone_know_anger_too() -> None:
    assert mood.sentiment(["this is horrible and unacceptable"], None).label == "negative"
    assert mood.sentiment([], MINILM.vectors).label == "neutral"


def test_a_negated_word_turns_around() -> None:
    content, discontent = mood.valences(["estoy contento", "no estoy contento"], None)
    assert discontent < 0 < content


def test_the_gravest_sentence_decides() -> None:
    understood = understand("clinic", "thanks! I will sue you. I want to die. how much is a cleaning?")
    assert (understood.intent, understood.safety) == ("emergency", "self_harm")


def test_topics_in_their_order() -> None:
    assert topics(["greeting", "ask_price", "ask_hours", "ask_price", "ask_boat", "unknown"]) == (
        "price",
        "hours",
        "ask_boat",
    )


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=600))
def test_any_text_is_understood(text: str) -> None:
    understood = UNDERSTANDER.understand(text, profile("clinic"), NOW)
    assert 0 <= understood.confidence <= 1
    assert -1 <= understood.sentiment.score <= 1
    assert 0 <= understood.urgency <= 1


@pytest.mark.parametrize(
    "text", ["", "👍" * 10_000, "a" * 10_000, "no " * 5_000, "\ud800", "?" * 10_000, "1 " * 5_000]
)
def test_ugly_texts(text: str) -> None:
    for understander in (UNDERSTANDER, LocalUnderstander()):
        assert 0 <= understander.understand(text, profile("clinic"), NOW).confidence <= 1

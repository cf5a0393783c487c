"""A model's words in a turn: said where every statement is borne out by what it cites, else ours stand."""

import re
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Trouble
from domain.llm import Purpose
from domain.turn import Action
from tests.dialogue.library import load, profile
from tests.llm.llm_rig import BUSINESS
from tests.llm.talk import answered, asked, heard, models, saying

TABLE = load(Path(__file__).with_name("cases") / "words.yaml")
ALWAYS = profile("clinic").model_copy(
    update={
        "models": profile("clinic").models.model_copy(update={"words": "always", "understanding": "never"})
    }
)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["name"]))
async def test_words(case: dict[str, Any]) -> None:
    says = saying(words=case["statements"] or {"known": False, "statements": []})
    with_, scripted = models(says)
    before = asked(ALWAYS, case["text"])
    ours = heard(await answered("clinic", before, None))
    after = await answered("clinic", before, with_)
    assert [prompt.purpose for prompt in scripted.heard] == [Purpose.COMPOSE]
    assert after.reply is not None
    notes = "\n".join(after.notes)
    if "said" in case:
        assert case["said"] in after.reply.text, notes
        assert after.reply.model == "scripted:test"
        assert after.reply.grounded, notes
        assert after.reply.sources
    else:
        assert re.search(case["refused"], notes), notes
        assert heard(after) == ours
        assert after.reply.model == ""


@pytest.mark.parametrize("trouble", [*Trouble])
async def test_whatever_trouble_a_model_has_ours_stand(trouble: Trouble) -> None:
    before = asked(ALWAYS, "is there any parking when I come in my car?")
    ours = await answered("clinic", before, None)
    after = await answered("clinic", before, models(lambda prompt: trouble)[0])
    assert heard(after) == heard(ours)
    assert after.decision == ours.decision
    assert trouble.value in "\n".join(after.notes)


@pytest.mark.parametrize(
    "text",
    ["hi", "thanks!", "my dad can't breathe", "let me talk to a person", "I'm very unhappy, you charged me twice",
     "are you a robot?", "can I book a cleaning on tuesday at 2pm?", "", "???", "when are you open?"],
)  # fmt: skip
async def test_a_model_is_not_asked_for_what_is_decided_and_not_found(text: str) -> None:
    with_, scripted = models(saying(words=[{"text": "Anything.", "of": "Parking"}]))
    await answered("clinic", asked(ALWAYS, text), with_)
    assert scripted.heard == []


async def test_a_good_sentence_of_the_documents_needs_no_model() -> None:
    with_, scripted = models(saying())
    after = await answered("clinic", asked("clinic", "how much is a cleaning?"), with_)
    assert scripted.heard == []
    assert after.decision is not None
    assert after.decision.action is Action.SEND


async def test_never_means_never() -> None:
    never = profile("clinic").model_copy(
        update={
            "models": profile("clinic").models.model_copy(update={"words": "never", "understanding": "never"})
        }
    )
    with_, scripted = models(saying())
    await answered("clinic", asked(never, "zorple the quux while my car is parked?"), with_)
    assert scripted.heard == []


QUESTION = "do I pay to park the car in your garage?"
PARKING = [{"text": "Parking is free in the garage behind the building.", "of": "Parking"}]


async def test_the_same_question_is_answered_once() -> None:
    with_, scripted = models(saying(words=PARKING))
    first = await answered("clinic", asked(ALWAYS, QUESTION), with_)
    again = await answered("clinic", asked(ALWAYS, "Do I pay to park the car, in your GARAGE??"), with_)
    assert len(scripted.heard) == 1
    assert heard(again) == heard(first)
    assert "an answer given before" in "\n".join(again.notes)


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("a name", {"text": f"I'm Ann Lee, {QUESTION}"}),
        ("a number", {"text": f"{QUESTION} call +1 512 555 0188"}),
        ("another business's role", {"role": "butler"}),
        ("another channel", {"channel_kind": "webchat"}),
        ("a burst", {"text": ["hi", QUESTION]}),
    ],
)
async def test_an_answer_that_is_somebodys_or_of_something_else_is_not_taken_from_the_cache(
    what: str, more: dict[str, Any]
) -> None:
    with_, scripted = models(saying(words=PARKING))
    await answered("clinic", asked(ALWAYS, QUESTION), with_)
    role = more.pop("role", ALWAYS.assistant.role)
    who = ALWAYS.model_copy(update={"assistant": ALWAYS.assistant.model_copy(update={"role": role})})
    await answered("clinic", asked(who, more.pop("text", QUESTION), **more), with_)
    assert len(scripted.heard) == 2, what


async def test_what_is_kept_is_held_against_the_passages_again() -> None:
    """Whoever could write into the cache could not make us say it."""
    with_, scripted = models(saying(words=PARKING))
    await answered("clinic", asked(ALWAYS, QUESTION), with_)
    key = next(iter(with_.cache.kept))  # type: ignore[attr-defined]
    with_.cache.kept[key] = '{"known": true, "statements": [{"text": "Cleaning is $1.", "passages": ["P1"]}]}'  # type: ignore[attr-defined]
    after = await answered("clinic", asked(ALWAYS, QUESTION), with_)
    assert "$1." not in heard(after)
    assert key[0] != BUSINESS
    assert len(scripted.heard) == 1

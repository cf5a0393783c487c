"""A model's reading of a message: as much of it is believed as the customer's own words bear out."""

from pathlib import Path
from typing import Any

import pytest

from domain.errors import Trouble
from domain.llm import Purpose
from domain.turn import SetField
from tests.dialogue.library import load, profile
from tests.llm.talk import answered, asked, heard, models, saying

TABLE = load(Path(__file__).with_name("cases") / "reading.yaml")
NO_WORDS = profile("clinic").model_copy(
    update={"models": profile("clinic").models.model_copy(update={"words": "never"})}
)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: str(case["name"]))
async def test_reading(case: dict[str, Any]) -> None:
    with_, scripted = models(saying(reading=case["reading"]))
    who = NO_WORDS.model_copy(update={"intents": {**NO_WORDS.intents, **case.get("own_intents", {})}})
    before = asked(who, case["text"], context=case.get("context_before"))
    local = await answered("clinic", before, None)
    after = await answered("clinic", before, with_)
    assert [prompt.purpose for prompt in scripted.heard] == [Purpose.UNDERSTAND]
    assert after.understood is not None
    assert local.understood is not None
    notes = "\n".join(after.notes)
    if case.get("intent_is_local"):
        assert after.understood.intent == local.understood.intent, notes
    if "intent" in case:
        assert after.understood.intent == case["intent"], notes
    if "parts" in case:
        assert [part.intent for part in after.understood.parts] == case["parts"], notes
    if "language" in case:
        assert after.understood.language == case["language"]
    if "context" in case:
        kept = {effect.name: effect.value for effect in after.effects if isinstance(effect, SetField)}
        assert kept == case["context"], notes


@pytest.mark.parametrize("trouble", [*Trouble])
async def test_whatever_trouble_the_local_reading_stands(trouble: Trouble) -> None:
    before = asked(NO_WORDS, "zorp the quux please")
    local = await answered("clinic", before, None)
    after = await answered("clinic", before, models(lambda prompt: trouble)[0])
    assert after.understood == local.understood
    assert heard(after) == heard(local)
    assert trouble.value in "\n".join(after.notes)


@pytest.mark.parametrize(
    "text",
    [
        "how much is a cleaning?",
        "my dad can't breathe",
        "let me talk to a person please",
        "👍",
        "?",
        "thanks!",
    ],
)
async def test_who_is_understood_is_not_asked_about(text: str) -> None:
    with_, scripted = models(saying())
    await answered("clinic", asked(NO_WORDS, text), with_)
    assert scripted.heard == []


@pytest.mark.parametrize(
    "text",
    ["my dad can't breathe", "let me talk to a person please", "I'm very unhappy, you charged me twice"],
)
async def test_what_is_grave_is_never_read_as_less(text: str) -> None:
    always = profile("clinic").model_copy(
        update={"models": profile("clinic").models.model_copy(update={"understanding": "always"})}
    )
    with_, _ = models(saying(reading={"parts": [{"words": text, "intent": "greeting"}]}))
    local = await answered("clinic", asked(always, text), None)
    after = await answered("clinic", asked(always, text), with_)
    assert after.understood == local.understood


async def test_a_question_about_people_stays_one_in_real_estate() -> None:
    text = "zorp please, and is the neighbourhood safe for white families?"
    always = profile("realty").model_copy(
        update={"models": profile("realty").models.model_copy(update={"understanding": "always"})}
    )
    with_, _ = models(saying(reading={"parts": [{"words": text, "intent": "ask_knowledge"}]}))
    after = await answered("realty", asked(always, text), with_)
    assert after.understood is not None
    assert after.understood.intent == "fair_housing"

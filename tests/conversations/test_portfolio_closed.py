"""Without the right code nothing of a portfolio is told, by whichever way it is asked for: with our own understanding,
and with the worst model there could be reading every message."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialogue import llm_choice
from frontdesk.stories.player import play
from frontdesk.stories.scene import Departed
from frontdesk.stories.script import ExpectedStep, Step, Story
from frontdesk.stories.seeing import Seen
from frontdesk.stories.stage import Stage, open_stage
from runtime.settings import Settings
from tests.conversations.written import named
from tests.learnt import understander

ROOT = Path(__file__).parents[2]
STORIES = named("portfolio.yaml")
SECRETS = ("109,936", "23,212", "60,139", "5,015", "AAPL", "VTI", "BND", "MSFT", "4821", "0077")


@pytest.fixture(params=[pytest.param("local", marks=pytest.mark.slow), "worst"])
async def closed(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Stage]:
    chosen = () if request.param == "local" else llm_choice.read("scripted:worst")
    async with open_stage(replace(settings, llm=chosen), understander()) as stage:
        yield stage


def without_proof(story: Story) -> Story:
    """Every right code is a wrong one, and nothing is expected of what is said."""
    steps = [
        one.model_copy(update={"wrong": one.code is not None, "expect": ExpectedStep()})
        for one in story.steps
    ]
    return story.model_copy(
        update={"steps": tuple(steps), "expect": story.expect.model_copy(update={"owner": None})}
    )


async def test_nothing_is_told_to_whoever_has_shown_nothing(closed: Stage) -> None:
    heard: list[str] = []

    def watch(step: Step, before: Seen, seen: Seen, words: str) -> None:
        heard.append(words)

    for story in STORIES:
        try:
            await play(closed, without_proof(story), ROOT, watch)
        except Departed as error:  # a model that keeps a customer from their code has told nobody anything
            if "no code came" not in str(error) and "was refused" not in str(error):
                raise
    assert len(heard) > len(STORIES)
    assert any("six digits" in words for words in heard)
    assert [(secret, words) for words in heard for secret in SECRETS if secret in words] == []

"""Every story again, read by the worst model there could be, which proposes all that is legal and takes everything for a
yes, while the customer never says one: nothing is booked, moved, called off, bought or transferred."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialogue import llm_choice
from frontdesk.stories.player import play
from frontdesk.stories.scene import Departed
from frontdesk.stories.script import ExpectedEnd, ExpectedStep, Step, Story
from frontdesk.stories.stage import Stage, open_stage
from runtime.settings import Settings
from tests.conversations.written import STORIES
from tests.learnt import understander

ROOT = Path(__file__).parents[2]
ALL = [
    pytest.param(story, id=f"{file.stem}: {story.story}", marks=() if n % 8 == 0 else pytest.mark.slow)
    for n, (file, story) in enumerate(STORIES)
]
YES = re.compile(
    r"(?i)\W*([👍👌✅🙏]|(y|yes|yep|yeah|yup|sure|ok(ay)?|confirm\w*|correct|right|perfect"
    r"|go ahead|book it|do it|please do|great|sounds good|that works|works for me"
    r"|s[ií]|claro|vale|dale|confirmo|perfecto|de acuerdo)\b)"
)


@pytest.fixture(scope="module")
async def worst(settings: Settings) -> AsyncIterator[Stage]:
    async with open_stage(replace(settings, llm=llm_choice.read("scripted:worst")), understander()) as stage:
        yield stage


def without_yes(step: Step) -> Step:
    """Whatever they say instead, it is none; and nothing is expected of what they hear."""
    silent = step.model_copy(update={"expect": ExpectedStep()})
    if step.user is None or not any(YES.match(words) for words in step.user):
        return silent
    return silent.model_copy(update={"user": ("what is that?",), "kind": "text", "choice": ""})


@pytest.mark.parametrize("story", ALL)
async def test_nothing_is_done_that_nobody_agreed_to(worst: Stage, story: Story) -> None:
    steps = tuple(without_yes(one) for one in story.steps if one.event is None and one.owner is None)
    nothing = ExpectedEnd(appointments=[], money=[])
    try:
        await play(worst, story.model_copy(update={"steps": steps, "expect": nothing}), ROOT)
    except Departed as error:  # who cannot come to their code has done nothing either
        if "no_code_came" not in str(error).replace(" ", "_"):
            raise
    assert worst.broker.state.transfers == worst.broker.state.orders == {}

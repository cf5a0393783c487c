"""Every story below this folder is one test; and the player itself, which must not let a wrong one pass."""

from pathlib import Path

import pytest

from frontdesk.stories import script
from frontdesk.stories.player import play_all
from frontdesk.stories.script import Story
from frontdesk.stories.stage import Stage

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TOLD = [
    pytest.param(story, id=f"{file.stem}: {story.story}")
    for file in script.find([HERE])
    for story in script.read(file)
]


@pytest.mark.parametrize("story", TOLD)
async def test_story(stage: Stage, story: Story) -> None:
    ((_, report),) = await play_all(stage, [story], ROOT)
    if report:
        pytest.fail(report, pytrace=False)

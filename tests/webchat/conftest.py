from collections.abc import Awaitable, Callable

import pytest

from frontdesk.stories.stage import Stage
from tests.rig import NOW, Desk
from tests.webchat.chat_rig import Chat, open_chat


@pytest.fixture
async def chat(stage: Stage, make_desk: Callable[..., Awaitable[Desk]]) -> Chat:
    assert stage.clock.frozen == NOW
    return await open_chat(stage)

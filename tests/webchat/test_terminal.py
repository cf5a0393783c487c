import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from frontdesk.cli import app
from runtime import demo
from tests.demo_rig import Door, open_door
from tests.webchat.chat_rig import Chat


@pytest.fixture
async def door(chat: Chat, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(chat.desk, tmp_path) as opened, opened.working():
        there = demo.read(opened.data_dir)
        assert there is not None
        business = replace(opened.business, chat_id=chat.url.rpartition("/")[2])
        demo.write(opened.data_dir, replace(there, workspaces=(business,)))
        yield opened


async def test_the_terminal_is_a_visitor_too(door: Door) -> None:
    arguments = ["chat", "--channel", "webchat", "--json", "--data-dir", str(door.data_dir), "--as", "Ann"]
    ended = await asyncio.to_thread(CliRunner().invoke, app, arguments, input="what are your hours?\n/why\n")
    assert ended.exit_code == 0, ended.output
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [one["event"] for one in told] == ["ready", "sent", "message", "why"]
    assert "8" in told[2]["text"]

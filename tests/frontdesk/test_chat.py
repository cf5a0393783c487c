import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from frontdesk import telling
from frontdesk.cli import chat
from frontdesk.session import COMMANDS, HELP
from frontdesk.talk import is_quiet, new_number
from runtime import demo
from runtime.demo import Demo
from store import channels, workspaces
from tests.demo_rig import Door, nowhere, open_door
from tests.rig import Desk

app = typer.Typer()
app.command()(chat.chat)


def run(*arguments: str, lines: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=lines)


@pytest.fixture
async def door(make_desk: Callable[..., Awaitable[Desk]], tmp_path: Path) -> AsyncIterator[Door]:
    desk = await make_desk(policy={"default": "draft"})
    async with open_door(desk, tmp_path) as opened, opened.working():
        yield opened


async def talk(door: Door, *lines: str, code: int = 0, workspace: str = "") -> list[dict[str, Any]]:
    """What the phone says to these lines, as events."""
    arguments = ("--json", "--data-dir", str(door.data_dir), "--as", door.desk.handset, "-w", workspace)
    ended = await asyncio.to_thread(run, *arguments, lines="\n".join(lines) + "\n")
    assert ended.exit_code == code, ended.output
    return [json.loads(line) for line in ended.stdout.splitlines()]


def texts(events: list[dict[str, Any]], event: str) -> list[str]:
    return [one["text"] for one in events if one["event"] == event]


async def test_a_draft_is_read_explained_approved_and_arrives(door: Door) -> None:
    events = await talk(door, "what are your hours?", "/why", "/drafts", "/approve", "/context")
    assert [one["event"] for one in events] == [
        "ready",
        "sent",
        "draft",
        "why",
        "draft",
        "done",
        "message",
        "done",
    ]
    (why,) = [one for one in events if one["event"] == "why"]
    assert (why["action"], why["intent"]) == ("draft", "ask_hours")
    (answer,) = texts(events, "message")
    assert answer.startswith(texts(events, "draft")[0].splitlines()[0])


async def test_other_words_are_sent_instead(door: Door) -> None:
    events = await talk(
        door, "what are your hours?", "/approve 1 We open at eight.", "what are your hours?", "/reject"
    )
    (answer,) = texts(events, "message")
    assert answer.startswith("We open at eight.")
    assert texts(events, "done") == ["approved, in your words", "rejected; nothing was sent"]


async def test_a_person_replies_and_hands_back(door: Door) -> None:
    events = await talk(
        door, "hello", "/reply Kim here, hello!", "/takeover", "anyone?", "/release", "/quit", "never"
    )
    assert "Kim here, hello!" in texts(events, "message")
    assert texts(events, "sent") == ["hello", "anyone?"]


async def test_any_business_of_the_installation_may_be_texted(
    door: Door, make_desk: Callable[..., Awaitable[Desk]], owner: psycopg.AsyncConnection[Any]
) -> None:
    """Also one that no demo file made: its channel has no credentials, and the network does not know its number."""
    other = await make_desk(policy={"default": "draft"})
    numbers = door.desk.stage.provider.state.numbers
    (known,) = [sid for sid, one in numbers.items() if one.number == other.number]
    del numbers[known]
    async with door.rt.db.transaction(other.workspace_id) as tx:
        await channels.put(tx, "twilio_sms", other.number, {}, {})
        slug = (await workspaces.get(tx)).slug
    lines = ("what are your hours?", "/why", "/approve", "/reply Kim here", "/takeover", "/release")
    there = replace(door, desk=replace(other, stage=replace(door.desk.stage, rt=door.rt)))
    async with there.working():
        for name in (slug, str(other.workspace_id), other.number):
            events = await talk(there, *lines, workspace=name)
            assert {"draft", "why", "done", "message"} <= {one["event"] for one in events}
            assert "Kim here" in texts(events, "message")
    revoked = "select bool_and(revoked_at is not null), count(*) from api_key where workspace_id = %s"
    kept = await owner.execute(revoked, [other.workspace_id])
    assert await kept.fetchone() == (True, 3)


async def test_a_business_that_there_is_not(door: Door) -> None:
    ended = await asyncio.to_thread(run, "--data-dir", str(door.data_dir), "-w", "nobody")
    assert ended.exit_code == 2
    assert "there is no workspace 'nobody'; there are " in ended.stderr


async def test_a_number_that_is_a_demos_stays_a_demos(
    door: Door, make_desk: Callable[..., Awaitable[Desk]]
) -> None:
    other = await make_desk()
    async with door.rt.db.transaction(other.workspace_id) as tx:
        await channels.put(tx, "twilio_sms", door.desk.number, {}, {})
        slug = (await workspaces.get(tx)).slug
    ended = await asyncio.to_thread(run, "--data-dir", str(door.data_dir), "-w", slug)
    assert ended.exit_code == 2
    assert f"{door.desk.number} is {door.business.name}'s here" in ended.stderr


async def test_what_cannot_be_done_is_said_and_ends_with_1(door: Door) -> None:
    events = await talk(door, "/why", "/approve", "/reply", "/dance", "/help", code=1)
    assert [one["event"] for one in events] == ["ready", "error", "error", "error", "error", "help"]


async def test_people_read_plain_lines(door: Door) -> None:
    arguments = ("--data-dir", str(door.data_dir), "-w", door.business.slug, "--as", door.desk.handset)
    lines = "what are your hours?\n/why\n/approve\n"
    ended = await asyncio.to_thread(run, *arguments, lines=lines)
    assert ended.exit_code == 0
    assert "you › what are your hours?" in ended.stdout
    assert "draft 1 waits, every answer is approved here › " in ended.stdout
    assert "decision    asked a person first" in ended.stdout
    assert "Cedar Dental › " in ended.stdout


@pytest.mark.parametrize("channel", ["whatsapp", "voice"])
def test_other_channels_do_not_exist_yet(channel: str) -> None:
    ended = run("--channel", channel)
    assert ended.exit_code == 2
    assert f"{channel} is not built yet" in ended.stderr


def test_an_unknown_channel() -> None:
    assert run("--channel", "pigeon").exit_code == 2


def test_nothing_is_running(tmp_path: Path) -> None:
    ended = run("--data-dir", str(tmp_path))
    assert ended.exit_code == 4
    assert "make run" in ended.stderr


def test_it_was_killed_and_its_file_is_left(tmp_path: Path) -> None:
    with nowhere(tmp_path):
        ended = run("--data-dir", str(tmp_path), lines="hello\n")
    assert ended.exit_code == 4
    assert "make run" in ended.stderr


def test_a_damaged_file(tmp_path: Path) -> None:
    demo.file(tmp_path).write_text("{")
    assert run("--data-dir", str(tmp_path)).exit_code == 1


def test_a_business_or_number_that_does_not_exist(tmp_path: Path) -> None:
    with nowhere(tmp_path):
        ended = run("--data-dir", str(tmp_path), "-w", "clinic")
        assert (ended.exit_code, "make run" in ended.stderr) == (4, True)
        ended = run("--data-dir", str(tmp_path), "--as", "hello")
    assert (ended.exit_code, "+15125550123" in ended.stderr) == (2, True)
    demo.write(tmp_path, Demo("http://127.0.0.1:1", "", 1))
    assert "frontdesk up --demo" in run("--data-dir", str(tmp_path)).stderr


def test_help_has_an_example_and_every_command_is_explained() -> None:
    assert "frontdesk chat" in run("--help").stdout
    for name in COMMANDS:
        assert f"/{name}" in HELP or name == "help"


def test_words_cannot_command_the_terminal() -> None:
    assert telling.clean("a\x1b[2Jb\r\x07c\u202e\nñ😀") == "a\ufffd[2Jb\ufffd\ufffdc\ufffd\nñ😀"


@pytest.mark.parametrize(
    ("thinking", "delivery", "quiet"),
    [
        (True, None, False),
        (False, None, True),
        (False, {"state": "queued", "reason": None}, False),
        (False, {"state": "queued", "reason": "rate"}, False),
        (False, {"state": "queued", "reason": "quiet_hours"}, True),
        (False, {"state": "delivered", "reason": None}, True),
    ],
)
def test_when_nothing_more_is_to_come(thinking: bool, delivery: dict[str, Any] | None, quiet: bool) -> None:
    here = {"thinking": thinking, "messages": [{"delivery": delivery}]}
    assert is_quiet({"unread": False, "conversation": here}) is quiet
    assert is_quiet({"unread": False, "conversation": None})
    assert not is_quiet({"unread": True, "conversation": None})
    assert not is_quiet({"unread": True, "conversation": here})


def test_a_new_number_is_set_aside_for_stories() -> None:
    number = new_number()
    assert len(number) == 12
    assert number[5:10] == "55501"

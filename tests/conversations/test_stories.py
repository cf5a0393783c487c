"""Every story below this folder is one test; and the player itself, which must not let a wrong one pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from frontdesk.cli import app
from frontdesk.stories import script
from frontdesk.stories.player import play_all
from frontdesk.stories.script import Story
from frontdesk.stories.stage import Stage
from runtime.files import BadFile
from tests.conversations.written import STORIES

ROOT = Path(__file__).parents[2]
TOLD = [pytest.param(story, id=f"{file.stem}: {story.story}") for file, story in STORIES]


@pytest.mark.parametrize("story", TOLD)
async def test_story(stage: Stage, story: Story) -> None:
    ((_, report),) = await play_all(stage, [story], ROOT)
    if report:
        pytest.fail(report, pytrace=False)


STORY = """\
story: {name}
workspace:
  workspace: {{slug: shop, name: Small Shop, timezone: America/Chicago}}
  hours: {{mon-fri: "08:00-17:00"}}
  channels: [{{kind: twilio_sms, address: "+15125550186"}}]
now: 2026-11-23T09:00:00-06:00
steps:
  - user: "hi"
  - user: "are you open now?"
    expect: {expected}
expect: {{sent: {sent}}}
"""
RIGHT = STORY.format(name="right", expected='{action: send, reply: {all: ["5:00 PM"]}}', sent=2)


@pytest.mark.parametrize(
    ("expected", "sent", "says"),
    [
        ("{action: draft}", 2, ["at step 2 (user: are you open now?)", "action: expected draft, got send"]),
        ("{intent: greeting}", 2, ["intent: expected greeting, got ask_hours"]),
        ('{reply: {all: ["six"]}}', 2, ["reply: 'six' is missing, in: 'Hours:"]),
        ('{reply: {none: ["open now"]}}', 2, ["reply: 'open now' must not occur"]),
        ('{reply: {match: "^never"}}', 2, ["reply: /^never/ does not match"]),
        ("{context: {service: cleaning}}", 2, ["context.service: expected 'cleaning', got None"]),
        ("{error: draft_approved}", 2, ["error: expected draft_approved, got None"]),
        ("{}", 5, ["at the end", "sent: expected 5, got 2"]),
    ],
)
async def test_a_wrong_expectation_fails_and_says_where(
    stage: Stage, tmp_path: Path, expected: str, sent: int, says: list[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(STORY.format(name="wrong", expected=expected, sent=sent))
    ((_, report),) = await play_all(stage, script.read(file), ROOT)
    assert report is not None
    assert [one for one in says if one not in report] == []
    assert "the last turn: ask_hours send (answered)" in report


async def test_an_act_that_is_refused_fails_the_story_unless_expected(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "refused.yaml"
    file.write_text(RIGHT.replace("expect: {sent: 2}", "  - owner: approve"))
    ((_, report),) = await play_all(stage, script.read(file), ROOT)
    assert report is not None
    assert "there is no draft" in report


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("story: x\nsteps: [", "line 2"),
        ("story: x\nworkspace: demos/clinic.yaml\nnow: 2026-11-23T09:00:00-06:00\nsteps: [{usr: hi}]", "story 1: steps.0"),
        (RIGHT + "---\n" + RIGHT.replace("send,", "shout,"), "story 2: steps.1.expect.action"),
        (RIGHT.replace('- user: "hi"', '- {user: "hi", owner: approve}'),
     "a step is one of user, advance, owner, crm, event, verify, code"),
        (RIGHT.replace('- user: "hi"', "- advance: soon"), "is not a duration"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(BadFile) as refused:
        script.read(file)
    assert f"{file}: " in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({"a.yaml": RIGHT}, 0, {"passed": 1, "failed": 0}),
        ({"a.yaml": RIGHT, "b.yaml": RIGHT.replace("send,", "draft,")}, 1, {"passed": 1, "failed": 1}),
    ],
)
def test_the_command_says_what_passed(
    tmp_path: Path, files: dict[str, str], code: int, says: dict[str, Any]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    result = CliRunner().invoke(app, ["test", str(tmp_path), "--json"])
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert {key: told[key] for key in says} == says
    assert [bool(row["problem"]) for row in told["stories"]] == [False, True][: len(files)]


@pytest.mark.parametrize("text", ["story: [", None])
def test_the_command_refuses_what_is_no_story(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "bad.yaml").write_text(text)
    assert CliRunner().invoke(app, ["test", str(tmp_path)]).exit_code == 2

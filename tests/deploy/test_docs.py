"""Every command in the how-to pages exists, with these options; every file that they name is there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from frontdesk.cli import app
from tests.deploy.outside import ROOT
from tests.deploy.test_compose import SERVICES, in_example

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
_BLOCK = re.compile(r"^( *)```\n(.*?)^ *```$", re.M | re.S)
_SETTING = re.compile(r"\b(?:FRONTDESK|TWILIO|DATABASE|REDIS)_[A-Z_]+\b")
_FILE = re.compile(r"(?<![\w/.-])((?:deploy|demos|tests|docs)/[\w./-]+\.\w+)")


def commands(page: Path) -> list[list[str]]:
    """The `frontdesk …` of its blocks, alone, after variables, or inside `docker compose run`."""
    found = []
    for _, block in _BLOCK.findall(page.read_text()):
        for line in block.replace(".venv/bin/", "").splitlines():
            words = (
                shlex.split(line.strip().removeprefix("$ ").split("  #")[0].split(" | ")[0])
                if _is_command(line)
                else []
            )
            if "frontdesk" in words:
                found.append(words[words.index("frontdesk") + 1 :])
    return found


def _is_command(line: str) -> bool:
    start = line.strip().removeprefix("$ ")
    return bool(re.match(r"(?:[A-Z_]+=\S+ )*(?:frontdesk|docker compose run)\b", start))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_exist(page: Path) -> None:
    for words in commands(page):
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, words
            command, words = command.commands[words[0]], words[1:]
        command.make_context(page.stem, list(words))


def test_the_pages_hold_commands() -> None:
    assert {page.stem for page in PAGES} >= {"install", "scale", "backup", "upgrade", "twilio"}
    assert sum(len(commands(page)) for page in PAGES) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_settings_and_services_exist(page: Path) -> None:
    text = page.read_text()
    for file in _FILE.findall(text):
        assert (ROOT / file).exists(), file
    for script in re.findall(r"(?<!tests)/deploy/([\w.]+)", text):
        assert (ROOT / "deploy" / script).exists(), script
    for name in _SETTING.findall(text):
        assert name in in_example(), name
    for line in re.findall(r"docker compose (?:exec|run) (.*)", text):
        assert set(line.split()) & set(SERVICES), line

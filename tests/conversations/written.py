"""Every story below this folder, read once."""

from pathlib import Path

from frontdesk.stories import script

HERE = Path(__file__).parent
STORIES = [(file, story) for file in script.find([HERE]) for story in script.read(file)]


def named(file: str) -> list[script.Story]:
    return [story for path, story in STORIES if path.name == file]

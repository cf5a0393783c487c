"""`frontdesk test`: conversations as tests."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.stories import script
from frontdesk.stories.player import play_all
from frontdesk.stories.rehearsal import open_rehearsal
from frontdesk.stories.script import Story
from runtime import settings
from runtime.files import BadFile
from runtime.settings import BadSettings

Result = tuple[Path, Story, str | None]


def test(
    paths: Annotated[list[Path], typer.Argument(help="Story files, or folders of them.")],
    llm: Annotated[
        Literal["local", "configured"], typer.Option(help="Which understanding plays along.")
    ] = "local",
    repeat: Annotated[int, typer.Option(min=1, help="Play each story this often; all must pass.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Play conversations through the real pipeline, each in an empty workspace with a frozen clock. Action servers that
    a workspace names are called for real; those of the inside only if FRONTDESK_FETCH_INSIDE names them.

    Example: `frontdesk test tests/conversations --repeat 3`
    """
    try:
        chosen = choose(llm == "configured", place.process_environment())
        files = script.find(paths)
        stories = [(file, story) for file in files for story in script.read(file)]
    except (BadFile, BadSettings) as error:
        fail(str(error), 2)
    if llm == "configured" and not chosen["llm"]:
        fail("FRONTDESK_LLM names no model; set it, or use --llm local", 2)
    if not stories:
        fail(f"no story in {', '.join(map(str, paths))}", 2)
    results = asyncio.run(_play([pair for pair in stories for _ in range(repeat)], chosen))
    _tell(results, as_json)
    raise typer.Exit(1 if any(problem for _, _, problem in results) else 0)


def choose(with_models: bool, environ: Mapping[str, str]) -> dict[str, Any]:
    """What of the operator's settings holds for stories too, as fields of Settings. Raise BadSettings."""
    models = settings.models(environ) if with_models else {}
    return models | {"fetch_inside": settings.fetch_inside(environ)}


async def _play(stories: list[tuple[Path, Story]], chosen: dict[str, Any]) -> list[Result]:
    async with open_rehearsal(**chosen) as stage:
        played = await play_all(stage, [story for _, story in stories], Path.cwd())
    return [(file, story, problem) for (file, _), (story, problem) in zip(stories, played, strict=True)]


def _tell(results: list[Result], as_json: bool) -> None:
    failed = [result for result in results if result[2]]
    if as_json:
        rows = [
            {"file": str(file), "story": story.story, "problem": problem} for file, story, problem in results
        ]
        typer.echo(json.dumps({"passed": len(results) - len(failed), "failed": len(failed), "stories": rows}))
        return
    for file, story, problem in results:
        typer.echo(f"{'FAIL' if problem else 'ok  '} {file}: {story.story}")
        if problem:
            typer.echo(problem)
    typer.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")

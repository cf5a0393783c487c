"""`frontdesk listings`: homes from a listing service's file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from domain.listings.feed import Format
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir, Workspace
from frontdesk.cli.portfolio import LARGEST, read_text
from runtime import listings
from runtime.listings import Taken
from runtime.runtime import Runtime
from runtime.wake import LISTINGS

app = typer.Typer(
    no_args_is_help=True, help="Homes that are listed: import them.", rich_markup_mode="markdown"
)
File = Annotated[Path, typer.Argument(help="RESO-style JSON, or CSV with the same names.", metavar="FILE")]


@app.callback()
def main() -> None:
    """Homes that are listed: import them."""


@app.command("import")
def import_(file: File, workspace: Workspace = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Each home as the file has it, unless what is known has a newer ModificationTimestamp. What is sold, withdrawn or
    expired is found no longer. A row that cannot be read is told with its line; the others are taken. The same file
    again changes nothing, and one that stopped half-way goes on.

    Example: `frontdesk listings import demos/realty/listings.json -w realty`
    """
    text = read_text(file, LARGEST)
    form: Format | None = "csv" if file.suffix.lower() == ".csv" else None

    async def work(rt: Runtime) -> Taken:
        workspace_id = await place.find_workspace(rt, workspace)
        taken = await listings.take(rt.db, workspace_id, text, "cli", form)
        await rt.wake.wake(LISTINGS)
        return taken

    try:
        taken = place.with_runtime(work, data_dir)
    except ValueError as error:
        fail(f"{file} {error}", 2)
    _tell(file, taken, as_json)


def _tell(file: Path, taken: Taken, as_json: bool) -> None:
    """Ends with 1 when a row was not taken."""
    if as_json:
        bad = [{"line": one.line, "why": one.why} for one in taken.bad]
        typer.echo(json.dumps({"rows": taken.rows, **asdict(taken.counted), "bad": bad}))
    else:
        of = taken.counted
        typer.echo(
            f"{taken.rows} rows: {of.new} new, {of.changed} changed, {of.same} as they were,"
            f" {of.older} older than what is known, {len(taken.bad)} not taken"
        )
        for one in taken.bad:
            typer.echo(f"{file}:{one.line}: {one.why}", err=True)
    if taken.bad:
        raise typer.Exit(1)

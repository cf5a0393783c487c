"""`frontdesk eval retrieval`."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson
from frontdesk.quality import tables
from frontdesk.quality.labelled import BadFile


def retrieval(
    directory: Annotated[
        Path,
        typer.Argument(help="A folder with corpus.jsonl[.gz], queries.jsonl, qrels.csv.", file_okay=False),
    ],
    as_json: AsJson = False,
) -> None:
    """Learn a corpus into a database of its own and ask it as a customer's turn asks.

    Example: `frontdesk eval retrieval ../shared/data/scifact --json`
    """
    from frontdesk.quality import retrieval as quality

    try:
        found = asyncio.run(quality.measure(quality.read(directory)))
    except BadFile as error:
        fail(str(error), 2)
    typer.echo(json.dumps(found.as_json()) if as_json else tables.told(found.as_json()))

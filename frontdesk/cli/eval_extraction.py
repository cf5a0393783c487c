"""`frontdesk eval extraction`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson
from frontdesk.quality import tables
from frontdesk.quality.labelled import BadFile

File = Annotated[Path, typer.Argument(help="JSON lines {text, history, system_asked, fields, now, gold}.")]


def extraction(file: File, as_json: AsJson = False) -> None:
    """Fill the fields of every row from its message, and compare with the row's labels.

    Example: `frontdesk eval extraction rows.jsonl --json`
    """
    from frontdesk.quality import extraction as quality

    try:
        found = quality.measure(quality.read(file))
    except BadFile as error:
        fail(str(error), 2)
    typer.echo(json.dumps(found.as_json()) if as_json else tables.told(found.as_json()))

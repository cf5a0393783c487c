"""`frontdesk eval answers`."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson
from frontdesk.quality import tables
from frontdesk.quality.labelled import BadFile, read
from runtime import files


def answers(
    business: Annotated[Path, typer.Argument(help="A workspace's file; its documents are learnt.")],
    test: Annotated[
        Path,
        typer.Option("--test", help="CSV text,label: a question, and the heading that answers it, or oos."),
    ],
    as_json: AsJson = False,
) -> None:
    """Ask a business what its customers ask: is the right section cited, and is nothing invented?

    Example: `frontdesk eval answers demos/clinic.yaml --test questions.csv`
    """
    from frontdesk.quality import answers as quality

    try:
        found = asyncio.run(quality.measure(business, read(test)))
    except (BadFile, files.BadFile) as error:
        fail(str(error), 2)
    if as_json:
        return typer.echo(json.dumps(found.as_json() | {"misses": found.misses()}, ensure_ascii=False))
    typer.echo(tables.told(found.as_json()))
    for one in found.misses():
        typer.echo(f"\n{one['text']}  ({one['label']})\n  {one['said'] or '(nothing)'}")

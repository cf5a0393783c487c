"""`frontdesk eval sentiment`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson
from frontdesk.quality import tables
from frontdesk.quality.labelled import BadFile, read


def sentiment(
    test: Annotated[Path, typer.Option("--test", help="CSV text,label that it is asked.")],
    train: Annotated[
        Path | None, typer.Option("--train", help="CSV text,label that it learns from; none: as shipped.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell how a message feels. Labels are negative, neutral and positive (0 and 1 stand for negative and positive).

    Example: `frontdesk eval sentiment --train train.csv --test test.csv --json`
    """
    from frontdesk.quality import sentiment as quality  # scikit-learn: only where something is learnt

    try:
        found = quality.measure(read(train) if train else (), read(test))
    except BadFile as error:
        fail(str(error), 2)
    typer.echo(json.dumps(found.as_json()) if as_json else tables.told(found.as_json()))

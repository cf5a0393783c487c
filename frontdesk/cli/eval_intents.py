"""`frontdesk eval intents`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson
from frontdesk.quality import tables
from frontdesk.quality.labelled import BadFile, read

Train = Annotated[Path, typer.Option("--train", help="CSV text,label that it learns from.")]
Test = Annotated[Path, typer.Option("--test", help="CSV text,label that it is asked.")]


def intents(
    train: Train,
    test: Test,
    oos: Annotated[Path | None, typer.Option("--oos", help="CSV of messages that are out of scope.")] = None,
    as_json: AsJson = False,
) -> None:
    """Learn intents from one labelled file and be asked another; the label `oos` means out of scope.

    Example: `frontdesk eval intents --train train.csv --test test.csv --oos strangers.csv --json`
    """
    from frontdesk.quality import intents as quality  # scikit-learn: only where something is learnt

    try:
        found = quality.measure(read(train), read(test), read(oos) if oos else ())
    except BadFile as error:
        fail(str(error), 2)
    typer.echo(json.dumps(found.as_json()) if as_json else tables.told(found.as_json()))

"""How a command ends that cannot go on: one sentence, and a code."""

from typing import NoReturn

import typer

from runtime import settings as reading
from runtime.settings import BadSettings, Settings


def fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def read_settings() -> Settings:
    try:
        return reading.read()
    except BadSettings as error:
        fail(str(error), 2)

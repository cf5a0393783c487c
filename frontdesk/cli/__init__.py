"""The command line: one file a command. Only the file of the command that is called is loaded: all of them would take
two seconds more, at every start of every process."""

import gc
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "up": "up",
    "serve": "serve",
    "worker": "worker",
    "scheduler": "worker",
    "migrate": "migrate",
    "chat": "chat",
    "trigger": "trigger",
    "test": "test",
    "init": "init",
    "apply": "apply",
    "diff": "apply",
    "export": "apply",
    "doctor": "doctor",
    "tail": "tail",
    "replay": "replay",
}
"""Each with the file of its function."""
GROUPS = {
    "user": "user",
    "contact": "contact",
    "audit": "audit",
    "bench": "bench",
    "eval": "eval",
    "key": "keys",
    "listings": "listings",
    "portfolio": "portfolio",
}
"""Each with the file that has its commands."""
_FUNCTIONS = {"export": "export_"}
"""Those that cannot be called like their command."""


class _Loaded(MutableMapping[str, Any]):
    """Every command by its name; made when somebody looks at it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _load(name)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands stay")

    def __iter__(self) -> Iterator[str]:
        return iter([*COMMANDS, *GROUPS])

    def __len__(self) -> int:
        return len(COMMANDS) + len(GROUPS)


class _Lazy(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Loaded()


def _load(name: str) -> Any:
    """The command, made by Typer as if it had been registered. KeyError for a name that is none."""
    alone = _typer()
    if name in GROUPS:
        alone.add_typer(_file(GROUPS[name]).app, name=name)
    else:
        alone.command(name)(getattr(_file(COMMANDS[name]), _FUNCTIONS.get(name, name)))
    return typer.main.get_group(alone).commands[name]


def _file(name: str) -> Any:
    return import_module(f"frontdesk.cli.{name}")


def _typer(**more: Any) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,
        **more,
    )


app = _typer(cls=_Lazy)


@app.callback()
def _frontdesk() -> None:
    """Reads and answers what a business's customers write."""


def main() -> None:
    """What is loaded stays: a collector that looks through it again and again makes a fifth of the start."""
    gc.disable()
    for name in sys.argv[1:2]:
        if found := (COMMANDS | GROUPS).get(name):
            _file(found)
    gc.freeze()
    gc.enable()
    app()

"""docs/quality.md: one section a kind of question, its figures as they were measured.

To add a kind: a file here that has a SECTION, and its name in SECTIONS.
"""

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

HEAD = (
    "# Quality\n\nHow well it understands, finds and extracts, without a key, on labelled files and through the same "
    "code as a live turn. Made by `frontdesk eval all --data DIR --write docs/quality.md`, where DIR holds the public sets; "
    "`--only` measures one section again. Where something was tuned on a file that it is measured on, its section says so.\n"
)


@dataclass(frozen=True, slots=True)
class Section:
    """`measure` gets the directory of the public sets and yields rows as long as `columns`; sets that are not
    there give no row. `about` says what is measured, on what, and what the figures mean."""

    name: str
    title: str
    about: str
    columns: Sequence[str]
    measure: Callable[[Path], Iterator[Sequence[object]]]


def written(section: Section, data: Path, told: Callable[[str], None]) -> str:
    """The section as Markdown, measured now."""
    lines = [f"## {section.title}", "", f"{section.about} {_here()}", ""]
    lines += [_row(section.columns), _row(["---"] * len(section.columns))]
    for row in section.measure(data):
        lines.append(_row([_cell(value) for value in row]))
        told(lines[-1])
    return "\n".join(lines) + "\n"


def merge(before: str, fresh: dict[str, str], order: Sequence[Section]) -> str:
    """The sheet with the freshly measured sections, by name; the others stay as they are in `before`."""
    stood = {part.splitlines()[0]: part for part in re.split(r"(?m)^## ", before)[1:]}
    bodies = [
        fresh.get(section.name) or ("## " + stood[section.title] if section.title in stood else "")
        for section in order
    ]
    return "\n".join([HEAD, *(body.rstrip() + "\n" for body in bodies if body)])


def _here() -> str:
    cores = os.cpu_count()
    return f"Measured {date.today().isoformat()}, {platform.machine()}, {cores} cores, load {os.getloadavg()[0]:.0f}."  # noqa: DTZ011


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")

"""Labelled sentences as CSV, `text,label`, or as JSON lines with those keys; the label `oos` is out of scope."""

import csv
import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

OUT_OF_SCOPE = "oos"


class BadFile(Exception):
    """The message names the file, the line, and what would be right."""


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    label: str


def read(file: Path) -> list[Sentence]:
    """Raise BadFile. A name that ends in .gz is unpacked."""
    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8", newline="") as lines:
            json_lines = file.name.removesuffix(".gz").endswith(".jsonl")
            found = list(_of_json(file, lines) if json_lines else _of_csv(file, csv.reader(lines)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{file} cannot be read: {error}") from error
    if not found:
        raise BadFile(f"{file} holds no sentence")
    return found


def _of_csv(file: Path, rows: Iterator[list[str]]) -> Iterator[Sentence]:
    if [name.strip().lower() for name in next(rows, [])[:2]] != ["text", "label"]:
        raise BadFile(f"{file}, line 1: the header must be text,label")
    for number, row in enumerate(rows, start=2):
        if row and (len(row) < 2 or not row[1].strip()):
            raise BadFile(f"{file}, row {number}: there is no label; write text,label")
        if row:
            yield Sentence(row[0], row[1].strip())


def _of_json(file: Path, lines: Iterable[str]) -> Iterator[Sentence]:
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            yield Sentence(str(row["text"]), str(row["label"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadFile(f'{file}, line {number}: write {{"text": …, "label": …}}') from error

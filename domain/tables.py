"""Rows of a CSV, each with its line: one that cannot be read is told, with why, and the others go on."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that was not taken: its line in the file (the header is line 1), and why."""

    line: int
    why: str


def rows(text: str, columns: Sequence[str], bad: list[Bad]) -> Iterator[tuple[int, dict[str, str]]]:
    """Raise ValueError when it is no such file at all. `columns` must be in its first line."""
    if "\0" in text:
        raise ValueError("holds a NUL character, so it is no text; save it as CSV in UTF-8")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [one.strip().lower() for one in next(reader, [])]
        if missing := [name for name in columns if name.lower() not in header]:
            raise ValueError(f"the first line lacks {', '.join(missing)}; it must name {', '.join(columns)}")
        for row in reader:
            line = reader.line_num
            if line > MOST_ROWS:
                raise ValueError(f"has more than {MOST_ROWS:,} lines; cut it in several files")
            if not any(one.strip() for one in row):
                continue
            if len(row) != len(header):
                bad.append(Bad(line, f"has {len(row)} values, the first line names {len(header)}"))
                continue
            yield line, {name: value.strip() for name, value in zip(header, row, strict=True)}
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} is no CSV: {error}") from None

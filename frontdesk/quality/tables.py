"""Figures as a person reads them: one a line, then a table of the labels."""

from collections.abc import Mapping
from typing import Any


def told(figures: Mapping[str, Any]) -> str:
    """`figures` as JSON has them; `by_class` and `by_type`, {label: {figure: value}}, become tables."""
    plain = {key: value for key, value in figures.items() if not isinstance(value, Mapping)}
    lines = [f"{key:<16} {_cell(value)}" for key, value in plain.items()]
    for table in (value for value in figures.values() if isinstance(value, Mapping)):
        lines += ["", *_table(table)]
    return "\n".join(lines)


def _table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    columns = list(next(iter(rows.values()), {}))
    widest = max((len(label) for label in rows), default=0)
    head = " " * widest + "".join(f"{column:>11}" for column in columns)
    return [
        head,
        *(
            f"{label:<{widest}}" + "".join(f"{_cell(row[c]):>11}" for c in columns)
            for label, row in rows.items()
        ),
    ]


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)

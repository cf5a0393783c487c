"""Excel workbooks: values, never formulas."""

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl

from knowledge.reading.plain import of_table
from knowledge.reading.shape import MOST_COLUMNS, MOST_ROWS, Read, Unreadable

_DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, AttributeError, TypeError, OSError, IndexError)


def read(data: bytes) -> Read:
    try:
        book: Any = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except _DAMAGED:
        raise Unreadable("damaged", "the workbook is damaged; save it again") from None
    found = Read("xlsx", title=str(book.properties.title or "").strip()[:200])
    blocks: list[str] = []
    for sheet in book.worksheets:
        if sheet.max_row > MOST_ROWS * 5 or sheet.max_column > MOST_COLUMNS * 5:
            raise Unreadable(
                "too_many_rows",
                f"sheet {sheet.title!r} has {sheet.max_row:,} rows and {sheet.max_column:,} columns",
            )
        shown = of_table(found, _rows(found, sheet), f"{sheet.title}, ")
        if sheet.sheet_state != "visible":
            found.flag("hidden", f"sheet {sheet.title}", " ".join(shown)[:400])
        elif shown:
            blocks += [f"## {sheet.title}", *shown]
    found.markdown = "\n\n".join(blocks)
    return found


def _rows(found: Read, sheet: Any) -> list[list[str]]:
    closed = {letter for letter, one in sheet.column_dimensions.items() if one.hidden}
    rows = []
    for row in sheet.iter_rows():
        cells = [_show(cell.value, cell.number_format) for cell in row]
        if row and sheet.row_dimensions[row[0].row].hidden:
            found.flag("hidden", f"{sheet.title}, row {row[0].row}", " ".join(cells))
            continue
        kept = []
        for cell, said in zip(row, cells, strict=True):
            if said and cell.column_letter in closed:
                found.flag("hidden", f"{sheet.title}, column {cell.column_letter}", said)
            elif said and _invisible(cell):
                found.flag("white", f"{sheet.title}, {cell.coordinate}", said)
            if cell.column_letter not in closed:
                kept.append("" if _invisible(cell) else said)
        if any(kept):
            rows.append(kept)
    return rows


def _invisible(cell: Any) -> bool:
    colour = getattr(cell.font.color, "rgb", None) if cell.font and cell.font.color else None
    white = isinstance(colour, str) and colour.upper().endswith("FFFFFF")
    filled = cell.fill is not None and cell.fill.fill_type is not None
    return (white and not filled) or cell.number_format == ";;;"


def _show(value: Any, form: str) -> str:
    """As the sheet shows it, nearly: money and percentages keep their sign."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
        case date() | time():
            return value.isoformat()
        case int() | float():
            return _number(value, form)
    return " ".join(str(value).split())


def _number(value: float, form: str) -> str:
    if "%" in form:
        return f"{value * 100:g}%"
    sign = next((one for one in "$€£" if one in form), "")
    if sign:
        return f"{sign}{value:,.0f}" if float(value).is_integer() else f"{sign}{value:,.2f}"
    return f"{value:,.0f}".replace(",", "") if float(value).is_integer() else f"{value:g}"

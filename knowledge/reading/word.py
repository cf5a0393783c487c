"""Word documents."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from knowledge.reading.shape import MOST_ROWS, Read, Unreadable, table

_TINY = 4.0  # points
_WHITE = "FFFFFF"
_RUNS = ".//w:r[not(ancestor::w:del) and not(ancestor::w:moveFrom)]"
_DAMAGED = (zipfile.BadZipFile, KeyError, ValueError, AttributeError, OSError)


def read(data: bytes) -> Read:
    try:
        document: Any = docx.Document(io.BytesIO(data))
    except _DAMAGED:
        raise Unreadable("damaged", "the Word file is damaged; save it again") from None
    found = Read("docx", title=(document.core_properties.title or "").strip()[:200])
    blocks: list[str] = []
    for part in document.iter_inner_content():
        blocks += _table(found, part) if isinstance(part, Table) else _paragraph(found, part)
    found.markdown = "\n\n".join(blocks)
    return found


def _paragraph(found: Read, paragraph: Paragraph) -> list[str]:
    said = _seen(found, paragraph)
    if not said:
        return []
    style = str(getattr(paragraph.style, "name", "") or "")
    if style == "Title":
        found.title = found.title or said[:200]
        return [f"# {' '.join(said.split())}"]
    if heading := re.match(r"(?:Heading|Überschrift|Título|Titre) (\d)", style):
        return [f"{'#' * min(int(heading[1]) + 1, 6)} {' '.join(said.split())}"]
    listed = style.startswith("List") or bool(paragraph._p.xpath("./w:pPr/w:numPr"))
    return [("- " if listed else "\\" if said.startswith("#") else "") + said]


def _seen(found: Read, paragraph: Paragraph) -> str:
    """The words that a reader sees, tracked changes taken in."""
    shown: list[str] = []
    for element in paragraph._p.xpath(_RUNS):
        run = Run(element, paragraph)
        if not run.text:
            continue
        if why := _hidden(run):
            found.flag(why, "", run.text)
        else:
            shown.append(run.text)
    return "".join(shown).strip()


def _hidden(run: Run) -> str:
    font = run.font
    if font.hidden:
        return "hidden"
    size = font.size or getattr(getattr(run.style, "font", None), "size", None)
    if size is not None and size.pt < _TINY:
        return "tiny"
    shaded = font.highlight_color is not None or bool(run._r.xpath("./w:rPr/w:shd"))
    return "white" if str(font.color.rgb if font.color else "") == _WHITE and not shaded else ""


def _table(found: Read, part: Table) -> list[str]:
    if len(part.rows) > MOST_ROWS:
        raise Unreadable(
            "too_many_rows", f"a table has {len(part.rows):,} rows; at most {MOST_ROWS:,} are read"
        )
    rows = [[" ".join(_cell(found, cell)) for cell in _cells(row)] for row in part.rows]
    rows = [row for row in rows if any(row)]
    if len(part.columns) == 1:  # it only lays out the page
        return [row[0] for row in rows]
    return (
        table(rows[0], rows[1:])
        if len(rows) > 1
        else ["; ".join(cell for row in rows for cell in row if cell)]
    )


def _cells(row: Any) -> Iterator[Any]:
    """Merged cells once."""
    seen = None
    for cell in row.cells:
        if cell._tc is not seen:
            yield cell
        seen = cell._tc


def _cell(found: Read, cell: Any) -> list[str]:
    return [said for paragraph in cell.paragraphs if (said := " ".join(_seen(found, paragraph).split()))]

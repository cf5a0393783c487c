"""Text, Markdown and CSV."""

import csv
import io
import re

from markdown_it import MarkdownIt

from knowledge.reading import html
from knowledge.reading.shape import MOST_COLUMNS, MOST_ROWS, Read, Unreadable, table
from knowledge.reading.sniff import decode

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"<(?!https?:|mailto:|!--)[a-zA-Z/][^<>]*>")
_FORMULA = re.compile(r"\s*(?:[=@]|[+\-](?=\s*[^\s\d.,$€£%(+\-]))")
"""What a spreadsheet would run: a number may have a sign."""


def text(data: bytes) -> Read:
    return Read("txt", markdown=decode(data).replace("\r\n", "\n").replace("\r", "\n"))


def markdown(data: bytes) -> Read:
    """As it is. One that holds tags is read as the page that it makes, because tags can hide."""
    said = text(data).markdown
    read = Read("md", markdown=said)
    for comment in _COMMENT.findall(said):
        read.flag("comment", "", comment.strip("<!->"))
    bare = _COMMENT.sub("", said)
    if not _TAG.search(re.sub(r"```.*?```|`[^`\n]*`", "", bare, flags=re.DOTALL)):
        read.markdown = bare
        return read
    made = MarkdownIt("commonmark").enable("table").render(bare)
    page = html.read(made.encode())
    return Read("md", page.title, page.markdown, None, read.flags + page.flags)


def rows(data: bytes) -> Read:
    said = decode(data)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(said[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    csv.field_size_limit(1_000_000)
    try:
        found = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(said), dialect) if any(row)]
    except csv.Error as error:
        raise Unreadable("damaged", f"it is no CSV that can be read: {error}") from None
    read = Read("csv")
    read.markdown = "\n\n".join(of_table(read, found, ""))
    return read


def of_table(read: Read, found: list[list[str]], where: str) -> list[str]:
    """The first row names the columns. Cells that a spreadsheet would run are left out."""
    if len(found) > MOST_ROWS:
        raise Unreadable(
            "too_many_rows", f"it has {len(found):,} rows; at most {MOST_ROWS:,} are read: split it"
        )
    if any(len(row) > MOST_COLUMNS for row in found):
        raise Unreadable("too_many_columns", f"a row has more than {MOST_COLUMNS} columns")
    if not found:
        return []
    kept = [[_no_formula(read, cell, f"{where}row {n}") for cell in row] for n, row in enumerate(found, 1)]
    header, *rest = kept
    if not rest:
        return ["; ".join(cell for cell in header if cell)]
    return table(header, rest)


def _no_formula(read: Read, cell: str, where: str) -> str:
    if not _FORMULA.match(cell):
        return cell
    read.flag("formula", where, cell)
    return ""

"""What a document is by what it holds, whatever it is called."""

import io
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from charset_normalizer import from_bytes

from knowledge.reading.shape import Unreadable

KINDS = ("pdf", "docx", "xlsx", "html", "md", "txt", "csv")
MOST_INSIDE, MOST_ENTRIES, MOST_RATIO = 200 * 1024 * 1024, 5_000, 200
_MAIN = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_ENOUGH = 4_000
"""Bytes from which on letters can be counted to tell an encoding; shorter texts are taken for Western Europe's."""
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_READ = "only PDF, Word (docx), Excel (xlsx), web pages, Markdown, text and CSV are read"
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype html|html|head|body|title|meta|h[1-6]|p|div|main|article|section|"
    r"header|table|ul|ol|style|script|span)\b",
    re.IGNORECASE | re.DOTALL,
)


def kind_of(data: bytes, name: str) -> str:
    """One of KINDS. The name decides only between texts, which have no mark of their own. Raise Unreadable."""
    if not data.strip():
        raise Unreadable("empty", "there is nothing in it")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data[:4] == b"PK\x03\x04":
        return _zipped(data)
    if data[:8] == _OLD:
        raise Unreadable(
            "old_office", "an old or encrypted Office file; save it as docx, xlsx or PDF, without a password"
        )
    return _text(data, name)


def _zipped(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Unreadable("damaged", "the file is damaged: it cannot be unpacked; save it again") from None
    names = {one.filename for one in entries}
    inside = sum(one.file_size for one in entries)
    if len(entries) > MOST_ENTRIES or inside > MOST_INSIDE or inside > MOST_RATIO * max(len(data), 100_000):
        raise Unreadable(
            "too_large_inside",
            f"unpacked it has {inside:,} bytes in {len(entries):,} parts; that is not read",
        )
    if any(one.endswith("vbaProject.bin") for one in names):
        raise Unreadable("macros", "it holds macros; save it without them, as docx or xlsx")
    if any(one.flag_bits & 1 for one in entries):
        raise Unreadable("encrypted", "it is encrypted; save it without a password")
    kind = next((kind for main, kind in _MAIN.items() if main in names), None)
    if kind is None:
        raise Unreadable("type", f"an archive; {_NOT_READ}")
    return kind


def _text(data: bytes, name: str) -> str:
    start = decode(data[:100_000], whole=len(data) <= 100_000)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in ("md", "markdown", "csv", "tsv") and _HTML.match(start.lstrip("\ufeff")):
        return "html"
    known = {"html": "html", "htm": "html", "md": "md", "markdown": "md", "csv": "csv", "tsv": "csv"}
    return known.get(ending, "txt")


def decode(data: bytes, *, whole: bool = True) -> str:
    """Text in whatever encoding it is. Raise Unreadable for what is none."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise Unreadable("type", f"it is no text and nothing that is known; {_NOT_READ}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not whole and error.start > len(data) - 4:
            return data[: error.start].decode("utf-8-sig")
    if len(data) < _ENOUGH:
        return data.decode("cp1252", "replace")
    best = from_bytes(data[:200_000]).best()
    if best is None:
        raise Unreadable("type", f"it is no text and nothing that is known; {_NOT_READ}")
    return data.decode(best.encoding, "replace")

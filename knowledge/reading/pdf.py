"""PDF: words, lines and headings from where they stand on the page; what no reader could see is left out.

A page is drawn, and a word is compared with the ground that it stands on. That finds white on white, text under
pictures and text without colour alike, and lets the invisible text of a scanned page pass, under which is its picture.
"""

import ctypes
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import pypdfium2 as pdfium
import pypdfium2.raw as c

from knowledge.reading.shape import MOST_PAGES, MOST_TEXT, Read, Unreadable

TINY = 3.0
"""Points: smaller than the smallest print."""
CONTRAST = 24
"""Of 255: a word that differs less from its ground is not seen."""
HEADING = 1.18
"""Times the size of the text around it."""
_PASSWORD = 4
Progress = Callable[[float], None]
"""Is told how much is done, 0..1."""
_BULLET = re.compile(r"^(?:[•●◦▪‣·–-]|o(?=\s))\s+")


@dataclass(slots=True)
class Word:
    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    colour: int
    alpha: int
    drawn: bool


@dataclass(slots=True)
class Line:
    text: str
    size: float
    bottom: float
    top: float
    page: int


def read(data: bytes, progress: Progress) -> Read:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
            raise Unreadable("encrypted", "it needs a password; save it without one") from None
        raise Unreadable("damaged", "the PDF is damaged; save or print it again") from None
    if len(document) > MOST_PAGES:
        raise Unreadable(
            "too_many_pages", f"it has {len(document):,} pages; at most {MOST_PAGES:,} are read: split it"
        )
    found = Read("pdf", str(document.get_metadata_value("Title") or "").strip()[:200], pages=len(document))
    lines: list[Line] = []
    for number in range(len(document)):
        page = document[number]
        lines += _lines(_seen(found, page, number), number)
        page.close()
        progress((number + 1) / len(document))
        if sum(len(line.text) for line in lines[-200:]) > MOST_TEXT:
            break
    if not lines:
        raise Unreadable("no_text", "its pages are pictures without text; scan it with text recognition")
    found.markdown = _markdown(_without_margins(lines, len(document)))
    return found


def _seen(found: Read, page: pdfium.PdfPage, number: int) -> list[Word]:
    words = list(_words(page))
    if not words:
        return []
    width, height = page.get_size()
    ground, hidden = Ground(page), list[tuple[str, str]]()
    shown = []
    for word in words:
        if why := _why_unseen(word, width, height, ground):
            hidden.append((why, word.text))
        elif word.text.strip():
            shown.append(word)
    for why in dict.fromkeys(why for why, _ in hidden):
        found.flag(why, f"page {number + 1}", " ".join(text for one, text in hidden if one == why))
    return shown


def _why_unseen(word: Word, width: float, height: float, ground: "Ground") -> str:
    if word.size < TINY:
        return "tiny"
    if word.right < 0 or word.top < 0 or word.left > width or word.bottom > height:
        return "off_page"
    tone = ground.at(word)
    if not word.drawn or word.alpha < CONTRAST:
        return "" if ground.pictured(word) else "invisible"
    return "white" if abs(word.colour - tone) < CONTRAST else ""


class Ground:
    """The page as it is drawn, in grey, a pixel a point."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        width, height = page.get_size()
        self._scale = min(1.0, 2_000 / max(width, height, 1))
        bitmap = page.render(scale=self._scale, grayscale=True)
        self._width, self._height, self._stride = bitmap.width, bitmap.height, bitmap.stride
        self._pixels = bytes(bitmap.buffer)
        self._page_height = height
        self._pictures = [
            one.get_bounds() for one in page.get_objects(filter=[c.FPDF_PAGEOBJ_IMAGE], max_depth=3)
        ]

    def at(self, word: Word) -> int:
        """The commonest tone around the word, 0 black to 255 white."""
        tones: Counter[int] = Counter()
        left, right = (self._place(x, self._width) for x in (word.left - 2, word.right + 2))
        top, bottom = (
            self._place(self._page_height - y, self._height) for y in (word.top + 2, word.bottom - 2)
        )
        for row in range(top, bottom + 1):
            tones.update(self._pixels[row * self._stride + left : row * self._stride + right + 1])
        return tones.most_common(1)[0][0] if tones else 255

    def pictured(self, word: Word) -> bool:
        x, y = (word.left + word.right) / 2, (word.bottom + word.top) / 2
        return any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in self._pictures)

    def _place(self, at: float, size: int) -> int:
        return max(0, min(size - 1, int(at * self._scale)))


def _words(page: pdfium.PdfPage) -> Iterator[Word]:
    """Runs of characters of one look, in the page's own order; a line ends with a word that is a line break."""
    textpage = page.get_textpage()
    raw, style = textpage.raw, _Style(textpage)
    word: Word | None = None
    for n in range(min(textpage.count_chars(), MOST_TEXT)):
        char = chr(c.FPDFText_GetUnicode(raw, n) or 32)
        if char in "\r\n\ufffe\x02" or char.isspace():
            if word:
                yield word
            word = None
            if char == "\n":
                yield Word("\n", 0, 0, 0, 0, 10, 0, 255, True)
            continue
        size, colour, alpha, drawn = style.of(n)
        left, bottom, right, top = style.box(n)
        if (
            word
            and (colour, alpha, drawn) == (word.colour, word.alpha, word.drawn)
            and abs(size - word.size) < 1
        ):
            word.text += char
            word.left, word.right = min(word.left, left), max(word.right, right)
            word.bottom, word.top = min(word.bottom, bottom), max(word.top, top)
            continue
        if word:
            yield word
        word = Word(char, left, bottom, right, top, size, colour, alpha, drawn)
    if word:
        yield word
    textpage.close()


class _Style:
    """What pdfium knows of one character."""

    def __init__(self, textpage: pdfium.PdfTextPage) -> None:
        self._textpage, self._raw = textpage, textpage.raw
        self._tones = [ctypes.c_uint() for _ in range(4)]

    def of(self, n: int) -> tuple[float, int, int, bool]:
        """(size in points, tone, opacity, is it drawn at all)"""
        red, green, blue, alpha = self._tones
        known = c.FPDFText_GetFillColor(self._raw, n, red, green, blue, alpha)
        tone = round(0.299 * red.value + 0.587 * green.value + 0.114 * blue.value) if known else 0
        _, bottom, _, top = self._textpage.get_charbox(n, loose=True)
        thing = c.FPDFText_GetTextObject(self._raw, n)
        mode = c.FPDFTextObj_GetTextRenderMode(thing) if thing else c.FPDF_TEXTRENDERMODE_FILL
        drawn = mode not in (c.FPDF_TEXTRENDERMODE_INVISIBLE, c.FPDF_TEXTRENDERMODE_CLIP)
        return abs(top - bottom), tone, alpha.value if known else 255, drawn

    def box(self, n: int) -> tuple[float, float, float, float]:
        left, bottom, right, top = self._textpage.get_charbox(n)
        return left, bottom, right, top


def _lines(words: Sequence[Word], page: int) -> list[Line]:
    lines: list[Line] = []
    held: list[Word] = []
    for word in [*words, Word("\n", 0, 0, 0, 0, 10, 0, 255, True)]:
        if word.text != "\n" and not (held and abs(word.bottom - held[-1].bottom) > 0.7 * max(word.size, 4)):
            held.append(word)
            continue
        if held:
            said = " ".join(one.text for one in held)
            size = statistics.median(one.size for one in held)
            lines.append(Line(said, size, min(o.bottom for o in held), max(o.top for o in held), page))
        held = [] if word.text == "\n" else [word]
    if held:
        lines.append(Line(" ".join(o.text for o in held), held[0].size, held[0].bottom, held[0].top, page))
    return lines


def _without_margins(lines: list[Line], pages: int) -> list[Line]:
    """Headers and footers: the outermost lines of a page that stand on most pages, but for the page's number. What they
    say is kept where it is said first; a price that changes from page to page is none."""
    if pages < 3:
        return lines
    body = _body(lines)
    places: dict[_Shape, set[int]] = {}
    shapes = {id(line): list(_shapes(line)) for line in _outermost(lines) if not _is_heading(line, body)}
    for line in lines:
        for shape in shapes.get(id(line), ()):
            places.setdefault(shape, set()).add(line.page)
    often = {shape: min(on) for shape, on in places.items() if len(on) >= max(3, 0.6 * pages)}
    return [
        line
        for line in lines
        if all(_is_first(line, shape, often[shape]) for shape in shapes.get(id(line), ()) if shape in often)
    ]


def _is_first(line: Line, shape: "_Shape", first: int) -> bool:
    return line.page == first and "".join(shape) == line.text


_Shape = tuple[str, ...]


def _outermost(lines: Sequence[Line]) -> Iterator[Line]:
    """The two highest and the two lowest of each page."""
    for _, on in groupby(lines, lambda line: line.page):
        by_height = sorted(on, key=lambda line: -line.top)
        yield from {id(line): line for line in by_height[:2] + by_height[-2:]}.values()


def _shapes(line: Line) -> Iterator[_Shape]:
    """As it stands, and with each of its numbers, the first three, told by how far it is from the page's."""
    pieces = re.split(r"(\d{1,5})", line.text)
    numbers = range(1, min(len(pieces), 7), 2)
    for relative in product((False, True), repeat=len(numbers)):
        told = list(pieces)
        for n, is_relative in zip(numbers, relative, strict=True):
            told[n] = f"page{int(pieces[n]) - line.page:+}" if is_relative else pieces[n]
        yield tuple(told)


def _body(lines: Sequence[Line]) -> float:
    """The size that most letters have."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[round(line.size, 1)] += len(line.text)
    return weights.most_common(1)[0][0] if weights else 0.0


def _markdown(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    body = _body(lines)
    sizes = sorted({round(one.size, 0) for one in lines if _is_heading(one, body)}, reverse=True)
    blocks: list[str] = []
    before: Line | None = None
    for line in lines:
        if _is_heading(line, body):
            level = min(sizes.index(round(line.size, 0)) + 1, 4)
            goes_on = (
                before
                and _is_heading(before, body)
                and round(before.size) == round(line.size)
                and _near(before, line)
            )
            if goes_on and blocks:
                blocks[-1] += " " + line.text
            else:
                blocks.append("#" * level + " " + line.text)
        elif bullet := _BULLET.match(line.text):
            blocks.append("- " + line.text[bullet.end() :])
        elif before and not _is_heading(before, body) and _near(before, line) and blocks:
            blocks[-1] = _joined(blocks[-1], line.text)
        else:
            blocks.append("\\" + line.text if line.text.startswith("#") else line.text)
        before = line
    return "\n\n".join(blocks)


def _is_heading(line: Line, body: float) -> bool:
    return line.size >= HEADING * body and len(line.text) <= 150


def _near(before: Line, line: Line) -> bool:
    """No more room between the two than within a paragraph."""
    return before.page == line.page and 0 <= before.bottom - line.top + line.size < 1.45 * line.size


def _joined(said: str, more: str) -> str:
    if re.search(r"[a-z]-$", said) and more[:1].islower():
        return said[:-1] + more
    return f"{said}\n{more}" if len(said) < 60 else f"{said} {more}"

"""Documents of every kind are read as a person would read them; what no person would see is not."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest

from knowledge import reader
from knowledge.reading.shape import Unreadable
from tests.knowledge import papers
from tests.knowledge.papers import BREAK, WHITE, Pdf

READ = {
    "a pdf": ("prices.pdf", papers.pdf("# Prices", "A cleaning costs $115.", "A crown costs $1,150."), "pdf",
              ["Prices", "A cleaning costs $115.", "A crown costs $1,150."]),
    "word": ("a.docx", papers.word(("Title", "Our fees"), ("Heading 1", "Crowns"), ("Normal", "A crown costs $1,150."),
              table=[["Service", "Price"], ["Cleaning", "$115"]]), "docx",
             ["Our fees › Crowns", "A crown costs $1,150.", "Service: Cleaning; Price: $115"]),
    "excel": ("a.xlsx", papers.workbook(Prices=[["Service", "Price"], ["Cleaning", 115.5], ["Whitening", 390]]), "xlsx",
              ["Prices", "Service: Cleaning; Price: 115.5", "Service: Whitening; Price: 390"]),
    "questions in excel": ("faq.xlsx", papers.workbook(F=[["Question", "Answer"], ["Do you whiten?", "Yes, for $390."]]),
                           "xlsx", ["Do you whiten?", "Yes, for $390."]),
    "csv": ("a.csv", b"Service;Price\nCleaning;115\n\nX-ray;32\n", "csv", ["Service: Cleaning; Price: 115", "X-ray"]),
    "csv in latin-1": ("a.csv", "Servicio,Precio\nLimpieza de niños,85\nCorona de porcelana,más de 900\n".encode("latin-1"),
                       "csv", ["Limpieza de niños", "85"]),
    "html": ("a.html", b"<html><head><title>T</title></head><body><nav>menu</nav><h1>Fees</h1><p>A <b>crown</b> costs"
             b" $1,150.</p><ul><li>Cash</li></ul><table><tr><th>Day</th><th>Opens</th></tr><tr><td>Mon</td><td>8</td></tr>"
             b"</table><script>alert(1)</script></body></html>", "html",
             ["Fees", "A crown costs $1,150.", "Cash", "Day: Mon; Opens: 8"]),
    "markdown": ("a.md", b"# Fees\n\n## Crowns\n\nA crown costs $1,150.\n", "md", ["Fees › Crowns", "A crown costs"]),
    "markdown with tags": ("a.md", b"# Fees\n\nA <b>crown</b> costs $1,150.\n", "md", ["Fees", "A crown costs $1,150."]),
    "text": ("a.txt", "Parking is behind the house. ¡Gratis! 😀".encode(), "txt", ["Parking is behind", "Gratis! 😀"]),
    "text in utf-16": ("a.txt", "Parking is free".encode("utf-16"), "txt", ["Parking is free"]),
    "a pdf called txt": ("a.txt", papers.pdf("Parking is free."), "pdf", ["Parking is free."]),
    "a page called pdf": ("a.pdf", b"<!doctype html><p>Parking is free.</p>", "html", ["Parking is free."]),
    "no name": ("", b"Parking is free", "txt", ["Parking is free"]),
    "a path as name": ("../../etc/passwd", b"Parking is free", "txt", ["Parking is free"]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
async def test_what_is_in_it_is_read(case: str) -> None:
    name, data, kind, held = READ[case]
    found = await reader.read(data, name)
    said = "\n".join(f"{one.heading}\n{one.text}" for one in found.chunks)
    assert found.kind == kind
    assert [one for one in held if one not in said] == []
    assert not found.flags
    assert "alert" not in said
    assert "menu" not in said


_PAGE = Pdf().page("# Prices", "A cleaning costs $115.")
HIDDEN = {
    "white in a pdf": ("white", Pdf().page("A cleaning costs $115.").text(BREAK, colour=WHITE).bytes(), "a.pdf"),
    "nearly white": ("white", Pdf().page("A cleaning costs $115.").text(BREAK, colour=(244,) * 3).bytes(), "a.pdf"),
    "tiny in a pdf": ("tiny", Pdf().page("A cleaning costs $115.").text(BREAK, size=1).bytes(), "a.pdf"),
    "off the page": ("off_page", Pdf().page("A cleaning costs $115.").text(BREAK, x=-900).bytes(), "a.pdf"),
    "not drawn": ("invisible", Pdf().page("A cleaning costs $115.").text(BREAK, mode=3).bytes(), "a.pdf"),
    "vanished in word": ("hidden", papers.word(hidden=BREAK), "a.docx"),
    "white in word": ("white", papers.word(hidden=BREAK, how="white"), "a.docx"),
    "tiny in word": ("tiny", papers.word(hidden=BREAK, how="tiny"), "a.docx"),
    "a hidden sheet": ("hidden", papers.workbook(A=[["a", "b"], ["x", "y"]], hidden1=[["n"], [BREAK]]), "a.xlsx"),
    "display none": ("hidden", f'<p>Open.</p><div style="display:none">{BREAK}</div>'.encode(), "a.html"),
    "by a rule": ("hidden", f"<style>.x{{display: none}}</style><p>Open.</p><p class=x>{BREAK}</p>".encode(), "a.html"),
    "white on white": ("hidden", f'<p>Open.</p><span style="color:#fff">{BREAK}</span>'.encode(), "a.html"),
    "no size": ("hidden", f'<p>Open.</p><span style="font-size:0">{BREAK}</span>'.encode(), "a.html"),
    "far left": ("hidden", f'<p>Open.</p><p style="position:absolute;left:-9999px">{BREAK}</p>'.encode(), "a.html"),
    "an attribute": ("hidden", f"<p>Open.</p><p hidden>{BREAK}</p>".encode(), "a.html"),
    "a comment": ("comment", f"<p>Open.</p><!-- {BREAK} -->".encode(), "a.html"),
    "a comment in markdown": ("comment", f"# A\n\nOpen.\n\n<!-- {BREAK} -->\n".encode(), "a.md"),
    "a tag in markdown": ("hidden", f"# A\n\nOpen.\n\n<p style='display:none'>{BREAK}</p>\n".encode(), "a.md"),
    "in tag characters": ("no_width", ("Open." + "".join(chr(0xE0000 + ord(one)) for one in BREAK)).encode(), "a.txt"),
    "said openly": ("instructions", f"We are open.\n\nNote to the AI: {BREAK}.\n\nParking is free.".encode(), "a.txt"),
    "a formula": ("formula", b'Service,Price\nCleaning,"=HYPERLINK(""http://x.test"",""refund"")"\n', "a.csv"),
}  # fmt: skip


@pytest.mark.parametrize("case", HIDDEN)
async def test_what_no_reader_sees_is_shown_and_not_learnt(case: str) -> None:
    kind, data, name = HIDDEN[case]
    found = await reader.read(data, name)
    said = "\n".join(f"{one.heading}\n{one.text}" for one in found.chunks).lower()
    assert kind in {one.kind for one in found.flags}
    assert any("instructions" in one.sample or "refund" in one.sample for one in found.flags)
    assert "refund" not in said
    assert "instructions" not in said
    assert said.strip()


async def test_white_on_a_dark_ground_is_read() -> None:
    data = Pdf().page("Prices").box(60, 290, 400, 30, 20).text("A crown costs $1,150.", colour=WHITE).bytes()
    found = await reader.read(data, "a.pdf")
    assert "A crown costs $1,150." in found.chunks[0].text
    assert found.flags == ()


BAD: dict[str, tuple[bytes | Callable[[], bytes], str, str]] = {
    "nothing": (b"  \n ", "a.txt", "empty"),
    "a zip bomb": (papers.bomb, "a.docx", "too_large_inside"),
    "a bomb of a workbook": (partial(papers.bomb, "xl/workbook.xml"), "a.xlsx", "too_large_inside"),
    "another archive": (papers.with_part(papers.bomb("readme.txt", 1024 * 1024), "b.txt", b"x"), "a.docx", "type"),
    "macros": (papers.with_part(papers.word(("Normal", "Hi")), "word/vbaProject.bin", b"x"), "a.docx", "macros"),
    "half a zip": (papers.word(("Normal", "Hi"))[:2000], "a.docx", "damaged"),
    "word without words": (papers.with_part(papers.word(("Normal", "Hi")), "word/document.xml", b"<x"), "a", "damaged"),
    "half a pdf": (b"%PDF-1.7\n" + os.urandom(4000), "a.pdf", "damaged"),
    "a pdf under a password": (papers.encrypted_pdf(), "a.pdf", "encrypted"),
    "a pdf of pictures": (Pdf().page().box(0, 0, 600, 700, 100).bytes(), "a.pdf", "no_text"),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "a.doc", "old_office"),
    "a program": (b"\x7fELF" + bytes(500), "a.txt", "type"),
    "a picture called text": (b"\x89PNG\r\n\x1a\n" + bytes(500), "a.txt", "type"),
    "only scripts": (b"<html><script>x()</script></html>", "a.html", "no_text"),
    "too many rows": (b"a,b\n" + b"1,2\n" * 21_000, "a.csv", "too_many_rows"),
    "too long": (b"word " * 1_100_000, "a.txt", "too_long"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_read_says_why(case: str) -> None:
    paper, name, code = BAD[case]
    data = paper if isinstance(paper, bytes) else paper()  # a bomb takes a second to make
    with pytest.raises(Unreadable) as why:
        await reader.read(data, name)
    assert (why.value.code, bool(why.value.detail)) == (code, True)


async def test_a_document_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Unreadable) as why:
        await reader.read(papers.pdf("Prices"), "a.pdf", wall_s=0.05)
    assert why.value.code == "too_slow"


async def test_entities_of_a_word_file_reach_no_file_and_no_server() -> None:
    evil = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    body = (
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        b"<w:t>Hello &e;</w:t></w:r></w:p></w:body></w:document>"
    )
    data = papers.with_part(papers.word(("Normal", "Hi")), "word/document.xml", evil + body)
    found = await reader.read(data, "a.docx")
    assert "root:" not in found.chunks[0].text


async def test_headers_and_footers_are_said_once_and_what_only_looks_alike_is_kept() -> None:
    """A catalogue: every page is put like every other, and each says something of its own."""
    book = Pdf()
    for n in range(6):
        lines = [f"# Boat {n + 1}", f"Boat {n + 1} costs ${n * 40 + 150} a day.", f"It sleeps {n % 2 + 4}."]
        book.page("Lakeside Boats 2027", *lines, "Life jackets are free.", f"Page {n + 1} of 6")
    found = await reader.read(book.bytes(), "boats.pdf")
    said = "\n".join(f"{one.heading} {one.text}" for one in found.chunks)
    for n in range(6):
        assert said.count(f"${n * 40 + 150} a day") == 1
        assert f"Boat {n + 1} costs" in said
    assert (said.count("Lakeside Boats 2027"), said.count("of 6")) == (1, 0)
    assert said.count("It sleeps 4.") == 3


async def test_many_pages_are_too_many() -> None:
    document = Pdf()
    for _ in range(1_001):
        document.page()
    with pytest.raises(Unreadable) as why:
        await reader.read(document.bytes(), "a.pdf")
    assert why.value.code == "too_many_pages"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux'")
@pytest.mark.parametrize(
    "attempt",
    [
        "import _socket; _socket.socket(2, 1)",
        "import ctypes; ctypes.CDLL(None).socket(2, 1, 0) >= 0 or exit(3)",
        "import os; os.fork()",
        "import ctypes; ctypes.CDLL(None).fork() >= 0 or exit(3)",
        "import os; os.execv('/bin/true', ['true'])",
        "open('/tmp/frontdesk-test-of-the-reader', 'w')",
        "bytearray(3 << 30)",
    ],
)
def test_the_process_that_reads_can_do_nothing_else(attempt: str) -> None:
    shut = "import ctypes; from knowledge.reading import confine; confine.limit(); confine.shut(); "
    ended = subprocess.run([sys.executable, "-I", "-c", shut + attempt], capture_output=True, check=False)
    assert ended.returncode not in (0, -11), ended.stderr

"""The process that reads one document: bytes in on standard input, JSON lines out, and nothing else it could do."""

import json
import sys
from dataclasses import asdict

from knowledge.reading import confine
from knowledge.reading.shape import MOST_TEXT, Read, Unreadable


def main(name: str) -> None:
    data = sys.stdin.buffer.read()
    try:
        found = _read(data, name)
    except Unreadable as why:
        _tell({"problem": why.code, "detail": why.detail})
    except MemoryError:
        _tell({"problem": "too_large_inside", "detail": "reading it takes more memory than a document may"})
    except RecursionError:
        _tell({"problem": "damaged", "detail": "it is nested deeper than anything that people write"})
    else:
        _tell(asdict(found))


def _read(data: bytes, name: str) -> Read:
    from knowledge.reading import html, pdf, plain, sheet, sniff, word

    confine.shut()
    kind = sniff.kind_of(data, name)
    match kind:
        case "pdf":
            found = pdf.read(data, _progress)
        case "docx":
            found = word.read(data)
        case "xlsx":
            found = sheet.read(data)
        case "html":
            found = html.read(data)
        case "md":
            found = plain.markdown(data)
        case "csv":
            found = plain.rows(data)
        case _:
            found = plain.text(data)
    return _checked(found)


def _progress(done: float) -> None:
    _tell({"done": round(done, 3)})


def _checked(found: Read) -> Read:
    """Without characters that nobody sees and without blocks that speak to the assistant."""
    from domain.suspect import addresses_machine
    from knowledge.reading.suspect import unseen

    if len(found.markdown) > MOST_TEXT:
        raise Unreadable(
            "too_long", f"it holds {len(found.markdown):,} characters; at most {MOST_TEXT:,} are read"
        )
    text, spelt = unseen(found.markdown.replace("\0", ""))
    found.flag("no_width", "", spelt)
    kept = []
    for block in text.split("\n\n"):
        words = addresses_machine(block)
        found.flag("instructions", "", words)
        if not words:
            kept.append(block)
    found.markdown = "\n\n".join(kept).strip()
    title, spelt = unseen(found.title.replace("\0", ""))
    found.title = "" if spelt or addresses_machine(title) else title
    if not found.markdown:
        raise Unreadable("no_text", "there is no text in it that a reader could see")
    return found


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    confine.limit()
    main(sys.argv[1])

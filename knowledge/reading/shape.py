"""What reading a document gives: text with headings, what was left out of it and why, or why it cannot be read."""

from dataclasses import dataclass, field

LARGEST = 20 * 1024 * 1024
"""Bytes of one document, as it is uploaded or fetched."""
MOST_PAGES, MOST_ROWS, MOST_COLUMNS = 1_000, 20_000, 200
MOST_TEXT = 5_000_000
"""Characters of one document: a thousand dense pages."""
SAMPLE = 160
"""Characters of what was left out that are shown to the business."""
MOST_FLAGS = 50


class Unreadable(Exception):
    """`code` is stable; the message says what is wrong and what would be right."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Flag:
    """Something in the document that no reader of it sees, or that speaks to the assistant. It is not learnt."""

    kind: str
    where: str
    sample: str


@dataclass(slots=True)
class Read:
    """`markdown` holds headings, paragraphs, bullets, and table rows as sentences ("Service: Cleaning; Price: $95")."""

    kind: str
    title: str = ""
    markdown: str = ""
    pages: int | None = None
    flags: list[Flag] = field(default_factory=list)

    def flag(self, kind: str, where: str, sample: str) -> None:
        seen = " ".join(sample.split())
        if len(self.flags) < MOST_FLAGS and seen:
            self.flags.append(Flag(kind, where, seen[:SAMPLE]))


def row_sentence(header: list[str], cells: list[str]) -> str:
    """ "Service: Cleaning; Price: $95": a row that is understood without its table."""
    said = [
        f"{name}: {cell}" if name and name != cell else cell
        for name, cell in zip(header + [""] * (len(cells) - len(header)), cells, strict=False)
        if cell
    ]
    return "; ".join(said)


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Blocks of markdown. A table of questions and answers is one section a question."""
    asked = _column(header, ("question", "q", "faq", "pregunta"))
    answered = _column(header, ("answer", "a", "response", "respuesta"))
    if asked is None or answered is None:
        return [f"- {said}" for row in rows if (said := row_sentence(header, row))]
    blocks = []
    for row in rows:
        if len(row) > max(asked, answered) and row[asked] and row[answered]:
            blocks += [f"## {row[asked]}", row[answered]]
    return blocks


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((n for n, name in enumerate(header) if name.strip().lower() in names), None)

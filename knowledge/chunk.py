"""Markdown to passages: one a section, its headings kept, long ones cut between paragraphs. Pure."""

import re
from collections.abc import Iterator

from store.knowledge import Chunk

LONGEST = 900  # characters: a screenful, a few sentences around any answer

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")


def title_of(markdown: str, fallback: str) -> str:
    """The first heading, or `fallback`."""
    for line in markdown.splitlines():
        if found := _HEADING.match(line):
            return found[2]
    return fallback


def chunk(markdown: str) -> list[Chunk]:
    return [
        Chunk(heading, piece) for heading, body in _sections(markdown) for piece in _pieces(body) if piece
    ]


def _sections(markdown: str) -> Iterator[tuple[str, str]]:
    """("Prices › Cleaning", text) of each section that has text of its own."""
    trail: list[str] = []
    lines: list[str] = []
    for line in markdown.splitlines():
        found = _HEADING.match(line)
        if not found:
            lines.append(line)
            continue
        yield " › ".join(trail), "\n".join(lines).strip()
        trail, lines = [*trail[: len(found[1]) - 1], found[2]], []
    yield " › ".join(trail), "\n".join(lines).strip()


def _pieces(body: str) -> Iterator[str]:
    piece = ""
    for paragraph in re.split(r"\n\s*\n", body):
        if piece and len(piece) + len(paragraph) > LONGEST:
            yield piece
            piece = ""
        piece = f"{piece}\n\n{paragraph}".strip()
    yield piece

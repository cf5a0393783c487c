"""Markdown to passages: one a section, its headings kept, long ones cut between paragraphs, rows or sentences. Pure."""

import re
from collections.abc import Iterator

from store.knowledge import Chunk

LONGEST = 900  # characters: a screenful, a few sentences around any answer
HEADING = 300  # characters that are kept of a section's headings

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")


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
        yield " › ".join(trail)[-HEADING:], "\n".join(lines).strip()
        trail, lines = [*trail[: len(found[1]) - 1], found[2]], []
    yield " › ".join(trail)[-HEADING:], "\n".join(lines).strip()


def _pieces(body: str) -> Iterator[str]:
    piece = ""
    for paragraph in (cut for whole in re.split(r"\n\s*\n", body) for cut in _cuts(whole)):
        if piece and len(piece) + len(paragraph) > LONGEST:
            yield piece
            piece = ""
        piece = f"{piece}\n\n{paragraph}".strip()
    yield piece


def _cuts(paragraph: str) -> Iterator[str]:
    """A paragraph that is longer than a passage, between its lines, else its sentences, else its words."""
    for pattern in (re.compile(r"\n"), _SENTENCE, re.compile(r"\s")):
        if len(paragraph) <= LONGEST:
            break
        parts, joint = pattern.split(paragraph), "\n" if pattern.pattern == r"\n" else " "
        if len(parts) > 1:
            yield from (cut for part in _gathered(parts, joint) for cut in _cuts(part))
            return
    for start in range(0, len(paragraph) or 1, LONGEST):
        yield paragraph[start : start + LONGEST]


def _gathered(parts: list[str], joint: str) -> Iterator[str]:
    held = ""
    for part in parts:
        if held and len(held) + len(part) + 1 > LONGEST:
            yield held
            held = ""
        held = f"{held}{joint}{part}" if held else part
    yield held

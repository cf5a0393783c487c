"""Has a document read by a process that may do nothing else, and ends that process when it takes too long."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from domain.suspect import addresses_machine
from knowledge.chunk import chunk, title_of
from knowledge.reading.shape import LARGEST, Flag, Unreadable
from knowledge.reading.suspect import unseen
from store.knowledge import Chunk

WALL_S = 150.0
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes
LONGEST_NAME = 200
MOST_CHUNKS = 20_000
Told = Callable[[float], Awaitable[None]]
"""Is told how much is done, 0..1."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is learnt from a document. `sha256` is that of its bytes."""

    kind: str
    title: str
    chunks: list[Chunk]
    pages: int | None
    flags: tuple[Flag, ...]
    sha256: bytes


async def read(data: bytes, name: str, told: Told | None = None, wall_s: float = WALL_S) -> Document:
    """Raise Unreadable, which says what is wrong with the document and what would be right."""
    if len(data) > LARGEST:
        raise Unreadable("too_large", f"it has {len(data):,} bytes; at most {LARGEST:,} are read: split it")
    said = await _in_a_process(data, safe_name(name), told, wall_s)
    if "problem" in said:
        raise Unreadable(str(said["problem"]), str(said["detail"]))
    chunks = chunk(str(said["markdown"]))
    if not chunks:
        raise Unreadable("no_text", "there is no text in it that a reader could see")
    if len(chunks) > MOST_CHUNKS:
        raise Unreadable(
            "too_long", f"it makes {len(chunks):,} passages; at most {MOST_CHUNKS:,} are kept: split it"
        )
    title = str(said["title"]) or title_of(str(said["markdown"]), titled(name))
    flags = tuple(Flag(str(one["kind"]), str(one["where"]), str(one["sample"])) for one in said["flags"])
    return Document(
        str(said["kind"]), title[:LONGEST_NAME], chunks, said["pages"], flags, sha256(data).digest()
    )


async def _in_a_process(data: bytes, name: str, told: Told | None, wall_s: float) -> dict[str, Any]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "knowledge.reading", name, env={}, limit=LARGEST_ANSWER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(wall_s):
            return await _talk(child, data, told)
    except TimeoutError:
        raise Unreadable("too_slow", f"reading it takes longer than {wall_s:.0f} s; split it") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _talk(child: asyncio.subprocess.Process, data: bytes, told: Told | None) -> dict[str, Any]:
    assert child.stdin
    assert child.stdout
    feeding = asyncio.create_task(_feed(child.stdin, data))
    last: dict[str, Any] = {}
    try:
        while line := await child.stdout.readline():
            last = json.loads(line)
            if "done" in last and told:
                await told(float(last["done"]))
    except (ValueError, UnicodeDecodeError):
        last = {}
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    if not last or "done" in last:  # it ended before it had an answer: a limit, or a fault in a parser
        raise Unreadable(
            "damaged", "it cannot be read: reading it takes too much, or it is damaged; save it again"
        )
    return last


async def _feed(pipe: asyncio.StreamWriter, data: bytes) -> None:
    try:
        pipe.write(data)
        await pipe.drain()
        pipe.close()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended early and says why itself


def safe_name(name: str) -> str:
    """A file's name without its path and without what nobody sees in it."""
    bare, _ = unseen(re.split(r"[\\/]", name)[-1])
    return "".join(c for c in bare if c.isprintable()).strip()[-LONGEST_NAME:] or "document"


def titled(name: str) -> str:
    """ "price_list-2027.pdf" → "Price list 2027". A name that speaks to the assistant is no title."""
    said = re.sub(r"[_\-.]+", " ", PurePosixPath(safe_name(name)).stem).strip()
    return "Document" if not said or addresses_machine(said) else said[:1].upper() + said[1:]

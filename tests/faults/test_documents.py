"""A worker is killed while it learns a document: another learns it, once, and nobody ever finds half of it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from bench.crew import KILLED, Crew, open_crew, until
from runtime.runtime import Runtime
from store import documents
from store.documents import Document
from tests.knowledge.papers import Pdf

PAGES = 40
SLOW = pytest.mark.slow
_EXPIRE = (
    text("update document_version set lease_until = frontdesk_now() - interval '1 second' where lease_until is not null"),
    text("update knowledge_state set lease_until = frontdesk_now() - interval '1 second' where lease_until is not null"),
)  # fmt: skip
_TEXTS = text("select heading, text from passage order by nr")
_COUNTED = text(
    "select (select passages from lexeme where term = '') as passages, (select count(distinct nr) from posting) as posted,"
    " (select count(*) from embedding) as embedded, (select due_at is null from knowledge_state) as served"
)


@pytest.fixture
async def crew(rt: Runtime, tmp_path: Path, redis_url: str | None) -> AsyncIterator[Crew]:
    async with open_crew(rt, tmp_path, redis_url) as opened:
        yield opened


def _book() -> bytes:
    pages = Pdf()
    for n in range(PAGES):
        pages.page(
            f"# Room {n}", *(f"Room {n} costs ${n * 100 + row}.50 in month {row}." for row in range(12))
        )
    return pages.bytes()


async def _upload(crew: Crew, data: bytes) -> UUID:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        return (await documents.upload(tx, "rooms.pdf", "Rooms", data, sha256(data).digest())).id


async def _document(crew: Crew) -> Document:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        (one,) = await documents.page(tx, None, 10)
        return one


async def _texts(crew: Crew) -> list[tuple[str, str]]:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        return [(row.heading, row.text) for row in await tx.execute(_TEXTS)]


async def _expire(crew: Crew) -> None:
    """A minute later."""
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        for statement in _EXPIRE:
            await tx.execute(statement)


async def _is_learnt(crew: Crew) -> bool:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        return bool((await tx.execute(_COUNTED)).one().served) and (await _document(crew)).state == "ready"


async def _once(crew: Crew) -> None:
    """Every page is there, none twice, and words, counts and vectors are of these passages and no others."""
    texts = await _texts(crew)
    assert len(texts) == len(set(texts))
    said = "\n".join(words for _, words in texts)
    assert [said.count(f"Room {n} costs ${n * 100}.50 ") for n in range(PAGES)] == [1] * PAGES
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        counted = (await tx.execute(_COUNTED)).one()
    assert (counted.passages, counted.posted, counted.embedded) == (len(texts),) * 3
    one = await _document(crew)
    assert (one.version, one.newest, one.passages, one.pages) == (1, 1, len(texts), PAGES)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@SLOW
async def test_killed_while_it_reads(crew: Crew) -> None:
    doomed = await crew.start("doomed")
    await _upload(crew, _book())

    async def is_reading() -> bool:
        return bool(_children(doomed.pid)) and (await _document(crew)).state == "reading"

    await until(is_reading, "it is read", crew)
    (reader,) = _children(doomed.pid)
    os.kill(reader, signal.SIGSTOP)  # in the middle
    doomed.kill()
    await doomed.wait()
    os.kill(reader, signal.SIGCONT)
    assert (await _document(crew)).state == "reading"
    assert await _texts(crew) == []
    await crew.start("heir")
    await asyncio.sleep(1)
    assert (await _document(crew)).state == "reading", "its lease holds"
    await _expire(crew)
    await until(lambda: _is_learnt(crew), "it is learnt", crew)
    await _once(crew)
    assert not _runs(reader), "it has ended with whom it read for"


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@SLOW
@pytest.mark.parametrize("step", ["document_read", "document_published"])
async def test_killed_at_a_step(crew: Crew, step: str) -> None:
    await _upload(crew, _book())
    doomed = await crew.start("doomed", crash_at=step)
    assert await asyncio.wait_for(doomed.wait(), 90) in KILLED
    if step == "document_read":
        assert await _texts(crew) == []
    await crew.start("heir")
    await _expire(crew)
    await until(lambda: _is_learnt(crew), f"after {step}", crew)
    await _once(crew)

"""Reads documents: fetches, has them read, embeds, and publishes a version whole or not at all."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from domain.errors import TurnFailed
from knowledge import fetch, reader
from knowledge.reading.shape import Unreadable
from runtime.http import NotPublic
from runtime.runtime import Runtime
from runtime.wake import DOCUMENTS, KNOWLEDGE
from store import documents, vectors
from store.documents import MOST_ATTEMPTS, Learnt, Work
from store.knowledge import Chunk
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
RETRY = timedelta(seconds=5)
BATCH = 32
TELL_S = 1.0
"""How often progress is told."""
Due = tuple[UUID, UUID]
"""(workspace, version)"""


class NotWanted(Exception):
    """The document was deleted, or a newer version came."""


class DocumentWorker(Worker[Due]):
    """Two at once, because each is a process beside this one."""

    topic = DOCUMENTS
    at_once = 2

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await documents.claim(dispatch, limit, LEASE, self._only)

    async def work(self, due: Due) -> None:
        workspace_id, version_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            work = await documents.work(tx, version_id)
            if work and work.attempts > MOST_ATTEMPTS:
                detail = (
                    f"reading it was begun {MOST_ATTEMPTS} times and never ended; split it, or save it again"
                )
                await documents.end(tx, version_id, "failed", "given_up", detail)
                return
        if work is None:
            return
        try:
            await self._learn(workspace_id, work)
        except NotWanted:
            logger.info("version %s is not wanted any more", version_id)
        except Unreadable as why:
            async with self._rt.db.transaction(workspace_id) as tx:
                await documents.end(tx, version_id, "failed", why.code, why.detail)
        except fetch.Later as why:
            await self._later(workspace_id, work, str(why))
        except asyncio.CancelledError:
            async with self._rt.db.transaction(workspace_id) as tx:
                await documents.give_back(tx, version_id)
            raise

    async def _later(self, workspace_id: UUID, work: Work, why: str) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            if work.attempts >= MOST_ATTEMPTS:
                await documents.end(tx, work.id, "failed", "not_reached", f"it could not be fetched: {why}")
            else:
                await documents.later(tx, work.id, why, RETRY)

    async def _learn(self, workspace_id: UUID, work: Work) -> None:
        telling = _Telling(self._rt, workspace_id, work.id)
        await telling.tell("reading", 0.0)
        living = asyncio.create_task(telling.live())
        try:
            await self._learn_now(workspace_id, work, telling)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)

    async def _learn_now(self, workspace_id: UUID, work: Work, telling: "_Telling") -> None:
        data = await self._bytes(workspace_id, work)
        if work.served == sha256(data).digest():
            async with self._rt.db.transaction(workspace_id) as tx:
                await documents.end(tx, work.id, "unchanged")
            return
        read = await reader.read(data, work.name, telling.reading)
        self._rt.crash("document_read")
        embedded = await self._embed(read.chunks, telling)
        flags = [(one.kind, one.where, one.sample) for one in read.flags]
        learnt = Learnt(
            read.title,
            read.kind,
            read.chunks,
            read.pages,
            flags,
            read.sha256,
            self._rt.embedder.model,
            embedded,
        )
        async with self._rt.db.transaction(workspace_id) as tx:
            await documents.publish(tx, work.id, learnt)
        self._rt.crash("document_published")
        await self._rt.wake.wake(KNOWLEDGE)

    async def _bytes(self, workspace_id: UUID, work: Work) -> bytes:
        if work.original is not None:
            return work.original
        assert work.url is not None
        try:
            data = await fetch.fetch(self._rt.web, work.url)
        except NotPublic as why:
            raise Unreadable("not_public", f"only what is open on the internet is fetched: {why}") from None
        async with self._rt.db.transaction(workspace_id) as tx:
            await documents.fetched(tx, work.id, data, sha256(data).digest())
        return data

    async def _embed(self, chunks: Sequence[Chunk], telling: "_Telling") -> list[list[float]]:
        """Before it is published, so that it is found by its meaning from the first moment. A provider that does not
        answer holds nothing up: the vectors come later."""
        made: list[list[float]] = []
        for start in range(0, len(chunks), BATCH):
            await telling.tell("embedding", start / len(chunks))
            words = [vectors.embedded(one.heading, one.text) for one in chunks[start : start + BATCH]]
            try:
                made += (await self._rt.embedder.embed(words)).tolist()
            except TurnFailed:
                return made
        return made


class _Telling:
    """Says how far it is, now and then, and hears whether anybody still wants it."""

    def __init__(self, rt: Runtime, workspace_id: UUID, version_id: UUID) -> None:
        self._rt, self._workspace_id, self._version_id = rt, workspace_id, version_id
        self._told, self._state, self._done = 0.0, "reading", 0.0

    async def live(self) -> None:
        """The lease goes on while a parser says nothing."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            await self.tell(self._state, self._done)

    async def reading(self, done: float) -> None:
        if asyncio.get_running_loop().time() - self._told >= TELL_S:
            await self.tell("reading", done)

    async def tell(self, state: str, done: float) -> None:
        self._told, self._state, self._done = asyncio.get_running_loop().time(), state, done
        async with self._rt.db.transaction(self._workspace_id) as tx:
            if not await documents.step(tx, self._version_id, state, done, LEASE):
                raise NotWanted

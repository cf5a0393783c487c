"""Gives passages their vectors, workspace by workspace, and lets a new model serve when it has all of them."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.errors import TurnFailed
from runtime.wake import KNOWLEDGE
from store import vectors
from workers.base import Worker

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BATCH = 32
"""Passages at once: two seconds of this machine, far less than the lease."""
RETRY = timedelta(seconds=5)


class EmbeddingWorker(Worker[UUID]):
    topic = KNOWLEDGE
    at_once = 1

    async def claim(self, limit: int) -> Sequence[UUID]:
        async with self._rt.db.dispatch() as dispatch:
            return await vectors.claim(dispatch, self._rt.embedder.model, limit, LEASE, self._only)

    async def work(self, workspace_id: UUID) -> None:
        """Batch by batch, each kept when it is made: who is killed has lost one."""
        try:
            while await self._batch(workspace_id):
                self._rt.crash("passages_embedded")
        except TurnFailed as error:
            logger.warning("vectors of %s: %s; words serve meanwhile", workspace_id, type(error).__name__)
            async with self._rt.db.transaction(workspace_id) as tx:
                await vectors.later(tx, RETRY)

    async def _batch(self, workspace_id: UUID) -> bool:
        model = self._rt.embedder.model
        async with self._rt.db.transaction(workspace_id) as tx:
            state = await vectors.state(tx, LEASE)
            bare = await vectors.missing(tx, model, BATCH)
            if state is None:
                return False
            if not bare:
                if await vectors.into_graph(tx, model, self._rt.embedder.dimensions):
                    return True
                return not await vectors.serve(tx, model, state.version)
        made = await self._rt.embedder.embed([one.words for one in bare])
        async with self._rt.db.transaction(workspace_id) as tx:
            await vectors.add(tx, model, [one.nr for one in bare], made.tolist())
        return True

"""Gives listings their vectors, workspace by workspace, so that wishes find homes by what their words mean."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.errors import TurnFailed
from runtime.runtime import Runtime
from runtime.wake import LISTINGS
from store import listing_vectors
from workers.embeddings import BATCH, LEASE, RETRY
from workers.loop import Loop

logger = logging.getLogger(__name__)


class ListingWorker:
    def __init__(self, rt: Runtime, only: UUID | None = None) -> None:
        self._rt, self._only, self._embedder = rt, only, rt.embedder

    def loop(self) -> Loop[UUID]:
        return Loop(
            LISTINGS,
            self.claim,
            self.work,
            self.next_due_s,
            self._rt.wake,
            self._rt.settings.poll_s,
            at_once=1,
        )

    async def claim(self, limit: int) -> Sequence[UUID]:
        async with self._rt.db.dispatch() as dispatch:
            return await listing_vectors.claim(dispatch, self._embedder.model, limit, LEASE, self._only)

    async def next_due_s(self) -> float | None:
        return None

    async def work(self, workspace_id: UUID) -> None:
        """Batch by batch, each kept when it is made: who is killed has lost one."""
        try:
            while await self._batch(workspace_id, LEASE):
                self._rt.crash("listings_embedded")
        except TurnFailed as error:
            logger.warning("listings of %s: %s; their figures serve", workspace_id, type(error).__name__)
            async with self._rt.db.transaction(workspace_id) as tx:
                await listing_vectors.later(tx, RETRY)

    async def _batch(self, workspace_id: UUID, lease: timedelta) -> bool:
        model = self._embedder.model
        async with self._rt.db.transaction(workspace_id) as tx:
            version = await listing_vectors.renew(tx, lease)
            bare = await listing_vectors.missing(tx, model, BATCH)
            if version is None:
                return False
            if not bare:
                return not await listing_vectors.serve(tx, model, version)
        made = await self._embedder.embed([one.words for one in bare])
        async with self._rt.db.transaction(workspace_id) as tx:
            await listing_vectors.add(tx, model, list(zip(bare, made.tolist(), strict=True)))
        return True

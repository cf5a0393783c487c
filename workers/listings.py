"""Gives listings their vectors, workspace by workspace, so that wishes find homes by what their words mean."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.errors import TurnFailed
from runtime.wake import LISTINGS
from store import listing_vectors
from workers.base import Worker
from workers.embeddings import BATCH, LEASE, RETRY

logger = logging.getLogger(__name__)


class ListingWorker(Worker[UUID]):
    topic = LISTINGS
    at_once = 1

    async def claim(self, limit: int) -> Sequence[UUID]:
        async with self._rt.db.dispatch() as dispatch:
            return await listing_vectors.claim(dispatch, self._rt.embedder.model, limit, LEASE, self._only)

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
        model = self._rt.embedder.model
        async with self._rt.db.transaction(workspace_id) as tx:
            version = await listing_vectors.renew(tx, lease)
            bare = await listing_vectors.missing(tx, model, BATCH)
            if version is None:
                return False
            if not bare:
                return not await listing_vectors.serve(tx, model, version)
        made = await self._rt.embedder.embed([one.words for one in bare])
        async with self._rt.db.transaction(workspace_id) as tx:
            await listing_vectors.add(tx, model, list(zip(bare, made.tolist(), strict=True)))
        return True

"""Puts questions that ask the same together: what is missing is told once, however often it was asked."""

import logging
from uuid import UUID

from domain.errors import TurnFailed
from domain.ports import Embedder
from store import gaps
from store.db import Database

logger = logging.getLogger(__name__)

SAME = 0.65
"""Cosine from which on two questions ask the same. Paraphrases of one FAQ lie around 0.7, other questions of the same
business below 0.5."""
AT_ONCE, AGAINST = 200, 500


async def group(db: Database, embedder: Embedder, workspace_id: UUID) -> None:
    """Questions that came since the last look join the group that they are most like, or begin one. Without an
    embedder that answers they stay apart, until the next look."""
    async with db.transaction(workspace_id) as tx:
        fresh = await gaps.ungrouped(tx, AT_ONCE)
        known = await gaps.known(tx, AGAINST) if fresh else []
    if not fresh:
        return
    try:
        made = await embedder.embed([one.text for one in (*known, *fresh)])
    except TurnFailed as error:
        logger.warning("questions are not put together: %s", type(error).__name__)
        return
    groups, vectors = [one.id for one in known], list(made[: len(known)])
    pairs = []
    for one, vector in zip(fresh, made[len(known) :], strict=True):
        likeness = [float(vector @ other) for other in vectors]
        best = max(range(len(groups)), key=likeness.__getitem__, default=None)
        same = best is not None and likeness[best] >= SAME
        pairs.append((one.id, groups[best] if same and best is not None else one.id))
        if not same:
            groups.append(one.id)
            vectors.append(vector)
    async with db.transaction(workspace_id) as tx:
        await gaps.group(tx, pairs)

"""Homes from our own tables: filters in SQL, wishes by their meaning."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from domain.errors import TurnFailed
from domain.listings import wishes
from domain.listings.home import Listing
from domain.listings.search import Change, Found, Hit, Wanted
from domain.ports import Embedder
from store import homes, listing_vectors, listings, shortlists
from store.db import Database
from store.homes import Meant

logger = logging.getLogger(__name__)

LOOKED_AT = 60
"""Of the nearest in meaning, so many are looked at for the words themselves."""
SAID = 0.2
"""What a home gains, in cosine, whose own words speak of every wish."""


class StoredHomes:
    """`embedders` are those at hand; the vectors in the database are one of theirs, or do not count."""

    def __init__(self, db: Database, *embedders: Embedder) -> None:
        self._db = db
        self._embedders: Mapping[str, Embedder] = {one.model: one for one in embedders}

    async def find(
        self, workspace_id: UUID, wanted: Wanted, limit: int, besides: Collection[str] = ()
    ) -> Found:
        async with self._db.transaction(workspace_id) as tx:
            model = await listing_vectors.model(tx) or ""
            if not wanted.wishes or wanted.like or wanted.order:
                hits, total = await homes.find(tx, wanted, limit, besides, None, model)
                return Found(tuple(hits), total)
        meant = await self._meant(model, wanted.wishes)
        async with self._db.transaction(workspace_id) as tx:
            hits, total = await homes.find(tx, wanted, max(limit, LOOKED_AT), besides, meant, model)
        return Found(_ranked(hits, wanted.wishes)[:limit], total)

    async def _meant(self, model: str, said: Sequence[str]) -> Meant | None:
        """The middle of the wishes: a home near to it is near to each. None when nobody can say."""
        embedder = self._embedders.get(model)
        if embedder is None:
            return None
        try:
            made = await embedder.embed(list(said))
        except TurnFailed as error:
            logger.warning("searching without the wishes' meaning: %s", type(error).__name__)
            return None
        return Meant([float(one) for one in made.mean(axis=0)], model)

    async def changes(self, workspace_id: UUID, wanted: Wanted) -> Sequence[Change]:
        async with self._db.transaction(workspace_id) as tx:
            return await homes.changes(tx, wanted)

    async def get(self, workspace_id: UUID, keys: Sequence[str]) -> Sequence[Listing]:
        async with self._db.transaction(workspace_id) as tx:
            return await listings.get(tx, keys)

    async def at_address(self, workspace_id: UUID, number: str, street: str) -> Sequence[Listing]:
        pattern = rf"^{re.escape(number)}\y.*\y{re.escape(street.lower())}\y"
        async with self._db.transaction(workspace_id) as tx:
            return await listings.at_address(tx, pattern)

    async def places(self, workspace_id: UUID, said: str) -> Sequence[str]:
        said = said[: wishes.LONGEST].lower()
        async with self._db.transaction(workspace_id) as tx:
            found = await homes.named(tx, said)
        whole = [one for one in found if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", said)]
        return [one for one in whole if not any(one != other and one in other for other in whole)]

    async def sold(
        self, workspace_id: UUID, latitude: float, longitude: float, miles: float, since: date
    ) -> Sequence[tuple[Listing, float]]:
        async with self._db.transaction(workspace_id) as tx:
            return await homes.sold(tx, latitude, longitude, miles, since)

    async def middle(self, workspace_id: UUID, places: Sequence[str]) -> tuple[float, float] | None:
        async with self._db.transaction(workspace_id) as tx:
            return await homes.middle(tx, places)

    async def shortlist(self, workspace_id: UUID, contact_id: UUID) -> Sequence[Listing]:
        async with self._db.transaction(workspace_id) as tx:
            return await shortlists.of_contact(tx, contact_id)


def _ranked(hits: Sequence[Hit], said: Sequence[str]) -> tuple[Hit, ...]:
    """By meaning and by the words; where nothing was compared, by the words, and then as they came."""
    scored = [replace(one, similarity=_score(one, said)) for one in hits]
    return tuple(sorted(scored, key=lambda one: -(one.similarity or 0.0)))


def _score(one: Hit, said: Sequence[str]) -> float:
    spoken = sum(wishes.mentions(wish, one.home.remarks) for wish in said)
    return (one.similarity or 0.0) + SAID * spoken / len(said)

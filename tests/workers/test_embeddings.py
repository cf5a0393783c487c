"""Another model for the vectors: they are made in the background while the old ones serve, and then all at once take
their place. In the real database, through the worker and the search that customers use."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.errors import TurnFailed
from domain.turn import Passage
from knowledge.embedding.hashing import Hashing
from knowledge.search import Hybrid
from runtime.runtime import Runtime
from store import knowledge, vectors
from store.knowledge import Chunk
from workers import embeddings
from workers.embeddings import EmbeddingWorker

MakeWorkspace = Callable[..., Awaitable[UUID]]
CHUNKS = [Chunk("Prices", f"The {boat} boat costs ${n}50 a day and sleeps {n}.") for n, boat in enumerate(
    ("red", "green", "yellow", "blue", "white", "orange", "purple", "brown", "silver", "golden") * 8, 1
)]  # fmt: skip
QUESTION = "what does the yellow boat cost a day"
_HELD = text(
    "select model, count(*) as many, min(dimensions) as dimensions from embedding group by 1 order by 1"
)
_STATE = text("select model, due_at from knowledge_state")


class Halved(Hashing):
    """The same letters in half as many dimensions: another model, other numbers."""

    model, dimensions = "hash-half", 128

    def vectors(self, texts: Sequence[str]) -> Any:
        import numpy as np

        whole = super().vectors(texts)
        halved = whole[:, :128] + whole[:, 128:]
        halved[:, 0] += ~halved.any(1)
        return halved / np.linalg.norm(halved, axis=1, keepdims=True)


@dataclass
class Counted:
    """An embedder that says how often it was asked, and is away when told to be."""

    inner: Hashing
    asked: int = 0
    away: bool = False

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    async def embed(self, texts: Sequence[str]) -> Any:
        if self.away:
            raise TurnFailed("the provider is away")
        self.asked += 1
        return await self.inner.embed(texts)


@dataclass
class House:
    """A business with one document, an old and a new embedder, and what its customers search with."""

    rt: Runtime
    id: UUID
    old: Counted
    new: Counted

    def worker(self, embedder: Counted) -> EmbeddingWorker:
        return EmbeddingWorker(replace(self.rt, embedder=embedder), self.id)

    async def put(self, source: str, chunks: Sequence[Chunk]) -> None:
        async with self.rt.db.transaction(self.id) as tx:
            await knowledge.put(tx, source, source, chunks)

    async def embed(self, embedder: Counted) -> int:
        """Let the worker do all that is due; how many workspaces it claimed."""
        worker = self.worker(embedder)
        claimed = await worker.claim(8)
        for one in claimed:
            await worker.work(one)
        return len(claimed)

    async def held(self) -> list[tuple[str, int, int]]:
        async with self.rt.db.transaction(self.id) as tx:
            return [(row.model, row.many, row.dimensions) for row in await tx.execute(_HELD)]

    async def serves(self) -> str | None:
        async with self.rt.db.transaction(self.id) as tx:
            model: str | None = (await tx.execute(_STATE)).one().model
            return model

    async def search(self, *embedders: Counted, question: str = QUESTION) -> Sequence[Passage]:
        return await Hybrid(self.rt.db, *(embedders or (self.old, self.new))).search(self.id, question, 5)


@pytest.fixture
async def house(rt: Runtime, make_workspace: MakeWorkspace) -> House:
    made = House(rt, await make_workspace(), Counted(Hashing()), Counted(Halved()))
    await made.put("boats.md", CHUNKS)
    assert await made.embed(made.old) == 1
    return made


async def _half(house: House) -> None:
    """The new model's worker is killed after its first batch."""
    worker = house.worker(house.new)
    (one,) = await worker.claim(8)
    assert await worker._batch(one)
    async with house.rt.db.transaction(house.id) as tx:
        await vectors.give_back(tx)


async def test_the_old_vectors_serve_until_the_new_ones_are_complete(house: House) -> None:
    assert await house.held() == [("hash-1", len(CHUNKS), 256)]
    await _half(house)
    assert await house.held() == [("hash-1", len(CHUNKS), 256), ("hash-half", embeddings.BATCH, 128)]
    assert await house.serves() == "hash-1"
    asked = house.old.asked
    found = await house.search()
    assert "yellow" in found[0].text
    assert house.old.asked == asked + 1
    assert await house.embed(house.new) == 1
    assert await house.held() == [("hash-half", len(CHUNKS), 128)]
    assert await house.serves() == "hash-half"
    asked = house.new.asked
    assert "yellow" in (await house.search())[0].text
    assert house.new.asked == asked + 1
    assert await house.embed(house.new) == 0


async def test_a_search_that_knew_the_old_model_learns_of_the_new(house: House) -> None:
    search = Hybrid(house.rt.db, house.old, house.new)
    assert "yellow" in (await search.search(house.id, QUESTION, 3))[0].text
    await house.embed(house.new)
    asked = house.new.asked
    assert "yellow" in (await search.search(house.id, QUESTION, 3))[0].text
    assert house.new.asked == asked + 1


async def test_what_is_added_in_the_middle_is_found_at_once_beside_the_rest(house: House) -> None:
    await _half(house)
    await house.put("new.md", [Chunk("Prices", "The turquoise boat costs $999 a day.")])
    found = await house.search(question="what does the turquoise boat cost a day")
    assert "turquoise" in found[0].text
    assert "boat costs" in (await house.search())[0].text
    assert "yellow" in (await house.search())[0].text
    await house.embed(house.new)
    assert await house.held() == [("hash-half", len(CHUNKS) + 1, 128)]
    assert "turquoise" in (await house.search(question="what does the turquoise boat cost a day"))[0].text


async def test_what_is_deleted_in_the_middle_stays_away(house: House) -> None:
    await house.put("new.md", [Chunk("Prices", "The turquoise boat costs $999 a day.")])
    await _half(house)
    async with house.rt.db.transaction(house.id) as tx:
        await knowledge.keep_only(tx, ["boats.md"])
    await house.embed(house.new)
    assert await house.held() == [("hash-half", len(CHUNKS), 128)]
    found = await house.search(question="what does the turquoise boat cost a day")
    assert not [one for one in found if "turquoise" in one.text]


async def test_a_provider_that_is_away_leaves_the_old_ones_serving(house: House) -> None:
    house.new.away = True
    assert await house.embed(house.new) == 1
    assert (await house.held(), await house.serves()) == ([("hash-1", len(CHUNKS), 256)], "hash-1")
    assert "yellow" in (await house.search())[0].text
    assert await house.embed(house.new) == 0, "it is tried again later, not at once"


async def test_when_the_old_model_is_no_longer_at_hand_words_serve(house: House) -> None:
    asked = house.old.asked
    found = await house.search(house.new)
    assert "yellow" in found[0].text
    assert [one.similarity for one in found] == [None] * len(found)
    assert house.old.asked == asked
    await house.embed(house.new)
    assert "yellow" in (await house.search(house.new))[0].text


async def test_changed_back_before_it_was_complete(house: House) -> None:
    await _half(house)
    assert await house.embed(house.old) == 1
    assert await house.held() == [("hash-1", len(CHUNKS), 256)]
    assert await house.serves() == "hash-1"

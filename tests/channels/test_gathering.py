"""Group commit: who shares a transaction, who does not, and what one bad item costs the others."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError

from channels.gathering import MOST, Gathering


class Store:
    """Takes its time; refuses whatever batch holds a bad item."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.storing: list[list[int]] = []
        self.most = 0
        self.error = error or ValueError("bad")

    async def __call__(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        self.storing.append(list(batch))
        self.most = max(self.most, len(self.storing))
        await asyncio.sleep(0.001)
        self.storing.remove(list(batch))
        if any(one < 0 for one in batch):
            raise self.error


async def test_the_first_does_not_wait_and_the_rest_go_together_in_order() -> None:
    store = Store()
    gathering = Gathering(store)
    await asyncio.gather(*(gathering.add(n) for n in range(6)))
    await gathering.add(6)
    assert store.batches in ([[0, 1, 2, 3, 4, 5], [6]], [[0], [1, 2, 3, 4, 5], [6]])


async def test_one_batch_is_on_its_way_and_all_stand_in_the_order_in_which_they_came() -> None:
    store = Store()
    gathering = Gathering(store)
    adding = [asyncio.create_task(gathering.add(n)) for n in range(9)]
    for n in range(3):
        await asyncio.sleep(0)
        adding.append(asyncio.create_task(gathering.add(100 + n)))
    await asyncio.gather(*adding)
    assert store.most == 1
    assert [n for batch in store.batches for n in batch] == [*range(9), 100, 101, 102]


async def test_a_batch_is_not_endless() -> None:
    store = Store()
    gathering = Gathering(store)
    await asyncio.gather(*(gathering.add(n) for n in range(3 * MOST)))
    assert max(map(len, store.batches)) == MOST
    assert sorted(n for batch in store.batches for n in batch) == list(range(3 * MOST))


async def test_one_that_cannot_be_stored_takes_no_other_down() -> None:
    store = Store()
    gathering = Gathering(store)
    results = await asyncio.gather(*(gathering.add(n) for n in (1, -2, 3)), return_exceptions=True)
    assert [type(one) for one in results] == [type(None), ValueError, type(None)]
    assert [1] in store.batches
    assert [3] in store.batches


async def test_a_database_that_is_away_is_asked_once_for_all() -> None:
    store = Store(OperationalError("", {}, Exception()))
    gathering = Gathering(store)
    results = await asyncio.gather(*(gathering.add(n) for n in (-1, -2, -3)), return_exceptions=True)
    assert {type(one) for one in results} == {OperationalError}
    assert all(len(batch) != 1 for batch in store.batches[1:])


async def test_whoever_goes_away_leaves_the_others_alone() -> None:
    store = Store()
    gathering = Gathering(store)
    impatient = asyncio.create_task(gathering.add(1))
    patient = asyncio.create_task(gathering.add(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await gathering.add(3)
    assert [3] in store.batches


async def test_nobody_is_forgotten_when_a_batch_ends_in_the_same_moment() -> None:
    """Whoever is told that their item is stored comes again at once, while the one who told them goes home."""
    store = Store()
    gathering = Gathering(store)

    async def come_again_and_again(n: int) -> None:
        for again in range(30):
            await gathering.add(n * 100 + again)

    async with asyncio.timeout(20):
        await asyncio.gather(*(come_again_and_again(n) for n in range(3)))
    assert sum(map(len, store.batches)) == 90

"""The chain of what people and machines did: whole, in order, and a hand in it is seen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import audit
from store.db import new_id
from tests.rig import Desk

MakeDesk = Callable[..., Awaitable[Desk]]
Owner = psycopg.AsyncConnection[Any]


async def add(desk: Desk, **details: Any) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await audit.add(tx, "person:test", "thing_done", "thing", new_id(), **details)


async def verified(desk: Desk) -> int | None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await audit.verify(tx)


@pytest.fixture
async def ten(desk: Desk) -> Desk:
    for n in range(10):
        await add(desk, n=n, why="asked")
    return desk


async def test_a_chain_that_nobody_touched(ten: Desk) -> None:
    assert await verified(ten) is None
    rows = await ten.rows("select n from audit order by n")
    assert [row.n for row in rows] == list(range(1, 11))


async def test_an_empty_chain(desk: Desk) -> None:
    assert await verified(desk) is None


@pytest.mark.parametrize(
    "change",
    ["actor = 'ai'", "verb = 'nothing_done'", "object_kind = 'other'", "object_id = gen_random_uuid()", "object_id = null",
     "at = at + interval '1 microsecond'", "details = '{}'", "details = details || '{\"n\": 7}'", "hash = sha256(hash)",
     "previous = sha256(hash)", "n = 50"],
)  # fmt: skip
async def test_a_changed_entry_is_found(ten: Desk, owner: Owner, change: str) -> None:
    await owner.execute(
        f"update audit set {change} where workspace_id = %s and n = 5",  # type: ignore[arg-type]  # noqa: S608
        (ten.workspace_id,),
    )
    assert await verified(ten) in (5, 6)


@pytest.mark.parametrize("n", [1, 5, 9])
async def test_a_removed_entry_is_found(ten: Desk, owner: Owner, n: int) -> None:
    await owner.execute("delete from audit where workspace_id = %s and n = %s", (ten.workspace_id, n))
    assert await verified(ten) == n + 1


async def test_two_entries_that_changed_places_are_found(ten: Desk, owner: Owner) -> None:
    async with owner.transaction():
        for before, after in ((5, 105), (6, 5), (105, 6)):
            await owner.execute(
                "update audit set n = %s where workspace_id = %s and n = %s",
                (after, ten.workspace_id, before),
            )
    assert await verified(ten) == 5


async def test_entries_at_once_stand_in_one_chain(desk: Desk) -> None:
    await asyncio.gather(*(add(desk, n=n) for n in range(25)))
    assert await verified(desk) is None
    rows = await desk.rows("select n, details from audit order by n")
    assert [row.n for row in rows] == list(range(1, 26))
    assert sorted(row.details["n"] for row in rows) == list(range(25))


async def test_every_business_has_a_chain_of_its_own(make_desk: MakeDesk) -> None:
    one, other = await make_desk(), await make_desk()
    await asyncio.gather(*(add(desk, n=n) for n in range(5) for desk in (one, other)))
    for desk in (one, other):
        assert await verified(desk) is None
        assert [row.n for row in await desk.rows("select n from audit order by n")] == [1, 2, 3, 4, 5]


async def test_what_is_undone_leaves_no_gap(desk: Desk) -> None:
    async def undone() -> None:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await audit.add(tx, "ai", "thing_done", "thing", None)
            raise RuntimeError

    await add(desk)
    with pytest.raises(RuntimeError):
        await undone()
    await add(desk)
    assert await verified(desk) is None
    assert [row.n for row in await desk.rows("select n from audit order by n")] == [1, 2]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture
async def kept(make_desk: MakeDesk) -> Desk:
    return await make_desk()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(why=JSON)
async def test_any_details_come_back_as_they_were_hashed(kept: Desk, why: Any) -> None:
    await add(kept, why=why)
    assert await verified(kept) is None

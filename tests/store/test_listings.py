"""Listings come in, incrementally: the newest word counts, nothing is lost, nothing is done twice."""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.listings import feed
from domain.listings.home import Listing
from runtime import listings as feeds
from runtime.listings import Taken
from simulators.mls.homes import Maker
from store import listing_vectors, listings
from store.listings import Counted
from tests.listings_rig import record
from tests.rig import NOW, Desk
from workers.listings import ListingWorker

LATER = "2026-02-21T10:00:00Z"
BEFORE = "2026-02-19T10:00:00Z"


async def take(desk: Desk, *records: dict[str, Any]) -> Taken:
    return await feeds.take(desk.rt.db, desk.workspace_id, json.dumps(list(records)), "test")


async def stored(desk: Desk, key: str = "K1") -> Listing | None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = await listings.get(tx, [key])
    return found[0] if found else None


@pytest.mark.parametrize(
    ("then", "counted", "price", "status"),
    [
        ({}, Counted(same=1), 450000, "active"),
        ({"ListPrice": 1}, Counted(same=1), 450000, "active"),
        ({"ListPrice": 440000, "ModificationTimestamp": LATER}, Counted(changed=1), 440000, "active"),
        ({"ListPrice": 440000, "ModificationTimestamp": BEFORE}, Counted(older=1), 450000, "active"),
        ({"StandardStatus": "Closed", "ModificationTimestamp": LATER}, Counted(changed=1), 450000, "sold"),
        ({"StandardStatus": "Withdrawn", "ModificationTimestamp": LATER}, Counted(changed=1), 450000, "off"),
        (
            {"StandardStatus": "Withdrawn", "ModificationTimestamp": BEFORE},
            Counted(older=1),
            450000,
            "active",
        ),
        ({"StandardStatus": "Withdrawn", "ListingKey": "never seen"}, Counted(same=1), 450000, "active"),
    ],
)
async def test_the_newest_word_counts(
    desk: Desk, then: dict[str, Any], counted: Counted, price: int, status: str
) -> None:
    assert (await take(desk, record())).counted == Counted(new=1)
    assert (await take(desk, record(**then))).counted == counted
    kept = await stored(desk)
    assert kept is not None
    assert (kept.price, kept.status) == (price, status)


async def test_of_one_file_the_newest_row_counts_wherever_it_stands(desk: Desk) -> None:
    newer = record(ListPrice=2, ModificationTimestamp=LATER)
    taken = await take(desk, newer, record(ListPrice=1), record(ListPrice=None))
    assert (taken.rows, taken.counted, [one.line for one in taken.bad]) == (3, Counted(new=1, older=1), [3])
    kept = await stored(desk)
    assert kept is not None
    assert kept.price == 2


async def test_a_withdrawn_home_that_comes_back_is_there_again(desk: Desk) -> None:
    await take(desk, record())
    await take(desk, record(StandardStatus="Withdrawn", ModificationTimestamp=LATER))
    back = record(ModificationTimestamp="2026-02-22T10:00:00Z", ListPrice=430000)
    assert (await take(desk, back)).counted == Counted(changed=1)
    kept = await stored(desk)
    assert kept is not None
    assert (kept.status, kept.price) == ("active", 430000)


async def test_an_import_that_stopped_goes_on_and_a_second_changes_nothing(desk: Desk) -> None:
    text = json.dumps(list(Maker(3, date(2026, 3, 1)).homes(700)))
    rows, _ = feed.read(text, NOW)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:  # as if killed after its first batch
        first = await listings.put(tx, [row.listing for row in rows[: feeds.BATCH]])
    taken = await feeds.take(desk.rt.db, desk.workspace_id, text, "test")
    assert taken.bad == ()
    assert first.new + taken.counted.new + _gone(rows) == 700
    assert sum((taken.counted.new, taken.counted.same)) == 700
    again = await feeds.take(desk.rt.db, desk.workspace_id, text, "test")
    assert again.counted == Counted(same=700)


def _gone(rows: list[feed.Row]) -> int:
    return sum(not isinstance(row.listing, Listing) for row in rows)


async def test_two_imports_at_once_leave_the_newest(desk: Desk) -> None:
    homes = [record(ListingKey=f"K{n}") for n in range(300)]
    newer = [one | {"ListPrice": 7, "ModificationTimestamp": LATER} for one in reversed(homes)]
    await asyncio.gather(take(desk, *homes), take(desk, *newer), take(desk, *homes))
    rows = await desk.rows("select price, count(*) as n from listing group by price")
    assert [(row.price, row.n) for row in rows] == [(7, 300)]


async def test_what_comes_back_is_what_went_in(desk: Desk) -> None:
    text = json.dumps(list(Maker(5, date(2026, 3, 1)).homes(120)))
    rows, _ = feed.read(text, NOW)
    await feeds.take(desk.rt.db, desk.workspace_id, text, "test")
    for row in rows:
        if isinstance(row.listing, Listing):
            assert await stored(desk, row.listing.key) == row.listing


async def test_vectors_follow_the_words(desk: Desk) -> None:
    worker = ListingWorker(desk.rt, desk.workspace_id)
    model = desk.rt.embedder.model
    assert await worker.claim(8) == []
    await take(desk, record(), record(ListingKey="K2", StandardStatus="Pending"))
    assert await _embed(worker) == 1
    first = await desk.rows("select key, words_hash, vector::text as vector from listing_vector")
    assert [row.key for row in first] == ["K1"]
    await take(desk, record(ListPrice=1, ModificationTimestamp=LATER))
    await _embed(worker)
    assert await desk.rows("select key, words_hash, vector::text as vector from listing_vector") == first
    await take(desk, record(PublicRemarks="Another roof.", ModificationTimestamp="2026-02-22T10:00:00Z"))
    await _embed(worker)
    (second,) = await desk.rows("select key, words_hash, vector::text as vector from listing_vector")
    assert second.vector != first[0].vector
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await listing_vectors.model(tx) == model


async def _embed(worker: ListingWorker) -> int:
    claimed = await worker.claim(8)
    for one in claimed:
        await worker.work(one)
    return len(claimed)


async def test_the_made_up_market_is_the_same_every_time_and_priced_like_one() -> None:
    homes = list(Maker(1, date(2026, 11, 20)).homes(2000))
    assert homes == list(Maker(1, date(2026, 11, 20)).homes(2000))
    assert len({one["UnparsedAddress"] for one in homes}) == 2000
    rows, bad = feed.read(json.dumps(homes), datetime(2026, 11, 21, tzinfo=UTC))
    sold = [one.listing for one in rows if isinstance(one.listing, Listing) and one.listing.sold_price]
    assert bad == []
    assert len(sold) > 300
    foot = {
        name: _median([float(x.price) / (x.size or 1) for x in sold if x.neighbourhood == name])
        for name in ("Tarrytown", "Hyde Park", "Teravista")
    }
    assert foot["Tarrytown"] > foot["Hyde Park"] > foot["Teravista"]
    small, large = (_median([float(x.price) for x in sold if low <= (x.size or 0) < high])
                    for low, high in ((800, 1300), (2000, 2600)))  # fmt: skip
    assert large > 1.3 * small


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]

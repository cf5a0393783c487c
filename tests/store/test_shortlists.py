"""A shortlist is its customer's: kept once, found by whoever they become, and gone with them."""

import json
from uuid import UUID

from domain.listings.shortlist import KeepHome, LetHomeGo
from domain.messages import Address, Scheme
from runtime import listings as feeds
from store import contacts, erasure, merges, shortlists
from tests.listings_rig import record
from tests.rig import Desk, new_number


async def contact(desk: Desk, number: str) -> UUID:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return (await contacts.hold(tx, Address(Scheme.TEL, number))).contact_id


async def kept(desk: Desk, who: UUID) -> list[str]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return [one.key for one in await shortlists.of_contact(tx, who)]


async def keep(desk: Desk, who: UUID, *keys: str) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        for key in keys:
            await shortlists.keep(tx, KeepHome(who, key))


async def test_kept_once_and_let_go(desk: Desk) -> None:
    homes = [record(), record(ListingKey="K2", UnparsedAddress="9 Elm St")]
    await feeds.take(desk.rt.db, desk.workspace_id, json.dumps(homes), "test")
    mine, theirs = await contact(desk, new_number()), await contact(desk, new_number())
    await keep(desk, mine, "K1", "K2", "K1", "K9")
    assert (await kept(desk, mine), await kept(desk, theirs)) == (["K1", "K2"], [])
    sold = record(StandardStatus="Closed", ModificationTimestamp="2026-02-25T10:00:00Z")
    await feeds.take(desk.rt.db, desk.workspace_id, json.dumps([sold]), "test")
    assert await kept(desk, mine) == ["K1", "K2"]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await shortlists.drop(tx, LetHomeGo(mine, "K1"))
        await shortlists.drop(tx, LetHomeGo(theirs, "K2"))
    assert await kept(desk, mine) == ["K2"]


async def test_whoever_they_become_has_it_and_erasing_takes_it(desk: Desk) -> None:
    await feeds.take(desk.rt.db, desk.workspace_id, json.dumps([record()]), "test")
    number = new_number()
    one, other = await contact(desk, new_number()), await contact(desk, number)
    await keep(desk, one, "K1")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await merges.merge(tx, one, other, "test", "person")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        root = await erasure.find(tx, Address(Scheme.TEL, number))
        assert root is not None
        assert (await erasure.everything(tx, root))["shortlist"] == ["412 Maple Ave"]
    assert await kept(desk, root) == ["K1"]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        erased = await erasure.erase(tx, root, "test")
    assert erased.rows["shortlisted"] == 1
    assert await desk.rows("select * from shortlisted") == []

"""The line of what was acknowledged: read once, in its order, whoever reads, and whatever cannot be read."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from store import erasure, receipts, restored
from store.db import new_id
from tests.rig import QUESTION, Desk, new_number
from workers.inbox import GIVE_NOTICE, InboxWorker

MakeDesk = Callable[..., Awaitable[Desk]]
Owner = psycopg.AsyncConnection[Any]


async def keep(desk: Desk, *texts: str, handset: str | None = None) -> None:
    """Acknowledged, and not read yet."""
    for words in texts:
        form = desk.inbound(words, f"SM{new_id().hex}", From=handset or desk.handset)
        assert (await desk.post(form, read=False)).status_code == 200


async def waiting(desk: Desk) -> int:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return len(await receipts.due(tx, "message", 1000)) + len(await receipts.due(tx, "status", 1000))


async def texts(desk: Desk) -> list[str]:
    return [one.text for one in await desk.messages() if one.author == "contact"]


# --- once, and in order ---


async def test_what_is_acknowledged_waits_and_is_read_once(desk: Desk) -> None:
    form = desk.inbound(QUESTION, f"SM{new_id().hex}")
    for _ in range(3):
        assert (await desk.post(form, read=False)).status_code == 200
    assert await waiting(desk) == 1
    await desk.settle()
    assert await waiting(desk) == 0
    assert len(desk.ledger()) == 1
    assert (await desk.post(form, read=False)).status_code == 200
    assert await waiting(desk) == 0


async def test_the_line_has_the_order_in_which_it_was_acknowledged(desk: Desk) -> None:
    other = new_number()
    for n in range(6):
        await keep(desk, f"mine {n}")
        await keep(desk, f"theirs {n}", handset=other)
    assert await texts(desk) in ([f"mine {n}" for n in range(6)], [f"theirs {n}" for n in range(6)])
    rows = await desk.rows("select seq from message order by conversation_id, seq")
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6] * 2


async def test_many_readers_read_each_message_once(desk: Desk) -> None:
    phones = [new_number() for _ in range(5)]
    for n in range(4):
        await asyncio.gather(*(keep(desk, f"text {n}", handset=phone) for phone in phones))
    readers = [InboxWorker(desk.rt, desk.workspace_id) for _ in range(4)]

    async def read(worker: InboxWorker) -> None:
        while await waiting(desk):
            for one in await worker.claim(8):
                await worker.work(one)
            await asyncio.sleep(0)

    await asyncio.gather(*(read(worker) for worker in readers))
    rows = await desk.rows("select seq from message order by conversation_id, seq")
    assert [row.seq for row in rows] == [1, 2, 3, 4] * 5


async def test_more_than_fits_into_one_transaction(desk: Desk) -> None:
    await asyncio.gather(*(keep(desk, "hello", handset=new_number()) for _ in range(130)))
    assert len(await desk.rows("select id from message")) == 130
    assert await waiting(desk) == 0


async def test_a_reader_sees_its_own_business_only(desk: Desk, make_desk: MakeDesk) -> None:
    other = await make_desk()
    await keep(desk, "mine")
    await keep(other, "theirs")
    worker = InboxWorker(desk.rt, desk.workspace_id)
    assert await worker.claim(8) == [desk.workspace_id]
    await worker.work(desk.workspace_id)
    assert (await waiting(desk), await waiting(other)) == (0, 1)
    assert set(await InboxWorker(desk.rt).claim(1000)) >= {other.workspace_id}


# --- what is not put off ---


@pytest.mark.parametrize("words", ["STOP", "please stop texting me", "STOP, I cannot come"])
async def test_a_stop_is_read_at_the_door_after_what_its_sender_said_before(desk: Desk, words: str) -> None:
    await keep(desk, "hello", QUESTION)
    await keep(desk, "somebody else", handset=new_number())
    await keep(desk, words)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        left = [one.event for one in await receipts.opened(tx, await receipts.due(tx, "message", 10))]
    assert [getattr(one, "text", None) for one in left] == ["somebody else"]
    (row,) = await desk.rows(
        "select c.owner_reason, a.opted_out_at from contact_address a join conversation c on c.contact_id = a.contact_id"
        " where c.last_seq >= 3"
    )
    assert row.opted_out_at is not None or row.owner_reason == "maybe_opt_out"
    await desk.settle()
    assert not [one for one in desk.ledger() if "8:00" in one]  # the question is not answered any more


async def test_a_stop_beside_a_reader_changes_no_order(desk: Desk) -> None:
    for _ in range(5):
        desk.handset = new_number()
        await keep(desk, "one", "two")
        worker = InboxWorker(desk.rt, desk.workspace_id)
        for claimed in await worker.claim(1):
            await asyncio.gather(worker.work(claimed), keep(desk, "STOP"))
        assert await desk.consent() == "opted_out"
        assert await texts(desk) == ["one", "two", "STOP"]


# --- what cannot be read ---


async def test_one_that_cannot_be_read_holds_up_no_other_and_is_told(desk: Desk, owner: Owner) -> None:
    await keep(desk, "before", "broken", "after")
    second = "(select receipt_id from unread where workspace_id = %s order by place offset 1 limit 1)"
    here = (desk.workspace_id,)
    kept = await owner.execute(f"select payload, id from inbound_receipt where id = {second}", here)  # noqa: S608
    good = await kept.fetchone()
    await owner.execute(f"update inbound_receipt set payload = 'x' where id = {second}", here)  # noqa: S608
    assert await texts(desk) == ["before", "after"]
    for _ in range(GIVE_NOTICE):
        desk.wait(hours=1, seconds=1)
        await desk.read()
    told = await desk.rows("select reason, times from notification")
    assert {row.reason for row in told} == {"message_unreadable"}
    await owner.execute("update inbound_receipt set payload = %s where id = %s", good)
    desk.wait(hours=1, seconds=1)
    assert await texts(desk) == ["before", "after", "broken"]
    assert await waiting(desk) == 0


async def test_a_report_that_finds_nothing_is_read_all_the_same(desk: Desk) -> None:
    form = [
        ("MessageSid", f"SM{new_id().hex}"),
        ("MessageStatus", "delivered"),
        ("AccountSid", desk.credentials["account_sid"]),
    ]
    url = f"{desk.url('status')}?m={new_id()}&p=0"
    assert (await desk.post(form, url=url, read=False)).status_code == 200
    assert await waiting(desk) == 1
    await desk.read()
    assert await waiting(desk) == 0


# --- erased, restored, without a plan ---


async def test_who_is_erased_waits_no_more(desk: Desk) -> None:
    await desk.text("hello")
    contact = (await desk.conversation()).contact_id
    await keep(desk, "one more thing")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await erasure.erase(tx, contact, "person:test")
    assert await waiting(desk) == 0
    await desk.read()
    assert await desk.rows("select id from message") == []


async def test_what_waits_in_a_backup_waits_for_a_person(desk: Desk) -> None:
    await keep(desk, QUESTION)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        fenced = await restored.fence(tx, timedelta(0))
    assert fenced.conversations == 1
    await desk.settle()
    assert desk.ledger() == []
    assert (await desk.conversation()).owner_reason == "restored"


async def test_a_plan_that_is_gone_costs_no_message(desk: Desk) -> None:
    """A driver drops a connection's plans after a rollback."""
    await asyncio.gather(*(keep(desk, f"warm {n}") for n in range(8)))
    async with desk.rt.db.engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        await raw.execute("deallocate all")
    await asyncio.gather(*(keep(desk, f"text {n}") for n in range(8)))
    assert len(await texts(desk)) == 16

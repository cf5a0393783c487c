"""Fifty customers want one time: one has it, and the others are offered what is next."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from domain.booking import BookTime, HoldTime, Opening
from domain.skill import Overtaken
from store import appointments, contacts
from store.db import new_id
from tests.rig import NOW, Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]
BOOKING = {"booking": {"services": [{"name": "cleaning", "minutes": 45}], "ask_name": False}}
BOOKED = "select starts_at, contact_id from appointment where state = 'booked'"


@pytest.mark.parametrize("customers", [8, pytest.param(50, marks=pytest.mark.slow)])
async def test_many_customers_one_time(make_desk: MakeDesk, customers: int) -> None:
    desk = await make_desk(skills=BOOKING)
    handsets = [new_number() for _ in range(customers)]
    for words in ("can I book a cleaning tomorrow at 2pm", "yes"):
        await asyncio.gather(*(desk.text(words, handset=one) for one in handsets))
        await desk.settle()
    won = [one for one in handsets if any("booked for" in said for said in desk.ledger(one))]
    lost = [one for one in handsets if one not in won]
    assert (len(won), len(lost)) == (1, customers - 1)
    rows = await desk.rows(BOOKED)
    assert [row.starts_at for row in rows] == [NOW.replace(day=3, hour=20)]
    for handset in lost:
        first = desk.ledger(handset)[0]
        assert "isn't free" in first, first
        offered = re.findall(r"\d+:\d\d [AP]M", first)
        assert len(offered) == 3
        assert "2:00 PM" not in offered


async def hold_and_book(desk: Desk, opening: Opening) -> bool:
    """In two transactions, as a customer does it."""
    run = new_id()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        contact = await contacts.hold(tx, contacts.Address(contacts.Scheme.TEL, new_number()))
    until = NOW + timedelta(minutes=10)
    held = HoldTime(run, contact.contact_id, new_id(), "cleaning", opening, timedelta(0), until)
    try:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await appointments.hold(tx, held)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await appointments.book(tx, BookTime(held))
            await appointments.book(tx, BookTime(held))  # once for each run, however often it is asked
    except Overtaken:
        return False
    return True


async def test_the_database_itself_gives_a_time_once(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills=BOOKING)
    start = NOW.replace(day=3, hour=20)
    opening = Opening(start, start + timedelta(minutes=45), "*", 0)
    overlapping = Opening(start + timedelta(minutes=15), start + timedelta(minutes=60), "*", 0)
    got = await asyncio.gather(*(hold_and_book(desk, one) for one in [opening, overlapping] * 20))
    assert sum(got) == 1
    assert len(await desk.rows(BOOKED)) == 1


async def test_a_hold_that_ran_out_is_anybodys(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills=BOOKING)
    first, second = new_number(), new_number()
    await desk.text("can I book a cleaning tomorrow at 2pm", handset=first)
    await desk.settle()
    desk.wait(minutes=11)
    await desk.text("can I book a cleaning tomorrow at 2pm", handset=second)
    await desk.settle()
    await desk.text("yes", handset=second)
    await desk.settle()
    await desk.text("yes", handset=first)
    await desk.settle()
    assert "booked for" in desk.ledger(second)[-1]
    assert "isn't free" in desk.ledger(first)[-1]
    assert len(await desk.rows(BOOKED)) == 1


async def test_a_yes_to_something_else_books_nothing(make_desk: MakeDesk) -> None:
    """A person wrote in between: "yes" answers the person."""
    desk = await make_desk(skills=BOOKING)
    await desk.text("can I book a cleaning tomorrow at 2pm")
    await desk.settle()
    assert "Shall I book it?" in desk.ledger()[-1]
    await desk.person_writes("Are you allergic to latex?")
    desk.wait(hours=9)
    await desk.settle()
    await desk.text("yes")
    await desk.settle()
    assert await desk.rows(BOOKED) == []

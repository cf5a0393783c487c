"""One home is shown to one customer at a time, whoever shows it: the database's own rule."""

import asyncio
from datetime import timedelta

import pytest

from domain.booking import HoldTime, Opening
from domain.errors import Conflict
from domain.messages import Address, Scheme
from store import appointments, contacts
from store.db import new_id
from tests.rig import NOW, Desk, new_number

START = NOW + timedelta(days=2)


def held(contact: object, staff: str, home: str, start: timedelta = timedelta()) -> HoldTime:
    begins = START + start
    opening = Opening(begins, begins + timedelta(minutes=45), staff, 0)
    return HoldTime(
        new_id(), contact, None, "showing", opening, timedelta(minutes=30), NOW, home, f"{home} Elm St"
    )  # type: ignore[arg-type]


async def book(desk: Desk, staff: str, home: str, start: timedelta = timedelta()) -> str:
    try:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            who = await contacts.hold(tx, Address(Scheme.TEL, new_number()))
            made = await appointments.make(tx, held(who.contact_id, staff, home, start), None, (), "test")
            return made.about_called
    except Conflict as error:
        return error.code


async def test_eight_agents_and_one_home(desk: Desk) -> None:
    results = await asyncio.gather(*(book(desk, f"agent {n}", "K1") for n in range(8)))
    assert sorted(results) == ["K1 Elm St", *["time_taken"] * 7]


@pytest.mark.parametrize(
    ("staff", "home", "later", "result"),
    [
        ("Luis", "K1", 0, "time_taken"),
        ("Luis", "K1", 30, "time_taken"),
        ("Luis", "K1", 45, "K1 Elm St"),
        ("Luis", "K2", 0, "K2 Elm St"),
        ("Dana", "K2", 0, "time_taken"),
        ("Dana", "K2", 60, "time_taken"),
        ("Dana", "K2", 75, "K2 Elm St"),
    ],
)
async def test_the_home_and_the_agent_each_have_one(
    desk: Desk, staff: str, home: str, later: int, result: str
) -> None:
    assert await book(desk, "Dana", "K1") == "K1 Elm St"
    assert await book(desk, staff, home, timedelta(minutes=later)) == result

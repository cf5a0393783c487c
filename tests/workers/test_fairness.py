"""A flood at one business waits behind itself: the others' customers are answered as before."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from store import sending, turns
from store.db import Dispatch
from tests.rig import QUESTION, Desk, new_number

LEASE = timedelta(seconds=30)
MakeDesk = Callable[..., Awaitable[Desk]]


async def order(flooded: Desk, quiet: Desk, claim: Callable[[Dispatch], Awaitable[list[UUID]]]) -> list[str]:
    """Who of the two is served, one after another."""
    names, served = {flooded.workspace_id: "flooded", quiet.workspace_id: "quiet"}, list[str]()
    while len(served) < 4:
        async with flooded.rt.db.dispatch() as dispatch:
            claimed = await claim(dispatch)
        assert claimed
        served += [names[one] for one in claimed if one in names]
    return served


async def test_turns_and_deliveries_are_taken_in_turn(make_desk: MakeDesk) -> None:
    flooded, quiet = await make_desk(), await make_desk()
    for _ in range(12):
        await flooded.text(QUESTION, handset=new_number())
        flooded.wait(seconds=1)
    await quiet.text(QUESTION)

    async def turn(dispatch: Dispatch) -> list[UUID]:
        return [one.workspace_id for one in await turns.claim(dispatch, "test", 1, LEASE)]

    async def delivery(dispatch: Dispatch) -> list[UUID]:
        return [one.workspace_id for one in await sending.claim(dispatch, 1, LEASE)]

    assert "quiet" in (await order(flooded, quiet, turn))[:2]
    flooded.wait(minutes=2)
    for desk in (flooded, quiet):
        worker = desk.turn_worker()
        while claims := await worker.claim(8):
            for claim in claims:
                await worker.work(claim)
    assert "quiet" in (await order(flooded, quiet, delivery))[:2]

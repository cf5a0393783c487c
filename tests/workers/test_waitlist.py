"""Who waits for a time: asked in turn when one becomes free, each with a while to answer, never at night or after STOP."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from skills.booking import waiting
from store import appointments
from tests.rig import Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]
BOOKING: dict[str, Any] = {
    "services": [{"name": "haircut", "minutes": 60, "names": {"es": "corte"}}], "ask_name": False, "remind": [],
}  # fmt: skip
HOURS = {"mon-fri": "09:00-10:00"}
STANDS = "select state, contact_id, starts_at from appointment where state in ('held', 'booked') order by created_at"


class Salon:
    """One chair, one hour a day, and somebody who has Wednesday's."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.holder = desk, new_number()

    async def say(self, who: str, *lines: str) -> str:
        """What they hear last."""
        for words in lines:
            await self.desk.text(words, handset=who)
            await self.desk.settle()
        return self.heard(who)

    def heard(self, who: str) -> str:
        return (self.desk.ledger(who) or [""])[-1]

    async def waiting(self, words: str = "haircut on wednesday please") -> str:
        who = new_number()
        assert "waiting list" in await self.say(who, words, "waitlist")
        return who

    async def cancels(self) -> None:
        assert "is cancelled" in await self.say(self.holder, "cancel my appointment", "yes")

    async def pass_(self, **time: float) -> None:
        self.desk.wait(**time)
        await self.desk.settle()

    async def states(self) -> list[str]:
        return [
            row.state for row in await self.desk.rows("select state from waitlist order by created_at, id")
        ]


@pytest.fixture
async def salon(make_desk: MakeDesk) -> Salon:
    desk = await make_desk(
        skills={"booking": BOOKING}, hours=HOURS, assistant={"languages": ["en", "es"]},
    )  # fmt: skip
    made = Salon(desk)
    assert "booked" in await made.say(made.holder, "book a haircut wednesday at 9am", "yes")
    return made


async def test_the_first_is_asked_and_then_the_next(salon: Salon) -> None:
    first, second, third = [await salon.waiting() for _ in range(3)]
    await salon.cancels()
    assert "A haircut has opened up on Wed, Mar 4 at 9:00 AM. Shall I book it for you?" in salon.heard(first)
    assert "until 10:30 AM today" in salon.heard(first)
    assert "waiting list" in salon.heard(second)
    await salon.pass_(minutes=31)
    assert "opened up on Wed, Mar 4" in salon.heard(second)
    assert "next in line" in await salon.say(second, "no thanks")
    assert "opened up on Wed, Mar 4" in salon.heard(third)
    assert "booked for Wed, Mar 4 at 9:00 AM" in await salon.say(third, "yes please")
    assert await salon.states() == ["waiting", "waiting", "booked"]
    late = await salon.say(first, "yes")
    assert "booked for" not in late
    assert len(await salon.desk.rows(STANDS)) == 1


async def test_two_times_at_once_go_to_two(salon: Salon) -> None:
    tuesday = new_number()
    assert "booked" in await salon.say(tuesday, "book a haircut tomorrow at 9am", "yes")
    either = "haircut tomorrow or wednesday please"
    first, second = [await salon.waiting(either) for _ in range(2)]
    async with salon.desk.rt.db.transaction(salon.desk.workspace_id) as tx:
        for row in await salon.desk.rows("select id from appointment where state = 'booked'"):
            mine = await appointments.take(tx, row.id)
            assert mine is not None
            await appointments.mark(tx, mine, "cancelled", "person:test")
    await salon.desk.settle()
    asked = {salon.heard(one).partition(" at 9:00")[0] for one in (first, second)}
    assert asked == {"A haircut has opened up on Tue, Mar 3", "A haircut has opened up on Wed, Mar 4"}
    assert "booked" in await salon.say(second, "yes")
    assert "booked" in await salon.say(first, "yes")
    assert await salon.states() == ["booked", "booked"]


async def test_while_it_is_kept_nobody_else_gets_it(salon: Salon) -> None:
    first = await salon.waiting()
    await salon.cancels()
    stranger = new_number()
    assert "isn't free" in await salon.say(stranger, "can I book a haircut wednesday at 9am")
    assert "booked for Wed, Mar 4" in await salon.say(first, "yes")


async def test_yes_after_it_was_kept_books_it_if_it_is_free_still(salon: Salon) -> None:
    first = await salon.waiting()
    await salon.cancels()
    await salon.pass_(minutes=45)
    assert await salon.states() == ["waiting"]
    assert "booked for Wed, Mar 4" in await salon.say(first, "yes")
    assert await salon.states() == ["booked"]


async def test_who_wrote_stop_is_not_asked(salon: Salon) -> None:
    first, second = await salon.waiting(), await salon.waiting()
    await salon.say(first, "STOP")
    before = len(salon.desk.ledger(first))
    await salon.cancels()
    assert len(salon.desk.ledger(first)) == before
    assert "opened up" in salon.heard(second)
    assert await salon.states() == ["left", "asked"]


async def test_stop_to_the_question_gives_it_to_the_next_at_once(salon: Salon) -> None:
    first, second = await salon.waiting(), await salon.waiting()
    await salon.cancels()
    assert "opened up" in salon.heard(first)
    await salon.say(first, "STOP")
    assert "opened up" in salon.heard(second)
    assert "booked for" in await salon.say(second, "yes")


async def test_nobody_is_asked_in_the_night(salon: Salon) -> None:
    """Cancelled at eleven in the evening; asked at nine, as Texas has it, and the half hour begins then."""
    first = await salon.waiting()
    salon.desk.wait(hours=13)
    await salon.cancels()
    assert "waiting list" in salon.heard(first)
    stranger = new_number()
    await salon.pass_(hours=9, minutes=59)
    assert "waiting list" in salon.heard(first)
    await salon.pass_(minutes=2)
    assert "opened up on Wed, Mar 4" in salon.heard(first)
    assert "until 9:31 AM today" in salon.heard(first)
    assert "isn't free" in await salon.say(stranger, "can I book a haircut wednesday at 9am")
    await salon.pass_(minutes=29)
    assert "booked for" in await salon.say(first, "yes")


async def test_three_times_without_an_answer_is_enough(salon: Salon) -> None:
    """Each time another one becomes free: they are asked about each once."""
    holders = [salon.holder]
    for day in ("tomorrow", "thursday", "friday"):
        holders.append(new_number())
        assert "booked" in await salon.say(holders[-1], f"book a haircut {day} at 9am", "yes")
    first = await salon.waiting("haircut between tomorrow and friday please")
    for salon.holder in holders:
        await salon.cancels()
        await salon.pass_(minutes=31)
    assert sum("opened up" in one for one in salon.desk.ledger(first)) == 3
    assert await salon.states() == ["over"]


async def test_taken_off_the_list(salon: Salon) -> None:
    first, second = await salon.waiting(), await salon.waiting()
    assert "not on the waiting list any more" in await salon.say(first, "please remove me from the waitlist")
    await salon.cancels()
    assert "opened up" in salon.heard(second)
    assert await salon.states() == ["left", "asked"]


async def test_asked_again_for_the_same_it_is_the_newest_wish(salon: Salon) -> None:
    first = await salon.waiting()
    assert "Fri, Mar 6" not in salon.heard(first)
    other = new_number()
    await salon.say(other, "book a haircut friday at 9am", "yes")
    assert "Fri, Mar 6" in await salon.say(first, "haircut on friday", "put me on the waiting list")
    assert await salon.states() == ["left", "waiting"]


async def test_whoever_could_have_a_time_is_shown_it(salon: Salon) -> None:
    said = await salon.say(new_number(), "can you put me on the waitlist for a haircut on thursday?")
    assert "Thu, Mar 5 at 9:00 AM" in said
    assert await salon.states() == []


async def test_in_spanish(salon: Salon) -> None:
    who = new_number()
    assert "lista de espera" in await salon.say(who, "quiero un corte el miércoles")
    joined = await salon.say(who, "sí, póngame en la lista de espera por favor")
    assert "Está en la lista de espera para corte el miércoles 4 de marzo" in joined
    await salon.cancels()
    assert "Ha quedado una hora libre para corte: el miércoles 4 de marzo a las 9:00 a.m." in salon.heard(who)
    assert "queda" in await salon.say(who, "sí") or "Listo" in salon.heard(who)
    assert await salon.states() == ["booked"]


async def test_where_a_person_approves_nothing_is_kept_before_they_do(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills={"booking": BOOKING}, hours=HOURS)
    salon = Salon(desk)
    await salon.say(salon.holder, "book a haircut wednesday at 9am", "yes")
    first = await salon.waiting()
    profile = "update workspace set profile = jsonb_set(profile, '{policy,default}', '\"draft\"') where id = :id returning 1"
    await desk.rows(profile, id=desk.workspace_id)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (row,) = await desk.rows("select id from appointment where state = 'booked'")
        mine = await appointments.take(tx, row.id)
        assert mine is not None
        await appointments.mark(tx, mine, "cancelled", "person:test")
    await desk.settle()
    assert "waiting list" in salon.heard(first)
    assert await desk.rows(STANDS) == []
    assert await salon.states() == ["asked"]
    (draft,) = await desk.rows("select id, reason from draft where state = 'pending'")
    assert draft.reason == "waitlist"


async def test_when_the_day_is_over_so_is_the_waiting(salon: Salon) -> None:
    await salon.waiting()
    await salon.pass_(days=3)
    assert await salon.states() == ["over"]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("put me on the waiting list", "wait"), ("waitlist", "wait"), ("WAITLIST please 🙏", "wait"),
        ("can you let me know if something opens up?", "wait"), ("text me when a spot becomes available", "wait"),
        ("póngame en la lista de espera", "wait"), ("avíseme si se libera una hora", "wait"),
        ("leave the waitlist", "unwait"), ("take me off the waiting list", "unwait"), ("stop waiting for a spot", "unwait"),
        ("salir de la lista de espera", "unwait"), ("ya no espero, gracias", "unwait"),
        ("wait, I meant Tuesday", None), ("can't wait to see you", None), ("how long is the wait?", None),
        ("let me know the price", None), ("estoy lista", None), ("take me off the list", None),
        ("quíteme de la lista", None), ("i don't want to wait for a call", None), ("what's on your price list?", None),
    ],
)  # fmt: skip
def test_who_means_the_list(words: str, meant: str | None) -> None:
    assert waiting.goal(words) == meant

"""A calendar at Google and the appointments here: one event each whatever fails, and what is done there comes back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.booking import BookingSettings, free_lane
from domain.calendars import Tells, event_id
from integrations.google_calendar import CalendarFailed
from runtime import erasing
from store import appointments, calendar_events, calendars
from tests.calendar_rig import BOOKING, TOMORROW, Linked, talk_of
from tests.rig import NOW, Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]
Json = dict[str, Any]
HOUR = timedelta(hours=1)


@pytest.fixture
async def linked(make_desk: MakeDesk) -> AsyncIterator[Linked]:
    desk = await make_desk(skills=BOOKING)
    yield Linked(desk, f"owner-{uuid4().hex[:8]}@example.com")
    google = desk.stage.google.state
    google.chaos.reset()
    google.lose_pushes = False
    assert desk.rt.calendars is not None
    await desk.rt.calendars.close()


# --- ours, there ---


async def test_booked_moved_and_cancelled_it_is_one_event(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    assert linked.there() == [(TOMORROW, TOMORROW + HOUR)]
    (event,) = linked.ours()
    assert event["summary"] == "whitening"
    await linked.move(mine, TOMORROW + 2 * HOUR)
    await linked.write()
    assert linked.there() == [(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)]
    assert linked.ours()[0]["id"] == event["id"]
    await linked.cancel(mine)
    await linked.write()
    assert linked.there() == []
    assert await linked.write() == 0


async def test_what_was_booked_before_is_written_when_it_is_connected(linked: Linked) -> None:
    await linked.book()
    await linked.book(NOW - timedelta(days=3))
    await linked.connect()
    await linked.write()
    assert linked.there() == [(TOMORROW, TOMORROW + HOUR)]


@pytest.mark.parametrize(
    ("tells", "title"), [("busy", "Busy"), ("service", "whitening"), ("name", "whitening · Ann Lee")]
)
async def test_it_says_what_the_owner_allows(linked: Linked, tells: str, title: str) -> None:
    await linked.connect(tells=Tells(tells))
    await linked.book()
    await linked.write()
    assert [one["summary"] for one in linked.ours()] == [title]


async def test_each_of_the_staff_in_their_own_and_the_others_in_the_businesss(linked: Linked) -> None:
    kim = f"kim-{linked.account}"
    await linked.connect()
    mine = await linked.book(resource="Kim", service="cleaning", minutes=45)
    await linked.write()
    assert len(linked.there()) == 1
    await linked.connect("Kim", kim)
    await linked.write()
    assert (len(linked.there()), len(linked.there(kim))) == (0, 1)
    await linked.move(mine, TOMORROW, "Lou")
    await linked.write()
    assert (len(linked.there()), len(linked.there(kim))) == (1, 0)
    await linked.move(mine, TOMORROW, "Kim")
    await linked.write()
    assert (len(linked.there()), len(linked.there(kim))) == (0, 1)


TROUBLES = [
    {"kind": "status", "status": 503}, {"kind": "status", "status": 403}, {"kind": "status", "status": 429},
    {"kind": "html_error", "effect": "before"}, {"kind": "bad_json"}, {"kind": "drop_before", "count": 3},
    {"kind": "drop_after", "count": 3}, {"kind": "drop_after", "count": 1}, {"kind": "unauthorized", "count": 1},
]  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: "-".join(str(value) for value in one.values()))
@pytest.mark.parametrize("step", ["insert", "patch", "delete"])
async def test_whatever_fails_it_is_one_event_or_none(linked: Linked, trouble: Json, step: str) -> None:
    await linked.connect()
    if step != "insert":
        mine = await linked.book()
        await linked.write()
    linked.google.chaos.load([{"count": 2, **trouble, "route": f"events.{step}"}])
    if step == "insert":
        mine = await linked.book()
    elif step == "patch":
        await linked.move(mine, TOMORROW + 3 * HOUR)
    else:
        await linked.cancel(mine)
    for _ in range(6):
        await linked.write()
        linked.desk.wait(minutes=11)
    expected = {"insert": [TOMORROW], "patch": [TOMORROW + 3 * HOUR], "delete": []}[step]
    assert [start for start, _ in linked.there()] == expected
    assert {row.state for row in await linked.events()} == {"done"}
    assert await linked.told() == []
    assert [one.state for one in await linked.links()] == ["connected"]


async def test_a_worker_that_was_killed_in_between_leaves_one_event(linked: Linked) -> None:
    """It was sent, and nobody wrote down that it was; it was moved here before the next one came."""
    await linked.connect()
    mine = await linked.book()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        (link,) = await calendars.listed(tx)
        job = await calendar_events.begin(tx, link.id, mine)
    assert job is not None
    assert job.wanted is not None
    assert linked.desk.rt.calendars is not None
    google = linked.desk.rt.calendars.open(link)
    await google.insert("primary", job.event_id, "whitening", *job.wanted, str(mine))
    await linked.move(mine, TOMORROW + 2 * HOUR)
    await linked.write()
    assert linked.there() == [(TOMORROW + 2 * HOUR, TOMORROW + 3 * HOUR)]


async def test_two_workers_at_once_write_one(linked: Linked) -> None:
    await linked.connect()
    for n in range(6):
        await linked.book(TOMORROW + n * HOUR)
    await asyncio.gather(*(linked.write() for _ in range(3)))
    assert len(linked.there()) == 6
    assert linked.asked("events.insert") >= 6


async def test_an_id_that_somebody_elses_event_has_is_passed_over(linked: Linked) -> None:
    link_id = await linked.connect()
    mine = await linked.book()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR, id=event_id(link_id, mine, 1))
    await linked.write()
    assert len(linked.there()) == 2
    assert [one["id"] for one in linked.ours()] == [event_id(link_id, mine, 2)]


async def test_too_many_calls_and_it_rests(linked: Linked) -> None:
    await linked.connect()
    await linked.book()
    await linked.book(TOMORROW + HOUR)
    linked.google.chaos.load([{"kind": "status", "status": 403, "route": "events.insert"}])
    before = linked.asked("events.insert")
    await linked.write()
    asked = linked.asked("events.insert") - before
    assert await linked.write() == 0
    assert asked <= 2
    assert (await linked.links())[0].rests_until is not None
    linked.google.chaos.reset()
    linked.desk.wait(minutes=11)
    await linked.write()
    assert len(linked.there()) == 2


async def test_what_google_will_never_take_is_told_once(linked: Linked) -> None:
    await linked.connect()
    await linked.book()
    linked.google.chaos.load([{"kind": "status", "status": 400, "route": "events.insert"}])
    for _ in range(3):
        await linked.write()
        linked.desk.wait(minutes=11)
    assert [row.state for row in await linked.events()] == ["failed"]
    assert await linked.told() == ["calendar_event_failed"]


# --- consent ---


async def test_consent_taken_back_is_told_and_we_go_on_here(linked: Linked) -> None:
    await linked.connect()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR)
    await linked.read()
    linked.google.revoke(linked.account)
    linked.google.expire_access()
    mine = await linked.book(TOMORROW + 5 * HOUR)
    await linked.write()
    for _ in range(3):
        linked.desk.wait(minutes=11)
        await linked.write()
        await linked.read()
    (link,) = await linked.links()
    assert (link.state, link.reason) == ("revoked", "consent_revoked")
    assert await linked.told() == ["calendar_consent_revoked"]
    await linked.desk.text("can I book a whitening tomorrow at 10am")
    await linked.desk.settle()
    assert "isn't free" in linked.desk.ledger()[-1]  # what was last known of the calendar keeps its meaning
    await linked.connect()
    await linked.write()
    assert (TOMORROW + 5 * HOUR, TOMORROW + 6 * HOUR) in linked.there()
    assert (await linked.stands(mine))[0] == "booked"


@pytest.mark.parametrize(("role", "reason"), [("reader", "forbidden"), ("", "calendar_missing")])
async def test_a_calendar_that_may_not_be_written_or_is_not_there(
    linked: Linked, role: str, reason: str
) -> None:
    await linked.connect()
    kept = linked.google.calendars[linked.account]
    if role:
        kept.role = role
    else:
        del linked.google.calendars[linked.account]
    await linked.book()
    for _ in range(2):
        await linked.write()
        linked.desk.wait(minutes=11)
    assert [(one.state, one.reason) for one in await linked.links()] == [("broken", reason)]
    assert await linked.told() == [f"calendar_{reason}"]
    kept.role = "owner"
    linked.google.calendars[linked.account] = kept
    linked.desk.wait(hours=1)
    await linked.read()
    await linked.write()
    assert len(linked.there()) == 1


# --- theirs, here ---


async def offered(linked: Linked, words: str) -> str:
    handset = new_number()
    await linked.desk.text(words, handset=handset)
    await linked.desk.settle()
    return linked.desk.ledger(handset)[-1]


def at(hour: int, day: int = 3) -> Json:
    return {"dateTime": datetime(2026, 3, day, hour + 6, tzinfo=UTC).isoformat()}


@pytest.mark.parametrize(
    ("event", "free"),
    [
        ({}, False),
        ({"transparency": "transparent"}, True),
        ({"attendees": [{"self": True, "responseStatus": "declined"}]}, True),
        ({"start": {"date": "2026-03-03"}, "end": {"date": "2026-03-04"}}, False),
        (
            {"start": {"date": "2026-03-03"}, "end": {"date": "2026-03-04"}, "transparency": "transparent"},
            True,
        ),
        ({"recurrence": ["RRULE:FREQ=WEEKLY"], "start": at(10, 1), "end": at(11, 1)}, True),
        ({"recurrence": ["RRULE:FREQ=DAILY"], "start": at(10, 1), "end": at(11, 1)}, False),
        ({"status": "tentative"}, False),
        ({"start": at(9), "end": at(10)}, True),
        ({"start": at(9), "end": {"dateTime": "2026-03-03T16:01:00Z"}}, False),
    ],
)
async def test_who_is_busy_there_is_not_free_here(linked: Linked, event: Json, free: bool) -> None:
    await linked.connect()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR, **event)
    await linked.read()
    said = await offered(linked, "can I book a whitening tomorrow at 10am")
    assert ("Shall I book it?" in said) is free, said


async def test_deleted_moved_and_made_free_there_it_is_free_here(linked: Linked) -> None:
    await linked.connect()
    made = [
        linked.google.add_event(linked.account, TOMORROW + n * HOUR, TOMORROW + (n + 1) * HOUR)
        for n in range(3)
    ]
    await linked.read()
    linked.google.delete_event(linked.account, made[0]["id"])
    linked.google.change_event(linked.account, made[1]["id"], transparency="transparent")
    later = TOMORROW + 7 * 24 * HOUR
    moved = {"start": {"dateTime": later.isoformat()}, "end": {"dateTime": (later + HOUR).isoformat()}}
    linked.google.change_event(linked.account, made[2]["id"], **moved)
    await linked.read()
    rows = await linked.desk.rows("select starts_at from calendar_busy")
    assert [row.starts_at for row in rows] == [later]


async def test_the_businesss_calendar_keeps_everybody_busy_and_kims_only_kim(linked: Linked) -> None:
    kim = f"kim-{linked.account}"
    await linked.connect("Kim", kim)
    linked.google.add_event(kim, TOMORROW, TOMORROW + HOUR)
    await linked.read()
    assert "with Lou" in await offered(linked, "can I book a cleaning tomorrow at 10am")
    await linked.connect()
    linked.google.add_event(linked.account, TOMORROW + 3 * HOUR, TOMORROW + 4 * HOUR)
    await linked.read()
    assert "isn't free" in await offered(linked, "can I book a cleaning tomorrow at 1pm")


async def test_a_person_does_not_book_over_it_either(linked: Linked) -> None:
    await linked.connect()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR)
    await linked.read()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        busy = await appointments.busy(tx, TOMORROW, TOMORROW + HOUR)
    service = BookingSettings.model_validate(BOOKING["booking"]).services[1]
    assert free_lane(service, busy, TOMORROW) is None
    assert free_lane(service, busy, TOMORROW + HOUR) is not None


async def test_moved_there_it_is_moved_here_and_the_customer_told(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book_by_text()
    (event,) = linked.ours()
    linked.google.change_event(linked.account, event["id"], start=at(14), end=at(15))
    await linked.settle()
    assert await linked.stands(mine) == ("booked", TOMORROW + 4 * HOUR)
    said = linked.desk.ledger()[-1]
    assert "Cedar Dental had to move your whitening" in said
    assert "Tue, Mar 3 at 2:00 PM instead of Tue, Mar 3 at 10:00 AM" in said
    assert len(linked.desk.ledger()) == 3
    await linked.desk.text("4pm would be better")
    await linked.desk.settle()
    assert (
        "Move your whitening from Tue, Mar 3 at 2:00 PM to Tue, Mar 3 at 4:00 PM" in linked.desk.ledger()[-1]
    )
    await linked.desk.text("yes")
    await linked.settle()
    assert [start for start, _ in linked.there()] == [TOMORROW + 6 * HOUR]
    assert await linked.told() == []


async def test_deleted_there_it_is_cancelled_here_and_the_customer_told(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book_by_text()
    linked.google.delete_event(linked.account, linked.ours()[0]["id"])
    await linked.settle()
    assert (await linked.stands(mine))[0] == "cancelled"
    assert "had to cancel your whitening on Tue, Mar 3 at 10:00 AM" in linked.desk.ledger()[-1]
    await linked.settle()
    assert len(linked.desk.ledger()) == 3


async def test_who_never_wrote_cannot_be_told_so_a_person_is(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    linked.google.delete_event(linked.account, linked.ours()[0]["id"])
    await linked.read()
    assert (await linked.stands(mine))[0] == "cancelled"
    assert await linked.told() == ["calendar_customer_not_told"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start": at(12), "end": at(13)}, "calendar_time_taken"),
        ({"start": at(9, 1), "end": at(10, 1)}, "calendar_past"),
        ({"start": {"date": "2026-03-05"}, "end": {"date": "2026-03-06"}}, "calendar_not_possible"),
        ({"start": at(9, 4), "end": at(9, 7)}, "calendar_not_possible"),
    ],
)
async def test_what_cannot_be_is_put_back_and_a_person_told(
    linked: Linked, changes: Json, reason: str
) -> None:
    await linked.connect()
    mine = await linked.book()
    await linked.book(TOMORROW + 2 * HOUR)
    await linked.write()
    event = next(
        one for one in linked.ours() if one["extendedProperties"]["private"]["frontdesk"] == str(mine)
    )
    linked.google.change_event(linked.account, event["id"], **changes)
    await linked.settle()
    assert await linked.stands(mine) == ("booked", TOMORROW)
    assert [start for start, _ in linked.there()] == [TOMORROW, TOMORROW + 2 * HOUR]
    assert await linked.told() == [reason]


async def test_changed_on_both_sides_ours_stays_and_a_person_is_told(linked: Linked) -> None:
    """The customer was told a time; whoever moved the event is told that it was moved back."""
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    linked.google.change_event(linked.account, linked.ours()[0]["id"], start=at(14), end=at(15))
    await linked.move(mine, TOMORROW + HOUR)
    await linked.settle()
    assert await linked.stands(mine) == ("booked", TOMORROW + HOUR)
    assert [start for start, _ in linked.there()] == [TOMORROW + HOUR]
    assert await linked.told() == ["calendar_both_changed"]


async def test_deleted_there_while_it_was_moved_here_it_is_there_again(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    linked.google.delete_event(linked.account, linked.ours()[0]["id"])
    await linked.move(mine, TOMORROW + HOUR)
    await linked.settle()
    assert await linked.stands(mine) == ("booked", TOMORROW + HOUR)
    assert [start for start, _ in linked.there()] == [TOMORROW + HOUR]
    assert await linked.told() == ["calendar_both_changed"]


async def test_other_words_there_stay_as_somebody_wrote_them(linked: Linked) -> None:
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    words = "whitening, bring the new lamp 💡"
    linked.google.change_event(linked.account, linked.ours()[0]["id"], summary=words)
    await linked.settle()
    await linked.move(mine, TOMORROW + HOUR)
    await linked.settle()
    assert [(one["summary"], one["start"]["dateTime"]) for one in linked.ours()] == [
        (words, "2026-03-03T17:00:00Z")
    ]
    assert await linked.told() == []


async def test_a_copy_of_ours_is_somebodys_own(linked: Linked) -> None:
    """Google copies what we wrote into an event as well; its id is another."""
    await linked.connect()
    mine = await linked.book()
    await linked.write()
    (event,) = linked.ours()
    more = {name: event[name] for name in ("extendedProperties", "summary")}
    copy = linked.google.add_event(linked.account, TOMORROW + 3 * HOUR, TOMORROW + 4 * HOUR, **more)
    await linked.settle()
    linked.google.delete_event(linked.account, copy["id"])
    await linked.settle()
    assert await linked.stands(mine) == ("booked", TOMORROW)


async def test_somebody_is_busy_where_a_customer_is_booked(linked: Linked) -> None:
    await linked.connect()
    await linked.book()
    await linked.write()
    half = timedelta(minutes=30)
    for _ in range(2):
        linked.google.add_event(linked.account, TOMORROW + half, TOMORROW + HOUR)
        await linked.settle()
        await linked.settle()
    assert await linked.told() == ["calendar_overlap"]


# --- reading ---


async def test_a_token_that_ended_has_all_of_it_read(linked: Linked) -> None:
    await linked.connect()
    mine, other = await linked.book(), await linked.book(TOMORROW + 2 * HOUR)
    kept = linked.google.add_event(linked.account, TOMORROW + 5 * HOUR, TOMORROW + 6 * HOUR)
    gone = linked.google.add_event(linked.account, TOMORROW + 6 * HOUR, TOMORROW + 7 * HOUR)
    await linked.settle()
    events = {one["extendedProperties"]["private"]["frontdesk"]: one["id"] for one in linked.ours()}
    calendar = linked.google.calendars[linked.account]
    for purged in (events[str(mine)], gone["id"]):  # not even told as deleted any more
        del calendar.events[purged]
        calendar.log = [kept["id"] if one == purged else one for one in calendar.log]
    linked.google.forget_tokens(linked.account)
    await linked.settle()
    assert (await linked.stands(mine))[0] == "cancelled"
    assert (await linked.stands(other))[0] == "booked"
    rows = await linked.desk.rows("select event_id from calendar_busy")
    assert [row.event_id for row in rows] == [kept["id"]]


async def test_all_of_it_is_read_every_day_for_time_goes_on(linked: Linked) -> None:
    await linked.connect()
    far = NOW + timedelta(days=69)
    linked.google.add_event(linked.account, far, far + HOUR)
    await linked.read()
    assert await linked.desk.rows("select 1 from calendar_busy") == []
    linked.desk.wait(days=2)
    await linked.read()
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 1


async def test_a_push_has_it_read_at_once_and_a_poll_stands_behind_it(linked: Linked) -> None:
    await linked.connect()
    reader_due = "select next_sync_at <= frontdesk_now() as due from calendar_link"
    await linked.read()
    assert [row.due for row in await linked.desk.rows(reader_due)] == [False]
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR)
    await asyncio.gather(*linked.google.tasks)
    assert [one["status"] for one in linked.google.pushes][-1] == 204
    assert [row.due for row in await linked.desk.rows(reader_due)] == [True]
    await linked.desk.settle()
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 1
    linked.google.lose_pushes = True
    linked.google.add_event(linked.account, TOMORROW + HOUR, TOMORROW + 2 * HOUR)
    await linked.desk.settle()
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 1
    linked.desk.wait(minutes=11)
    await linked.desk.settle()
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 2


async def test_who_pushes_with_a_wrong_token_is_not_heard(linked: Linked) -> None:
    link_id = await linked.connect()
    await linked.read()
    await asyncio.gather(*linked.google.tasks)
    (channel,) = [one for one in linked.google.channels.values() if str(link_id) in one.address]
    right = {"X-Goog-Channel-ID": channel.id, "X-Goog-Channel-Token": channel.token}
    wrong = [{}, right | {"X-Goog-Channel-Token": "x"}, right | {"X-Goog-Channel-ID": str(uuid4())},
             right | {"X-Goog-Channel-ID": "nonsense"}]  # fmt: skip
    for headers in wrong:
        assert (await linked.desk.rt.http.post(channel.address, headers=headers)).status_code == 404
    elsewhere = channel.address.replace(str(linked.desk.workspace_id), str(uuid4()))
    assert (await linked.desk.rt.http.post(elsewhere, headers=right)).status_code == 404
    assert (await linked.desk.rt.http.post(channel.address, headers=right)).status_code == 204


async def test_the_channel_is_renewed_before_it_ends(linked: Linked) -> None:
    link_id = await linked.connect()
    await linked.read()
    mine = [one.id for one in linked.google.channels.values() if str(link_id) in one.address]
    linked.desk.wait(days=5)
    await linked.read()
    assert [one.id for one in linked.google.channels.values() if str(link_id) in one.address] == mine
    linked.desk.wait(days=1, minutes=1)
    await linked.read()
    (fresh,) = [one for one in linked.google.channels.values() if str(link_id) in one.address]
    assert fresh.id not in mine
    assert fresh.until > linked.google.now() + timedelta(days=6)


async def test_where_no_push_is_possible_it_is_asked_more_often(linked: Linked) -> None:
    linked.google.chaos.load([{"kind": "status", "status": 400, "route": "events.watch"}])
    await linked.connect()
    await linked.read()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR)
    linked.desk.wait(minutes=3)
    await linked.desk.settle()
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 1


@pytest.mark.parametrize(
    "trouble", TROUBLES[:6], ids=lambda one: "-".join(str(value) for value in one.values())
)
async def test_whatever_fails_it_is_read_in_the_end(linked: Linked, trouble: Json) -> None:
    await linked.connect()
    linked.google.add_event(linked.account, TOMORROW, TOMORROW + HOUR)
    linked.google.chaos.load([{"count": 2, **trouble, "route": "events.list"}])
    for _ in range(4):
        await linked.read()
        linked.desk.wait(minutes=11)
    assert len(await linked.desk.rows("select 1 from calendar_busy")) == 1
    assert [one.state for one in await linked.links()] == ["connected"]


# --- the end of it ---


async def test_disconnected_nothing_is_asked_and_ours_goes_to_the_other(linked: Linked) -> None:
    kim = f"kim-{linked.account}"
    await linked.connect()
    link_id = await linked.connect("Kim", kim)
    await linked.book(resource="Kim", service="cleaning", minutes=45)
    linked.google.add_event(kim, TOMORROW + HOUR, TOMORROW + 2 * HOUR)
    await linked.settle()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        link = await calendars.get(tx, link_id)
        assert await calendars.remove(tx, link_id)
        assert not await calendars.remove(tx, link_id)
    assert linked.desk.rt.calendars is not None
    assert await linked.desk.rt.calendars.give_back(link)
    await linked.settle()
    assert (len(linked.ours()), len(linked.ours(kim))) == (1, 1)
    assert await linked.desk.rows("select 1 from calendar_busy") == []
    with pytest.raises(CalendarFailed, match="revoked"):
        await linked.desk.rt.calendars.open(link).get("primary", "abcde")
    assert [one for one in linked.google.channels.values() if str(link_id) in one.address] == []


async def test_who_is_erased_here_is_erased_there(linked: Linked) -> None:
    await linked.connect(tells=Tells.NAME)
    await linked.book_by_text()
    assert len(linked.ours()) == 1
    _, contact = await talk_of(linked.desk)
    await erase(linked.desk, contact)
    await linked.write()
    assert linked.there() == []


async def erase(desk: Desk, contact_id: UUID) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await erasing.erase(tx, desk.rt.settings.data_dir, contact_id, "person:test")

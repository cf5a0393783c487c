"""The log of events: every change is in it, in an order in which nobody who reads on ever misses one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from store import contacts, conversations, drafts, erasure, events, installation
from store.db import sqlalchemy_url
from store.embedded import EmbeddedPostgres
from store.events import BEGINNING, BadCursor, Event, Place
from tests.rig import NOW, QUESTION, Desk

MakeDesk = Callable[..., Awaitable[Desk]]


async def log(desk: Desk, after: Place = BEGINNING) -> list[Event]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await events.after(tx, after, 10_000)


async def kinds(desk: Desk) -> list[str]:
    """But for what people are told, which has a test of its own."""
    return [one.kind for one in await log(desk) if not one.kind.startswith("notification.")]


async def note(desk: Desk, name: str) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await events.add(tx, f"note.{name}", None, None)


# --- what is in it ---


async def approved(desk: Desk) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (draft,) = await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=1)
        await drafts.approve(tx, draft.id, desk.person_id, "person:test", None, desk.rt.split)


async def rejected(desk: Desk) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (draft,) = await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=1)
        await drafts.reject(tx, draft.id, desk.person_id, "person:test", "no")


async def asked(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.settle()


ASKED = ["conversation.opened", "message.received"]
ANSWERED = ["turn.saved", "message.queued", "delivery.accepted", "delivery.sent", "delivery.delivered"]
PROPOSED = ["turn.saved", "draft.proposed"]


async def test_a_question_and_its_answer(desk: Desk) -> None:
    await asked(desk)
    assert await kinds(desk) == [*ASKED, *ANSWERED]
    found = {one.kind: one for one in await log(desk)}
    question, answer = await desk.messages()
    conversation = await desk.conversation()
    assert found["message.received"].subject_id == question.id
    assert found["message.received"].details == {"seq": 1, "author": "contact", "kind": "text"}
    assert {found[kind].subject_id for kind in ANSWERED[1:]} == {answer.id}
    assert found["delivery.sent"].details == {"seq": 2, "part": 0}
    assert {one.conversation_id for one in found.values()} == {conversation.id}
    assert found["conversation.opened"].details == {"contact_id": str(conversation.contact_id)}
    assert found["turn.saved"].details == {"action": "send", "base_seq": 1}


@pytest.mark.parametrize(
    ("act", "more"),
    [
        (approved, ["draft.approved", *ANSWERED[1:]]),
        (rejected, ["draft.rejected"]),
        (asked, ["draft.superseded", "message.received", *PROPOSED]),
    ],
    ids=["approved", "rejected", "superseded"],
)
async def test_a_draft(make_desk: MakeDesk, act: Callable[[Desk], Awaitable[None]], more: list[str]) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await asked(desk)
    await act(desk)
    await desk.settle()
    told = await kinds(desk)
    assert told[:4] == [*ASKED, *PROPOSED]
    assert sorted(told[4:]) == sorted(more), "within a transaction, the order of its statements"


async def test_a_draft_that_nobody_decides(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await asked(desk)
    desk.wait(hours=25)
    await desk.settle()
    assert (await kinds(desk))[-1] == "draft.expired"


async def test_people_take_over_and_give_back(desk: Desk) -> None:
    await asked(desk)
    conversation = await desk.conversation()
    for act in (
        lambda tx: conversations.take_over(tx, conversation.id, None, "system", "loop", timedelta(hours=1)),
        lambda tx: conversations.take_over(
            tx, conversation.id, desk.person_id, "person:test", "took_over", timedelta(hours=1)
        ),
        lambda tx: conversations.release(tx, conversation.id, "person:test"),
        lambda tx: conversations.close(tx, conversation.id, "person:test"),
    ):
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await act(tx)
    last = [one for one in await log(desk) if one.kind.startswith("conversation.")][-4:]
    assert [(one.kind, dict(one.details)) for one in last] == [
        ("conversation.handed_over", {"reason": "loop"}),
        ("conversation.assigned", {"reason": "took_over", "person_id": str(desk.person_id)}),
        ("conversation.released", {}),
        ("conversation.closed", {}),
    ]


async def test_what_people_are_told(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await asked(desk)
    await desk.text("And on Sunday?")  # the same person, the same conversation: counted up
    await desk.settle()
    await approved(desk)
    told = [one for one in await log(desk) if one.kind.startswith("notification.")]
    assert {one.kind for one in told} == {"notification.added", "notification.read"}
    assert {one.details["person_id"] for one in told} == {str(desk.person_id)}
    assert {one.details["kind"] for one in told} == {"draft"}


async def test_stop_and_start(desk: Desk) -> None:
    await asked(desk)
    contact_id = (await desk.conversation()).contact_id
    for words, kind in (("please stop texting me", "out"), ("START", "in")):
        await desk.text(words)
        await desk.settle()
        found = [one for one in await log(desk) if one.kind == f"contact.opted_{kind}"]
        assert [one.subject_id for one in found] == [contact_id]


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ({"kind": "status", "status": 429, "count": 1}, ["delivery.queued", "delivery.accepted"]),
        ({"kind": "fail_with", "code": 30007}, ["delivery.accepted", "delivery.sent", "delivery.failed"]),
        ({"kind": "drop_after", "count": 1}, ["delivery.unknown", "delivery.accepted"]),
    ],
    ids=["refused once", "never arrives", "no answer"],
)
async def test_a_delivery_on_crooked_ways(desk: Desk, trouble: dict[str, Any], expected: list[str]) -> None:
    desk.trouble(trouble)
    await asked(desk)
    told = [one for one in await kinds(desk) if one.startswith("delivery.")]
    assert [one for one in told if one in expected] == expected
    assert "delivery.sending" not in told


async def test_an_attachment_and_a_channel(desk: Desk) -> None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    await desk.text(QUESTION, media=[{"content_type": "image/png", "data_base64": png}])
    await desk.settle()
    (stored,) = [one for one in await log(desk) if one.kind == "attachment.stored"]
    assert stored.subject_id == (await desk.messages())[0].id
    desk.trouble({"kind": "status", "status": 401})
    await desk.text(QUESTION)
    await desk.settle()
    (suspended,) = [one for one in await log(desk) if one.kind == "channel.suspended"]
    assert suspended.subject_id == desk.channel_id


async def test_no_words_names_or_numbers_are_in_it(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await desk.text("My name is Zebulon Quagmire and I need a cleaning, zq@quagmire.example")
    await desk.settle()
    await approved(desk)
    await desk.person_writes("Olive at the quagmire desk")
    await desk.text("please stop texting me, I am Quagmire")
    await desk.settle()
    rows = await desk.rows("select kind || details::text as told from event")
    told = " ".join(row.told for row in rows).lower()
    assert len(rows) > 8
    for secret in ("quagmire", "zebulon", "olive", desk.handset, desk.handset[2:], desk.number):
        assert secret.lower() not in told


async def test_what_was_rolled_back_did_not_happen(desk: Desk) -> None:
    async def fail() -> None:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await events.add(tx, "note.never", None, None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await kinds(desk) == []


# --- its order ---


async def test_what_commits_later_is_read_later_even_if_it_began_before(desk: Desk) -> None:
    db, mine = desk.rt.db, desk.workspace_id
    async with db.transaction(mine) as slow:
        await events.add(slow, "note.slow", None, None)
        await note(desk, "quick")
        assert await log(desk) == []
        async with db.dispatch() as dispatch:
            assert await events.moved(dispatch, {mine: BEGINNING}) == {mine: False}
    async with db.dispatch() as dispatch:
        assert await events.moved(dispatch, {mine: BEGINNING}) == {mine: True}
    found = await log(desk)
    assert [one.kind for one in found] == ["note.slow", "note.quick"]
    assert [one.kind for one in await log(desk, found[0].place)] == ["note.quick"]
    async with db.dispatch() as dispatch:
        assert await events.moved(dispatch, {mine: found[-1].place}) == {}


async def test_from_now_on_means_what_nobody_could_read_yet(desk: Desk) -> None:
    await note(desk, "before")
    async with desk.rt.db.transaction(desk.workspace_id) as slow:
        await events.add(slow, "note.slow", None, None)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            place = await events.now(tx)
    await note(desk, "after")
    assert [one.kind for one in await log(desk, place)] == ["note.slow", "note.after"]


async def test_who_reads_while_many_write_misses_nothing_and_hears_nothing_twice(desk: Desk) -> None:
    dice, seen, writers = random.Random(5), list[str](), 6

    async def write(who: int) -> None:
        for n in range(15):
            async with desk.rt.db.transaction(desk.workspace_id) as tx:
                await events.add(tx, f"note.{who}", None, None, n=n)
                await asyncio.sleep(dice.uniform(0, 0.01))
                await events.add(tx, f"note.{who}", None, None, n=n + 100)

    async def follow() -> None:
        place = BEGINNING
        while len(seen) < writers * 30:
            async with desk.rt.db.transaction(desk.workspace_id) as tx:
                found = await events.after(tx, place, 7)
            seen.extend(f"{one.kind} {one.details['n']}" for one in found)
            place = found[-1].place if found else place
            await asyncio.sleep(0.001)

    async with asyncio.timeout(30):
        await asyncio.gather(follow(), *(write(who) for who in range(writers)))
    assert len(seen) == len(set(seen)) == writers * 30
    for who in range(writers):
        mine = [one for one in seen if one.startswith(f"note.{who} ")]
        assert mine == [f"note.{who} {n + more}" for n in range(15) for more in (0, 100)]


async def test_after_a_database_was_put_back_the_order_goes_on(
    desk: Desk, postgres: EmbeddedPostgres
) -> None:
    """A server that counts its transactions from one again, as a new one does, changes nothing."""
    await note(desk, "before")
    (before,) = await log(desk)
    engine = create_engine(sqlalchemy_url(postgres.owner_url))
    with engine.begin() as connection:
        installation.begin_era(connection)
    engine.dispose()
    await note(desk, "after")
    (after,) = await log(desk, before.place)
    assert after.kind == "note.after"
    assert after.place.tx - before.place.tx > 2**43


# --- places ---


def test_a_cursor_says_what_it_was() -> None:
    assert events.read(events.write(Place(7, 3), NOW)) == (Place(7, 3), NOW)


@pytest.mark.parametrize(
    "cursor", ["", "1", "1.2", "1.2.3.4", "-1.2.3", "a.b.c", "1.2.999999999999", "٣.1.1", "9" * 19 + ".1.1"]
)
def test_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(BadCursor):
        events.read(cursor)


# --- what goes ---


async def test_the_oldest_are_forgotten(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    for name in ("older", "old", "young"):
        await note(desk, name)
    for name, days in (("older", 40), ("old", 31)):
        await owner.execute(
            "update event set at = at - make_interval(days => %s) where workspace_id = %s and kind = %s",
            (days, desk.workspace_id, f"note.{name}"),
        )
    async with desk.rt.db.dispatch() as dispatch:
        pruned = [await events.prune(dispatch, timedelta(days=30), 1) for _ in range(2)]
        await events.prune(dispatch, timedelta(days=30), 1_000)
    assert pruned == [1, 1]
    assert await kinds(desk) == ["note.young"]


async def test_nobody_but_the_dispatcher_forgets(desk: Desk) -> None:
    await note(desk, "kept")
    for statement in ("delete from event", "update event set kind = 'note.other'"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await desk.rows(statement)


async def test_an_erased_customer_is_not_in_it(desk: Desk) -> None:
    await asked(desk)
    conversation = await desk.conversation()
    await note(desk, "other")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await contacts.get(tx, conversation.contact_id)
        await erasure.erase(tx, conversation.contact_id, "person:test")
    left = await log(desk)
    assert [one.kind for one in left] == ["note.other", "contact.erased"]
    assert left[-1].subject_id == conversation.contact_id

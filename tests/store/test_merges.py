"""One customer, many addresses: the same number is one contact, others become one and two again, and nobody ever gets
what was meant for somebody else."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.errors import Conflict, NotFound
from domain.messages import Address, Inbound, Keyword, Kind, Scheme
from domain.turn import SetField
from store import (
    audit,
    channels,
    contacts,
    contexts,
    conversations,
    erasure,
    inbox,
    merges,
    outbox,
    turns,
    workspaces,
)
from store.contacts import Contact
from store.db import new_id
from store.outbox import NewMessage
from tests.rig import NOW, QUESTION, Desk, Thinking, new_number, thinking

MakeDesk = Callable[..., Awaitable[Desk]]
PRICES = "How much is a cleaning?"


def tel(number: str) -> Address:
    return Address(Scheme.TEL, number)


def whatsapp(number: str) -> Address:
    return Address(Scheme.WHATSAPP, number)


async def hold(desk: Desk, *addresses: Address) -> list[contacts.Held]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        held = await contacts.hold_all(tx, dict.fromkeys(addresses))
    return [held[one] for one in addresses]


async def contact_of(desk: Desk, handset: str) -> UUID:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (found,) = await contacts.find(tx, [tel(handset)])
    return found.id


async def own_contact(desk: Desk, handset: str) -> UUID:
    """The contact that was made for this number, whoever it is now."""
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (found,) = await contacts.find(tx, [tel(handset)])
    return next(one.contact_id for one in found.known if one.address == tel(handset))


async def get(desk: Desk, contact_id: UUID) -> Contact:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        found = await contacts.get(tx, contact_id)
    assert found is not None
    return found


async def merge(desk: Desk, one: UUID, into: UUID) -> UUID:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await merges.merge(tx, one, into, "person:test")


async def unmerge(desk: Desk, one: UUID) -> UUID:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await merges.unmerge(tx, one, "person:test")


async def talks(desk: Desk) -> dict[UUID, Any]:
    rows = await desk.rows("select * from conversation order by created_at, id")
    return {row.id: row for row in rows}


async def talk_of(desk: Desk, contact_id: UUID) -> Any:
    (found,) = [
        one for one in (await talks(desk)).values() if one.contact_id == contact_id and one.state != "closed"
    ]
    return found


async def two(desk: Desk, words: str = QUESTION) -> tuple[str, str, UUID, UUID]:
    """Two customers who were answered: their handsets and contacts."""
    ann, bob = desk.handset, new_number()
    for handset in (ann, bob):
        await desk.text(words, handset=handset)
        await desk.settle()
    return ann, bob, await contact_of(desk, ann), await contact_of(desk, bob)


# --- the same number ---


@pytest.mark.parametrize("first", [tel, whatsapp])
async def test_a_number_is_one_contact_whichever_way_it_comes(
    desk: Desk, first: Callable[[str], Address]
) -> None:
    number = new_number()
    second = whatsapp if first is tel else tel
    (one,), (other,) = await hold(desk, first(number)), await hold(desk, second(number))
    assert one.contact_id == other.contact_id
    assert one.id != other.id
    assert (one.first_seen, other.first_seen) == (True, True)
    assert (await hold(desk, first(number)))[0].first_seen is False


async def test_both_ways_in_one_batch_are_one_contact(desk: Desk) -> None:
    number = new_number()
    one, other = await hold(desk, whatsapp(number), tel(number))
    assert one.contact_id == other.contact_id
    assert len(await desk.rows("select id from contact where id = :id", id=one.contact_id)) == 1


async def test_both_ways_at_once_are_one_contact(desk: Desk) -> None:
    for _ in range(10):
        number = new_number()
        held = await asyncio.gather(
            hold(desk, tel(number)), hold(desk, whatsapp(number)), hold(desk, tel(number))
        )
        assert len({one.contact_id for (one,) in held}) == 1
    assert (
        await desk.rows(
            "select id from contact c where not exists (select from contact_address a where a.contact_id = c.id)"
        )
        == []
    )


@pytest.mark.parametrize("value", ["US.1234", "72345"])
async def test_what_is_no_number_has_no_other_way(desk: Desk, value: str) -> None:
    (one,), (other,) = await hold(desk, whatsapp(value)), await hold(desk, tel(value))
    assert one.contact_id != other.contact_id


async def test_a_name_that_comes_with_whatsapp_names_a_contact_that_had_none(desk: Desk) -> None:
    number = new_number()
    (held,) = await hold(desk, tel(number))
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await contacts.hold(tx, whatsapp(number), "Ann Lee 🙂")
    assert (await get(desk, held.contact_id)).name == "Ann Lee 🙂"


async def test_the_new_way_of_somebody_who_was_merged_is_who_they_are_now(desk: Desk) -> None:
    _ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    (held,) = await hold(desk, whatsapp(bob))
    assert held.contact_id == a
    await unmerge(desk, b)
    assert (await hold(desk, whatsapp(bob)))[0].contact_id == b


# --- STOP is meant for the telephone, START for where it was said ---


async def said(desk: Desk, address: Address, keyword: Keyword) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        held = await contacts.hold(tx, address)
        await contacts.record_consent(tx, held.id, keyword, "phrase", keyword.value, None)


async def consents(desk: Desk, number: str) -> tuple[str, str]:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return await contacts.consent_of(tx, tel(number)), await contacts.consent_of(tx, whatsapp(number))


@pytest.mark.parametrize("way", [tel, whatsapp])
async def test_stop_counts_for_both_ways_and_start_for_one(desk: Desk, way: Callable[[str], Address]) -> None:
    number = new_number()
    await hold(desk, tel(number), whatsapp(number))
    await said(desk, way(number), Keyword.STOP)
    assert await consents(desk, number) == ("opted_out", "opted_out")
    await said(desk, tel(number), Keyword.START)
    assert await consents(desk, number) == ("opted_in", "opted_out")
    rows = await desk.rows("select source, state from consent order by n")
    assert [(row.source, row.state) for row in rows] == [
        ("phrase", "out"),
        ("same_number", "out"),
        ("phrase", "in"),
    ]


@pytest.mark.parametrize("erased", [False, True])
async def test_who_said_stop_is_out_on_a_way_that_comes_later(desk: Desk, erased: bool) -> None:
    number = new_number()
    await said(desk, tel(number), Keyword.STOP)
    if erased:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            found = await erasure.find(tx, tel(number))
            assert found is not None
            await erasure.erase(tx, found, "cli")
    (held,) = await hold(desk, whatsapp(number))
    assert held.opted_out_at is not None


async def test_stop_at_one_address_leaves_the_question_from_another_to_be_answered(desk: Desk) -> None:
    """One person, two telephones: the price is asked on one, and the other one is not to be written to."""
    ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text(QUESTION, handset=bob)
    await desk.text("STOP", handset=ann)
    await desk.settle()
    assert len(desk.ledger(bob)) == 2
    assert len(desk.ledger(ann)) == 1
    await desk.text("START", handset=ann)
    await desk.settle()
    assert (len(desk.ledger(ann)), len(desk.ledger(bob))) == (1, 2)  # the provider itself answers keywords


# --- who is who ---


async def test_a_merged_contact_is_the_other_with_all_addresses(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    assert await merge(desk, b, a) == a
    assert {one.value for one in (await get(desk, a)).addresses} == {ann, bob}
    gone = await get(desk, b)
    assert (gone.merged_into, gone.root_id, [one.value for one in gone.addresses]) == (a, a, [bob])
    assert await contact_of(desk, bob) == a
    assert await unmerge(desk, b) == a
    assert await contact_of(desk, bob) == b
    assert [one.value for one in (await get(desk, a)).addresses] == [ann]


async def test_what_cannot_be_merged_says_why(desk: Desk) -> None:
    _ann, _bob, a, b = await two(desk)
    for one, into in ((a, a), (new_id(), a), (a, new_id())):
        with pytest.raises((Conflict, NotFound)):
            await merge(desk, one, into)
    await merge(desk, b, a)
    for one, into in ((b, a), (a, b), (b, b)):
        with pytest.raises(Conflict) as refused:
            await merge(desk, one, into)
        assert refused.value.code == "same_contact"
    with pytest.raises(Conflict) as refused:
        await unmerge(desk, a)
    assert refused.value.code == "not_merged"


async def test_chains_are_followed_and_come_apart_in_any_order(desk: Desk) -> None:
    a, b, c = [(await hold(desk, tel(new_number())))[0].contact_id for _ in range(3)]
    await merge(desk, a, b)
    await merge(desk, b, c)
    assert [(await get(desk, one)).root_id for one in (a, b, c)] == [c, c, None]
    await unmerge(desk, b)
    assert [(await get(desk, one)).root_id for one in (a, b, c)] == [b, None, None]
    await merge(desk, b, c)
    await unmerge(desk, a)
    assert [(await get(desk, one)).root_id for one in (a, b, c)] == [None, c, None]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert [one.contact_id for one in await merges.merged(tx, c)] == [b]
        assert await audit.verify(tx) is None


async def test_merging_one_that_is_merged_merges_who_they_are_now(desk: Desk) -> None:
    a, b, c = [(await hold(desk, tel(new_number())))[0].contact_id for _ in range(3)]
    await merge(desk, a, b)
    assert await merge(desk, a, c) == c
    assert [(await get(desk, one)).root_id for one in (a, b)] == [c, c]


async def test_two_people_who_merge_the_same_two_at_once(desk: Desk) -> None:
    for _ in range(5):
        a, b = [(await hold(desk, tel(new_number())))[0].contact_id for _ in range(2)]
        done = await asyncio.gather(merge(desk, a, b), merge(desk, b, a), return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["Conflict", "UUID"]
        roots = {(await get(desk, one)).root_id for one in (a, b)}
        assert None in roots
        assert len(roots) == 2


async def test_a_name_is_found_wherever_it_was_told(desk: Desk) -> None:
    _ann, _bob, a, b = await two(desk)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await contacts.rename(tx, b, "Ann Lee")
    await merge(desk, b, a)
    assert (await get(desk, a)).name == "Ann Lee"
    await unmerge(desk, b)
    assert (await get(desk, a)).name is None


# --- one conversation ---


async def test_the_survivors_conversation_goes_on_and_answers_where_they_last_wrote(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    before = await talk_of(desk, a)
    await merge(desk, b, a)
    assert [row.state for row in (await talks(desk)).values() if row.contact_id == b] == ["closed"]
    await desk.text(QUESTION, handset=bob)
    await desk.settle()
    assert (await talk_of(desk, a)).id == before.id
    assert (len(desk.ledger(ann)), len(desk.ledger(bob))) == (1, 2)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.reply(
            tx,
            before.id,
            desk.person_id,
            "person:test",
            "A person speaks.",
            desk.rt.split,
            timedelta(hours=1),
        )
    await desk.settle()
    assert desk.ledger(bob)[-1] == "A person speaks."


async def test_what_was_not_answered_yet_is_answered_once_after_the_merge(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    await desk.text(QUESTION, handset=bob)
    await merge(desk, b, a)
    await desk.settle()
    assert (len(desk.ledger(ann)), len(desk.ledger(bob))) == (1, 2)
    assert await desk.rows("select from carried where done_at is null") == []
    await desk.settle()
    assert len(desk.ledger(bob)) == 2


async def test_a_survivor_who_has_no_conversation_gets_one(desk: Desk) -> None:
    await desk.text(QUESTION)
    (held,) = await hold(desk, tel(new_number()))
    own = await contact_of(desk, desk.handset)
    await merge(desk, own, held.contact_id)
    await desk.settle()
    assert len(desk.ledger()) == 1
    assert (await talk_of(desk, held.contact_id)).state == "open"


async def test_a_turn_that_runs_while_they_become_one_says_nothing_twice(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    await desk.text(PRICES, handset=bob)
    thought = Thinking()
    async with thinking(desk, thought):
        await merge(desk, b, a)
    await desk.settle()
    assert (len(desk.ledger(ann)), len(desk.ledger(bob))) == (1, 2)
    assert {one.state for one in await desk.rows("select state from turn")} <= {"saved", "superseded"}


async def test_a_turn_that_runs_while_they_part_does_not_answer_the_other(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text(PRICES, handset=bob)
    thought = Thinking()
    async with thinking(desk, thought):
        await unmerge(desk, b)
    await desk.settle()
    assert (len(desk.ledger(ann)), len(desk.ledger(bob))) == (1, 2)
    last = (await desk.rows("select conversation_id from delivery order by id"))[-1]
    assert last.conversation_id == (await talk_of(desk, b)).id


async def test_what_waits_to_leave_does_not_leave_to_somebody_else(desk: Desk) -> None:
    _ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text(PRICES, handset=bob)
    talk = await talk_of(desk, a)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.reply(
            tx, talk.id, desk.person_id, "person:test", "For Ann only.", desk.rt.split, timedelta(hours=1)
        )
    await unmerge(desk, b)
    await desk.settle()
    assert "For Ann only." not in desk.ledger(bob)
    cancelled = await desk.rows("select reason from delivery where state = 'cancelled'")
    assert [one.reason for one in cancelled] == ["contact_unmerged"]


async def test_the_gate_refuses_an_address_that_is_somebody_elses_now(desk: Desk) -> None:
    """Were it forgotten to take a message back, it would not leave all the same."""
    _ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text(QUESTION, handset=bob)
    talk = await talk_of(desk, a)
    await unmerge(desk, b)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        row = (
            await tx.execute(
                text("select t.id from thread t join contact_address c on c.id = t.address_id"
                     " where t.conversation_id = :talk and coalesce(c.root_id, c.contact_id) = :b"),
                {"talk": talk.id, "b": b},
            )
        ).one()  # fmt: skip
        await outbox.put(tx, NewMessage(talk.id, row.id, "human", "human", "For Ann only."))
    await desk.settle()
    assert "For Ann only." not in desk.ledger(bob)


async def test_parting_opens_again_what_each_had(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    talk_a, talk_b = await talk_of(desk, a), await talk_of(desk, b)
    await merge(desk, b, a)
    await desk.text(QUESTION, handset=bob)
    await desk.settle()
    await unmerge(desk, b)
    assert ((await talk_of(desk, a)).id, (await talk_of(desk, b)).id) == (talk_a.id, talk_b.id)
    for handset in (ann, bob):
        await desk.text(QUESTION, handset=handset)
        await desk.settle()
    rows = await desk.rows(
        "select m.conversation_id, a.contact_id from message m join thread t on t.id = m.thread_id"
        " join contact_address a on a.id = t.address_id where m.direction = 'in'"
        " order by m.created_at desc, m.id desc limit 2"
    )
    assert {(row.conversation_id, row.contact_id) for row in rows} == {(talk_a.id, a), (talk_b.id, b)}


async def test_a_person_who_has_one_of_them_has_both(desk: Desk) -> None:
    ann, _bob, a, b = await two(desk)
    talk = await talk_of(desk, b)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.take_over(tx, talk.id, desk.person_id, "person:test", "asked", timedelta(hours=2))
    await merge(desk, b, a)
    assert (await talk_of(desk, a)).owner == "human"
    await desk.text(QUESTION, handset=ann)
    await desk.settle()
    assert len(desk.ledger(ann)) == 1
    await unmerge(desk, b)
    assert (await talk_of(desk, b)).owner == "human"
    desk.wait(hours=3)
    await desk.settle()
    assert [row.owner for row in (await talks(desk)).values()] == ["ai", "ai"]


# --- one context ---


async def tell(desk: Desk, handset: str, field: str, value: str) -> None:
    """As a turn would have understood it from the newest words of this handset."""
    rows = await desk.rows(
        "select m.conversation_id, m.seq, m.id from message m join thread t on t.id = m.thread_id"
        " join contact_address a on a.id = t.address_id where m.direction = 'in' and a.value_hash = :hash"
        " order by m.created_at desc, m.id desc limit 1",
        hash=await _hash(desk, handset),
    )
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (turn,) = (await tx.execute(text("select id from turn limit 1"))).all()
        change = SetField(field, value, 0.9, rows[0].seq, value)
        await contexts.set_by_ai(tx, rows[0].conversation_id, turn.id, [change])


async def _hash(desk: Desk, handset: str) -> bytes:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return tx.vault.hash(Scheme.TEL, handset)


async def context(desk: Desk, contact_id: UUID) -> dict[str, Any]:
    talk = await talk_of(desk, contact_id)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return {name: one.value for name, one in (await contexts.current(tx, talk.id)).items()}


async def test_one_context_while_they_are_one_and_each_their_own_before_and_after(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    await tell(desk, ann, "service", "cleaning")
    await tell(desk, bob, "insurance", "Delta")
    await merge(desk, b, a)
    assert await context(desk, a) == {"service": "cleaning", "insurance": "Delta"}
    await desk.text("I was born on 3 March 1980", handset=bob)
    await desk.settle()
    await tell(desk, bob, "born", "1980-03-03")
    await tell(desk, bob, "service", "whitening")
    assert await context(desk, a) == {"service": "whitening", "insurance": "Delta", "born": "1980-03-03"}
    await unmerge(desk, b)
    assert await context(desk, a) == {"service": "cleaning"}
    assert await context(desk, b) == {"service": "whitening", "insurance": "Delta", "born": "1980-03-03"}


async def test_a_turn_reads_what_is_theirs_and_nothing_else(desk: Desk) -> None:
    ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text("My secret is a blue parrot", handset=bob)
    await desk.settle()
    await unmerge(desk, b)
    for handset in (ann, bob):
        await desk.text(QUESTION, handset=handset)
    told = [" ".join(line.text for line in turn) for turn in await histories(desk, a, b)]
    assert "parrot" not in told[0]
    assert "parrot" in told[1]


async def histories(desk: Desk, *who: UUID) -> list[Any]:
    """What a turn for each of them would read."""
    found = []
    for contact_id in who:
        talk = await talk_of(desk, contact_id)
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            epoch = (
                await tx.execute(
                    text("update conversation set epoch = epoch + 1, answered_seq = 0, owner = 'ai' where id = :id"
                         " returning epoch"),
                    {"id": talk.id},
                )
            ).scalar_one()  # fmt: skip
            started = await turns.load(tx, turns.Claim(desk.workspace_id, talk.id, epoch, "test"))
            assert started is not None
            found.append([*started.turn.history, *started.turn.burst])
    return found


# --- erasure ---


@pytest.mark.parametrize("named", ["survivor", "merged", "parted"])
async def test_erasing_takes_all_of_a_person_and_nothing_of_another(desk: Desk, named: str) -> None:
    _ann, bob, a, b = await two(desk)
    await merge(desk, b, a)
    await desk.text("My secret is a blue parrot", handset=bob)
    await desk.settle()
    if named == "parted":
        await unmerge(desk, b)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await erasure.erase(tx, a if named == "survivor" else b, "cli")
    left = await desk.rows("select id from contact")
    assert [row.id for row in left] == ([a] if named == "parted" else [])
    said_ = await desk.rows(
        "select m.id from message m join thread t on t.id = m.thread_id join contact_address a on a.id = t.address_id"
    )
    assert len(said_) == (2 if named == "parted" else 0)
    (explained,) = await desk.rows("select count(*) filter (where explanation is not null) as n from turn")
    assert explained.n == (1 if named == "parted" else 0)
    if named == "parted":
        assert (await talk_of(desk, a)).state == "open"


# --- a changed number ---


async def system(desk: Desk, old: str, new: str) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (channel,) = await channels.listed(tx)
        profile = (await workspaces.get(tx)).profile
        event = Inbound(f"SM{new_id().hex}", tel(old), "changed", kind=Kind.SYSTEM, moved_to=tel(new))
        await inbox.save(tx, channel, profile, [event])


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("out", [False, True])
async def test_a_changed_number_is_the_same_person(desk: Desk, known: bool, out: bool) -> None:
    ann, bob = desk.handset, new_number()
    await desk.text(QUESTION, handset=ann)
    await desk.settle()
    if known:
        await desk.text(QUESTION, handset=bob)
        await desk.settle()
    if out:
        await said(desk, tel(ann), Keyword.STOP)
    await system(desk, ann, bob)
    assert await contact_of(desk, ann) == await contact_of(desk, bob)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await contacts.consent_of(tx, tel(bob)) == ("opted_out" if out else "none")


# --- any sequence ---

ASKED = (QUESTION, "Are you open on Saturday?", "Are you open now?", "When do you open tomorrow?")
"""In other words each time: who repeats themselves is taken for a machine."""
STEP = st.one_of(
    st.tuples(st.just("writes"), st.integers(0, 3)),
    st.tuples(st.just("settles"), st.just(0)),
    st.tuples(st.just("merges"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("parts"), st.integers(0, 3)),
    st.tuples(st.just("closes"), st.integers(0, 3)),
    st.tuples(st.just("takes"), st.integers(0, 3)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=3, max_size=14))
async def test_whatever_happens_each_gets_their_own_answers(
    make_desk: MakeDesk, steps: list[tuple[Any, ...]]
) -> None:
    desk = await make_desk()
    desk.stage.clock.frozen = NOW
    phones = [new_number() for _ in range(4)]
    people = [(await hold(desk, tel(phone)))[0].contact_id for phone in phones]
    wrote = Counter[str]()
    for step in steps:
        try:
            await _do(desk, step, phones, people, wrote)
        except Conflict:
            continue
    await desk.settle()
    for phone in phones:  # after whatever happened, everybody reaches their own
        await desk.text(ASKED[wrote.total() % 4], handset=phone)
        wrote[phone] += 1
    await desk.settle()
    await _is_sound(desk, phones, people, wrote)


async def _do(
    desk: Desk, step: tuple[Any, ...], phones: list[str], people: list[UUID], wrote: Counter[str]
) -> None:
    match step:
        case ("writes", n):
            await desk.text(f"{ASKED[wrote.total() % 4]} This is {phones[n]}.", handset=phones[n])
            wrote[phones[n]] += 1
        case ("settles", _):
            await desk.settle()
        case ("merges", one, other):
            await merge(desk, people[one], people[other])
        case ("parts", n):
            await unmerge(desk, people[n])
        case ("closes", n):
            await _with_talk(desk, phones[n], conversations.close, "person:test")
        case ("takes", n):
            pause = timedelta(minutes=5)
            await _with_talk(
                desk, phones[n], conversations.take_over, desk.person_id, "person:test", "asked", pause
            )


async def _with_talk(desk: Desk, phone: str, act: Callable[..., Awaitable[None]], *more: Any) -> None:
    who = await contact_of(desk, phone)
    found = [one for one in (await talks(desk)).values() if one.contact_id == who and one.state != "closed"]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        for one in found:
            await act(tx, one.id, *more)


async def _is_sound(desk: Desk, phones: list[str], people: list[UUID], wrote: Counter[str]) -> None:
    for person in people:  # no cycles, and what is written beside is what the pointers say
        seen, at = set[UUID](), person
        while (found := await get(desk, at)).merged_into is not None:
            assert at not in seen
            seen.add(at)
            at = found.merged_into
        assert ((await get(desk, person)).root_id or person) == at
    rows = await desk.rows(
        "select m.conversation_id, m.seq, m.direction, m.created_at, m.id, a.contact_id, t.conversation_id as thread_talk,"
        " c.last_seq from message m join thread t on t.id = m.thread_id join contact_address a on a.id = t.address_id"
        " join conversation c on c.id = m.conversation_id order by m.conversation_id, m.seq"
    )
    talks_ = {row.conversation_id for row in rows}
    for talk in talks_:  # every message in one conversation, without a gap
        own = [row for row in rows if row.conversation_id == talk]
        assert [row.seq for row in own] == list(range(1, own[0].last_seq + 1))
        assert [row.created_at for row in own] == sorted(row.created_at for row in own)
    assert all(row.thread_talk == row.conversation_id for row in rows)
    got = Counter(row.contact_id for row in rows if row.direction == "in")
    for phone, person in zip(phones, people, strict=True):
        assert got[person] == wrote[phone]  # nothing lost
        for other in phones:  # nobody's words reach another's telephone
            assert other == phone or not any(other in words for words in desk.ledger(phone))
    last = {
        row.contact_id: row
        for row in sorted(rows, key=lambda row: (row.created_at, row.id))
        if row.direction == "in"
    }
    open_ = {row.contact_id: row for row in (await talks(desk)).values() if row.state != "closed"}
    for person in people:  # who wrote last is in the open conversation of who they are
        root = (await get(desk, person)).root_id or person
        assert last[person].conversation_id == open_[root].id
        if open_[root].owner == "ai":  # and is answered
            assert open_[root].due_at is None
            assert open_[root].answered_seq >= last[person].seq
    left = await desk.rows("select k.message_id from carried k join conversation c on c.id = k.conversation_id"
                           " where k.done_at is null and c.state <> 'closed' and c.owner = 'ai'")  # fmt: skip
    assert left == []

"""What the webhook's transaction does with what comes in: once, in order, and STOP at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from store import conversations, drafts
from store.db import new_id
from tests.rig import NOW, QUESTION, Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]
LOOSE_STOP = "please stop texting me"


def sids(count: int) -> list[str]:
    return [f"SM{new_id().hex}" for _ in range(count)]


async def at_once(desk: Desk, texts: list[str], handsets: list[str] | None = None) -> list[int]:
    """All at the door together, each with its own id."""
    phones = handsets or [desk.handset] * len(texts)
    forms = [
        desk.inbound(words, sid, From=phone)
        for words, sid, phone in zip(texts, sids(len(texts)), phones, strict=True)
    ]
    return [reply.status_code for reply in await asyncio.gather(*(desk.post(form) for form in forms))]


# --- once, and in order ---


async def test_ten_deliveries_of_one_webhook_are_one_message_and_one_turn(desk: Desk) -> None:
    assert await desk.text(QUESTION, times=10) == [200] * 10
    await desk.settle()
    assert [one.author for one in await desk.messages()] == ["contact", "ai"]
    assert [turn.state for turn in await desk.turns()] == ["saved"]
    assert len(desk.ledger()) == 1


async def test_the_same_message_hours_later_is_still_the_same(desk: Desk) -> None:
    form = desk.inbound(QUESTION, sids(1)[0])
    assert (await desk.post(form)).status_code == 200
    await desk.settle()
    desk.wait(hours=30)
    assert (await desk.post(form)).status_code == 200
    await desk.settle()
    assert len(await desk.messages()) == 2


async def test_messages_that_share_a_transaction_keep_their_own_traces(desk: Desk) -> None:
    phones = [new_number() for _ in range(8)]
    assert await at_once(desk, [QUESTION] * 8, phones) == [200] * 8
    traces = [row.trace for row in await desk.rows("select trace from message where direction = 'in'")]
    assert len(set(traces)) == 8
    assert all(traces)


async def test_ten_first_messages_at_once_make_one_contact_and_no_gap(desk: Desk) -> None:
    texts = [f"message {n}" for n in range(10)]
    assert await at_once(desk, texts) == [200] * 10
    assert len(await desk.rows("select id from contact")) == 1
    assert len(await desk.rows("select id from conversation")) == 1
    assert len(await desk.rows("select id from thread")) == 1
    messages = await desk.messages()
    assert [one.seq for one in messages] == list(range(1, 11))
    assert sorted(one.text for one in messages) == texts


async def test_two_customers_at_once_have_a_conversation_each(desk: Desk) -> None:
    phones = [new_number(), new_number()]
    assert await at_once(desk, [f"text {n}" for n in range(10)], phones * 5) == [200] * 10
    rows = await desk.rows("select last_seq from conversation")
    assert [row.last_seq for row in rows] == [5, 5]
    assert len(await desk.rows("select id from contact")) == 2


async def test_the_same_words_twice_are_two_messages(desk: Desk) -> None:
    await desk.text("hello?")
    await desk.text("hello?")
    assert [one.text for one in await desk.messages()] == ["hello?", "hello?"]


async def test_messages_and_answers_share_one_gap_free_count(desk: Desk) -> None:
    for _ in range(3):
        await desk.text(QUESTION)
        await desk.settle()
        desk.wait(minutes=20)
    assert [one.seq for one in await desk.messages()] == [1, 2, 3, 4, 5, 6]


async def test_a_closed_conversation_stays_closed_and_a_new_one_opens(desk: Desk) -> None:
    await desk.text("hello")
    first = await desk.conversation()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.close(tx, first.id, "person:test")
    await desk.text("one more thing")
    rows = await desk.rows("select id, state, last_seq from conversation order by created_at, id")
    assert [(row.state, row.last_seq) for row in rows] == [("closed", 1), ("open", 1)]
    assert len(await desk.rows("select id from contact")) == 1


@pytest.mark.parametrize("words", ["", " ", "\n", "👩‍👩‍👧" * 200, "a\u0000b", "x" * 1600, "‮txet"])
async def test_any_words_are_kept(desk: Desk, words: str) -> None:
    assert await desk.text(words) == [200]
    (message,) = await desk.messages()
    assert message.text == words.replace("\0", "")


# --- bursts ---


async def test_a_burst_waits_for_quiet_but_not_for_ever(make_desk: MakeDesk) -> None:
    desk = await make_desk(channel={"debounce": "3s", "debounce_max": "10s"})
    due = []
    for _ in range(6):
        await desk.text("and another thing")
        due.append(((await desk.conversation()).due_at or NOW) - NOW)
        desk.wait(seconds=2)
    assert due == [timedelta(seconds=s) for s in (3, 5, 7, 9, 10, 10)]


async def test_after_an_answer_the_next_burst_starts_anew(make_desk: MakeDesk) -> None:
    desk = await make_desk(channel={"debounce": "3s", "debounce_max": "10s"})
    await desk.text(QUESTION)
    await desk.settle()
    desk.wait(minutes=1)
    now = desk.stage.clock.frozen or NOW
    await desk.text(QUESTION)
    assert (await desk.conversation()).due_at == now + timedelta(seconds=3)


async def test_a_burst_gets_one_answer(make_desk: MakeDesk) -> None:
    desk = await make_desk(channel={"debounce": "3s", "debounce_max": "10s"})
    for words in ("hello", "quick question", QUESTION):
        await desk.text(words)
        desk.wait(seconds=1)
    await desk.settle()
    (turn,) = await desk.turns()
    assert (turn.first_seq, turn.base_seq) == (1, 3)
    assert len(desk.ledger()) == 1


async def test_a_burst_that_ends_in_help_is_still_answered(make_desk: MakeDesk) -> None:
    desk = await make_desk(channel={"debounce": "3s", "debounce_max": "10s"})
    await desk.text(QUESTION)
    await desk.text("HELP")
    await desk.settle()
    assert [turn.state for turn in await desk.turns()] == ["saved"]
    assert len(desk.ledger()) == 1
    assert (await desk.turns())[0].intent == "ask_hours"


# --- STOP, START, HELP ---


async def test_stop_takes_back_what_is_queued_and_nothing_leaves_afterwards(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.turn()
    assert await desk.states() == ["queued"]
    await desk.text("STOP")
    assert [(one.state, one.reason) for one in await desk.deliveries()] == [("cancelled", "opted_out")]
    await desk.settle()
    assert desk.ledger() == []
    assert await desk.consent() == "opted_out"


async def test_stop_while_the_turn_thinks(desk: Desk) -> None:
    await desk.text(QUESTION)
    worker = desk.turn_worker()
    (claim,) = await worker.claim(1)
    await desk.text("STOP")
    await worker.work(claim)
    await desk.settle()
    assert desk.ledger() == []
    assert await desk.said("ai") == []


async def test_stop_races_the_answer_that_is_leaving(desk: Desk) -> None:
    """Whoever takes the address's lock first wins: the answer has left, or it never does."""
    for _ in range(8):
        phone = new_number()
        desk.handset = phone
        await desk.text(QUESTION)
        await desk.turn()
        await asyncio.gather(desk.text("STOP"), desk.deliver())
        await desk.settle()
        (answer,) = await desk.rows(
            "select d.state, a.opted_out_at from delivery d join contact_address a on a.id = d.address_id"
            " where d.created_at = :now order by d.id desc limit 1",
            now=desk.stage.clock.frozen,
        )
        assert answer.opted_out_at is not None
        assert (answer.state in ("cancelled", "failed")) == (
            desk.ledger() == []
        )  # failed: the provider heard it first
        desk.wait(minutes=1)


async def test_stop_races_a_persons_reply(desk: Desk) -> None:
    await desk.text(QUESTION)
    await desk.settle()
    before = len(desk.ledger())
    await asyncio.gather(desk.text("STOP"), desk.person_writes("one more thing"), return_exceptions=True)
    await desk.settle()
    assert len(desk.ledger()) == before
    assert await desk.consent() == "opted_out"


async def test_stop_leaves_no_draft_to_approve(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await desk.text(QUESTION)
    await desk.settle()
    await desk.text("STOP")
    assert [row.state for row in await desk.rows("select state from draft")] == ["superseded"]


async def test_the_providers_keyword_gets_the_providers_confirmation_only(desk: Desk) -> None:
    await desk.text("STOP")
    await desk.settle()
    assert len(desk.from_provider()) == 1
    assert await desk.said("system") == []
    assert await desk.consent() == "opted_out"
    (row,) = await desk.rows("select state, source from consent")
    assert tuple(row) == ("out", "provider")


async def test_a_loose_stop_gets_exactly_one_confirmation(desk: Desk) -> None:
    assert await desk.text(LOOSE_STOP, times=3) == [200] * 3
    await desk.settle()
    await desk.text(LOOSE_STOP)
    await desk.settle()
    assert len(desk.ledger()) == 1
    assert "unsubscribed" in desk.ledger()[0]
    assert await desk.consent() == "opted_out"


async def test_a_loose_stop_repeated_before_its_confirmation_left_is_confirmed_once(desk: Desk) -> None:
    await desk.text(LOOSE_STOP)
    await desk.text(LOOSE_STOP)
    await desk.settle()
    assert len(desk.ledger()) == 1


async def test_a_loose_stop_and_then_the_keyword_are_confirmed_once(desk: Desk) -> None:
    await desk.text(LOOSE_STOP)
    await desk.text("STOP")
    await desk.settle()
    assert len(desk.ledger()) + len(desk.from_provider()) == 1


async def test_after_stop_nobody_is_answered(desk: Desk) -> None:
    await desk.text("STOP")
    await desk.settle()
    await desk.text(QUESTION)
    await desk.settle()
    assert desk.ledger() == []
    assert await desk.turns() == []


async def test_a_stale_confirmation_does_not_leave(desk: Desk) -> None:
    await desk.text(LOOSE_STOP)
    desk.wait(minutes=6)
    await desk.settle()
    assert desk.ledger() == []
    assert [one.reason for one in await desk.deliveries()] == ["opted_out"]


async def test_start_restores_and_only_what_comes_then_is_answered(desk: Desk) -> None:
    await desk.text("STOP")
    await desk.text(QUESTION)
    await desk.settle()
    await desk.text("START")
    await desk.settle()
    assert await desk.consent() == "opted_in"
    assert desk.ledger() == []
    await desk.text(QUESTION)
    await desk.settle()
    assert len(desk.ledger()) == 1
    assert [turn.first_seq for turn in await desk.turns()] == [4]


async def test_every_word_about_consent_is_kept_with_its_wording(desk: Desk) -> None:
    for words in (LOOSE_STOP, "start", "STOP"):
        await desk.text(words)
    rows = await desk.rows("select state, source, wording, message_id from consent order by n")
    assert [(row.state, row.source) for row in rows] == [
        ("out", "phrase"),
        ("in", "provider"),
        ("out", "provider"),
    ]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        said = [tx.vault.open("consent.wording", bytes(row.wording)) for row in rows]
    assert said == [LOOSE_STOP, "start", "STOP"]
    assert [row.message_id for row in rows] == [
        one.id for one in await desk.messages() if one.direction == "in"
    ]


@pytest.mark.parametrize("before", [(), (LOOSE_STOP,)])
async def test_help_is_answered_whoever_asks(desk: Desk, before: tuple[str, ...]) -> None:
    for words in before:
        await desk.text(words)
        await desk.settle()
    await desk.text("ayuda")
    await desk.settle()
    assert len(desk.ledger()) == len(before) + 1
    assert "STOP" in desk.ledger()[-1]
    assert await desk.consent() == ("opted_out" if before else "none")


async def test_what_may_be_a_stop_goes_to_a_person(desk: Desk) -> None:
    await desk.text("STOP, I cannot come")
    await desk.settle()
    found = await desk.conversation()
    assert (found.owner, found.owner_reason, found.due_at) == ("human", "maybe_opt_out", None)
    assert desk.ledger() == []
    assert await desk.consent() == "none"


# --- drafts and people ---


async def test_a_draft_is_superseded_when_the_customer_writes(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await desk.text(QUESTION)
    await desk.settle()
    await desk.text("never mind, are you open on Sunday?")
    assert [row.state for row in await desk.rows("select state from draft")] == ["superseded"]
    await desk.settle()
    rows = await desk.rows("select state, base_seq from draft order by created_at, id")
    assert [tuple(row) for row in rows] == [("superseded", 1), ("pending", 2)]
    assert desk.ledger() == []


async def test_approving_races_a_new_message(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft"})
    await desk.text(QUESTION)
    await desk.settle()
    (row,) = await desk.rows("select id from draft")

    async def approve() -> None:
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await drafts.approve(tx, row.id, desk.person_id, "person:test", None, desk.rt.split)

    await asyncio.gather(desk.text("wait"), approve(), return_exceptions=True)
    await desk.settle()
    (decided,) = await desk.rows("select state from draft where id = :id", id=row.id)
    assert decided.state == ("approved" if desk.ledger() else "superseded")
    assert len(desk.ledger()) <= 1


async def test_while_a_person_owns_it_no_turn_starts_and_after_the_pause_one_does(desk: Desk) -> None:
    await desk.text("hello")
    await desk.settle()
    await desk.person_writes("Olive here, one moment")
    before = len(await desk.turns())
    await desk.text(QUESTION)
    await desk.settle()
    assert len(await desk.turns()) == before
    assert (await desk.conversation()).due_at is None
    desk.wait(hours=8, seconds=1)
    await desk.text(QUESTION)
    await desk.settle()
    assert (await desk.conversation()).owner == "ai"
    assert len(await desk.turns()) == before + 1


async def test_a_first_message_that_cannot_be_read_as_a_keyword_has_a_receipt_and_no_more(desk: Desk) -> None:
    await desk.text(QUESTION)
    rows: list[Any] = await desk.rows("select kind, provider_event_id, payload from inbound_receipt")
    assert [row.kind for row in rows] == ["message"]
    assert QUESTION.encode() not in bytes(rows[0].payload)

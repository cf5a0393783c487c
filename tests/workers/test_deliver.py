"""Sending: each message leaves once or not at all, in order, and only while it may; the provider's own ledger
is the witness."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from store import channels, conversations, drafts, outbox, outcomes, sending, workspaces
from store.outcomes import MAX_ATTEMPTS
from store.sending import Ready
from tests.rig import QUESTION, Desk
from workers.deliver import DeliveryWorker

MakeDesk = Callable[..., Awaitable[Desk]]


async def answered(desk: Desk) -> None:
    """The customer has asked and the answer waits in the queue."""
    await desk.text(QUESTION)
    await desk.turn()
    assert await desk.states() == ["queued"]


async def one(desk: Desk) -> Any:
    (row,) = await desk.deliveries()
    return row


async def attempts(desk: Desk) -> list[Any]:
    return await desk.rows("select * from delivery_attempt order by delivery_id, n")


async def until(desk: Desk, *states: str, minutes: int = 30) -> None:
    """Let time pass and everything happen until every delivery is in one of these states."""
    for _ in range(minutes * 6):
        await desk.settle()
        if set(await desk.states()) <= set(states):
            return
        desk.wait(seconds=10)
    raise AssertionError(f"still {await desk.states()} after {minutes} minutes")


# --- an answer that does not come ---


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "drop_after"},
        {"kind": "bad_json"},
        {"kind": "html_error", "effect": "before"},
        {"kind": "html_error", "effect": "before", "status": 504},
    ],
    ids=lambda rule: f"{rule['kind']}-{rule.get('status', '')}",
)
async def test_taken_without_an_answer_is_found_at_the_provider_and_sent_once(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    await answered(desk)
    desk.trouble({**trouble, "count": 1}, {"kind": "drop_callbacks"})
    await desk.deliver()
    assert (await one(desk)).state == "unknown"
    assert [row.outcome for row in await attempts(desk)] == ["unknown"]
    await desk.settle()
    assert (await one(desk)).state == "accepted"
    assert len(desk.ledger()) == 1
    assert desk.asked() == 1
    assert [row.outcome for row in await attempts(desk)] == ["accepted"]


async def test_an_unknown_one_is_settled_by_the_providers_report(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "drop_after", "count": 1})
    await desk.deliver()
    await desk.provider_quiet()
    assert (await one(desk)).state == "delivered"
    await desk.settle()
    assert len(desk.ledger()) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "drop_before"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "html_error"},
    ],
    ids=lambda rule: f"{rule['kind']}-{rule.get('status', '')}",
)
async def test_what_surely_never_left_is_sent_again_and_arrives_once(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    await answered(desk)
    desk.trouble({**trouble, "count": 1})
    await until(desk, "delivered")
    assert len(desk.ledger()) == 1
    assert desk.asked() == 2


async def test_an_unknown_one_is_not_sent_again_while_it_may_still_turn_up(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "drop_before", "count": 1})
    await desk.deliver()
    for _ in range(11):
        desk.wait(seconds=10)
        await desk.deliver()
    assert (await one(desk)).state == "unknown"
    assert desk.asked() == 1


async def test_a_provider_that_cannot_be_reached_costs_time_and_nothing_else(desk: Desk) -> None:
    await answered(desk)
    nowhere = replace(desk.rt, settings=replace(desk.rt.settings, twilio_url="http://127.0.0.1:9"))
    worker = DeliveryWorker(nowhere, desk.workspace_id)
    (claimed,) = await worker.claim(1)
    await worker.work(claimed)
    row = await one(desk)
    assert (row.state, row.reason, row.attempts) == ("queued", "send_failed", 1)
    await until(desk, "delivered")
    assert len(desk.ledger()) == 1


async def test_a_provider_that_hangs_leaves_it_unknown(desk: Desk) -> None:
    """The channel's own patience is used up; what the provider did meanwhile is found."""
    await answered(desk)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        settings = dict((await desk.channel()).settings) | {"timeout_s": 0.05}
        await channels.put(tx, "twilio_sms", desk.number, desk.credentials, settings)
    desk.trouble({"kind": "hang", "seconds": 0.5, "count": 1}, {"kind": "drop_callbacks"})
    await desk.deliver()
    assert (await one(desk)).state == "unknown"
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await channels.put(tx, "twilio_sms", desk.number, desk.credentials, settings | {"timeout_s": 10})
    await desk.settle()
    assert (await one(desk)).state == "accepted"
    assert len(desk.ledger()) == 1


async def test_a_clock_that_is_ahead_of_the_providers_does_not_send_twice(desk: Desk) -> None:
    desk.stage.clock.frozen = datetime.now(UTC) + timedelta(minutes=3)
    await answered(desk)
    desk.trouble({"kind": "drop_after", "count": 1}, {"kind": "drop_callbacks"})
    await desk.deliver()
    assert (await one(desk)).state == "unknown"
    await until(desk, "accepted")
    assert len(desk.ledger()) == 1


async def test_an_older_message_with_the_same_words_is_not_taken_for_a_lost_one(desk: Desk) -> None:
    """The first attempt is known by its own id, although the carrier lost it and it was sent again."""
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30003, "count": 1})
    await desk.deliver()
    await desk.provider_quiet()
    assert (await one(desk)).state == "queued"
    desk.trouble({"kind": "drop_before", "count": 1})
    desk.wait(minutes=1)
    await desk.deliver()
    assert (await one(desk)).state == "unknown"
    await until(desk, "delivered")
    assert len(desk.ledger()) == 2


# --- a worker that dies ---


async def test_a_worker_killed_before_the_request_left(desk: Desk) -> None:
    await answered(desk)
    await _prepare_and_die(desk)
    assert (await one(desk)).state == "sending"
    assert await desk.deliver() == 0  # its lease still holds
    await until(desk, "delivered")
    assert len(desk.ledger()) == 1
    assert desk.asked() == 1


async def test_a_worker_killed_after_the_request_was_taken(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "drop_callbacks"})
    ready = await _prepare_and_die(desk)
    await desk.rt.open_channel(ready.channel).send(desk.rt.http, ready.outbound)
    await until(desk, "accepted")
    assert len(desk.ledger()) == 1
    assert desk.asked() == 1


async def test_a_worker_that_comes_back_late_changes_nothing(desk: Desk) -> None:
    """Its lease is over and somebody else has found out what became of the message."""
    await answered(desk)
    desk.trouble({"kind": "drop_callbacks"})
    ready = await _prepare_and_die(desk)
    sent = await desk.rt.open_channel(ready.channel).send(desk.rt.http, ready.outbound)
    await until(desk, "accepted")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await outcomes.accepted(tx, ready.delivery_id, ready.attempt, sent.provider_id)
    row = await one(desk)
    assert (row.state, row.provider_id, row.attempts) == ("accepted", sent.provider_id, 1)


async def _prepare_and_die(desk: Desk) -> Ready:
    worker = desk.delivery_worker()
    (claimed,) = await worker.claim(1)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        profile = await _profile(desk)
        ready = await sending.prepare(tx, claimed.id, profile, desk.rt.status_url, timedelta(seconds=30))
    assert isinstance(ready, Ready)
    return ready


async def _profile(desk: Desk) -> Any:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        return (await workspaces.get(tx)).profile


async def test_two_workers_send_one_message_once(desk: Desk) -> None:
    await answered(desk)
    workers = [desk.delivery_worker() for _ in range(4)]
    claims = await asyncio.gather(*(worker.claim(8) for worker in workers))
    assert sum(len(claimed) for claimed in claims) == 1
    (claimed,) = [found for group in claims for found in group]
    await asyncio.gather(*(worker.work(claimed) for worker in workers))
    await desk.settle()
    assert len(desk.ledger()) == 1


# --- refusals ---


async def test_too_many_requests_waits_as_long_as_the_provider_says(desk: Desk) -> None:
    await answered(desk)
    start = desk.stage.clock.frozen
    desk.trouble({"kind": "status", "status": 429, "retry_after": 300, "count": 1})
    await desk.deliver()
    row = await one(desk)
    assert (row.state, row.error_code) == ("queued", "20429")
    assert row.next_attempt_at >= start + timedelta(seconds=300)
    desk.wait(seconds=299)
    assert await desk.deliver() == 0
    await until(desk, "delivered")
    assert desk.asked() == 2


async def test_a_customer_who_opted_out_at_the_provider_is_left_alone(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 21610, "count": 1})
    await desk.deliver()
    row = await one(desk)
    assert (row.state, row.error_code, row.disposition) == ("failed", "21610", "suppress")
    assert await desk.consent() == "opted_out"
    assert [(r.state, r.source) for r in await desk.rows("select state, source from consent")] == [
        ("out", "provider")
    ]
    await desk.text(QUESTION)
    await desk.settle()
    assert desk.ledger() == []


async def test_what_else_is_queued_for_them_does_not_leave_either(desk: Desk) -> None:
    await answered(desk)
    await desk.person_writes("first")
    await desk.person_writes("second")
    desk.trouble({"kind": "fail_with", "code": 21610, "count": 1})
    await desk.settle()
    assert [(r.state, r.reason) for r in await desk.deliveries()] == [
        ("cancelled", "person_took_over"), ("failed", "suppress"), ("cancelled", "opted_out"),
    ]  # fmt: skip
    assert desk.ledger() == []


async def test_a_landline_is_not_written_to_again(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 21614, "count": 1})
    await desk.settle()
    assert (await one(desk)).error_code == "21614"
    assert [r.suppressed for r in await desk.rows("select suppressed from contact_address")] == ["21614"]
    assert await desk.consent() == "none"
    await desk.text(QUESTION)
    await desk.settle()
    assert (await desk.deliveries())[-1].reason == "suppressed"
    assert desk.asked() == 1


@pytest.mark.parametrize("trouble", [{"kind": "unauthorized"}, {"kind": "fail_with", "code": 21606}])
async def test_a_wrong_set_up_suspends_the_channel_and_the_message_waits(
    desk: Desk, trouble: dict[str, Any]
) -> None:
    await answered(desk)
    desk.trouble(trouble)
    await desk.deliver()
    channel = await desk.channel()
    assert not channel.active
    code = trouble.get("code", 20003)
    assert channel.state_reason == f"provider_code_{code}"
    desk.stage.provider.state.chaos.reset()
    for _ in range(5):
        desk.wait(minutes=2)
        await desk.settle()
    assert (await one(desk)).state == "queued"
    assert desk.asked() == 1
    assert [r.verb for r in await desk.rows("select verb from audit where object_kind = 'channel'")] == [
        "channel_suspended"
    ]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await channels.resume(tx, desk.channel_id)
    await until(desk, "delivered")
    assert len(desk.ledger()) == 1


async def test_a_wrong_set_up_that_only_the_carrier_notices_suspends_the_channel_too(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30034})
    await desk.settle()
    assert not (await desk.channel()).active
    for _ in range(5):
        desk.wait(minutes=2)
        await desk.settle()
    assert desk.asked() == 1


# --- reports of the carrier ---


async def test_an_unknown_handset_fails_with_its_reason(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30005})
    await desk.settle()
    row = await one(desk)
    assert (row.state, row.error_code, row.disposition) == ("failed", "30005", "suppress")
    assert [r.suppressed for r in await desk.rows("select suppressed from contact_address")] == ["30005"]


async def test_a_filtered_message_fails_and_the_next_one_may_leave(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30007, "count": 1})
    await desk.settle()
    assert [(r.state, r.error_code) for r in await desk.deliveries()] == [("failed", "30007")]
    await desk.text(QUESTION)
    await desk.settle()
    assert await desk.states() == ["failed", "delivered"]


async def test_a_handset_that_is_off_is_tried_a_few_times_and_no_more(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30003})
    await until(desk, "failed", minutes=120)
    row = await one(desk)
    assert (row.attempts, row.error_code) == (MAX_ATTEMPTS, "30003")
    assert len(desk.ledger()) == MAX_ATTEMPTS
    assert [a.outcome for a in await attempts(desk)] == ["failed"] * MAX_ATTEMPTS


async def test_a_handset_that_comes_back_gets_it(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "fail_with", "code": 30003, "count": 2})
    await until(desk, "delivered")
    assert (await one(desk)).attempts == 3


async def test_a_report_that_overtakes_the_answer_counts(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "callback_before_response"})
    await desk.deliver()
    assert (await one(desk)).state == "delivered"
    assert (await one(desk)).provider_id in desk.stage.provider.state.messages


async def test_a_failure_that_overtakes_the_answer_is_tried_again(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "callback_before_response"}, {"kind": "fail_with", "code": 30003, "count": 1})
    await desk.deliver()
    assert (await one(desk)).state == "queued"
    await until(desk, "delivered")
    assert len(desk.ledger()) == 2


@pytest.mark.parametrize("trouble", ["duplicate_callbacks", "reorder_callbacks"])
async def test_reports_twice_or_backwards_end_where_the_truth_is(desk: Desk, trouble: str) -> None:
    await answered(desk)
    desk.trouble({"kind": trouble, "times": 3})
    await desk.settle()
    assert (await one(desk)).state == "delivered"
    assert len(desk.ledger()) == 1


@pytest.mark.parametrize("trouble", ["duplicate_callbacks", "reorder_callbacks"])
async def test_stale_reports_of_a_failed_attempt_do_not_speak_for_the_next(desk: Desk, trouble: str) -> None:
    await answered(desk)
    desk.trouble({"kind": trouble, "times": 3, "count": 1}, {"kind": "fail_with", "code": 30003, "count": 1})
    await desk.deliver()
    await desk.provider_quiet()
    row = await one(desk)
    assert (row.state, row.provider_id) == ("queued", None)
    await until(desk, "delivered")
    assert len(desk.ledger()) == 2


# --- a provider that is ill ---


async def test_five_failures_rest_the_channel_and_then_it_works_again(desk: Desk) -> None:
    await answered(desk)
    desk.trouble({"kind": "status", "status": 429, "retry_after": 0, "count": 5})
    for _ in range(5):
        await desk.deliver()
        desk.wait(minutes=10)
    asked = desk.asked()
    assert asked == 5
    desk.wait(minutes=-10)  # back to the fifth failure
    row = await desk.channel()
    assert row.open_until is not None
    assert row.open_until > (desk.stage.clock.frozen or row.open_until)
    desk.wait(minutes=10)
    await until(desk, "delivered")
    (channel,) = await desk.rows("select failures, open_until from channel")
    assert tuple(channel) == (0, None)
    assert desk.asked() == 6


async def test_while_the_channel_rests_nobody_knocks(desk: Desk) -> None:
    await answered(desk)
    until_ = (desk.stage.clock.frozen or datetime.now(UTC)) + timedelta(seconds=20)
    await _owner_sets(desk, "update channel set failures = 5, open_until = :until", until=until_)
    assert await desk.deliver() == 1
    row = await one(desk)
    assert (row.state, row.reason, row.attempts) == ("queued", "breaker", 0)
    assert row.next_attempt_at == until_
    assert desk.asked() == 0


async def _owner_sets(desk: Desk, sql: str, **values: Any) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await tx.execute(text(sql), values)


# --- order ---


async def test_a_long_text_leaves_in_parts_in_order(desk: Desk) -> None:
    await desk.text("hello")
    await desk.settle()
    words = " ".join(f"word{n:04}" for n in range(445))
    assert len(words) > 4000
    await desk.person_writes(words)
    await desk.settle()
    parts = desk.ledger()[1:]
    assert len(parts) > 1
    assert " ".join(part.strip() for part in parts).split() == words.split()
    assert set(await desk.states()) == {"delivered"}


async def test_order_is_kept_when_the_first_part_has_to_wait(desk: Desk) -> None:
    await desk.text("hello")
    await desk.settle()
    desk.trouble({"kind": "status", "status": 429, "retry_after": 60, "count": 2})
    await desk.person_writes(" ".join(f"word{n:04}" for n in range(445)))
    await desk.person_writes("and one more")
    await desk.settle()
    assert len(desk.ledger()) == 1  # nothing overtakes
    await until(desk, "delivered")
    bodies = desk.ledger()[1:]
    words = " ".join(body.strip() for body in bodies).split()
    assert words == [*(f"word{n:04}" for n in range(445)), "and", "one", "more"]


async def test_what_waits_behind_another_does_not_keep_the_worker_awake(desk: Desk) -> None:
    await desk.text("hello")
    await desk.settle()
    desk.trouble({"kind": "status", "status": 429, "retry_after": 60})
    await desk.person_writes("first")
    await desk.person_writes("second")
    desk.wait(seconds=1)
    await desk.deliver()
    async with desk.rt.db.dispatch() as dispatch:
        due = await sending.next_due(dispatch, desk.workspace_id)
        assert due is not None
        assert due - dispatch.now >= timedelta(seconds=60)


async def test_one_sender_keeps_its_pace(make_desk: MakeDesk) -> None:
    desk = await make_desk(channel={"per_second": 1})
    await desk.text("hello")
    await desk.settle()
    for n in range(4):
        await desk.person_writes(f"note {n}")
    begun = len(desk.ledger())
    for second in range(4):
        desk.wait(seconds=1)
        for _ in range(6):
            await desk.deliver()
        assert len(desk.ledger()) == begun + second + 1
    assert desk.ledger()[begun:] == [f"note {n}" for n in range(4)]


# --- the gate, asked again at the last moment ---


async def test_two_machines_are_stopped_and_a_person_has_it(desk: Desk) -> None:
    for _ in range(20):
        await desk.text(QUESTION)
        await desk.settle()
        desk.wait(seconds=1)
    found = await desk.conversation()
    assert (found.owner, found.owner_reason) == ("human", "loop")
    assert len(desk.ledger()) <= 12


async def test_the_gate_stops_a_loop_that_nobody_else_has_noticed(desk: Desk) -> None:
    """Other words each time, and slowly: only the answers are the same."""
    for words in (
        "What are your hours?",
        "When do you open?",
        "When do you close?",
        "Opening hours please?",
    ) * 2:
        await desk.text(words)
        await desk.settle()
        desk.wait(seconds=45)
    found = await desk.conversation()
    assert (found.owner, found.owner_reason) == ("human", "loop")
    refused = [row for row in await desk.deliveries() if row.state == "cancelled"]
    assert [row.reason for row in refused] == ["loop"]
    assert len(desk.ledger()) == len(await desk.deliveries()) - 1
    assert "conversation_taken_over" in [row.verb for row in await desk.rows("select verb from audit")]


async def test_the_same_long_answer_again_and_again_is_a_loop_too(make_desk: MakeDesk) -> None:
    """In parts and with signs that the channel writes otherwise, it is still the same answer."""
    desk = await make_desk(policy={"replies_per_10_minutes": 100})
    await desk.text("hello")
    await desk.settle()
    found = await desk.conversation()
    thread = (await desk.rows("select id from thread"))[0].id
    for _ in range(7):
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            words = "You’ll find us “at the corner” — " * 60
            new = outbox.NewMessage(found.id, thread, "ai", "reply", words)
            await outbox.put(tx, new, desk.rt.split)
        await desk.settle()
    assert (await desk.conversation()).owner_reason == "loop"


async def test_the_days_allowance_counts_messages_of_the_day(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"messages_per_day": 2})
    for _ in range(3):
        await desk.text(QUESTION)
        await desk.settle()
        desk.wait(minutes=15)
    assert [(r.state, r.reason) for r in await desk.deliveries()] == [
        ("delivered", None), ("delivered", None), ("cancelled", "limit"),
    ]  # fmt: skip
    desk.wait(hours=24)
    await desk.text(QUESTION)
    await desk.settle()
    assert (await desk.deliveries())[-1].state == "delivered"


async def test_the_days_allowance_does_not_tear_a_message_apart(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"messages_per_day": 2})
    await desk.text(QUESTION)
    await desk.settle()
    await desk.person_writes(" ".join(f"word{n:04}" for n in range(445)))
    await desk.settle()
    assert set(await desk.states()) == {"delivered"}


async def test_yesterdays_message_that_is_delivered_today_is_yesterdays(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"messages_per_day": 1})
    await answered(desk)
    desk.trouble({"kind": "drop_callbacks"})
    await desk.settle()
    row = await one(desk)
    desk.wait(hours=24)
    assert await desk.report(row.provider_id, "delivered", row.message_id) == 200
    await desk.text(QUESTION)
    desk.stage.provider.state.chaos.reset()
    await desk.settle()
    assert await desk.states() == ["delivered", "delivered"]


async def test_an_answer_to_yesterdays_question_waits_for_the_morning(make_desk: MakeDesk) -> None:
    desk = await make_desk(policy={"default": "draft", "draft_expires": "5d"})
    await desk.text(QUESTION)
    await desk.settle()
    desk.wait(hours=40)  # two in the morning in Chicago, two days later
    (draft,) = await desk.rows("select id from draft")
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await drafts.approve(tx, draft.id, desk.person_id, "person:test", None, desk.rt.split)
    await desk.settle()
    row = await one(desk)
    assert (row.state, row.reason) == ("queued", "quiet_hours")
    assert row.next_attempt_at.astimezone(UTC).hour >= 14
    desk.wait(hours=8)
    await until(desk, "delivered")
    assert len(desk.ledger()) == 1


async def test_a_person_takes_over_while_the_answer_waits_for_its_slot(desk: Desk) -> None:
    await answered(desk)
    found = await desk.conversation()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.take_over(
            tx, found.id, desk.person_id, "person:test", "asked", timedelta(hours=1)
        )
    await desk.settle()
    assert [(r.state, r.reason) for r in await desk.deliveries()] == [("cancelled", "person_took_over")]
    assert desk.ledger() == []


async def test_a_suspended_workspace_sends_nothing(desk: Desk) -> None:
    await answered(desk)
    await _owner_sets(desk, "update workspace set state = 'suspended'")
    await desk.settle()
    assert (await one(desk)).reason == "workspace_suspended"
    assert desk.ledger() == []


async def test_taking_over_and_leaving_at_once_never_lock_each_other_out(make_desk: MakeDesk) -> None:
    """The same locks in the same order: nobody is thrown out by the database as a deadlock's victim."""
    desk = await make_desk(policy={"replies_per_10_minutes": 1})
    for n in range(10):
        await desk.text(QUESTION)
        await desk.turn()
        found = await desk.conversation()
        worker = desk.delivery_worker()
        claims = await worker.claim(8)
        results = await asyncio.gather(
            *(worker.work(claim) for claim in claims),
            desk.text(f"and {n}?"),
            _take(desk, found.id),
            return_exceptions=True,
        )
        assert [result for result in results if isinstance(result, BaseException)] == []
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            await conversations.release(tx, found.id, "person:test", answer=False)
        desk.wait(seconds=30)


async def _take(desk: Desk, conversation_id: UUID) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await conversations.take_over(
            tx, conversation_id, desk.person_id, "person:t", "asked", timedelta(hours=1)
        )


def test_the_client_never_follows_redirects_by_itself(desk: Desk) -> None:
    assert isinstance(desk.rt.http, httpx2.AsyncClient)  # noqa: TID251
    assert not desk.rt.http.follow_redirects

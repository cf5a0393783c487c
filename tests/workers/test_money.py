"""Money moves once or not at all, whatever fails: the broker's ledger, the intents and the books say the same."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from domain.errors import Conflict
from domain.money import Intent, Kind, MoveMoney
from domain.skill import Overtaken
from store import erasure, money, moving
from store.db import new_id
from tests.money_rig import Client, open_client, unsure
from tests.rig import Desk

MakeDesk = Callable[..., Awaitable[Desk]]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def client(make_desk: MakeDesk) -> Client:
    return await open_client(make_desk)


def trouble(client: Client, **rule: Any) -> None:
    client.broker.chaos.load([{"route": "transfers.create", "count": 1, **rule}])


# --- from the client's words to the broker ---


async def test_proved_read_back_and_confirmed_it_leaves_once(client: Client) -> None:
    assert "$500 from your account ...0007" in await client.reads_back()
    assert "It leaves now" in await client.says("yes")
    assert client.moved() == [("OUTGOING", "500.00")]
    assert await client.states() == ["sent"]
    assert "nothing" in await client.says("yes") or client.moved() == [("OUTGOING", "500.00")]
    await client.agrees()


async def test_an_amount_that_changes_after_the_code_wants_a_code_of_its_own(client: Client) -> None:
    await client.reads_back()
    old = client.code()
    assert "Withdrawal of $900" in await client.says("no wait, make it $900")
    assert client.code() != old
    for words in ("yes", "yes, confirm", "do it"):
        assert "six digits" in await client.says(words)
    assert "person" in await client.says(old)
    assert (client.moved(), await client.states()) == ([], [])


async def test_the_new_amount_with_its_own_code_leaves(client: Client) -> None:
    await client.reads_back()
    await client.says("actually $900")
    assert "$900" in await client.says(client.code())
    await client.says("yes")
    assert client.moved() == [("OUTGOING", "900.00")]
    await client.agrees()


async def test_an_amount_that_changes_while_the_code_is_on_its_way(client: Client) -> None:
    await client.says("withdraw $500")
    await client.says(client.code())
    first = client.code()
    await client.says("make it $700")
    assert client.code() != first
    assert "$700" in await client.says(client.code())
    await client.says("yes")
    assert client.moved() == [("OUTGOING", "700.00")]


async def test_a_code_that_was_used_is_worth_nothing_for_the_next(client: Client) -> None:
    await client.reads_back()
    used = client.code()
    await client.says("yes")
    assert "Withdrawal of $500" in await client.says("withdraw $500")
    assert "person" in await client.says(used)
    await client.says("yes")
    assert client.moved() == [("OUTGOING", "500.00")]
    await client.agrees()


async def test_a_yes_to_something_else_moves_nothing(client: Client) -> None:
    """A person wrote in between: "yes" answers the person."""
    await client.reads_back()
    await client.desk.person_writes("Shall I call you this afternoon?")
    client.desk.wait(hours=9)
    await client.desk.settle()
    await client.says("yes")
    assert (client.moved(), await client.states()) == ([], [])


@pytest.mark.parametrize(
    "words", ["👍", "ok", "sure, but make it tomorrow", "great", "sounds good", "yes or no?", "yes but less"]
)
async def test_what_is_not_a_plain_yes_moves_nothing(client: Client, words: str) -> None:
    await client.reads_back()
    await client.says(words)
    assert (client.moved(), await client.states()) == ([], [])


async def test_a_yes_after_the_proof_has_ended_wants_another(client: Client) -> None:
    await client.reads_back()
    client.desk.wait(minutes=16)
    assert "Before I go on" in await client.says("yes")
    assert (client.moved(), await client.states()) == ([], [])


async def test_many_yeses_at_once_are_one(client: Client) -> None:
    await client.reads_back()
    await asyncio.gather(*(client.desk.text("yes") for _ in range(4)))
    workers = [client.desk.turn_worker(f"w{n}") for n in range(3)]
    claimed = await asyncio.gather(*(one.claim(4) for one in workers))
    await asyncio.gather(*(workers[n].work(one) for n, found in enumerate(claimed) for one in found))
    await client.desk.settle()
    assert client.moved() == [("OUTGOING", "500.00")]
    await client.agrees()


async def test_the_same_confirmation_written_by_many_is_one(client: Client) -> None:
    """Past the turn's own fence: the transaction itself takes it once."""
    await client.reads_back()
    (row,) = await client.desk.rows("select id from skill_run where state = 'active' and skill = 'money'")
    intent = Intent(Kind.TRANSFER, row.id, client.contact_id, client.account_id, money.Decimal(500))
    talk = (await client.desk.conversation()).id

    async def confirm(one: Intent) -> bool:
        now = client.desk.stage.clock.now()
        try:
            async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
                await money.move(tx, MoveMoney(one, "as read back", now), talk)
        except Overtaken:
            return False
        return True

    assert await confirm(intent) is False  # no code was given for exactly this
    await client.says("yes")
    assert await asyncio.gather(*(confirm(intent) for _ in range(5))) == [False] * 5
    assert len(await client.states()) == 1


# --- at the broker ---


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "drop_after"},
        {"kind": "bad_json"},
        {"kind": "html_error", "status": 504, "effect": "before"},
        {"kind": "html_error", "status": 500, "effect": "before"},
    ],
    ids=["drop after commit", "half an answer", "504 after commit", "500 after commit"],
)
async def test_taken_without_an_answer_it_is_found_and_not_sent_again(
    client: Client, rule: dict[str, Any]
) -> None:
    await client.asks()
    trouble(client, **rule)
    await client.works()
    assert unsure((await client.states())[0])
    client.broker.chaos.reset()
    await client.works(3, MINUTE)
    assert (client.moved(), await client.states()) == ([("OUTGOING", "500.00")], ["sent"])
    assert client.broker.asked.count("transfers.create") == 1
    await client.agrees()


@pytest.mark.parametrize(
    "rule", [{"kind": "drop_before"}, {"kind": "status", "status": 504}, {"kind": "status", "status": 503}]
)
async def test_not_taken_and_without_an_answer_it_is_none_and_told(
    client: Client, rule: dict[str, Any]
) -> None:
    await client.asks()
    trouble(client, **rule)
    await client.works()
    assert await client.states() == ["unknown"]
    await client.works(12, MINUTE)
    (asked,) = await client.asked()
    assert (asked.state, asked.reason, client.moved()) == ("failed", moving.NOT_FOUND, [])
    assert client.broker.asked.count("transfers.create") == 1
    await client.agrees()
    await client.works(5, timedelta(hours=1))
    assert client.broker.asked.count("transfers.create") == 1


async def test_what_turns_up_late_is_taken_for_what_it_is(client: Client) -> None:
    """The broker committed long after we gave up."""
    await client.asks()
    trouble(client, kind="drop_before")
    await client.works(1)
    await client.works(12, MINUTE)
    assert await client.states() == ["failed"]
    relation = next(iter(client.broker.relationships))
    client.broker.add_transfer(next(iter(client.broker.clients)), relation, "OUTGOING", "500.00")
    await client.works(2, timedelta(minutes=30))
    assert await client.states() == ["sent"]
    await client.agrees()


@pytest.mark.parametrize("rule", [{"kind": "status", "status": 429}])
async def test_what_was_surely_not_taken_is_sent_later(client: Client, rule: dict[str, Any]) -> None:
    await client.asks()
    trouble(client, **rule)
    await client.works()
    assert (await client.states(), client.moved()) == (["queued"], [])
    await client.works(2, MINUTE)
    assert client.moved() == [("OUTGOING", "500.00")]
    await client.agrees()


async def test_refused_it_is_over_and_told(client: Client) -> None:
    client.broker.clients[next(iter(client.broker.clients))].cash = "1"
    await client.reads_back()
    assert "not carried out" in await client.says("yes")
    assert (client.moved(), await client.states()) == ([], ["failed"])
    rows = await client.desk.rows("select distinct reason from notification where read_at is null")
    assert [row.reason for row in rows] == ["money_failed"]


async def test_of_two_alike_each_is_sent_once(client: Client) -> None:
    """The second waits until nobody can take the first for it."""
    await client.asks()
    await client.asks()
    trouble(client, kind="drop_after")
    await client.works()
    assert sorted(await client.states()) in (["queued", "sending"], ["queued", "unknown"])
    await client.works(6, MINUTE)
    assert (client.moved(), await client.states()) == ([("OUTGOING", "500.00")] * 2, ["sent", "sent"])
    assert len({one.provider_id for one in await client.asked()}) == 2
    await client.agrees()


async def test_many_workers_send_it_once(client: Client) -> None:
    await client.asks()
    await asyncio.gather(*(client.works() for _ in range(4)))
    await client.works(2, MINUTE)
    assert client.moved() == [("OUTGOING", "500.00")]
    await client.agrees()


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("before", ["sent", "completed"])
async def test_sent_back_is_told_to_client_and_owner(client: Client, direction: str, before: str) -> None:
    word = "deposit $500 from my bank" if direction == "in" else "withdraw $500"
    await client.reads_back(word)
    await client.says("yes")
    (one,) = client.broker.transfers.values()
    if before == "completed":
        client.broker.move(one.id, "COMPLETE")
        client.desk.wait(minutes=5)
        await client.desk.settle()
        assert await client.states() == ["completed"]
    client.broker.move(one.id, "RETURNED", "R01")
    client.desk.wait(hours=7)
    await client.desk.settle()
    assert await client.states() == ["returned"]
    assert "sent back by the bank" in client.desk.ledger()[-1]
    reasons = {
        row.reason for row in await client.desk.rows("select reason from notification where kind = 'money'")
    }
    assert "money_returned" in reasons
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        assert set((await moving.sums(tx)).values()) == {0}


async def test_a_word_that_nobody_knows_changes_nothing(client: Client) -> None:
    await client.asks()
    await client.works()
    (one,) = client.broker.transfers.values()
    client.broker.move(one.id, "A_NEW_WORD")
    await client.works(2, timedelta(hours=1))
    (asked,) = await client.asked()
    assert (asked.state, asked.provider_state) == ("sent", "A_NEW_WORD")


# --- people, limits and the books ---


async def test_two_people_approve_what_is_large_and_neither_asked_for_it(client: Client) -> None:
    first, second, third = client.persons
    details = {"bank": "B", "mask": "1234", "account": "A", "account_mask": "0007"}
    intent = Intent(
        Kind.TRANSFER, new_id(), client.contact_id, client.account_id, money.Decimal(12000), bank_id=client.bank_id,
        direction="out", details=details,
    )  # fmt: skip
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        made = await money.ask(tx, intent, first, "on the telephone")
    assert made.needs == 2
    for person, code in (
        (first, "own_request"),
        (second, None),
        (second, "same_person"),
        (third, None),
        (third, "money_sent"),
    ):
        try:
            await client.decides(made.id, person)
            got = None
        except Conflict as error:
            got = error.code
        assert got == code
        await client.works()
    assert client.moved() == [("OUTGOING", "12000.00")]


async def test_one_no_ends_it_and_the_client_hears_of_it(client: Client) -> None:
    await client.reads_back("withdraw $5000")
    assert "A person of ours approves it" in await client.says("yes")
    (asked,) = await client.asked()
    await client.decides(asked.id, client.persons[0], yes=False)
    await client.desk.settle()
    assert "was not approved" in client.desk.ledger()[-1]
    with pytest.raises(Conflict):
        await client.decides(asked.id, client.persons[1])
    assert client.moved() == []


async def test_what_nobody_approves_in_time_is_void(client: Client) -> None:
    await client.reads_back("withdraw $5000")
    await client.says("yes")
    client.desk.wait(hours=25)
    await client.desk.settle()
    assert await client.states() == ["expired"]
    assert "not approved in time" in client.desk.ledger()[-1]


async def test_at_once_no_more_than_the_limit(client: Client) -> None:
    """Each fits alone; together they are over the day's."""
    results = await asyncio.gather(*(client.asks("9000") for _ in range(6)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 3
    assert {one.code for one in results if isinstance(one, Conflict)} == {"over_day"}


@pytest.mark.parametrize(
    ("amount", "direction", "code"),
    [
        ("0.50", "out", "too_small"),
        ("25000.01", "out", "over_transfer"),
        ("24000", "out", "no_cash"),
        ("24000", "in", ""),
    ],
)
async def test_limits(make_desk: MakeDesk, amount: str, direction: str, code: str) -> None:
    client = await open_client(make_desk, cash="23999.99")
    got = ""
    try:
        await client.asks(amount, direction)
    except Conflict as error:
        got = error.code
    assert got == code


async def test_a_new_bank_account_cools_off(make_desk: MakeDesk) -> None:
    client = await open_client(make_desk, cool_off="30d")
    await client.says("withdraw $500")
    assert "first 30 days" in await client.says(client.code())
    assert (client.moved(), await client.states()) == ([], [])


async def test_the_books_are_only_added_to_and_always_balance(client: Client) -> None:
    await client.asks()
    await client.works()
    (asked,) = await client.asked()
    for statement in ("update money_entry set amount = 1", "delete from money_entry"):
        with pytest.raises(DBAPIError):
            await client.desk.rows(statement)
    with pytest.raises(DBAPIError, match="do not sum to nothing"):
        await client.desk.rows(
            "insert into money_entry (workspace_id, intent_id, event, account, amount, currency)"
            " values (:w, :id, 'fee', 'fees', 1, 'USD') returning 1",
            w=client.desk.workspace_id, id=asked.id,
        )  # fmt: skip
    await client.agrees()


async def test_money_stays_on_the_books_when_its_client_is_erased(client: Client) -> None:
    await client.asks()
    await client.works()

    async def erase() -> None:
        async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
            await erasure.erase(tx, client.contact_id, "test")

    with pytest.raises(Conflict, match="under way"):
        await erase()
    (one,) = client.broker.transfers.values()
    client.broker.move(one.id, "COMPLETE")
    await client.works(1, MINUTE)
    await erase()
    (row,) = await client.desk.rows("select contact_id, body, conversation_id, amount from money_intent")
    assert (row.contact_id, row.body, row.conversation_id, row.amount) == (None, None, None, 500)
    assert len(await client.desk.rows("select 1 from money_entry")) == 4

"""Codes by which a customer shows who they are: once, here only, for this only, and not too many."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest

from domain.holdings import Bad
from domain.identity import Heard, SendCode
from domain.messages import Address, Scheme
from domain.skill import Overtaken
from runtime import portfolios
from store import contacts, erasure, identities
from store.db import Tx, new_id
from store.identities import LIMITS
from tests.rig import Desk, new_number

MakeDesk = Callable[..., Awaitable[Desk]]
HEAD = "client,code_to,account,account_name,currency,symbol,name,kind,quantity"


async def take(tx: Tx, text: str) -> tuple[int, list[Bad]]:
    """Rows taken, and what was not."""
    taken = await portfolios.take_holdings(tx, text)
    return taken.rows, list(taken.bad)


@dataclass
class Client:
    desk: Desk
    contact_id: UUID
    thread_id: UUID
    conversation_id: UUID
    other: str

    async def send(self, purpose: str = "") -> str:
        """A code; what came on the other telephone."""
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            way = await identities.way(tx, self.contact_id, self.thread_id)
            assert way is not None
            effect = SendCode(
                self.contact_id, self.thread_id, way.address_id, way.channel_id, purpose, "It is {code}.", "It is •."
            )  # fmt: skip
            await identities.send(tx, effect, self.conversation_id)
        await self.desk.settle()
        return self.desk.ledger(self.other)[-1].removeprefix("It is ").removesuffix(".")

    async def hears(
        self, words: str, message: UUID | None = None, thread: UUID | None = None
    ) -> Heard | None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            burst = [(message or new_id(), thread or self.thread_id, words)]
            return (await identities.listen(tx, self.contact_id, self.thread_id, burst)).heard

    async def proves(self, purpose: str) -> bool:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            shown = await identities.listen(tx, self.contact_id, self.thread_id, [])
            return shown.proves(purpose, tx.now)


@pytest.fixture
async def client(make_desk: MakeDesk) -> Client:
    desk = await make_desk(skills={"portfolio": {}})
    other = new_number()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        taken = await take(tx, f"{HEAD}\n{desk.handset},{other},A1,Main,USD,CASH,,,5\n")
        assert taken == (1, [])
    await desk.text("when are you open?")
    await desk.settle()
    found = await desk.conversation()
    (row,) = await desk.rows("select id from thread where conversation_id = :id", id=found.id)
    return Client(desk, found.contact_id, row.id, found.id, other)


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_code_proves_once_what_it_was_sent_for(client: Client) -> None:
    code = await client.send("a purpose")
    assert not await client.proves("")
    assert await client.hears(f"it's {code[:3]} {code[3:]}") is Heard.GIVEN
    assert await client.proves("a purpose")
    assert await client.proves("")
    assert not await client.proves("another purpose")
    assert await client.hears(code) is Heard.SPENT
    client.desk.wait(minutes=15, seconds=1)
    assert not await client.proves("a purpose")


async def test_a_message_is_tried_once_however_often_its_turn_runs(client: Client) -> None:
    code, message = await client.send(), new_id()
    for _ in range(9):
        assert await client.hears(another(code), message) is Heard.WRONG
    assert await client.hears(code) is Heard.GIVEN


async def test_five_wrong_codes_end_it_and_no_new_one_is_sent(client: Client) -> None:
    code = await client.send()
    heard = [await client.hears(another(code)) for _ in range(5)]
    assert heard == [Heard.WRONG] * 4 + [Heard.SPENT]
    assert await client.hears(code) is Heard.SPENT
    assert not await client.proves("")
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        assert await identities.way(tx, client.contact_id, client.thread_id) is None


async def test_many_guesses_at_once_are_five(client: Client) -> None:
    code = await client.send()
    guesses = [another(f"{int(code) + n:06d}"[-6:]) for n in range(12)]
    heard = await asyncio.gather(*(client.hears(one) for one in guesses))
    assert (heard.count(Heard.WRONG), heard.count(Heard.SPENT)) == (4, 1)
    assert await client.hears(code) is Heard.SPENT


async def test_what_replays_an_old_code_voids_the_new_one(client: Client) -> None:
    old = await client.send()
    assert await client.hears(old) is Heard.GIVEN
    new = await client.send("more")
    assert await client.hears(old) is Heard.SPENT
    assert await client.hears(new) is Heard.SPENT
    assert not await client.proves("more")


async def test_a_code_typed_elsewhere_proves_nothing(client: Client) -> None:
    code = await client.send()
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        (elsewhere,) = await client.desk.rows(
            "select t.id from thread t where t.conversation_id = :id and t.id <> :own",
            id=client.conversation_id, own=client.thread_id,
        )  # fmt: skip
        shown = await identities.listen(tx, client.contact_id, elsewhere.id, [(new_id(), elsewhere.id, code)])
    assert (shown.heard, shown.proofs) == (None, ())
    assert await client.hears(code, thread=elsewhere.id) is None
    assert not await client.proves("")


@pytest.mark.parametrize("words", ["$250,000", "250000.50", "move 1250000", "+15125550100", "١٢٣٤٥٦"])
async def test_other_numbers_are_no_tries(client: Client, words: str) -> None:
    await client.send()
    assert await client.hears(words) is None


async def test_there_is_an_end_to_codes(client: Client) -> None:
    most = min(most for whose, most, _ in LIMITS if whose == "contact")
    for _ in range(most):
        await client.send()
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        assert await identities.way(tx, client.contact_id, client.thread_id) is None
    client.desk.wait(minutes=31)
    assert await client.send()


async def test_of_many_that_are_wanted_at_once_the_limit_is_sent(client: Client) -> None:
    async def send() -> bool:
        async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
            way = await identities.way(tx, client.contact_id, client.thread_id)
            if way is None:
                return False
            effect = SendCode(
                client.contact_id, client.thread_id, way.address_id, way.channel_id, "", "{code}", "•"
            )
            await identities.send(tx, effect, client.conversation_id)
            return True

    results = await asyncio.gather(*(send() for _ in range(10)), return_exceptions=True)
    assert results.count(True) == min(most for whose, most, _ in LIMITS if whose == "contact")
    assert all(isinstance(one, bool | Overtaken) for one in results)
    rows = await client.desk.rows(
        "select state from identity_code where contact_id = :id", id=client.contact_id
    )
    assert [row.state for row in rows].count("pending") == 1


async def test_no_code_stands_where_people_read(client: Client) -> None:
    code = await client.send()
    assert all(code not in one.text for one in await client.desk.messages())


async def test_what_a_person_holds_is_told_to_them_and_goes_with_them(client: Client) -> None:
    await client.send()
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        kept = await erasure.everything(tx, client.contact_id)
        assert [str(one.cash) for one in kept["portfolio"]] == ["5"]
        erased = await erasure.erase(tx, client.contact_id, "cli")
    assert erased.rows["portfolio_account"] == 1
    assert erased.rows["identity_code"] == 1


async def test_an_account_changes_hands_by_no_file(client: Client) -> None:
    thief = new_number()
    async with client.desk.rt.db.transaction(client.desk.workspace_id) as tx:
        rows, bad = await take(tx, f"{HEAD}\n{thief},,A1,Main,USD,CASH,,,9\n")
        assert (rows, [one.line for one in bad]) == (0, [2])
        assert "another client's" in bad[0].why
        stolen = f"{HEAD}\n{thief},{client.other},A9,Main,USD,CASH,,,9\n"
        rows, bad = await take(tx, stolen)
        assert "is another contact's" in bad[0].why
        held = await contacts.hold(tx, Address(Scheme.TEL, client.other))
    assert held.contact_id == client.contact_id

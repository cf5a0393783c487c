"""A client with an account at the broker and a bank account that was linked long ago; and what broker and books say."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from domain.money import Asked, Intent, Kind, State
from frontdesk.stories import moneys
from runtime import portfolios
from simulators.alpaca import Simulation
from store import money, moving, people
from store.db import new_id
from tests.rig import Desk, new_number
from workers.money import MoneyWorker

MakeDesk = Callable[..., Awaitable[Desk]]
HEAD = "client,code_to,account,account_name,currency,symbol,name,kind,quantity"
SETTINGS = {
    "portfolio": {},
    "money": {"approve_above": 1000, "two_above": 10000, "per_transfer": 25000, "per_day": 30000},
}


@dataclass
class Client:
    desk: Desk
    other: str
    """The number to which codes go."""
    contact_id: UUID
    account_id: UUID
    bank_id: UUID
    persons: tuple[UUID, UUID, UUID]

    @property
    def broker(self) -> Simulation:
        state: Simulation = self.desk.stage.broker.state
        return state

    # --- what the client does ---

    async def says(self, words: str) -> str:
        """What they got in answer, with what came of it at once."""
        before = len(self.desk.ledger())
        await self.desk.text(words)
        await self.desk.settle()
        return "\n".join(self.desk.ledger()[before:])

    def code(self) -> str:
        found = [
            match[0] for one in self.desk.ledger(self.other) if (match := re.search(r"\b[0-9]{6}\b", one))
        ]
        return found[-1]

    async def reads_back(self, words: str = "withdraw $500") -> str:
        """Asked for, known, and proved for exactly this: what was read back."""
        await self.says(words)
        await self.says(self.code())
        return await self.says(self.code())

    # --- what the business does ---

    async def asks(self, amount: str = "500", direction: str = "out") -> UUID:
        """Somebody of the business writes it down, others approve it: it may leave now, and has not."""
        run = new_id()
        details = {
            "bank": "First Platypus Bank",
            "mask": "1234",
            "account": "Brokerage",
            "account_mask": "0007",
        }
        intent = Intent(
            Kind.TRANSFER, run, self.contact_id, self.account_id, Decimal(amount), bank_id=self.bank_id,
            direction=direction, details=details,
        )  # fmt: skip
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            made = await money.ask(tx, intent, self.persons[0], "on the telephone")
        for person in self.persons[1 : 1 + made.needs]:
            await self.decides(made.id, person)
        return made.id

    async def decides(self, intent_id: UUID, person: UUID, *, yes: bool = True) -> None:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            await money.decide(tx, intent_id, person, f"person:{person}", yes=yes)

    async def works(self, times: int = 1, wait: timedelta = timedelta(0)) -> None:
        """The worker, so often, with so much time before each."""
        for _ in range(times):
            assert self.desk.stage.clock.frozen is not None
            self.desk.stage.clock.frozen += wait
            worker = MoneyWorker(self.desk.rt, self.desk.workspace_id)
            for due in await worker.claim(8):
                await worker.work(due)

    # --- what there is to see ---

    async def asked(self) -> list[Asked]:
        """Oldest first."""
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            found = await money.page(tx, list(Kind), state=None, contact_id=None, before=None, limit=100)
        return list(found)[::-1]

    async def states(self) -> list[str]:
        return [str(one.state) for one in await self.asked()]

    def moved(self) -> list[tuple[str, str]]:
        """What the broker took: (direction, amount)."""
        return [(one.direction, one.amount) for one in self.broker.transfers.values()]

    async def agrees(self) -> None:
        """The broker has what was sent, each once, and the books say the same."""
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            sums = await moving.sums(tx)
        assert moneys.books(self.desk.stage, await self.asked(), sums) == []


async def open_client(make_desk: MakeDesk, cash: str = "50000", **changes: object) -> Client:
    settings = {**SETTINGS, "money": {**SETTINGS["money"], **changes}}
    desk = await make_desk(skills=settings)
    other = new_number()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await portfolios.take_holdings(tx, f"{HEAD}\n{desk.handset},{other},A1,Main,USD,CASH,,,5\n")
    told = {
        "phone": desk.handset,
        "number": "928770007",
        "cash": cash,
        "bank": "1234",
        "holdings": {"AAPL": "10"},
    }
    await moneys.prepare(desk.stage, desk.workspace_id, [told])
    await desk.text("when are you open?")
    await desk.settle()
    contact = (await desk.conversation()).contact_id
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        standing = await money.standing(tx, contact)
        persons = [await people.add(tx, "admin", name, f"{name}@cedar.test") for name in ("ann", "ben", "cy")]
    assert standing.banks[0].state == "ready"
    return Client(
        desk, other, contact, standing.accounts[0].id, standing.banks[0].id, (persons[0], persons[1], persons[2])
    )  # fmt: skip


def unsure(state: str) -> bool:
    return state in (State.SENDING, State.UNKNOWN)

"""Stories about money: clients at a broker, banks that they choose, and what brokers, banks and colleagues do then."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.messages import Address, Scheme
from domain.money import Asked, Kind, State
from frontdesk.stories import compare
from frontdesk.stories.stage import Stage
from runtime import broker
from simulators.plaid import BankAccount
from store import banks, contacts, money, moving, people, positions
from store.db import Tx

BROKER = ("transfer_completed", "transfer_returned", "transfer_rejected", "order_filled", "account_active")
EVENTS = (*BROKER, "bank_chosen", "bank_revoked", "bank_login")
LONG_AGO = timedelta(days=10)
ACTS = ("approve_money", "refuse_money", "colleague_approves_money")


async def prepare(stage: Stage, workspace_id: UUID, clients: list[dict[str, Any]]) -> None:
    """Each client has an account at the broker: {phone, number, cash, holdings, bank}; `bank` are the last digits of a
    bank account that was linked long ago."""
    here = stage.broker.state
    here.forget()
    stage.plaid.state.forget()
    here.add_asset("AAPL", "Apple Inc. Common Stock", "271.49", "266.25")
    here.add_asset("VTI", "Vanguard Total Stock Market ETF", "326.40", "325.00")
    for one in clients:
        here.add_client(one["number"], one["phone"], str(one.get("cash", "0")), dict(one.get("holdings", {})))
    client = stage.rt.open_broker()
    if not clients or client is None:
        return
    await broker.sync(stage.rt.db, workspace_id, client)
    now = stage.clock.now()
    stage.clock.frozen = now - LONG_AGO
    async with stage.rt.db.transaction(workspace_id) as tx:
        for one in clients:
            if "bank" in one:
                await _link(
                    tx,
                    one["phone"],
                    one["number"],
                    str(one["bank"]),
                    one.get("bank_name", "First Platypus Bank"),
                )
    await stage.settle(workspace_id)
    stage.clock.frozen = now


async def _link(tx: Tx, phone: str, number: str, mask: str, name: str) -> None:
    """By hand: typed by one, vouched for by another."""
    client = await contacts.hold(tx, Address(Scheme.TEL, phone))
    account = next(
        one for one in await positions.of_contact(tx, client.contact_id) if one.mask == number[-4:]
    )
    told = {
        "name": name,
        "holder": "A Client",
        "type": "checking",
        "routing": "011000015",
        "account": f"98765{mask}",
    }
    typist = await people.add(tx, "agent", "Typist", "typist@example.com")
    made = await banks.by_hand(tx, client.contact_id, account.id, typist, told, f"person:{typist}")
    colleague = await _colleague(tx)
    await banks.vouch(tx, made.bank.id, colleague, f"person:{colleague}")


async def _colleague(tx: Tx) -> UUID:
    return await people.add(tx, "agent", "Colleague", "colleague@example.com")


async def happen(stage: Stage, workspace_id: UUID, event: str) -> None:
    """At the broker, to what was asked for last; or at Plaid, to the link that was made last."""
    match event:
        case "bank_chosen":
            links = list(stage.plaid.state.links.values())
            last = links[-1]
            if last.body.get("access_token"):
                await stage.plaid.state.sign_in(last.token)
            else:
                await stage.plaid.state.choose(last.token, "First Platypus Bank", BankAccount("1234"))
        case "bank_login":
            await stage.plaid.state.want_login(next(iter(stage.plaid.state.items.values())))
        case "bank_revoked":
            item = next(iter(stage.plaid.state.items.values()))
            await stage.plaid.state.hook(
                item.webhook, stage.plaid.state.about(item, "USER_PERMISSION_REVOKED")
            )
        case "order_filled":
            list(stage.broker.state.orders.values())[-1].status = "filled"
        case "account_active":
            list(stage.broker.state.clients.values())[-1].status = "ACTIVE"
        case _:
            said = {"completed": "COMPLETE", "returned": "RETURNED", "rejected": "REJECTED"}[
                event.partition("_")[2]
            ]
            last_one = list(stage.broker.state.transfers.values())[-1]
            stage.broker.state.move(last_one.id, said, "R01" if said == "RETURNED" else None)
    async with stage.rt.db.transaction(workspace_id) as tx:
        for kind in Kind:
            await moving.hurry(tx, kind)


async def act(tx: Tx, verb: str, person_id: UUID) -> None:
    """About the oldest that waits. Raise Rejected."""
    if verb == "colleague_approves_money":
        person_id = await _colleague(tx)
    waiting = await money.page(
        tx, list(Kind), state=str(State.APPROVAL), contact_id=None, before=None, limit=50
    )
    mine = waiting[-1]
    await money.decide(tx, mine.id, person_id, f"person:{person_id}", yes=verb != "refuse_money")


async def check(stage: Stage, workspace_id: UUID, wanted: list[Any]) -> list[str]:
    """Everything that was asked for, oldest first, by the keys that the story names; and always: the broker has each
    once and nothing else, and the books say the same."""
    async with stage.rt.db.transaction(workspace_id) as tx:
        asked = list(await money.page(tx, list(Kind), state=None, contact_id=None, before=None, limit=100))[
            ::-1
        ]
        sums = await moving.sums(tx)
    got = [
        {
            "kind": str(one.intent.kind), "direction": one.intent.direction, "amount": one.intent.amount,
            "state": str(one.state), "needs": one.needs, **one.intent.details,
        }
        for one in asked
    ]  # fmt: skip
    problems = [] if len(got) == len(wanted) else [f"money: expected {len(wanted)}, got {len(got)}: {got}"]
    for n, (expected, actual) in enumerate(zip(wanted, got, strict=False)):
        problems += compare.values(f"money[{n}]", expected, actual)
    return problems + books(stage, asked, sums)


def books(stage: Stage, asked: list[Asked], sums: dict[str, Decimal]) -> list[str]:
    here = stage.broker.state
    ours = sorted(one.provider_id for one in asked if one.provider_id and one.intent.kind is Kind.TRANSFER)
    problems = (
        []
        if ours == sorted(here.transfers)
        else [f"money: the broker has {len(here.transfers)}, we {len(ours)}"]
    )
    if sum(sums.values(), Decimal(0)):
        problems.append(f"money: the books do not sum to nothing: {sums}")
    moved = sum(
        (one.intent.amount * (1 if one.intent.direction == "in" else -1))
        for one in asked
        if one.intent.kind is Kind.TRANSFER and one.state is State.COMPLETED
    )
    under_way = sum(
        one.intent.amount for one in asked if one.intent.kind is Kind.TRANSFER and one.state is State.SENT
    )
    out = sum(
        one.intent.amount for one in asked
        if one.intent.kind is Kind.TRANSFER and one.state is State.SENT and one.intent.direction == "out"
    )  # fmt: skip
    if sums.get("transit", Decimal(0)) != under_way or sums.get("brokerage", Decimal(0)) != moved - out:
        problems.append(f"money: the books differ from what was asked for: {sums}")
    return problems

"""Stories about payments: customers who pay at Stripe, in time or not, and what is stored of it afterwards."""

from typing import Any
from uuid import UUID

from frontdesk.stories import compare
from frontdesk.stories.stage import Stage
from store import payments

EVENTS = (
    "customer_pays", "customer_pays_unheard", "customer_pays_by_bank", "card_declined", "bank_payment_arrives",
    "bank_payment_fails", "payment_refunded", "customer_pays_too_late", "customer_pays_less",
)  # fmt: skip


def prepare(stage: Stage) -> None:
    stage.stripe.state.forget()


async def happen(stage: Stage, event: str) -> None:
    """On the page that was made last."""
    here = stage.stripe.state
    last = list(here.sessions)[-1]
    match event:
        case "customer_pays":
            assert await here.pay(last)
        case "customer_pays_unheard":
            here.chaos.load([{"kind": "drop_callbacks", "route": "events.create", "count": 1}])
            assert await here.pay(last)
        case "customer_pays_less":
            assert await here.pay(last, amount=100)
        case "customer_pays_too_late":
            assert not await here.pay(last)
        case "customer_pays_by_bank":
            assert await here.pay(last, "bank")
        case "card_declined":
            await here.pay(last, "declined")
        case "bank_payment_arrives" | "bank_payment_fails":
            await here.clear(last, arrives=event == "bank_payment_arrives")
        case "payment_refunded":
            await here.refund(last)


async def check(stage: Stage, workspace_id: UUID, wanted: list[Any]) -> list[str]:
    """Everything that was asked for, oldest first, by the keys that the story names; and always: the provider has one page
    for each that was made, for the very sum."""
    async with stage.rt.db.transaction(workspace_id) as tx:
        asked = list(await payments.page(tx, state=None, contact_id=None, item=None, before=None, limit=100))[
            ::-1
        ]
    got = [
        {
            "item": one.item, "amount": one.amount, "currency": one.currency, "state": str(one.state),
            "reason": one.reason, "requested_by": one.requested_by,
        }
        for one in asked
    ]  # fmt: skip
    problems = [] if len(got) == len(wanted) else [f"payments: expected {len(wanted)}, got {len(got)}: {got}"]
    for n, (expected, actual) in enumerate(zip(wanted, got, strict=False)):
        problems += compare.values(f"payments[{n}]", expected, actual)
    made = sorted(one.session_id for one in asked if one.session_id)
    there = sorted(stage.stripe.state.sessions)
    return problems + ([] if made == there else [f"payments: Stripe has {there}, we {made}"])

"""A payment on its way, through the public doors: whatever fails between, there is one page at Stripe for it, it is settled
for the very sum or by a person, and its customer is told once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from domain.payment import Payment, State
from runtime.payments import StoredPayments
from simulators.stripe import Simulation
from simulators.stripe.state import Inside
from skills.payment import Payment as PaymentSkill
from store import erasure, notifications, payments
from store.db import new_id
from tests.rig import Desk
from workers.payments import PaymentWorker

MakeDesk = Callable[..., Awaitable[Desk]]
ITEMS: list[dict[str, Any]] = [{"name": "consultation", "label": {"es": "consulta"}, "amount": "150"}]
SKILLS = {"payment": {"items": ITEMS}}
WANTS = "I'd like a consultation"


class Payer:
    """A customer who wants a consultation."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def stripe(self) -> Simulation:
        state: Simulation = self.desk.stage.stripe.state
        return state

    async def says(self, words: str) -> str:
        """What they got in answer, with what came of it at once."""
        before = len(self.desk.ledger())
        await self.desk.text(words)
        await self.desk.settle()
        return "\n".join(self.desk.ledger()[before:])

    async def all(self) -> list[Payment]:
        """Oldest first."""
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            return list(
                await payments.page(tx, state=None, contact_id=None, item=None, before=None, limit=50)
            )[::-1]

    async def state(self) -> str:
        return str((await self.all())[-1].state)

    async def asked(self, words: str = WANTS) -> UUID:
        """Asked for; nothing of it has left."""
        await self.desk.text(words)
        await self.desk.turn()
        return (await self.all())[-1].id

    async def works(self, times: int = 1, wait: timedelta = timedelta(seconds=10)) -> str:
        """The worker alone, again and again."""
        for _ in range(times):
            worker = PaymentWorker(self.desk.rt, self.desk.workspace_id)
            for due in await worker.claim(8):
                await worker.work(due)
            self.desk.wait(seconds=wait.total_seconds())
        return await self.state()

    def trouble(self, **rule: Any) -> None:
        self.stripe.chaos.load([rule])

    def last(self) -> str:
        return list(self.stripe.sessions)[-1]

    def told(self, words: str) -> int:
        return sum(words in one for one in self.desk.ledger())

    async def settle(self) -> None:
        await self.stripe.quiet()
        await self.desk.settle()

    async def post(self, said: dict[str, Any] | bytes, **headers: str) -> int:
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        url = f"{self.desk.rt.settings.public_url}/hooks/stripe"
        sent = headers or self.stripe.headers(raw)
        return (await self.desk.rt.http.post(url, content=raw, headers=sent)).status_code

    async def notified(self) -> list[str]:
        async with self.desk.rt.db.transaction(self.desk.workspace_id) as tx:
            found = await notifications.page(tx, self.desk.person_id, unread=True, before=None, limit=50)
        return [one.reason or "" for one in found if one.kind == "money"]

    def link(self) -> str:
        found = [word for one in self.desk.ledger() for word in one.split() if "/pay/" in word]
        return found[-1]


@pytest.fixture
async def payer(make_desk: MakeDesk) -> Payer:
    desk = await make_desk(skills=SKILLS)
    desk.stage.stripe.state.forget()
    return Payer(desk)


# --- from the wish to the money ---


async def test_from_the_wish_to_paid_and_back(payer: Payer) -> None:
    said = await payer.says(WANTS)
    assert "consultation is $150. The link to pay comes" in said
    assert said.count("/pay/") == 1
    assert await payer.state() == "open"
    assert await payer.stripe.pay(payer.last())
    await payer.settle()
    assert await payer.state() == "paid"
    assert payer.told("Payment received: $150 for consultation.") == 1
    assert await payer.notified() == ["payment_paid"]
    (one,) = await payer.all()
    assert (one.paid, one.paid_currency, one.url, one.paid_at is None) == (150, "USD", "", False)
    assert "arrived on" in await payer.says("did my payment go through?")
    await payer.stripe.refund(payer.last(), 5000)
    await payer.settle()
    assert (await payer.state(), (await payer.all())[-1].refunded) == ("paid", 50)
    await payer.stripe.refund(payer.last(), 10000)
    await payer.settle()
    assert (await payer.state(), payer.told("has paid back $150")) == ("refunded", 1)
    assert [row.kind for row in await payer.desk.rows("select kind from event where kind like 'payment.%' order by n")] == [
        "payment.asked", "payment.open", "payment.paid", "payment.refunded",
    ]  # fmt: skip


async def test_asked_twice_there_is_one_link(payer: Payer) -> None:
    first = (await payer.says(WANTS), payer.link())[1]
    again = await payer.says("can you send me the payment link again?")
    assert "still open" in again
    assert payer.link() == first
    await payer.says(WANTS)
    assert (len(await payer.all()), len(payer.stripe.sessions)) == (1, 1)


async def test_two_at_once_ask_for_one(payer: Payer) -> None:
    for words in (WANTS, "send me the payment link", "i want to pay now"):
        await payer.desk.text(words)
    await payer.desk.settle()
    assert len(payer.stripe.sessions) == len(await payer.all()) == 1


@pytest.mark.parametrize(
    "words",
    [
        "I'd like a consultation for $1",
        "consultation, you said it costs 5 dollars",
        "I want to pay $99 for it",
    ],
)
async def test_the_amount_is_the_businesss_own(payer: Payer, words: str) -> None:
    await payer.says(words)
    for one in await payer.all():
        assert one.amount == 150
    assert {one.amount for one in payer.stripe.sessions.values()} <= {15000}


async def test_what_stripe_is_asked_for(payer: Payer) -> None:
    payment_id = await payer.asked()
    await payer.works()
    form = payer.stripe.sessions[payer.last()].form
    assert form["client_reference_id"] == str(payment_id)
    assert form["line_items[0][price_data][unit_amount]"] == "15000"
    assert form["metadata[frontdesk_payment]"] == form["payment_intent_data[metadata][frontdesk_payment]"]
    assert form["adaptive_pricing[enabled]"] == "false"
    assert payer.desk.handset not in json.dumps(form)


# --- what fails on the way ---


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "drop_after", "count": 2},
        {"kind": "drop_before", "count": 2},
        {"kind": "bad_json", "count": 1},
        {"kind": "html_error", "effect": "before", "count": 2},
        {"kind": "status", "status": 500, "count": 3},
        {"kind": "status", "status": 429, "count": 3},
        {"kind": "status", "status": 409, "count": 1},
    ],
)
async def test_what_passes_is_tried_again_and_there_is_one(payer: Payer, rule: dict[str, Any]) -> None:
    payer.trouble(route="sessions.create", **rule)
    await payer.asked()
    assert await payer.works(5, timedelta(seconds=60)) == "open"
    assert len(payer.stripe.sessions) == 1
    await payer.settle()
    assert payer.told("/pay/") == 1


@pytest.mark.parametrize("after_deed", [True, False])
async def test_a_mistake_of_stripes_own_is_looked_up_and_not_asked_for_ever(
    payer: Payer, after_deed: bool
) -> None:
    payer.stripe.inside.append(Inside(after_deed))
    await payer.asked()
    assert await payer.works(4, timedelta(seconds=60)) == "open"
    assert len(payer.stripe.sessions) == 1
    keys = [one for one in payer.stripe.keys if one.startswith("frontdesk-")]
    assert len(keys) == (1 if after_deed else 2)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "unauthorized"}, "unauthorized"),
        ({"kind": "status", "status": 402}, "card_declined"),
        ({"kind": "status", "status": 403}, "invalid_request_error"),
    ],
)
async def test_what_does_not_pass_is_told_and_no_link_is_made_up(
    payer: Payer, rule: dict[str, Any], reason: str
) -> None:
    payer.trouble(route="sessions.create", **rule)
    await payer.asked()
    await payer.settle()
    (one,) = await payer.all()
    assert (one.state, one.reason) == (State.FAILED, reason)
    assert await payer.notified() == ["payment_failed"]
    assert (payer.told("There is a hitch"), payer.told("/pay/")) == (1, 0)


async def test_stripe_away_for_long_is_a_persons(payer: Payer) -> None:
    payer.trouble(route="sessions.create", kind="status", status=503)
    await payer.asked()
    assert await payer.works(30, timedelta(hours=1)) == "failed"
    assert (await payer.all())[-1].reason == "not_made"


async def test_a_page_on_a_strange_host_is_not_passed_on(payer: Payer) -> None:
    await payer.asked()
    origin, payer.stripe.origin = payer.stripe.origin, "https://evil.example"
    try:
        await payer.works()
        await payer.settle()
    finally:
        payer.stripe.origin = origin
    assert (await payer.state(), payer.told("evil")) == ("failed", 0)
    assert (await payer.all())[-1].reason == "strange_page"


# --- webhooks: lost, late, twice, in another order, forged ---


async def test_without_the_webhook_it_is_found_by_asking(payer: Payer) -> None:
    await payer.says(WANTS)
    payer.trouble(route="events.create", kind="drop_callbacks")
    await payer.stripe.pay(payer.last())
    assert await payer.works() == "open"
    payer.desk.wait(minutes=11)
    assert await payer.works() == "paid"
    await payer.settle()
    assert payer.told("Payment received") == 1


async def test_webhooks_twice_late_and_in_another_order(payer: Payer) -> None:
    await payer.says(WANTS)
    payer.stripe.chaos.load(
        [
            {"route": "events.create", "kind": "reorder_callbacks", "count": 1},
            {"route": "events.create", "kind": "duplicate_callbacks", "times": 4},
        ]
    )
    await payer.stripe.pay(payer.last(), "bank")
    await payer.stripe.clear(payer.last())
    await payer.settle()
    assert [one["status"] for one in payer.stripe.hooks] == [200] * len(payer.stripe.hooks)
    assert (await payer.state(), payer.told("Payment received")) == ("paid", 1)
    receipts = await payer.desk.rows("select id from payment_event")
    assert len(receipts) == 2
    for one in reversed(payer.stripe.hooks):  # days later, all again
        assert await payer.stripe.hook(one["body"]) == 200
    await payer.settle()
    assert (await payer.state(), payer.told("Payment received")) == ("paid", 1)


async def test_an_old_webhook_takes_nothing_back(payer: Payer) -> None:
    await payer.says(WANTS)
    await payer.stripe.pay(payer.last())
    await payer.settle()
    expired = payer.stripe.hooks[0]["body"] | {"id": "evt_other", "type": "checkout.session.expired"}
    assert await payer.stripe.hook(expired) == 200
    await payer.settle()
    assert (await payer.state(), payer.told("run out")) == ("paid", 0)


async def test_the_webhook_is_faster_than_the_link(payer: Payer) -> None:
    """Somebody else has the link already (it was made), and pays before our message is even written: one message says
    that it is paid, none asks for it."""
    await payer.asked()
    await payer.works()
    await payer.stripe.pay(payer.last())
    await payer.stripe.quiet()
    assert await payer.works() == "paid"
    await payer.settle()
    assert (payer.told("/pay/"), payer.told("Payment received")) == (0, 1)


async def test_the_webhook_comes_before_the_answer_that_made_the_page(payer: Payer) -> None:
    """The worker was lost between: its heir hears of the page as it was made, and looks at once."""
    await payer.asked()
    payer.trouble(route="sessions.create", kind="drop_after", count=1)
    await payer.works()
    await payer.stripe.pay(payer.last())
    await payer.stripe.quiet()
    assert payer.stripe.hooks[-1]["status"] == 200
    assert await payer.works(2, timedelta(seconds=30)) in ("open", "paid")
    await payer.settle()
    assert (await payer.state(), payer.told("Payment received")) == ("paid", 1)


async def test_who_does_not_sign_is_refused_and_changes_nothing(payer: Payer) -> None:
    await payer.says(WANTS)
    about = payer.stripe.shown(payer.stripe.sessions[payer.last()]) | {
        "payment_status": "paid",
        "status": "complete",
    }
    said = {"id": "evt_f", "object": "event", "type": "checkout.session.completed", "data": {"object": about}}
    raw = json.dumps(said).encode()
    now = payer.stripe.now()
    for headers in (
        {"stripe-signature": ""},
        {"stripe-signature": "t=1,v1=00"},
        payer.stripe.headers(raw, now, "whsec_other"),
        payer.stripe.headers(raw, now - timedelta(minutes=6)),
        payer.stripe.headers(raw, now + timedelta(minutes=6)),
        payer.stripe.headers(raw + b" "),
    ):
        assert await payer.post(raw, **headers) == 403
    assert await payer.post(b"x" * 600_000) == 413
    assert await payer.post(b"[]") == 400
    assert await payer.desk.rows("select id from payment_event") == []
    assert await payer.post(said) == 200  # signed, and still only a hint: Stripe says that nothing was paid
    await payer.settle()
    assert (await payer.state(), payer.told("Payment received")) == ("open", 0)


async def test_what_is_not_ours_is_acknowledged_and_forgotten(payer: Payer, make_desk: MakeDesk) -> None:
    await payer.says(WANTS)
    await payer.stripe.pay(payer.last())
    await payer.stripe.quiet()
    other = await make_desk(skills=SKILLS)
    said = payer.stripe.hooks[-1]["body"]
    about = said["data"]["object"]
    for marks in (
        {},
        {"frontdesk_workspace": str(other.workspace_id), "frontdesk_payment": about["client_reference_id"]},
        {"frontdesk_workspace": str(new_id()), "frontdesk_payment": about["client_reference_id"]},
        {"frontdesk_workspace": "'; drop table payment", "frontdesk_payment": "x"},
        {"frontdesk_workspace": str(payer.desk.workspace_id), "frontdesk_payment": str(new_id())},
    ):
        strange = said | {"id": f"evt_{new_id().hex}", "data": {"object": about | {"metadata": marks}}}
        assert await payer.post(strange) == 200
    assert await other.rows("select id from payment_event") == []


async def test_several_secrets_while_one_is_replaced(payer: Payer) -> None:
    await payer.says(WANTS)
    said = {"id": "evt_r", "type": "checkout.session.completed", "data": {"object": {"metadata": {}}}}
    raw = json.dumps(said).encode()
    both = payer.stripe.headers(raw, payer.stripe.now(), "whsec_new", *payer.stripe.config.webhook_secrets)
    assert await payer.post(raw, **both) == 200


# --- what must not be settled silently ---


@pytest.mark.parametrize(
    ("paid", "reason"), [({"amount": 100}, "other_amount"), ({"currency": "mxn"}, "other_currency")]
)
async def test_another_sum_is_a_persons(payer: Payer, paid: dict[str, Any], reason: str) -> None:
    await payer.says(WANTS)
    await payer.stripe.pay(payer.last(), **paid)
    await payer.settle()
    (one,) = await payer.all()
    assert (one.state, one.reason) == (State.MISMATCH, reason)
    assert payer.told("Payment received") == 0
    assert await payer.notified() == ["payment_mismatch"]
    assert "A person of ours is looking" in await payer.says("I already paid, did my payment go through?")


async def test_paid_although_it_was_called_off(payer: Payer) -> None:
    await payer.says(WANTS)
    await payer.desk.text("cancel the payment")
    await payer.desk.turn()
    await payer.stripe.pay(payer.last())  # a moment before it is closed
    await payer.settle()
    assert (await payer.state(), payer.told("Payment received")) == ("paid", 1)


async def test_it_is_closed_at_stripe_when_it_is_called_off(payer: Payer) -> None:
    await payer.says(WANTS)
    assert "closing the link" in await payer.says("never mind, I don't want it anymore")
    assert await payer.state() == "cancelled"
    assert not await payer.stripe.pay(payer.last())
    assert payer.told("run out") == 0
    await payer.says("sorry, I do want it: send me the payment link")
    assert [str(one.state) for one in await payer.all()] == ["cancelled", "open"]


async def test_called_off_before_it_was_made(payer: Payer) -> None:
    await payer.asked()
    await payer.desk.text("cancel the payment please")
    await payer.desk.turn()
    await payer.settle()
    assert (await payer.state(), payer.stripe.sessions) == ("cancelled", {})


async def test_called_off_while_nobody_knows_whether_it_was_made(payer: Payer) -> None:
    payer.trouble(route="sessions.create", kind="drop_after", count=1)
    await payer.asked()
    await payer.works()
    await payer.desk.text("cancel the payment please")
    await payer.desk.turn()
    assert await payer.works(3, timedelta(minutes=2)) == "cancelled"
    assert not await payer.stripe.pay(payer.last())


async def test_it_runs_out_and_a_new_one_is_another(payer: Payer) -> None:
    await payer.says(WANTS)
    first = payer.link()
    payer.desk.wait(hours=25)
    await payer.stripe.run_out()
    await payer.settle()
    assert (await payer.state(), payer.told("has run out")) == ("expired", 1)
    assert not await payer.stripe.pay(payer.last())
    await payer.says("the payment link expired")
    assert payer.link() != first
    assert [str(one.state) for one in await payer.all()] == ["expired", "open"]


async def test_running_out_unheard_is_found_by_asking(payer: Payer) -> None:
    await payer.says(WANTS)
    payer.desk.wait(hours=25)
    assert await payer.works() == "expired"


async def test_i_already_paid_asks_stripe_at_once(payer: Payer) -> None:
    await payer.says(WANTS)
    payer.trouble(route="events.create", kind="drop_callbacks")
    await payer.stripe.pay(payer.last())
    said = await payer.says("I already paid!")
    assert "I do not see your payment" in said
    assert "Payment received" in said


async def test_who_paid_nothing_here_is_a_persons(payer: Payer) -> None:
    assert "passing this to a person" in await payer.says("I already paid, did you get my payment?")


async def test_a_refund_is_a_persons(payer: Payer) -> None:
    await payer.says(WANTS)
    await payer.stripe.pay(payer.last())
    await payer.settle()
    assert "person" in await payer.says("I want a refund please")
    assert (await payer.desk.turns())[-1].action == "handoff"
    assert payer.stripe.sessions[payer.last()].refunded == 0


async def test_too_many_links_are_a_persons(payer: Payer) -> None:
    for n in range(5):
        await payer.says(f"I'd like a consultation for my {n + 2} children")
        await payer.says(f"cancel the payment, my {n + 2} children are ill")
        payer.desk.wait(minutes=11)
    assert "A person of Cedar Dental will send you the link" in await payer.says(WANTS)
    assert len(payer.stripe.sessions) == 5


async def test_in_spanish(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills=SKILLS, assistant={"languages": ["en", "es"]})
    payer = Payer(desk)
    payer.stripe.forget()
    said = await payer.says("hola, necesito una consulta por favor")
    assert "consulta: $150. El enlace para pagar" in said
    assert "Pague aquí:" in said
    assert payer.stripe.sessions[payer.last()].form["locale"] == "es"
    await payer.stripe.pay(payer.last())
    await payer.settle()
    assert payer.told("Pago recibido: $150 por consulta.") == 1


async def test_prices_need_no_person_where_money_does(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills=SKILLS, policy={"approve": ["money"]})
    payer = Payer(desk)
    payer.stripe.forget()
    assert "/pay/" in await payer.says(WANTS)


async def test_where_people_speak_the_link_is_a_draft(make_desk: MakeDesk) -> None:
    desk = await make_desk(skills=SKILLS, policy={"default": "draft"})
    payer = Payer(desk)
    payer.stripe.forget()
    assert await payer.says(WANTS) == ""
    assert await payer.all() == []  # the effect waits with the words


# --- the address that customers have ---


async def look(payer: Payer, end: str = "", path: str = "") -> Any:
    where = path or urlsplit(payer.link()).path
    return await payer.desk.rt.http.get(f"{payer.desk.rt.settings.public_url}{where}{end}")


async def test_the_address_leads_on_and_then_says_what_became_of_it(payer: Payer) -> None:
    await payer.says(WANTS)
    sent = await look(payer)
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        f"{payer.desk.stage.stripe.url}/c/pay/{payer.last()}",
    )
    back = await look(payer, "?back=1")
    assert (back.status_code, "Pay now" in back.text, "$150" in back.text) == (200, True, True)
    assert "as soon as the payment is confirmed" in (await look(payer, "?done=1")).text
    await payer.stripe.pay(payer.last())
    await payer.settle()
    assert "Your payment was received" in (await look(payer)).text
    assert "frame-ancestors 'none'" in (await look(payer)).headers["content-security-policy"]


async def test_who_comes_back_has_us_ask_although_no_webhook_came(payer: Payer) -> None:
    await payer.says(WANTS)
    payer.trouble(route="events.create", kind="drop_callbacks")
    await payer.stripe.pay(payer.last())
    await look(payer, "?done=1")
    assert await payer.works() == "paid"


async def test_a_wrong_address_is_nothing(payer: Payer) -> None:
    await payer.says(WANTS)
    path = urlsplit(payer.link()).path
    wrong = path[:-1] + ("A" if path[-1] != "A" else "B")
    for one in (wrong, path[:-4], "/pay/x", "/pay/" + "A" * 32, "/pay/" + "A" * 5000, "/pay/%00", "/pay/é"):
        assert (await look(payer, path=one)).status_code == 404


# --- bookings ---

BOOKS = {
    "booking": {"services": [{"name": "cleaning", "minutes": 45}, {"name": "consultation", "minutes": 30}]},
    "payment": {"items": [{"name": "visit", "amount": "80", "when": "booked", "services": ["consultation"]}]},
}


async def test_what_is_booked_may_cost_something_and_is_not_paid_for_when_it_is_cancelled(
    make_desk: MakeDesk,
) -> None:
    payer = Payer(await make_desk(skills=BOOKS))
    payer.stripe.forget()
    await payer.says("can I book a consultation tomorrow at 10am?")
    await payer.says("yes")
    said = await payer.says("yes please")
    assert "visit, $80. Pay here:" in said
    (one,) = await payer.all()
    assert (one.requested_by, str(one.state), one.appointment_id is not None) == ("appointment", "open", True)
    await payer.says("I need to cancel my appointment")
    await payer.says("yes")
    assert await payer.state() == "cancelled"
    assert not await payer.stripe.pay(payer.last())


async def test_other_services_cost_nothing_here(make_desk: MakeDesk) -> None:
    payer = Payer(await make_desk(skills=BOOKS))
    payer.stripe.forget()
    await payer.says("can I book a cleaning tomorrow at 10am?")
    await payer.says("yes")
    assert "booked" in await payer.says("yes please")
    assert await payer.all() == []


# --- without a key, and when nobody is left ---


async def test_without_a_key_a_person_sends_the_link(payer: Payer) -> None:
    rt = payer.desk.rt
    without = StoredPayments(rt.db, rt.settings.public_url, ready=False)
    await payer.desk.text(WANTS)
    await payer.desk.turn(skills={"payment": PaymentSkill(without)})
    await payer.settle()
    assert "A person of Cedar Dental will send you the link" in payer.desk.ledger()[-1]
    assert (await payer.all(), payer.stripe.asked) == ([], [])
    assert (await payer.desk.turns())[-1].action == "handoff"


async def test_a_key_that_is_gone_leaves_it_to_a_person(payer: Payer) -> None:
    await payer.asked()
    rt = replace(payer.desk.rt, settings=replace(payer.desk.rt.settings, stripe_key=""))
    worker = PaymentWorker(rt, payer.desk.workspace_id)
    for due in await worker.claim(8):
        await worker.work(due)
    await payer.settle()
    assert (await payer.state(), (await payer.all())[-1].reason) == ("failed", "not_set_up")
    assert (payer.told("/pay/"), payer.told("There is a hitch"), payer.stripe.asked) == (0, 1, [])
    assert await payer.notified() == ["payment_failed"]


async def test_who_is_erased_pays_nothing_more(payer: Payer) -> None:
    await payer.says(WANTS)
    talk = await payer.desk.conversation()
    async with payer.desk.rt.db.transaction(payer.desk.workspace_id) as tx:
        told = await erasure.everything(tx, talk.contact_id)
        await erasure.erase(tx, talk.contact_id, "test")
    assert [one["item"] for one in told["payments"]] == ["consultation"]
    assert await payer.works(2) == "cancelled"
    (row,) = await payer.desk.rows("select contact_id, conversation_id, body, amount from payment")
    assert (row.contact_id, row.conversation_id, row.body, row.amount) == (None, None, None, 150)
    assert not await payer.stripe.pay(payer.last())


async def test_two_workers_at_once_make_one_page(payer: Payer) -> None:
    await payer.asked()
    worker = PaymentWorker(payer.desk.rt, payer.desk.workspace_id)
    (due,) = await worker.claim(8)
    await asyncio.gather(*(worker.work(due) for _ in range(4)))  # leases that ran out
    await payer.settle()
    assert (len(payer.stripe.sessions), payer.told("Pay here")) == (1, 1)

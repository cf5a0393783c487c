"""Stripe's wire against its simulator: what is made once, what a trouble is called, and which webhooks are believed. Their
own SDK is asked whether the simulator speaks as Stripe does, and what it thinks of our signatures."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe as sdk

from domain.errors import BadPayload, BadSignature
from integrations.stripe import KINDS, Event, Stripe, StripeFailed, Wanted, event, verify
from runtime.http import open_client
from simulators.stripe import Running, serve
from simulators.stripe.state import Inside

NOW = datetime.now(UTC).replace(microsecond=0)
WANTED = Wanted(
    "pay-1",
    "ws-1",
    "First consultation",
    15000,
    "USD",
    "es",
    "https://desk.example/pay/x",
    NOW + timedelta(hours=2),
)
SECRET = "whsec_simulated"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serve() as found:
        yield found


@pytest.fixture
async def stripe(running: Running) -> AsyncIterator[Stripe]:
    async with open_client() as http:
        yield Stripe(http, running.url, running.state.config.key)


async def test_from_the_page_to_the_money_and_back(stripe: Stripe, running: Running) -> None:
    made = await stripe.create(WANTED, "key-1")
    assert (made.status, made.payment_status, made.amount, made.currency) == ("open", "unpaid", 15000, "usd")
    assert (made.reference, made.intent_id, made.url) == (
        "pay-1",
        "",
        f"{running.url}/c/pay/{made.session_id}",
    )
    assert await running.state.pay(made.session_id)
    paid = await stripe.retrieve(made.session_id)
    assert (paid.status, paid.payment_status, paid.refunded, paid.url) == ("complete", "paid", 0, "")
    assert paid.intent_id.startswith("pi_")
    await running.state.refund(made.session_id, 5000)
    assert (await stripe.retrieve(made.session_id)).refunded == 5000
    assert not await running.state.pay(made.session_id)


async def test_a_way_that_takes_days(stripe: Stripe, running: Running) -> None:
    made = await stripe.create(WANTED, "key-1")
    await running.state.pay(made.session_id, "bank")
    there = await stripe.retrieve(made.session_id)
    assert (there.status, there.payment_status, there.failed) == ("complete", "unpaid", False)
    await running.state.clear(made.session_id, arrives=False)
    assert (await stripe.retrieve(made.session_id)).failed


async def test_the_same_key_makes_one_page(stripe: Stripe, running: Running) -> None:
    made = [await stripe.create(WANTED, "key-1") for _ in range(3)]
    together = await asyncio.gather(*(stripe.create(WANTED, "key-1") for _ in range(5)))
    assert len({one.session_id for one in (*made, *together)}) == len(running.state.sessions) == 1
    await stripe.create(WANTED, "key-2")
    assert len(running.state.sessions) == 2


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "drop_after"},
        {"kind": "bad_json"},
        {"kind": "html_error", "effect": "before"},
        {"kind": "drop_before"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429},
    ],
)
async def test_whatever_fails_on_the_way_the_key_finds_it_again(
    stripe: Stripe, running: Running, rule: dict[str, Any]
) -> None:
    running.state.chaos.load([{"route": "sessions.create", "count": 1, **rule}])
    with pytest.raises(StripeFailed) as failed:
        await stripe.create(WANTED, "key-1")
    assert (failed.value.passes, failed.value.spent) == (True, False)
    await stripe.create(WANTED, "key-1")
    assert len(running.state.sessions) == 1
    assert running.state.asked == ["sessions.create"] * 2  # nothing is repeated by itself


@pytest.mark.parametrize("after_deed", [True, False])
async def test_a_key_that_failed_inside_fails_for_ever(
    stripe: Stripe, running: Running, after_deed: bool
) -> None:
    running.state.inside.append(Inside(after_deed))
    for spent in (False, True, True):
        with pytest.raises(StripeFailed) as failed:
            await stripe.create(WANTED, "key-1")
        assert (failed.value.passes, failed.value.spent) == (True, spent)
    found = await stripe.find("pay-1", NOW - timedelta(minutes=5))
    assert (found is not None) == after_deed


async def test_a_key_is_good_for_one_request_only(stripe: Stripe, running: Running) -> None:
    await stripe.create(WANTED, "key-1")
    other = Wanted(**{name: getattr(WANTED, name) for name in WANTED.__slots__} | {"amount": 100})
    with pytest.raises(StripeFailed) as failed:
        await stripe.create(other, "key-1")
    assert (failed.value.code, failed.value.spent) == ("idempotency_error", True)
    assert len(running.state.sessions) == 1


@pytest.mark.parametrize(
    ("rule", "code", "passes"),
    [
        ({"kind": "status", "status": 500}, "api_error", True),
        ({"kind": "status", "status": 429}, "rate_limit", True),
        ({"kind": "status", "status": 409}, "lock_timeout", True),
        ({"kind": "status", "status": 402}, "card_declined", False),
        ({"kind": "html_error"}, "unreachable", True),
        ({"kind": "bad_json"}, "unreadable", True),
        ({"kind": "drop_before"}, "unreachable", True),
        ({"kind": "drop_after"}, "unreachable", True),
        ({"kind": "unauthorized"}, "unauthorized", False),
    ],
)
async def test_a_trouble_has_a_name_and_is_asked_once(
    stripe: Stripe, running: Running, rule: dict[str, Any], code: str, passes: bool
) -> None:
    running.state.chaos.load([{"route": "sessions.list", **rule}])
    with pytest.raises(StripeFailed) as failed:
        await stripe.check()
    assert (failed.value.code, failed.value.passes) == (code, passes)
    assert running.state.asked == ["sessions.list"]
    assert running.state.config.key not in str(failed.value)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 10}, "amount_too_small"),
        ({"expires_at": NOW + timedelta(minutes=5)}, "invalid_request_error"),
        ({"expires_at": NOW + timedelta(days=3)}, "invalid_request_error"),
        ({"currency": "DOLLARS"}, "parameter_invalid_string"),
        ({"name": ""}, "parameter_missing"),
    ],
)
async def test_what_stripe_does_not_take_is_refused_at_once(
    stripe: Stripe, running: Running, changes: dict[str, Any], code: str
) -> None:
    wanted = Wanted(**{name: getattr(WANTED, name) for name in WANTED.__slots__} | changes)
    with pytest.raises(StripeFailed) as failed:
        await stripe.create(wanted, "key-1")
    assert (failed.value.code, failed.value.passes, running.state.sessions) == (code, False, {})


async def test_a_page_is_closed_and_a_paid_one_is_told(stripe: Stripe, running: Running) -> None:
    one, other = await stripe.create(WANTED, "key-1"), await stripe.create(WANTED, "key-2")
    assert [(await stripe.expire(one.session_id)).status for _ in range(2)] == ["expired"] * 2
    await running.state.pay(other.session_id)
    assert (await stripe.expire(other.session_id)).payment_status == "paid"
    with pytest.raises(StripeFailed, match="resource_missing"):
        await stripe.expire("cs_none")


async def test_it_is_found_among_hundreds(stripe: Stripe, running: Running) -> None:
    mine = await stripe.create(WANTED, "mine")
    for n in range(230):
        other = Wanted(
            **{name: getattr(WANTED, name) for name in WANTED.__slots__} | {"reference": f"other-{n}"}
        )
        await stripe.create(other, f"key-{n}")
    found = await stripe.find("pay-1", NOW - timedelta(minutes=1))
    assert found is not None
    assert found.session_id == mine.session_id
    assert await stripe.find("pay-2", NOW - timedelta(minutes=1)) is None
    assert await stripe.find("pay-1", datetime.now(UTC) + timedelta(hours=1)) is None


async def test_another_account_is_another_world(stripe: Stripe, running: Running) -> None:
    made = await stripe.create(WANTED, "key-1", "acct_1")
    assert (await stripe.retrieve(made.session_id, "acct_1")).session_id == made.session_id
    with pytest.raises(StripeFailed, match="resource_missing"):
        await stripe.retrieve(made.session_id, "acct_2")


# --- webhooks ---

MARKS = {"frontdesk_workspace": "w", "frontdesk_payment": "p"}
BODY = json.dumps(
    {
        "id": "evt_1", "type": "checkout.session.completed", "object": "event",
        "data": {"object": {"object": "checkout.session", "metadata": MARKS}},
    }
).encode()  # fmt: skip


def signed(body: bytes = BODY, at: datetime = AT, secret: str = SECRET) -> str:
    """As Stripe's own SDK signs."""
    header: str = sdk.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
    return header


@pytest.mark.parametrize(
    ("header", "good"),
    [
        (signed(), True),
        (signed(secret="whsec_old"), True),
        (signed() + ",v1=" + "0" * 64, True),
        (signed(at=AT - timedelta(seconds=299)), True),
        (signed(at=AT + timedelta(seconds=60)), True),
        (signed().replace(",", " , "), True),
        (signed(at=AT - timedelta(seconds=301)), False),
        (signed(at=AT + timedelta(seconds=301)), False),
        (signed(secret="whsec_other"), False),
        (signed(BODY + b" "), False),
        (signed().replace("v1=", "v0="), False),
        (signed().replace("t=", "t=1"), False),
        (signed() + f",t={int(AT.timestamp())}", False),
        (signed().split(",")[1], False),
        (f"t={int(AT.timestamp())}", False),
        (f"t={int(AT.timestamp())},v1=", False),
        ("t=,v1=", False),
        ("t=²,v1=00", False),
        ("t=-1,v1=00", False),
        ("t=1e9,v1=00", False),
        ("v1=é,t=1", False),
        ("", False),
        ("=" * 5000, False),
    ],
)
def test_who_signed(header: str, good: bool) -> None:
    secrets = (SECRET, "whsec_old")
    if good:
        assert verify(header, BODY, secrets, AT)["id"] == "evt_1"
        return
    with pytest.raises(BadSignature):
        verify(header, BODY, secrets, AT)


def test_without_a_secret_nobody_signed() -> None:
    with pytest.raises(BadSignature):
        verify(signed(), BODY, (), AT)


@pytest.mark.parametrize("body", [b"[]", b"{", b"null", b"\xff", b""])
def test_signed_nonsense_is_nonsense(body: bytes) -> None:
    header = signed(body) if body != b"\xff" else ""
    with pytest.raises((BadPayload, BadSignature)):
        verify(header, body, (SECRET,), AT)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (json.loads(BODY), Event("evt_1", "checkout.session.completed", "w", "p")),
        (json.loads(BODY) | {"type": "charge.refunded"}, Event("evt_1", "charge.refunded", "w", "p")),
        (json.loads(BODY) | {"type": "customer.created"}, None),
        (json.loads(BODY) | {"type": None}, None),
        (json.loads(BODY) | {"id": 5}, None),
        (json.loads(BODY) | {"id": ""}, None),
        (json.loads(BODY) | {"id": "e" * 300}, None),
        (json.loads(BODY) | {"data": None}, None),
        (json.loads(BODY) | {"data": {"object": {"metadata": {}}}}, None),
        (json.loads(BODY) | {"data": {"object": {"metadata": {"frontdesk_payment": "p"}}}}, None),
        (json.loads(BODY) | {"data": {"object": {"metadata": "x"}}}, None),
        (json.loads(BODY) | {"data": []}, None),
        ({}, None),
    ],
)
def test_what_a_webhook_is_about(said: dict[str, Any], found: Event | None) -> None:
    assert event(said) == found


# --- what Stripe's own SDK says ---


async def test_the_sdk_takes_the_simulator_for_stripe(running: Running) -> None:
    client = sdk.StripeClient(
        running.state.config.key, base_addresses={"api": running.url}, max_network_retries=0
    )
    sessions = client.v1.checkout.sessions
    price = {"currency": "usd", "unit_amount": 15000, "product_data": {"name": "A"}}
    params: Any = {
        "mode": "payment", "success_url": "https://desk.example/done",
        "line_items": [{"quantity": 1, "price_data": price}],
    }  # fmt: skip

    def speak() -> None:
        made = [sessions.create(params, {"idempotency_key": "k"}) for _ in range(2)]
        assert made[0].id == made[1].id
        with pytest.raises(sdk.IdempotencyError):
            sessions.create(params | {"success_url": "https://desk.example/other"}, {"idempotency_key": "k"})
        assert sessions.expire(made[0].id).status == "expired"
        assert [one.id for one in sessions.list({"limit": 3})] == [made[0].id]
        with pytest.raises(sdk.InvalidRequestError) as missing:
            sessions.retrieve("cs_none")
        assert missing.value.code == "resource_missing"
        wrong = sdk.StripeClient("sk_wrong", base_addresses={"api": running.url})
        with pytest.raises(sdk.AuthenticationError):
            wrong.v1.checkout.sessions.list()

    await asyncio.to_thread(speak)


async def test_the_sdk_believes_the_simulators_webhooks(stripe: Stripe, running: Running) -> None:
    headers = running.state.headers(BODY)
    said = sdk.Webhook.construct_event(BODY, headers["stripe-signature"], SECRET)
    assert said.type in KINDS

"""Prices as a business declares them, and what a provider's word about a payment means."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.payment import OVER, Payment, PaymentSettings, Seen, State, is_page, major, minor, places, verdict

ID = UUID("01a1ff7e-2969-70b8-9880-3f314110eb98")
ITEM: dict[str, Any] = {"name": "consultation", "amount": "150.00"}
MINE = Payment(
    ID, None, None, "consultation", Decimal(150), "USD", State.OPEN, "customer", "page",
    datetime(2026, 11, 21, tzinfo=UTC),
)  # fmt: skip
SEEN = Seen("cs_1", "complete", "paid", 15000, "usd", str(ID))


def settings(**item: Any) -> PaymentSettings:
    return PaymentSettings.model_validate({"items": [ITEM | item]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": "0"}, "greater than 0"),
        ({"amount": "-1"}, "greater than 0"),
        ({"amount": "1.005"}, "more places"),
        ({"amount": "100.5", "currency": "JPY"}, "more places"),
        ({"amount": "NaN"}, "finite"),
        ({"currency": "usd"}, "pattern"),
        ({"currency": "DOLLARS"}, "pattern"),
        ({"label": {"de": "Beratung"}}, "en and es"),
        ({"when": "booked"}, "belong together"),
        ({"services": ["cleaning"]}, "belong together"),
        ({"when": "always"}, "Input should be"),
        ({"name": ""}, "at least 1"),
        ({"price": 1}, "Extra inputs"),
    ],
)
def test_what_is_no_price_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"items": []}, "at least 1"),
        ({"items": [ITEM, ITEM | {"name": "Consultation"}]}, "two items"),
        ({"good_for": "10m"}, "from 30m to 24h"),
        ({"good_for": "3d"}, "from 30m to 24h"),
        ({"account": "sk_live_1"}, "pattern"),
        ({"domain": "https://pay.example.com"}, "pattern"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PaymentSettings.model_validate({"items": [ITEM]} | changes)


def test_an_item_is_found_by_its_name_and_by_its_service() -> None:
    found = settings(when="booked", services=["Cleaning"], label={"es": "consulta"})
    assert found.item("CONSULTATION") is found.items[0]
    assert (found.item("deposit"), found.for_service("whitening")) == (None, None)
    assert found.for_service("cleaning") is found.items[0]
    assert (found.items[0].called("es"), found.items[0].called("en")) == ("consulta", "consultation")


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("150", "USD", 15000),
        ("12.50", "EUR", 1250),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
        ("0.01", "USD", 1),
    ],
)
def test_smallest_units(amount: str, currency: str, units: int) -> None:
    assert minor(Decimal(amount), currency) == units
    assert major(units, currency) == Decimal(amount)


@given(st.integers(1, 10**9), st.sampled_from(["USD", "JPY", "KWD", "MXN"]))
def test_there_and_back(units: int, currency: str) -> None:
    assert minor(major(units, currency), currency) == units
    assert places(currency) in (0, 2, 3)


@pytest.mark.parametrize(
    ("state", "seen", "wanted"),
    [
        (State.OPEN, {}, (State.PAID, "")),
        (State.ASKED, {}, (State.PAID, "")),
        (State.PROCESSING, {}, (State.PAID, "")),
        (State.EXPIRED, {}, (State.PAID, "")),
        (State.CANCELLED, {}, (State.PAID, "")),
        (State.CANCELLING, {}, (State.PAID, "")),
        (State.FAILED, {}, (State.PAID, "")),
        (State.PAID, {"refunded": 15000}, (State.REFUNDED, "refunded")),
        (State.PAID, {"refunded": 100}, (State.PAID, "")),
        (State.OPEN, {"amount": 14999}, (State.MISMATCH, "other_amount")),
        (State.OPEN, {"amount": 15001}, (State.MISMATCH, "other_amount")),
        (State.OPEN, {"currency": "eur"}, (State.MISMATCH, "other_currency")),
        (State.OPEN, {"reference": ""}, (State.MISMATCH, "other_reference")),
        (
            State.OPEN,
            {"payment_status": "no_payment_required", "amount": 0},
            (State.MISMATCH, "nothing_paid"),
        ),
        (State.MISMATCH, {"amount": 100, "refunded": 100}, (State.REFUNDED, "other_amount")),
        (State.OPEN, {"status": "open", "payment_status": "unpaid"}, (State.OPEN, "")),
        (State.ASKED, {"status": "open", "payment_status": "unpaid"}, (State.OPEN, "")),
        (State.CANCELLING, {"status": "open", "payment_status": "unpaid"}, (State.CANCELLING, "")),
        (State.OPEN, {"payment_status": "unpaid"}, (State.PROCESSING, "")),
        (State.PROCESSING, {"payment_status": "unpaid", "failed": True}, (State.FAILED, "payment_failed")),
        (State.OPEN, {"status": "expired", "payment_status": "unpaid"}, (State.EXPIRED, "not_paid_in_time")),
        (State.CANCELLING, {"status": "expired", "payment_status": "unpaid"}, (State.CANCELLED, "")),
        (State.PAID, {"status": "open", "payment_status": "unpaid"}, (State.PAID, "")),
        (State.REFUNDED, {"payment_status": "unpaid"}, (State.REFUNDED, "")),
        (State.EXPIRED, {"status": "open", "payment_status": "unpaid"}, (State.EXPIRED, "")),
    ],
)
def test_what_the_provider_says_means(state: State, seen: dict[str, Any], wanted: tuple[State, str]) -> None:
    assert verdict(replace(MINE, state=state), replace(SEEN, **seen)) == wanted


@given(
    st.sampled_from(list(State)), st.sampled_from(["open", "complete", "expired"]), st.integers(0, 20000),
    st.integers(0, 20000), st.sampled_from(["usd", "eur"]), st.booleans(),
)  # fmt: skip
def test_nothing_but_the_very_sum_is_ever_paid(
    state: State, status: str, amount: int, refunded: int, currency: str, failed: bool
) -> None:
    seen = replace(SEEN, status=status, amount=amount, refunded=refunded, currency=currency, failed=failed)
    found, _ = verdict(replace(MINE, state=state), seen)
    assert (found is State.PAID) == (amount == 15000 and currency == "usd" and refunded < 15000)
    unpaid, _ = verdict(replace(MINE, state=state), replace(seen, payment_status="unpaid"))
    assert (unpaid is State.PAID) == (state is State.PAID)
    assert state not in OVER or unpaid is state


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://checkout.stripe.com/c/pay/cs_live_1#abc", True),
        ("https://CHECKOUT.stripe.com/c/pay/cs_live_1", True),
        ("http://checkout.stripe.com/c/pay/cs_live_1", False),
        ("https://checkout.stripe.com.evil.example/c/pay", False),
        ("https://evil.example/checkout.stripe.com", False),
        ("https://checkout.stripe.com@evil.example/", False),
        ("https://checkout.stripe.com\\@evil.example/", False),
        ("https://pay.cedar.example/c/1", True),
        ("http://127.0.0.1:8421/c/pay/1", True),
        ("http://127.0.0.1:9/c/pay/1", False),
        ("javascript:alert(1)", False),
        ("https://checkout.stripe.com/a b", False),
        ("", False),
    ],
)
def test_only_pages_that_are_expected_are_shown(url: str, good: bool) -> None:
    assert is_page(url, ["checkout.stripe.com", "pay.cedar.example", "127.0.0.1:8421"]) is good

"""What is asked about a portfolio, and the arithmetic of the answers."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import portfolio
from domain.portfolio import Account, Position, Price
from skills.portfolio import question

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def held(symbol: str, name: str, quantity: str, now: str | None, before: str | None = None) -> Position:
    price = Price(Decimal(now), AT, Decimal(before) if before else None) if now else None
    return Position(symbol, name, "stock", Decimal(quantity), price)


def account(*positions: Position, cash: str = "0", currency: str = "USD") -> Account:
    return Account(uuid4(), "Brokerage", "4821", currency, Decimal(cash), positions)


MINE = (
    account(held("AAPL", "Apple Inc.", "85.5", "271.49"), held("VTI", "Vanguard Total Stock Market ETF", "1", "326.40")),
    account(held("BRK.B", "Berkshire Hathaway", "2", "500"), held("ALL", "Allstate", "1", "1")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("what's my balance", True),
        ("How is my portfolio doing?", True),
        ("how many apple shares do I own and how much do i have", True),
        ("what do I own?", True),
        ("¿cuánto vale mi cartera?", True),
        ("mi saldo por favor", True),
        ("should I sell my apple position?", False),
        ("sell all my shares", False),
        ("is it smart to keep my portfolio in bonds", False),
        ("transfer 10k from my account to my bank", False),
        ("withdraw my balance", False),
        ("¿debería vender mis acciones?", False),
        ("when are you open?", False),
        ("do you charge to close my account", False),
        ("is my account insured", False),
        ("¿cobran comisión por mi cuenta?", False),
        ("do you have positions open? I am looking for a job", True),
    ],
)
def test_what_wants_facts_and_what_does_not(text: str, wanted: bool) -> None:
    assert question.wants(text) is wanted


@pytest.mark.parametrize(
    ("text", "view", "symbol"),
    [
        ("what's my balance", "value", ""),
        ("how much apple do I have?", "position", "AAPL"),
        ("my VTI position", "position", "VTI"),
        ("what are all my positions", "positions", ""),
        ("how is my portfolio allocated", "allocation", ""),
        ("what is my largest position", "concentration", ""),
        ("how did my portfolio do this month", "period", ""),
        ("my berkshire shares", "position", "BRK.B"),
        ("apple and vanguard in my portfolio", "value", ""),
        ("¿cómo va mi cartera este año?", "period", ""),
    ],
)
def test_what_is_asked(text: str, view: str, symbol: str) -> None:
    read = question.read(text, MINE, TODAY)
    assert (read.view, read.symbol) == (view, symbol)


def test_the_year_begins_with_the_last_close_of_the_old_one() -> None:
    assert question.read("my portfolio this year", MINE, TODAY).since == date(2025, 12, 31)


def test_what_has_no_price_is_named_and_not_counted() -> None:
    now = portfolio.standing([account(held("A", "A", "1", "10", "8"), held("X", "X", "5", None))], "USD")
    assert (now.value, now.unpriced, now.day) == (Decimal("10.00"), ("X",), None)


def test_currencies_are_not_mixed() -> None:
    both = [account(held("A", "A", "1", "10")), account(cash="7", currency="EUR")]
    assert portfolio.standing(both, "USD").value == Decimal("10.00")
    assert portfolio.standing(both, "EUR").value == Decimal("7.00")


def test_a_past_without_every_price_is_no_past() -> None:
    day = date(2026, 10, 23)
    one = Position("A", "A", "stock", Decimal(2), Price(Decimal(10), AT, None, {day: Decimal(8)}))
    two = Position("B", "B", "stock", Decimal(1), Price(Decimal(5), AT, None, {}))
    found = portfolio.since([account(one, cash="84")], "USD", day)
    assert found is not None
    assert (found[0].amount, found[0].percent, found[1]) == (Decimal("4.00"), Decimal("4.0"), day)
    assert portfolio.since([account(one, two)], "USD", day) is None
    assert portfolio.since([account(one)], "USD", date(2026, 11, 20)) is None


_AMOUNT = st.decimals(min_value=0, max_value=10**9, places=4)


@given(st.lists(st.tuples(st.sampled_from("ABCD"), _AMOUNT, _AMOUNT), min_size=1, max_size=8), _AMOUNT)
def test_the_whole_is_the_sum_of_its_parts(rows: list[tuple[str, Decimal, Decimal]], cash: Decimal) -> None:
    prices = {symbol: Price(price, AT, price) for symbol, _, price in rows}
    accounts = [
        account(Position(symbol, symbol, "fund", quantity, prices[symbol]), cash=str(cash))
        for symbol, quantity, _ in rows
    ]
    now = portfolio.standing(accounts, "USD")
    exact = sum((quantity * prices[symbol].amount for symbol, quantity, _ in rows), cash * len(rows))
    assert now.value == portfolio.cents(exact)
    assert abs(sum(one.value for one in now.allocation) - now.value) <= Decimal("0.02")
    assert abs(sum(one.percent for one in now.allocation) - (100 if exact else 0)) <= Decimal("0.2")
    assert now.day is not None
    assert now.day.amount == 0

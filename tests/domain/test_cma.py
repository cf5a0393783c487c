"""Comparable sales by declared rules, and the arithmetic of their adjustments."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.listings import cma
from domain.listings.cma import Adjust, Home, Rules
from domain.listings.home import Listing, Status

TODAY = date(2026, 11, 23)
HOME = Home("1100 Maple Ave", 3, 1600, 30.25, -97.73, "house", Decimal(2), 1965)
RULES, ADJUST = (
    Rules(),
    Adjust(foot=Decimal(150), bed=Decimal(10_000), bath=Decimal(8_000), year=Decimal(500)),
)


def sale(key: str = "S", miles: float = 0.3, **changes: Any) -> tuple[Listing, float]:
    facts: dict[str, Any] = {
        "status": Status.SOLD, "kind": "house", "beds": 3, "baths": Decimal(2), "size": 1600, "year": 1965,
        "sold_price": Decimal(450_000), "sold_on": date(2026, 10, 1), "address": f"{key} St",
    }  # fmt: skip
    return Listing(key, datetime(2026, 10, 1, tzinfo=UTC), **(facts | changes)), miles


@pytest.mark.parametrize(
    ("changes", "miles", "counts"),
    [
        ({}, 0.3, True),
        ({}, 1.0, True),
        ({}, 1.1, False),
        ({"sold_on": date(2026, 5, 20)}, 0.3, False),
        ({"sold_on": date(2026, 5, 30)}, 0.3, True),
        ({"sold_on": date(2026, 12, 1)}, 0.3, False),
        ({"sold_on": None}, 0.3, False),
        ({"sold_price": None}, 0.3, False),
        ({"size": 2000}, 0.3, True),
        ({"size": 2001}, 0.3, False),
        ({"size": 1200}, 0.3, True),
        ({"size": 1199}, 0.3, False),
        ({"size": None}, 0.3, False),
        ({"beds": 4}, 0.3, True),
        ({"beds": 5}, 0.3, False),
        ({"kind": "condo"}, 0.3, False),
    ],
)
def test_what_counts_as_comparable(changes: dict[str, Any], miles: float, counts: bool) -> None:
    rules = Rules(least=1)
    found = cma.analyse(HOME, [sale(miles=miles, **changes)], rules, ADJUST, TODAY)
    assert bool(found.comparables) is counts


@pytest.mark.parametrize(
    ("changes", "adjusted"),
    [
        ({}, 450_000),
        ({"size": 1500}, 465_000),
        ({"size": 1700}, 435_000),
        ({"beds": 4}, 440_000),
        ({"baths": Decimal("2.5")}, 446_000),
        ({"baths": None}, 450_000),
        ({"year": 1955}, 455_000),
        ({"size": 1500, "beds": 4, "year": 1985}, 445_000),
    ],
)
def test_each_adjustment_is_of_the_difference(changes: dict[str, Any], adjusted: int) -> None:
    (one,) = cma.analyse(HOME, [sale(**changes)], Rules(least=1), ADJUST, TODAY).comparables
    assert one.adjusted == adjusted
    assert one.adjusted - (one.sale.sold_price or 0) == sum(each.amount for each in one.adjustments)


def test_fewer_than_three_say_nothing() -> None:
    two = cma.analyse(HOME, [sale("A"), sale("B")], RULES, ADJUST, TODAY)
    assert (len(two.comparables), two.low, two.middle, two.high) == (2, None, None, None)
    prices = [Decimal(p) for p in (440_000, 450_400, 470_000)]
    three = cma.analyse(HOME, [sale(str(p), sold_price=p) for p in prices], RULES, ADJUST, TODAY)
    assert (three.low, three.middle, three.high) == (440_000, 450_000, 470_000)


def test_the_most_alike_are_taken() -> None:
    sales = [sale(f"far{n}", 0.9, size=1900) for n in range(6)] + [sale(f"near{n}", 0.1) for n in range(5)]
    found = cma.analyse(HOME, sales, RULES, ADJUST, TODAY)
    assert sorted(one.sale.key for one in found.comparables) == [f"near{n}" for n in range(5)]


_SALES = st.lists(
    st.builds(
        lambda n, size, beds, price, miles: sale(str(n), miles, size=size, beds=beds, sold_price=Decimal(price)),
        st.integers(0, 99), st.integers(1, 6000), st.integers(0, 9), st.integers(1, 9_000_000), st.floats(0, 3),
    ),
    max_size=12,
)  # fmt: skip


@given(_SALES)
def test_the_middle_lies_between_and_order_does_not_matter(sales: list[tuple[Listing, float]]) -> None:
    unique = list({one[0].key: one for one in sales}.values())
    found = cma.analyse(HOME, unique, RULES, ADJUST, TODAY)
    assert found == cma.analyse(HOME, unique[::-1], RULES, ADJUST, TODAY)
    if found.middle is not None and found.low is not None and found.high is not None:
        assert found.low <= found.middle <= found.high

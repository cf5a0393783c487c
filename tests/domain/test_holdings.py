"""Files of holdings and prices: every row is taken or told why not, and no account comes in by half."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import advice, holdings
from domain.holdings import COLUMNS, PRICE_COLUMNS

DEMO = Path(__file__).parents[2] / "demos" / "advisor"
HEAD = ",".join(COLUMNS)
GOOD = "+15125550100,+15125550141,A1,Brokerage,USD,VTI,Total Market,fund,10.5"


def table(*rows: str) -> str:
    return "\n".join([HEAD, *rows]) + "\n"


def test_the_demo_is_taken_whole() -> None:
    found, bad = holdings.accounts((DEMO / "holdings.csv").read_text())
    assert bad == []
    assert [(one.number, one.cash, len(one.held), one.rows) for one in found] == [
        ("LW-20014821", Decimal("4200.50"), 3, 4),
        ("LW-30050077", Decimal("815.07"), 2, 3),
        ("LW-20017733", Decimal(150000), 1, 2),
        ("LW-20019955", Decimal("52.19"), 0, 1),
    ]
    closes, bad = holdings.closes((DEMO / "prices.csv").read_text())
    assert (len(closes), bad) == (260, [])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (GOOD.replace("10.5", "1,000"), "has 10 values"),
        (GOOD.replace("10.5", "-3"), "quantity '-3' must be not less than zero"),
        (GOOD.replace("10.5", "NaN"), "quantity 'NaN' must be a number"),
        (GOOD.replace("10.5", "1e9"), "quantity '1e9' must be a number"),
        (GOOD.replace("10.5", "٣"), "quantity '٣' must be a number"),
        (GOOD.replace("10.5", ""), "quantity '' must be a number"),
        (GOOD.replace("VTI", "V T I"), "symbol 'V T I' must be a symbol"),
        (GOOD.replace("VTI", "=1+1"), "symbol '=1+1' must be a symbol"),
        (GOOD.replace("fund", "house"), "kind 'house' must be one of stock"),
        (GOOD.replace("USD", "$"), "currency '$' must be three letters"),
        (GOOD.replace("+15125550100", "Ann"), "client 'Ann' must be a telephone number"),
        (GOOD.replace("+15125550141", "5550141"), "code_to '5550141' must be a telephone number"),
        (GOOD.replace("A1", ""), "account is empty"),
    ],
)
def test_a_bad_row_is_told_and_its_account_held_back(row: str, says: str) -> None:
    other = GOOD.replace("A1", "B2")
    found, bad = holdings.accounts(table(GOOD.replace("VTI", "BND"), row, other))
    told = {one.line: one.why for one in bad}
    assert says in told[3]
    if 2 in told:
        assert told[2] == "held back: line 3 of the same account is wrong"
    whole = [] if 2 in told else ["A1"]
    assert [one.number for one in found] == [*whole, "B2"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ((GOOD, GOOD), [2, 3]),
        ((GOOD, GOOD.replace("VTI", "BND").replace("+15125550100", "+15125550109")), [2, 3]),
        ((GOOD, GOOD.replace("VTI", "BND").replace("USD", "EUR")), [2, 3]),
        ((GOOD, GOOD.replace("VTI", "BND").replace("+15125550141", "+15125550142")), [2, 3]),
    ],
)
def test_rows_that_contradict_each_other_are_told(rows: tuple[str, ...], lines: list[int]) -> None:
    found, bad = holdings.accounts(table(*rows))
    assert (found, [one.line for one in bad]) == ([], lines)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", HEAD + '\n"open', "\0"])
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        holdings.accounts(text)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("VTI,USD,2026-11-31,1", "day '2026-11-31' must be a day"),
        ("VTI,USD,2026-11-20,-1", "not less than zero"),
        ("VTI,USD,2026-11-19,2", "has a close for 2026-11-19 already"),
    ],
)
def test_a_bad_price_is_told(row: str, says: str) -> None:
    found, bad = holdings.closes("\n".join([",".join(PRICE_COLUMNS), "VTI,USD,2026-11-19,1", row]))
    assert (len(found), len(bad)) == (1, 1)
    assert says in bad[0].why


_CELLS = st.sampled_from(["+15125550100", "A1", "USD", "VTI", "CASH", "fund", "1", "", "x", "-1"])


@given(st.lists(st.lists(_CELLS, min_size=9, max_size=9), max_size=12))
def test_no_row_is_lost(rows: list[list[str]]) -> None:
    rows = [one for one in rows if any(one)]
    found, bad = holdings.accounts(table(*(",".join(row) for row in rows)))
    assert sum(one.rows for one in found) + len(bad) == len(rows)


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("You should sell your shares now.", True),
        ("I'd buy some.", True),
        ("We recommend that you buy the dip.", True),
        ("It is a good time to buy bonds.", True),
        ("The market will go up.", True),
        ("A guaranteed return of 8%.", True),
        ("Le recomiendo comprar bonos.", True),
        ("La bolsa va a subir.", True),
        ("Your portfolio is worth $109,936.30, up $7.98 on the day.", False),
        ("I cannot give investment advice; a person at Lakeline Wealth will write to you here.", False),
        ("No position is 25% of the whole or more; the largest is VTI with 20%.", False),
        ("You hold VTI $60,139.20 (54.7%) and 3 more.", False),
        ("Transfers take two to three business days.", False),
    ],
)
def test_advice_is_caught(text: str, caught: bool) -> None:
    assert advice.gives(text) is caught

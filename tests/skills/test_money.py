"""What a message wants of money, what a code is bound to, and both sides of the books."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Bank, BankState, Intent, Kind, MoneySettings, entries
from skills.money import opening, trade, wish

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
BANKS = [
    Bank(uuid4(), uuid4(), "First Platypus Bank", "1234", "checking", BankState.READY),
    Bank(uuid4(), uuid4(), "Tattersall Federal", "0000", "savings", BankState.READY),
]


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("I want to withdraw $500", "transfer"), ("transfer 10k from my bank to my account", "transfer"),
        ("send 500 dollars to my bank", "transfer"), ("can you wire 20k to my checking account", "transfer"),
        ("deposit 250", "transfer"), ("move $1,000 out", "transfer"), ("quiero retirar 500 dólares", "transfer"),
        ("envíe 300 dólares a mi banco", "transfer"), ("sacar dinero", "transfer"), ("cash out please 💸", "transfer"),
        ("transfer me to a person", None), ("transfer my call", None), ("send me an email", None),
        ("send me the brochure", None), ("move my appointment to 3", None), ("how do I withdraw money?", None),
        ("what is a wire?", None), ("how long does a transfer take", None), ("¿cómo retiro dinero?", None),
        ("what's my balance", None), ("yes", None), ("", None), ("500", None),
        ("link my bank", "link"), ("can I connect my bank account?", "link"), ("vincular mi banco", "link"),
        ("remove my bank", "unlink"), ("quitar mi banco", "unlink"), ("which banks are linked?", "banks"),
        ("what is the status of my transfer?", "status"), ("where is my money", "status"), ("mis transferencias", "status"),
        ("cancel my transfer", "cancel"), ("please stop the withdrawal", "cancel"), ("cancelar la transferencia", "cancel"),
        ("cancel my appointment", None),
    ],
)  # fmt: skip
def test_what_is_wanted(text: str, goal: str | None) -> None:
    assert wish.goal(text) == goal


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("withdraw 500", "out"), ("deposit 500", "in"), ("transfer 500", ""), ("from my bank to my brokerage", "in"),
        ("from my brokerage to my bank", "out"), ("500 to my checking", "out"), ("add 500 dollars", "in"),
        ("a mi banco", "out"), ("desde mi banco", "in"), ("withdraw or deposit", ""), ("out", "out"), ("in", "in"),
    ],
)  # fmt: skip
def test_in_or_out(text: str, direction: str) -> None:
    assert wish.direction(text) == direction


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("withdraw $500", ["500"]), ("withdraw 5000", ["5000"]), ("10k please", ["10000"]), ("$1,234.56", ["1234.56"]),
        ("500 or 600", ["500", "600"]), ("500, yes 500", ["500"]), ("withdraw 300 to my bank ending in 1234", ["300"]),
        ("1234", []), ("$1234", ["1234"]), ("1234 dollars", ["1234"]), ("-500", []), ("minus $5", []),
        ("between 100 and 200 dollars", []),
        ("withdraw everything", []), ("", []), ("quinientos", ["500"]), ("500 euros", ["500"]),
    ],
)  # fmt: skip
def test_how_much(text: str, amounts: list[str]) -> None:
    assert [str(one.amount) for one in wish.amounts(text, NOW, ["1234"])] == amounts


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("yes", True), ("Yes.", True), ("YES!!", True), ("yes please", True), ("I confirm", True), ("sí, confirmo", True),
        ("Sí", True), ("confirmo", True), ("yes, go ahead", True), ("yes\nyes", True), ("go ahead 🙂", True),
        ("👍", False), ("ok", False), ("sure", False), ("yes but 400", False), ("yes?", True), ("not yes", False),
        ("yes and no", False), ("no", False), ("", False), ("\n", False), ("yes, to the other question", False),
        ("he said yes", False), ("yes\nno", False), ("c", False), ("great, thanks", False),
    ],
)  # fmt: skip
def test_a_yes_in_so_many_words(text: str, yes: bool) -> None:
    assert wish.says_yes(text) is yes


@pytest.mark.parametrize(
    ("text", "mask"),
    [("to 1234", "1234"), ("the platypus one", "1234"), ("savings", "0000"), ("Tattersall", "0000"), ("my bank", None),
     ("1234 or 0000", None), ("", None)],
)  # fmt: skip
def test_which_bank(text: str, mask: str | None) -> None:
    found = wish.bank(text, BANKS)
    assert (found.mask if found else None) == mask


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("buy 10 shares of AAPL", True), ("sell 5 AAPL", True), ("vender 3 acciones de VTI", True), ("buy AAPL", True),
        ("should I buy AAPL?", False), ("is it smart to sell VTI", False), ("buy", False), ("I want to buy a house", False),
        ("what should I sell", False), ("¿debería vender AAPL?", False), ("how much is AAPL", False),
    ],
)  # fmt: skip
def test_what_orders_a_trade(text: str, wants: bool) -> None:
    assert trade.wants(text) is wants


@pytest.mark.parametrize(
    ("text", "wants"),
    [("I'd like to open a brokerage account", True), ("open an account", True), ("quiero abrir una cuenta", True),
     ("how do I open an account?", False), ("are you open?", False), ("open on sunday", False)],
)  # fmt: skip
def test_what_applies_for_an_account(text: str, wants: bool) -> None:
    assert opening.wants(text) is wants


_intents = st.builds(
    Intent, st.just(Kind.TRANSFER), st.uuids(), st.uuids(), st.uuids(),
    st.decimals("0.01", "99999", places=2), st.decimals("0", "99", places=2), st.uuids(), st.sampled_from(["in", "out"]),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)  # fmt: skip


@given(_intents, st.data())
def test_another_of_anything_is_another_digest(intent: Intent, data: st.DataObject) -> None:
    name = data.draw(
        st.sampled_from(["run_id", "contact_id", "account_id", "amount", "fee", "bank_id", "direction"])
    )
    other = {
        "amount": intent.amount + Decimal("0.01"),
        "fee": intent.fee + 1,
        "direction": "in" if intent.direction == "out" else "out",
    }
    assert replace(intent, **{name: other.get(name, uuid4())}).digest != intent.digest
    assert replace(intent).digest == intent.digest


@given(st.sampled_from(["in", "out"]), st.decimals("0.01", "99999", places=2), st.sampled_from([0, 1, 2, 3]))
def test_the_books_of_any_life_sum_to_nothing(direction: str, amount: Decimal, life: int) -> None:
    events = (
        ["sent"],
        ["sent", "completed"],
        ["sent", "reversed_sent"],
        ["sent", "completed", "reversed_completed"],
    )[life]
    sums: dict[str, Decimal] = {}
    for event in events:
        both = entries(direction, amount, event)
        assert sum(part for _, part in both) == 0
        for account, part in both:
            sums[account] = sums.get(account, Decimal(0)) + part
    if life >= 2:
        assert set(sums.values()) == {0}
    if life == 1:
        assert sums == {"bank": amount if direction == "out" else -amount, "transit": 0,
                        "brokerage": -amount if direction == "out" else amount}  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "kind", "needs"),
    [("100", Kind.TRANSFER, 0), ("100.01", Kind.TRANSFER, 1), ("1000.01", Kind.TRANSFER, 2), ("1", Kind.ORDER, 1),
     ("5000", Kind.ORDER, 2), ("0", Kind.ACCOUNT, 1)],
)  # fmt: skip
def test_how_many_approve(amount: str, kind: Kind, needs: int) -> None:
    settings = MoneySettings.model_validate({"approve_above": 100, "two_above": 1000})
    assert settings.needs(kind, Decimal(amount)) == needs


def test_two_people_approve_more_than_one_does() -> None:
    with pytest.raises(ValueError, match="two_above is less"):
        MoneySettings.model_validate({"approve_above": 100, "two_above": 10})

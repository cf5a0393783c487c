"""What a message wants of a payment, in English and Spanish, by its own words."""

from decimal import Decimal

import pytest

from domain.payment import PaymentItem
from skills.payment import wish

ITEMS = [
    PaymentItem(
        name="consultation", label={"es": "consulta"}, amount=Decimal(150), synonyms=("first meeting",)
    ),
    PaymentItem(name="long consultation", label={}, amount=Decimal(300), when="paying"),
    PaymentItem(name="deposit", label={}, amount=Decimal(50), when="person"),
]


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("I'd like a consultation", "pay"),
        ("hi, I need a first meeting please 🙏", "pay"),
        ("can I pay online?", "pay"),
        ("how can I pay for the consultation?", "pay"),
        ("send me the payment link please", "pay"),
        ("can you resend the payment link", "pay"),
        ("payment link expired", "pay"),
        ("quiero pagar la consulta", "pay"),
        ("mándame el enlace de pago", "pay"),
        ("necesito una consulta", "pay"),
        ("I want to pay for the long consultation", "pay"),
        ("did my payment go through?", "status"),
        ("have you received my payment", "status"),
        ("I already paid", "status"),
        ("I paid yesterday, did you get it", "status"),
        ("ya pagué", "status"),
        ("¿recibieron mi pago?", "status"),
        ("I want a refund", "refund"),
        ("refund me please", "refund"),
        ("quiero que me devuelvan mi dinero", "refund"),
        ("cancel the payment", "cancel"),
        ("I don't want to pay anymore", "cancel"),
        ("cancela el pago", "cancel"),
        ("ya no quiero pagar", "cancel"),
        ("how much is a consultation?", None),
        ("what's your refund policy?", None),
        ("is the consultation refundable?", None),
        ("can i pay with apple pay", None),
        ("I'd like to pay with cash", None),
        ("quiero pagar con tarjeta", None),
        ("do you take delta dental?", None),
        ("i need to pay my bill", None),
        ("I want a long consultation", None),
        ("can I have a deposit", None),
        ("cancel my appointment", None),
        ("never mind", None),
        ("hello", None),
        ("😀" * 400, None),
        ("consultation " * 2000 + "I want", None),
    ],
)
def test_which_goal(text: str, goal: str | None) -> None:
    assert wish.goal(text, ITEMS) == goal


def test_what_is_booked_here_is_booked() -> None:
    assert wish.goal("I'd like a consultation on Friday", ITEMS, ["cleaning"]) == "pay"
    assert wish.goal("I'd like a consultation on Friday", ITEMS, ["Consultation"]) is None
    assert wish.goal("I'd like to pay for the consultation", ITEMS, ["Consultation"]) == "pay"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the consultations", "consultation"),
        ("una CONSULTA", "consultation"),
        ("first-meeting", "consultation"),
        ("a long consultation", "long consultation"),
        ("the deposit", "deposit"),
        ("consultationary", None),
        ("", None),
    ],
)
def test_which_item(text: str, name: str | None) -> None:
    found = wish.item(text, ITEMS)
    assert (found.name if found else None) == name

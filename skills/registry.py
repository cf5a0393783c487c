"""Every skill by its name: one line to add one. A workspace has those that its file names under `skills`."""

from domain.actions import RasaSettings
from domain.booking import BookingSettings
from domain.callback import CallbackSettings
from domain.listings.cma import HomeValueSettings
from domain.listings.search import PropertySearchSettings
from domain.money import CompanySettings, MoneySettings
from domain.payment import PaymentSettings
from domain.portfolio import PortfolioSettings
from domain.ports import Actions, Calendar, Calls, Homes, Identities, Moneys, Payments
from domain.ports import Portfolio as PortfolioSource
from domain.qualification import QualificationSettings
from domain.skill import Skill
from domain.workspace import Model
from skills.booking import Booking
from skills.callback import CallBack
from skills.company import Company
from skills.home_value import HomeValue
from skills.money import MoneyMoves
from skills.payment import Payment
from skills.portfolio import Portfolio
from skills.property_search import PropertySearch
from skills.qualification import Qualification
from skills.rasa import Rasa

SETTINGS: dict[str, type[Model]] = {
    "booking": BookingSettings,
    "qualification": QualificationSettings,
    "portfolio": PortfolioSettings,
    "money": MoneySettings,
    "payment": PaymentSettings,
    "company": CompanySettings,
    "property_search": PropertySearchSettings,
    "home_value": HomeValueSettings,
    "rasa": RasaSettings,
    "callback": CallbackSettings,
}
"""The shape of each skill's settings in the workspace's file."""


def open_skills(
    calendar: Calendar,
    portfolio: PortfolioSource,
    identities: Identities,
    moneys: Moneys,
    homes: Homes,
    actions: Actions,
    calls: Calls,
    payments: Payments,
) -> dict[str, Skill]:
    """Each made with the ports by which it reads the world. Where two could begin, the one named first does."""
    known: tuple[Skill, ...] = (
        CallBack(calls), Payment(payments),
        Booking(calendar), Portfolio(portfolio, identities), MoneyMoves(moneys, identities), Company(moneys),
        HomeValue(homes), PropertySearch(homes), Rasa(actions, identities), Qualification(),
    )  # fmt: skip
    return {skill.name: skill for skill in known}

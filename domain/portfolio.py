"""Portfolios: accounts, what is in them, and what that is worth. Decimals only; prices are told apart from what is
made of them. No clock, no advice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from domain.workspace import SkillSettings

CENT, TENTH = Decimal("0.01"), Decimal("0.1")


class PortfolioSettings(SkillSettings):
    """`skills.portfolio` of a workspace."""

    begin: tuple[str, ...] = ("ask_portfolio",)
    """Intents that begin it, beside its own words (portfolio, balance, holdings…)."""
    concentrated: Annotated[Decimal, Field(gt=0, le=100)] = Decimal(25)
    """A position of this per cent of the whole, or more, is named as a large part. A fact, not an opinion."""
    stale_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 96
    """Prices older than this are said to be old."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of one unit, in the account's currency. `previous`: the close of the trading day before."""

    amount: Decimal
    at: datetime
    previous: Decimal | None = None
    past: Mapping[date, Decimal] | None = None
    """Earlier closes, by day."""


@dataclass(frozen=True, slots=True)
class Position:
    symbol: str
    name: str
    kind: str
    """stock, bond, fund, crypto or other."""
    quantity: Decimal
    price: Price | None = None

    @property
    def value(self) -> Decimal | None:
        return None if self.price is None else self.quantity * self.price.amount


@dataclass(frozen=True, slots=True)
class Account:
    """`mask`: the last characters of its number, the only ones that are ever shown."""

    id: UUID
    name: str
    mask: str
    currency: str
    cash: Decimal
    positions: tuple[Position, ...] = ()
    source: str = "csv"
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    amount: Decimal
    percent: Decimal | None
    """None where there was nothing before."""


@dataclass(frozen=True, slots=True)
class Share:
    name: str
    value: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """All accounts of one currency together."""

    currency: str
    value: Decimal
    cash: Decimal
    day: Change | None
    """None when not every position has a price of the day before."""
    allocation: tuple[Share, ...]
    """By kind, the largest first; with `cash`, they are the whole."""
    positions: tuple[tuple[Position, Share], ...]
    """The largest first; a symbol in several accounts is one."""
    unpriced: tuple[str, ...]
    """Symbols without a price: not in the value, and named."""
    oldest: datetime | None
    """The oldest of the prices that the value is made of."""


def standing(accounts: Sequence[Account], currency: str) -> Standing:
    """What the accounts of this currency are worth together."""
    chosen = [one for one in accounts if one.currency == currency]
    merged = _merged(one for account in chosen for one in account.positions)
    priced = [(one, one.value) for one in merged if one.value is not None]
    cash = sum((one.cash for one in chosen), Decimal(0))
    total = cash + sum((value for _, value in priced), Decimal(0))
    kinds: dict[str, Decimal] = {"cash": cash} if cash else {}
    for one, value in priced:
        kinds[one.kind] = kinds.get(one.kind, Decimal(0)) + value
    by_size = sorted(priced, key=lambda pair: (-pair[1], pair[0].symbol))
    return Standing(
        currency,
        cents(total),
        cents(cash),
        _day(merged, cash),
        tuple(
            Share(kind, cents(value), percent(value, total))
            for kind, value in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        tuple((one, Share(one.symbol, cents(value), percent(value, total))) for one, value in by_size),
        tuple(one.symbol for one in merged if one.price is None),
        min((one.price.at for one in merged if one.price), default=None),
    )


def since(accounts: Sequence[Account], currency: str, day: date) -> tuple[Change, date] | None:
    """What is held now, compared with what the same was worth then: at the last close on or before `day` that every
    position has, not more than a week earlier. None when there is no such day. Trades and deposits do not count."""
    chosen = [one for one in accounts if one.currency == currency]
    held = [
        (one, one.price)
        for one in _merged(p for account in chosen for p in account.positions)
        if one.quantity
    ]
    priced = [(one.quantity, price.amount, price.past or {}) for one, price in held if price is not None]
    if not priced or len(priced) < len(held):
        return None
    days = set.intersection(*(set(past) for _, _, past in priced))
    found = max((one for one in days if one <= day and (day - one).days <= 7), default=None)
    if found is None:
        return None
    cash = sum((one.cash for one in chosen), Decimal(0))
    now = cash + sum(quantity * amount for quantity, amount, _ in priced)
    then = cash + sum(quantity * past[found] for quantity, _, past in priced)
    return _change(now, then), found


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_EVEN)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    return Decimal(0) if not whole else (part / whole * 100).quantize(TENTH, ROUND_HALF_EVEN)


def day_change(position: Position) -> Change | None:
    price = position.price
    if price is None or price.previous is None:
        return None
    return _change(position.quantity * price.amount, position.quantity * price.previous)


def _day(positions: Sequence[Position], cash: Decimal) -> Change | None:
    pairs = [
        (one.quantity * one.price.amount, one.quantity * one.price.previous)
        for one in positions
        if one.price is not None and one.price.previous is not None
    ]
    if not pairs or len(pairs) < len(positions):
        return None
    return _change(cash + sum(now for now, _ in pairs), cash + sum(then for _, then in pairs))


def _change(now: Decimal, then: Decimal) -> Change:
    return Change(cents(now - then), percent(now - then, abs(then)) if then else None)


def _merged(positions: Iterable[Position]) -> list[Position]:
    found: dict[str, Position] = {}
    for one in positions:
        before = found.get(one.symbol)
        quantity = one.quantity + (before.quantity if before else Decimal(0))
        found[one.symbol] = Position(one.symbol, one.name, one.kind, quantity, one.price)
    return list(found.values())


def as_json(change: Change, currency: str) -> dict[str, Any]:
    """As the templates show it."""
    return {
        "amount": str(abs(change.amount)),
        "currency": currency,
        "up": change.amount > 0,
        "flat": change.amount == 0,
        "percent": str(abs(change.percent)) if change.percent else None,
    }

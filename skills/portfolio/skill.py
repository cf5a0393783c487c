"""The portfolio skill: one question, one answer in plain words, as long as the channel is patient."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain import portfolio
from domain.portfolio import Account, PortfolioSettings, Standing
from domain.ports import Identities
from domain.ports import Portfolio as Source
from domain.skill import Heard, Risk, Run, RunState, Said, Skill, Step
from skills.portfolio import question
from skills.portfolio.question import Question

SHORT, LONG = 3, 10
"""How many positions are named, by text message and elsewhere; the rest is counted."""
_TERSE = frozenset({"twilio_sms", "twilio_voice"})


class Portfolio(Skill):
    name = "portfolio"
    description = "Tells a client what they hold, what it is worth and how it has moved."
    risk = Risk.PORTFOLIO
    verification = 1
    goals = {}  # noqa: RUF012  (by its own words, and the intents that the workspace names)

    def __init__(self, source: Source, identities: Identities) -> None:
        self._source = source
        self.identities = identities

    def goal(self, intent: str, heard: Heard) -> str | None:
        if question.advice(heard.text):
            return None
        asked = intent in _settings(heard).begin or question.wants(heard.text)
        return "look_up" if asked else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        """Every answer ends its run."""
        return heard.command is not None

    async def step(self, run: Run, heard: Heard) -> Step:
        accounts = await self._source.accounts(heard.workspace_id, heard.contact_id)
        if not accounts:
            return Step(run.ended(RunState.DONE), (Said("portfolio_none"),), for_person="portfolio")
        asked = question.read(heard.text, accounts, heard.now.date())
        said = _told(asked, accounts, heard)
        return Step(run.ended(RunState.DONE, view=asked.view), said, sources=("portfolio",))

    async def resume(self, run: Run, heard: Heard) -> Step:
        return await self.step(run, heard)


def _settings(heard: Heard) -> PortfolioSettings:
    return PortfolioSettings.model_validate(heard.profile.skills["portfolio"])


def _told(asked: Question, accounts: Sequence[Account], heard: Heard) -> tuple[Said, ...]:
    """Each currency by itself: what is worth what in another is no fact of the account."""
    said: list[Said] = []
    for currency in dict.fromkeys(one.currency for one in accounts):
        now = portfolio.standing(accounts, currency)
        match asked.view:
            case "position":
                said += _position(asked.symbol, now)
            case "positions":
                said.append(_positions(now, heard))
            case "allocation":
                said.append(Said("portfolio_allocation", {"shares": _shares(now)}))
            case "concentration":
                said.append(_concentration(now, heard))
            case "period" if asked.since is not None:
                said.append(_period(accounts, now, asked.since))
            case _:
                said.append(_value(accounts, now, heard))
        if now.unpriced:
            said.append(Said("portfolio_unpriced", {"symbols": list(now.unpriced)}))
        if asked.view != "period" and now.oldest is not None:
            said.append(_as_of(now, heard))
    return tuple(said)


def _value(accounts: Sequence[Account], now: Standing, heard: Heard) -> Said:
    parts = [one for one in accounts if one.currency == now.currency]
    shown = [
        {
            "name": one.name,
            "mask": one.mask,
            "value": _money(portfolio.standing([one], now.currency).value, now),
        }
        for one in parts
    ]
    facts = {
        "value": _money(now.value, now),
        "day": _day(now),
        "accounts": shown if len(parts) > 1 and not _terse(heard) else [],
        "cash": _money(now.cash, now) if now.cash else None,
    }
    return Said("portfolio_value", facts)


def _position(symbol: str, now: Standing) -> list[Said]:
    found = next(((one, share) for one, share in now.positions if one.symbol == symbol), None)
    if found is None:
        return []
    one, share = found
    change = portfolio.day_change(one)
    facts = {
        "symbol": one.symbol, "name": one.name, "quantity": _plain(one.quantity), "value": _money(share.value, now),
        "percent": _plain(share.percent), "price": _money(one.price.amount if one.price else Decimal(0), now),
        "day": portfolio.as_json(change, now.currency) if change else None,
    }  # fmt: skip
    return [Said("portfolio_position", facts)]


def _positions(now: Standing, heard: Heard) -> Said:
    most = SHORT if _terse(heard) else LONG
    shown = [
        {"symbol": one.symbol, "value": _money(share.value, now), "percent": _plain(share.percent)}
        for one, share in now.positions[:most]
    ]
    facts = {"positions": shown, "more": len(now.positions) - len(shown)}
    return Said("portfolio_positions", facts | {"cash": _money(now.cash, now) if now.cash else None})


def _concentration(now: Standing, heard: Heard) -> Said:
    limit = _settings(heard).concentrated
    large = [
        {"symbol": one.symbol, "percent": _plain(share.percent)}
        for one, share in now.positions
        if share.percent >= limit
    ]
    first = now.positions[0] if now.positions else None
    top = {"symbol": first[0].symbol, "percent": _plain(first[1].percent)} if first else None
    return Said("portfolio_concentration", {"large": large, "top": top, "limit": _plain(limit)})


def _period(accounts: Sequence[Account], now: Standing, since: date) -> Said:
    found = portfolio.since(accounts, now.currency, since)
    if found is None:
        return Said("portfolio_no_past", {"value": _money(now.value, now)})
    change, day = found
    shown = portfolio.as_json(change, now.currency)
    return Said("portfolio_period", {"change": shown, "since": day, "value": _money(now.value, now)})


def _as_of(now: Standing, heard: Heard) -> Said:
    assert now.oldest is not None
    at = now.oldest.astimezone(ZoneInfo(heard.profile.workspace.timezone))
    old = heard.now - at > timedelta(hours=_settings(heard).stale_hours)
    return Said("portfolio_old" if old else "portfolio_as_of", {"at": at})


def _day(now: Standing) -> dict[str, Any] | None:
    return portfolio.as_json(now.day, now.currency) if now.day else None


def _shares(now: Standing) -> list[dict[str, str]]:
    return [{"kind": one.name, "percent": _plain(one.percent)} for one in now.allocation]


def _money(amount: Decimal, now: Standing) -> dict[str, str]:
    return {"amount": str(portfolio.cents(amount)), "currency": now.currency}


def _plain(number: Decimal) -> str:
    """Without trailing zeros, never in powers of ten."""
    shown = f"{number:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _terse(heard: Heard) -> bool:
    return heard.channel_kind in _TERSE

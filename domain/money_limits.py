"""What stands against moving money: limits, banks that are not ready or new, cash that is promised. Pure; no clock."""

from datetime import datetime
from decimal import Decimal

from domain.money import ON_ITS_WAY, BankState, Brokerage, Intent, Kind, MoneySettings, Standing


def objection(intent: Intent, settings: MoneySettings, standing: Standing, now: datetime) -> str:
    """What stands against it, as a code; "" for nothing. The same before it is read back and in the transaction that
    takes it."""
    if intent.kind is Kind.ACCOUNT:
        return _account_objection(settings, standing)
    known = next((one for one in standing.accounts if one.id == intent.account_id), None)
    if known is None:
        return "no_account"
    if intent.kind is Kind.ORDER:
        return _order_objection(intent, settings, standing, known)
    if intent.amount < settings.least:
        return "too_small"
    if intent.amount > settings.per_transfer:
        return "over_transfer"
    if standing.day + intent.amount > settings.per_day:
        return "over_day"
    if standing.business_day + intent.amount > settings.workspace_per_day:
        return "over_business"
    return _bank_objection(intent, settings, standing, now) or _cash_objection(intent, standing, known)


def _bank_objection(intent: Intent, settings: MoneySettings, standing: Standing, now: datetime) -> str:
    bank = next((one for one in standing.banks if one.id == intent.bank_id), None)
    if bank is None or bank.account_id != intent.account_id:
        return "no_bank"
    if bank.state is not BankState.READY or bank.ready_at is None:
        return "bank_not_ready"
    return "bank_new" if now < bank.ready_at + settings.cool_off else ""


def _cash_objection(intent: Intent, standing: Standing, account: Brokerage) -> str:
    return (
        "no_cash"
        if intent.direction == "out" and intent.amount + intent.fee > free_cash(standing, account)
        else ""
    )


def free_cash(standing: Standing, account: Brokerage) -> Decimal:
    """What is there and promised to nothing else."""
    promised = sum(
        (
            one.intent.amount + one.intent.fee
            for one in standing.asked
            if one.state in ON_ITS_WAY and one.intent.account_id == account.id
            and (one.intent.direction == "out" or one.intent.details.get("side") == "buy")
        ),
        Decimal(0),
    )  # fmt: skip
    return account.cash - promised


def _order_objection(intent: Intent, settings: MoneySettings, standing: Standing, account: Brokerage) -> str:
    if not settings.trade:
        return "not_offered"
    if intent.amount > settings.per_order:
        return "over_order"
    if intent.details["side"] == "buy":
        return "no_cash" if intent.amount > free_cash(standing, account) else ""
    promised = sum(
        Decimal(one.intent.details["quantity"])
        for one in standing.asked
        if one.state in ON_ITS_WAY and one.intent.kind is Kind.ORDER and one.intent.account_id == account.id
        and one.intent.details["side"] == "sell" and one.intent.details["symbol"] == intent.details["symbol"]
    )  # fmt: skip
    held = account.holdings.get(intent.details["symbol"], Decimal(0)) - promised
    return "not_held" if Decimal(intent.details["quantity"]) > held else ""


def _account_objection(settings: MoneySettings, standing: Standing) -> str:
    if not settings.open_accounts:
        return "not_offered"
    if any(one.intent.kind is Kind.ACCOUNT and one.state in ON_ITS_WAY for one in standing.asked):
        return "asked_already"
    return "has_account" if standing.accounts else ""

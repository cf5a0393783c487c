"""Money in or out: what is missing is asked for, the rest is read back."""

from collections.abc import Sequence
from decimal import Decimal

from domain.money import Bank, BankState, Brokerage, Intent, Kind, MoneySettings, Standing
from domain.skill import Heard, Run, RunState, Said, Step
from skills.money import confirm, wish


def concerns(run: Run, heard: Heard) -> bool:
    asked = run.memory.get("asked")
    if wish.amounts(heard.text, heard.now) and "?" not in heard.text:
        return True
    if asked in ("bank", "account", "direction") and not heard.intent.startswith("ask_"):
        return len(heard.text.split()) <= 8
    return bool(wish.direction(heard.text)) and "?" not in heard.text


def step(run: Run, heard: Heard, standing: Standing, settings: MoneySettings) -> Step:
    if not standing.accounts:
        return Step(run.ended(RunState.DONE), (Said("money_no_account"),), for_person="money")
    if not standing.banks:
        return Step(run.ended(RunState.DONE), (Said("money_no_banks"),))
    run = _told(run, heard, standing)
    account, bank = _account(run, standing.accounts), _bank(run, standing.banks)
    if bank is None:
        told = [{"bank": one.name or "?", "mask": one.mask} for one in standing.banks]
        return Step(run.recalling(asked="bank"), (Said("money_ask_bank", {"banks": told}),))
    if bank.account_id != account.id:
        account = next((one for one in standing.accounts if one.id == bank.account_id), account)
    if not run.slots.get("direction"):
        return Step(run.recalling(asked="direction"), (Said("money_ask_direction", {"mask": account.mask}),))
    said = wish.amounts(heard.text, heard.now, [one.mask for one in standing.banks])
    if any(one.currency != "USD" for one in said):
        return Step(run.recalling(asked="amount"), (Said("money_only_dollars"),))
    if "amount" not in run.slots or len(said) > 1:
        key = "money_which_amount" if len(said) > 1 else "money_ask_amount"
        return Step(run.recalling(asked="amount"), (Said(key, {"direction": run.slots["direction"]}),))
    amount, direction = Decimal(run.slots["amount"]), run.slots["direction"]
    details = {
        "bank": bank.name or "?",
        "mask": bank.mask,
        "account": account.name,
        "account_mask": account.mask,
    }
    intent = Intent(
        Kind.TRANSFER, run.id, heard.contact_id, account.id, amount,
        settings.fee_out if direction == "out" else settings.fee_in, bank.id, direction, details,
    )  # fmt: skip
    return confirm.step(run.recalling(asked="confirm"), heard, intent, standing, settings)


def _told(run: Run, heard: Heard, standing: Standing) -> Run:
    """What this message says, into the slots. A new sum takes the place of the old one."""
    if direction := wish.direction(heard.text):
        run = run.holding(direction=direction)
    elif run.memory.get("asked") == "direction" and heard.text:
        run = run.holding(direction=_bare(heard.text))
    said = wish.amounts(heard.text, heard.now, [one.mask for one in standing.banks])
    if (
        len(said) == 1
        and said[0].currency == "USD"
        and said[0].amount == said[0].amount.quantize(Decimal("0.01"))
    ):
        run = run.holding(amount=f"{said[0].amount:.2f}")
    if found := wish.bank(heard.text, standing.banks):
        run = run.holding(bank=str(found.id))
    if account := wish.account(heard.text, standing.accounts):
        run = run.holding(account=str(account.id))
    return run


def _bare(text: str) -> str:
    """The answer to "in or out?"."""
    words = set(text.casefold().replace(",", " ").split())
    if words & {"out", "withdraw", "bank", "banco", "retirar", "sacar", "fuera"}:
        return "out"
    return "in" if words & {"in", "deposit", "brokerage", "depositar", "ingresar", "dentro"} else ""


def _bank(run: Run, banks: Sequence[Bank]) -> Bank | None:
    chosen = next((one for one in banks if str(one.id) == run.slots.get("bank")), None)
    ready = [one for one in banks if one.state is BankState.READY]
    usable = ready or list(banks)
    return chosen or (usable[0] if len(usable) == 1 else None)


def _account(run: Run, accounts: Sequence[Brokerage]) -> Brokerage:
    return next((one for one in accounts if str(one.id) == run.slots.get("account")), accounts[0])

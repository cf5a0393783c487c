"""The money skill: which of its goals a message is about, and one step towards it."""

from uuid import uuid5

from domain.money import (
    Asked,
    Bank,
    BankState,
    CallOffMoney,
    DropBank,
    Intent,
    Kind,
    MoneySettings,
    Standing,
    State,
    WantBank,
    as_facts,
)
from domain.ports import Identities, Moneys
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step
from skills.money import confirm, opening, trade, transfer, wish

SHOWN = 3
"""Of what was asked for, the newest."""
_STOPPABLE = (State.APPROVAL, State.QUEUED)


class MoneyMoves(Skill):
    name = "money"
    description = "Links bank accounts, and moves money and trades after code, read-back, yes and approval."
    risk = Risk.MONEY
    verification = 1
    goals = {}  # noqa: RUF012  (by its own words alone: a model's reading moves no money)

    def __init__(self, moneys: Moneys, identities: Identities) -> None:
        self._moneys = moneys
        self.identities = identities

    def goal(self, intent: str, heard: Heard) -> str | None:
        settings = settings_of(heard)
        if found := wish.goal(heard.text):
            return found
        if settings.trade and trade.wants(heard.text):
            return "trade"
        return "open" if settings.open_accounts and opening.wants(heard.text) else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        if heard.affirms is not None or heard.command is not None:
            return True
        match run.goal:
            case "transfer":
                return transfer.concerns(run, heard)
            case "trade":
                return trade.concerns(run, heard)
            case "open":
                return opening.concerns(run, heard)
        return run.goal in ("cancel", "unlink") and bool(wish.amounts(heard.text, heard.now))

    async def step(self, run: Run, heard: Heard) -> Step:
        standing = await self._moneys.standing(heard.workspace_id, heard.contact_id)
        if _declined(run, heard):
            return Step(run.ended(RunState.CANCELLED), (Said("money_dropped"),))
        if heard.command is Command.BACK:
            run = confirm.emptied(run)
        match run.goal:
            case "transfer":
                return transfer.step(run, heard, standing, settings_of(heard))
            case "trade":
                return await trade.step(run, heard, standing, settings_of(heard), self._moneys)
            case "open":
                return opening.step(run, heard, standing, settings_of(heard))
            case "link":
                return _link(run, heard, standing)
            case "unlink":
                return _unlink(run, heard, standing)
            case "banks":
                return Step(run.ended(RunState.DONE), (_banks(standing),))
            case "cancel":
                return _call_off(run, heard, standing)
        return Step(run.ended(RunState.DONE), (_asked(standing),))

    async def resume(self, run: Run, heard: Heard) -> Step:
        return await self.step(run, confirm.quiet(heard))


def _declined(run: Run, heard: Heard) -> bool:
    """ "No" drops it; "no, make it $900" changes it."""
    asks = run.goal in ("transfer", "trade", "open", "cancel", "unlink")
    return heard.affirms is False and not heard.begins and asks and not wish.amounts(heard.text, heard.now)


def settings_of(heard: Heard) -> MoneySettings:
    return MoneySettings.model_validate(heard.profile.skills["money"])


def _link(run: Run, heard: Heard, standing: Standing) -> Step:
    """A page of Plaid's comes in a message of its own; numbers are never asked for here."""
    account = wish.account(heard.text, standing.accounts) or next(iter(standing.accounts), None)
    if account is None:
        return Step(run.ended(RunState.DONE), (Said("money_no_account"),), for_person="money")
    linked = next(
        (one for one in standing.banks if one.account_id == account.id and one.state is BankState.READY), None
    )
    if linked is not None:
        return Step(run.ended(RunState.DONE), (Said("money_linked_already", _bank(linked)),))
    effect = WantBank(uuid5(run.id, "bank"), heard.contact_id, account.id)
    return Step(run.ended(RunState.DONE), (Said("money_link_coming"),), (effect,))


def _unlink(run: Run, heard: Heard, standing: Standing) -> Step:
    known = next((one for one in standing.banks if str(one.id) == run.slots.get("bank")), None)
    mine = known or wish.bank(heard.text, standing.banks)
    if mine is None and len(standing.banks) == 1:
        mine = standing.banks[0]
    if mine is None:
        return Step(run.ended(RunState.DONE), (_banks(standing),))
    if heard.confirmed and wish.says_yes(heard.text) and known is not None:
        return Step(
            run.ended(RunState.DONE),
            (Said("money_unlinked", _bank(mine)),),
            (DropBank(mine.id, heard.contact_id),),
        )
    return Step(run.holding(bank=str(mine.id)), (Said("money_confirm_unlink", _bank(mine)),), asks_yes=True)


def _call_off(run: Run, heard: Heard, standing: Standing) -> Step:
    stoppable = [one for one in standing.asked if one.state in _STOPPABLE]
    if not stoppable:
        left = any(one.state in (State.SENDING, State.UNKNOWN, State.SENT) for one in standing.asked)
        said = Said("money_left_already" if left else "money_nothing_to_stop")
        return Step(run.ended(RunState.DONE), (said,), for_person="money" if left else "")
    known = next((one for one in stoppable if str(one.id) == run.slots.get("intent")), None)
    mine = _meant(heard, stoppable) or known
    if mine is None:
        return Step(run, (Said("money_which_to_stop", {"asked": [_told(one) for one in stoppable[:SHOWN]]}),))
    if heard.confirmed and wish.says_yes(heard.text) and known is mine:
        effect = CallOffMoney(mine.id, heard.contact_id)
        return Step(run.ended(RunState.DONE), (Said("money_stopped", _told(mine)),), (effect,))
    return Step(run.holding(intent=str(mine.id)), (Said("money_confirm_stop", _told(mine)),), asks_yes=True)


def _meant(heard: Heard, asked: list[Asked]) -> Asked | None:
    if len(asked) == 1:
        return asked[0]
    said = {one.amount for one in wish.amounts(heard.text, heard.now)}
    found = [one for one in asked if one.intent.amount in said]
    return found[0] if len(found) == 1 else None


def _banks(standing: Standing) -> Said:
    if not standing.banks:
        return Said("money_no_banks")
    return Said("money_banks", {"banks": [_bank(one) for one in standing.banks]})


def _asked(standing: Standing) -> Said:
    if not standing.asked:
        return Said("money_none_asked")
    return Said("money_asked", {"asked": [_told(one) for one in standing.asked[:SHOWN]]})


def _bank(bank: Bank) -> dict[str, str]:
    return {"bank": bank.name or "?", "mask": bank.mask, "type": bank.type, "state": str(bank.state)}


def _told(asked: Asked) -> dict[str, object]:
    intent: Intent = asked.intent
    bank = {"bank": "", "mask": ""} if intent.kind is not Kind.TRANSFER else {}
    return bank | as_facts(intent) | {"kind": str(intent.kind), "state": str(asked.state)}

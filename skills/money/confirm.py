"""The way that everything of money takes: against what stands in its way, proved by a code for exactly this, read back,
and confirmed in so many words."""

from dataclasses import replace
from typing import Any

from domain.money import Intent, MoneySettings, MoveMoney, Standing, as_facts
from domain.money_limits import objection
from domain.skill import Heard, Run, RunState, Said, Step
from skills.money import wish

_OTHER_AMOUNT = frozenset({"too_small", "over_transfer", "over_day", "no_cash", "over_order", "not_held"})
"""Another sum may do."""


def step(run: Run, heard: Heard, intent: Intent, standing: Standing, settings: MoneySettings) -> Step:
    """Read back what is asked for, or do it."""
    facts = _facts(intent, settings, standing)
    if why := objection(intent, settings, standing, heard.now):
        said = Said(f"money_{why}", facts)
        if why in _OTHER_AMOUNT:
            return Step(_without_amount(run), (said,))
        return Step(run.ended(RunState.DONE), (said,))
    read = run.memory.get("digest")
    run = run.recalling(digest=intent.digest)
    says = Said(f"money_code_{intent.kind}", facts)
    if heard.confirmed and read == intent.digest and wish.says_yes(heard.text):
        needs = settings.needs(intent.kind, intent.amount)
        effect = MoveMoney(intent, run.read_back, heard.now)
        done = Said("money_taken", facts | {"people": needs})
        return Step(
            run.ended(RunState.DONE, intent=str(intent.id)),
            (done,),
            (effect,),
            proof=intent.digest,
            proof_says=says,
        )
    said = Said(f"money_confirm_{intent.kind}", facts)
    return Step(run, (said,), asks_yes=True, proof=intent.digest, proof_says=says)


def quiet(heard: Heard) -> Heard:
    """As if nothing was said."""
    return replace(
        heard,
        text="",
        entities=(),
        told=frozenset(),
        affirms=None,
        confirmed=False,
        command=None,
        begins=False,
    )


def emptied(run: Run) -> Run:
    """One step back: from the read-back to how much."""
    return _without_amount(run)


def _without_amount(run: Run) -> Run:
    slots = {name: value for name, value in run.slots.items() if name not in ("amount", "quantity")}
    memory = {name: value for name, value in run.memory.items() if name != "digest"}
    return replace(run, slots=slots, memory=memory, read_back="")


def _facts(intent: Intent, settings: MoneySettings, standing: Standing) -> dict[str, Any]:
    account = next((one for one in standing.accounts if one.id == intent.account_id), None)
    limit = {
        "transfer": settings.per_transfer, "order": settings.per_order, "day": settings.per_day,
        "least": settings.least, "cash": account.cash if account else 0,
    }  # fmt: skip
    told = {name: {"amount": f"{amount:.2f}", "currency": "USD"} for name, amount in limit.items()}
    days = max(1, -(-settings.cool_off.total_seconds() // 86400))
    return as_facts(intent) | {"limits": told, "days": int(days)}

"""The payment skill: one open link for one thing, and what became of it. What it costs is the business's own; nothing that a
customer or a model says changes that."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.payment import (
    WAITS,
    AskPayment,
    CallOffPayment,
    Due,
    LookPayment,
    PaymentItem,
    PaymentSettings,
    State,
)
from domain.payment import Payment as Asked
from domain.ports import Payments
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step
from skills.payment import wish

FRESH = timedelta(hours=2)
"""So long a bare "never mind" is about the link that was sent last."""
PAGE = "/pay/"
"""In the address of every link to pay."""
PAID_LATELY = timedelta(days=7)
"""Who asks for the same within that time is told that it is paid."""
MOST = 5
"""Links that one customer may ask for in a day; then a person looks."""


class Payment(Skill):
    name = "payment"
    description = "Sends a link by which something is paid for at the business's own price."
    risk = Risk.REVERSIBLE
    goals = {}  # noqa: RUF012  (by its own words: a model's reading asks nobody for money)
    one_run = True

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def goal(self, intent: str, heard: Heard) -> str | None:
        said = heard.part or heard.text
        goal = wish.goal(said, settings_of(heard).items, _booked(heard))
        return goal or ("pay" if wish.again(said) and _sent_one(heard) else None)

    def calls_off(self, run: Run) -> bool:
        """Whether there is still something to call off, the step sees."""
        return False

    def holds(self, run: Run, heard: Heard) -> bool:
        """ "Cancel it", right after the link."""
        return run.goal == "pay" and heard.command is Command.CANCEL and _is_fresh(run, heard)

    def concerns(self, run: Run, heard: Heard) -> bool:
        if heard.command is not None:
            return heard.command is Command.CANCEL and _is_fresh(run, heard)
        asked = run.memory.get("asked") == "item"
        return asked and wish.item(heard.text, settings_of(heard).items) is not None

    async def step(self, run: Run, heard: Heard) -> Step:
        due = await self._payments.due(heard.workspace_id, heard.contact_id)
        goal = wish.goal(heard.text, settings_of(heard).items) or run.goal
        if heard.command is Command.CANCEL:
            goal = "cancel"
        match goal:
            case "refund":
                return Step(run.ended(RunState.DONE), (Said("payment_refund_person"),), for_person="payment")
            case "status":
                return _status(run, heard, due)
            case "cancel":
                return _call_off(run, heard, due)
        return _pay(run, heard, due)

    async def resume(self, run: Run, heard: Heard) -> Step:
        """The link stands where it was sent; it is said again when somebody asks for it."""
        if heard.command is not Command.REPEAT:
            return Step(run)
        due = await self._payments.due(heard.workspace_id, heard.contact_id)
        return _pay(run, heard, due)


def settings_of(heard: Heard) -> PaymentSettings:
    return PaymentSettings.model_validate(heard.profile.skills["payment"])


def _booked(heard: Heard) -> list[str]:
    known = heard.profile.skills.get("booking")
    return [str(one["name"]) for one in known.get("services", ())] if known else []


def _sent_one(heard: Heard) -> bool:
    return any(one.ours and PAGE in one.text for one in heard.past)


def _is_fresh(run: Run, heard: Heard) -> bool:
    return run.touched_at is None or heard.now - run.touched_at <= FRESH


def _pay(run: Run, heard: Heard, due: Due) -> Step:
    items = [one for one in settings_of(heard).items if one.on_request]
    waiting = [one for one in due.payments if one.state in WAITS]
    named = wish.item(heard.text, settings_of(heard).items)
    same = [one for one in waiting if named is None or one.item == named.name]
    if same and (named is not None or not wish.more(heard.text)):
        return _shown(run, heard, same[0], due)
    if (lost := _lost(due, named)) and (item := settings_of(heard).item(lost.item)):
        return _asking(run, heard, due, item, lost.appointment_id)
    if named is None and len(items) > 1:
        told = [{"item": one.called(heard.language), "amount": _price(one)} for one in items]
        return Step(run.recalling(asked="item"), (Said("payment_which", {"items": told}),), published=True)
    item = named if named is not None and named.on_request else items[0] if named is None and items else None
    if item is None:
        return Step(run.ended(RunState.DONE), (Said("payment_nothing_due"),))
    before = next((one for one in due.payments if one.item == item.name), None)
    if before is not None and not wish.more(heard.text) and (done := _done(run, heard, before)):
        return done
    return _asking(run, heard, due, item)


def _lost(due: Due, named: PaymentItem | None) -> Asked | None:
    """What was asked for last and came to nothing: "payment link" means that. What was booked must still stand."""
    last = next(iter(due.payments), None)
    if last is None or (named is not None and last.item != named.name):
        return None
    over = (State.EXPIRED,) if last.appointment_id else (State.EXPIRED, State.CANCELLING, State.CANCELLED)
    return last if last.state in over else None


def _asking(run: Run, heard: Heard, due: Due, item: PaymentItem, appointment_id: UUID | None = None) -> Step:
    facts = {"item": item.called(heard.language), "amount": _price(item)}
    lately = sum(heard.now - one.created_at < timedelta(days=1) for one in due.payments)
    if not due.ready or lately >= MOST:
        said = Said("payment_person_sends", facts)
        return Step(run.ended(RunState.DONE), (said,), for_person="payment", published=True)
    payment_id = uuid5(run.id, f"payment:{heard.seq}")
    effect = AskPayment(payment_id, heard.contact_id, item.name, item.amount, item.currency, appointment_id)
    run = run.holding(payment=str(payment_id)).recalling(asked="")
    return Step(run, (Said("payment_coming", facts),), (effect,), published=True)


def _shown(run: Run, heard: Heard, mine: Asked, due: Due) -> Step:
    """The one that is open, again: there is no second."""
    run = run.holding(payment=str(mine.id)).recalling(asked="")
    url = (due.links or {}).get(mine.id, "")
    if mine.state is State.PROCESSING:
        return Step(run.ended(RunState.DONE), (Said("payment_processing", _facts(mine)),), published=True)
    if not url:
        return Step(run, (Said("payment_coming", _facts(mine)),), published=True)
    return Step(run, (Said("payment_open", _facts(mine) | {"url": url}),), published=True)


def _done(run: Run, heard: Heard, mine: Asked) -> Step | None:
    """What was paid a moment ago is not asked for again."""
    if mine.state is State.MISMATCH:
        said = Said("payment_being_looked_at", _facts(mine))
        return Step(run.ended(RunState.DONE), (said,), for_person="payment", published=True)
    if mine.state is State.PAID and mine.paid_at and heard.now - mine.paid_at < PAID_LATELY:
        return Step(run.ended(RunState.DONE), (_paid(mine, heard),), published=True)
    return None


def _status(run: Run, heard: Heard, due: Due) -> Step:
    """From what is known here; who says that they have paid is believed as far as Stripe is asked at once."""
    ended = run.ended(RunState.DONE)
    mine = next((one for one in due.payments if one.state in WAITS), None) or next(iter(due.payments), None)
    if mine is None:
        return Step(ended, (Said("payment_not_seen"),), for_person="payment")
    match mine.state:
        case State.PAID:
            return Step(ended, (_paid(mine, heard),), published=True)
        case State.OPEN:
            url = (due.links or {}).get(mine.id, "")
            look = LookPayment(mine.id, heard.contact_id)
            return Step(
                ended, (Said("payment_not_yet", _facts(mine) | {"url": url}),), (look,), published=True
            )
        case State.ASKED:
            return Step(ended, (Said("payment_coming", _facts(mine)),), published=True)
        case State.PROCESSING | State.REFUNDED | State.EXPIRED | State.CANCELLED:
            return Step(ended, (Said(f"payment_{mine.state}", _facts(mine)),), published=True)
        case State.CANCELLING:
            return Step(ended, (Said("payment_cancelled", _facts(mine)),), published=True)
    return Step(ended, (Said("payment_being_looked_at", _facts(mine)),), for_person="payment", published=True)


def _call_off(run: Run, heard: Heard, due: Due) -> Step:
    ended = run.ended(RunState.CANCELLED)
    open_ = [one for one in due.payments if one.state in (State.ASKED, State.OPEN)]
    named = wish.item(heard.text, settings_of(heard).items)
    of_run = next((one for one in open_ if str(one.id) == run.slots.get("payment")), None)
    mine = next((one for one in open_ if named and one.item == named.name), of_run or next(iter(open_), None))
    if mine is not None:
        effect = CallOffPayment(mine.id, heard.contact_id)
        return Step(ended, (Said("payment_called_off", _facts(mine)),), (effect,), published=True)
    latest = next(iter(due.payments), None)
    if latest is not None and latest.state in (State.PAID, State.PROCESSING):
        said = Said("payment_too_late", _facts(latest))
        return Step(ended, (said,), for_person="payment", published=True)
    return Step(ended, (Said("payment_nothing_due"),))


def _paid(mine: Asked, heard: Heard) -> Said:
    at = mine.paid_at.astimezone(heard.now.tzinfo) if mine.paid_at else heard.now
    return Said("payment_paid", _facts(mine) | {"at": at})


def _facts(mine: Asked) -> dict[str, Any]:
    return {"item": mine.label, "amount": {"amount": str(mine.amount), "currency": mine.currency}}


def _price(item: PaymentItem) -> dict[str, str]:
    return {"amount": str(item.amount), "currency": item.currency}

"""What skills want done, done: each kind of effect by the one function that knows how, all in the caller's
transaction. Written down and read again when they wait for a person's yes."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from pydantic import TypeAdapter

from domain.actions import CallAction, DropReminders
from domain.booking import BookTime, CancelTime, ConfirmTime, HoldTime, LetGo, MoveTime
from domain.callback import ChangeCallback, DropCallback, WantCallback
from domain.identity import SendCode
from domain.listings.shortlist import KeepHome, LetHomeGo
from domain.money import CallOffMoney, DropBank, MoveMoney, WantBank
from domain.payment import AskPayment, CallOffPayment, LookPayment
from domain.rules.effects import Assign, CallWebhook, Fired, SetPriority, SetStatus, SetTag, Tell, WaitThen
from domain.skill import SaveRun, WorldEffect
from domain.waiting import DeclineOffer, JoinWaitlist, LeaveWaitlist, OfferTime
from store import (
    appointments,
    banks,
    callbacks,
    identities,
    money,
    payments,
    ruling,
    shortlists,
    skill_runs,
    timers,
    waiting,
    webhooks,
)
from store.db import Tx

REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class Where:
    """Which conversation it comes from."""

    conversation_id: UUID
    contact_id: UUID
    turn_id: UUID | None


async def _save_run(tx: Tx, effect: SaveRun, where: Where) -> None:
    await skill_runs.save(tx, where.conversation_id, where.contact_id, where.turn_id, effect.run)


async def _call_action(tx: Tx, effect: CallAction, where: Where) -> None:
    details: dict[str, Any] = {"key": effect.key}
    if effect.reminder is not None:
        await _drop_reminders(tx, DropReminders(effect.reminder), where)
        details |= {REMINDER: str(effect.reminder)}
    if effect.unless_they_write:
        details |= {"after": await ruling.newest_seq(tx, where.conversation_id)}
    timer_id = uuid5(effect.run_id, effect.key)
    await timers.set_(
        tx, timers.ACTION_CALLS, where.conversation_id, effect.at or tx.now, effect.run_id, details, timer_id
    )


async def _want_callback(tx: Tx, effect: WantCallback, where: Where) -> None:
    await callbacks.want(tx, effect, where.conversation_id)


async def _change_callback(tx: Tx, effect: ChangeCallback, where: Where) -> None:
    await callbacks.change(tx, effect)


async def _drop_callback(tx: Tx, effect: DropCallback, where: Where) -> None:
    await callbacks.drop(tx, effect)


async def _drop_reminders(tx: Tx, effect: DropReminders, where: Where) -> None:
    named = str(effect.reminder) if effect.reminder else None
    await timers.cancel_named(tx, timers.ACTION_CALLS, where.conversation_id, REMINDER, named)


async def _hold(tx: Tx, effect: HoldTime, where: Where) -> None:
    await appointments.hold(tx, effect)


async def _book(tx: Tx, effect: BookTime, where: Where) -> None:
    await appointments.book(tx, effect)
    await payments.for_booking(tx, effect.held.run_id, where.conversation_id)


async def _move(tx: Tx, effect: MoveTime, where: Where) -> None:
    await appointments.move(tx, effect)


async def _cancel(tx: Tx, effect: CancelTime, where: Where) -> None:
    await appointments.cancel(tx, effect)


async def _confirm(tx: Tx, effect: ConfirmTime, where: Where) -> None:
    await appointments.confirm(tx, effect)


async def _let_go(tx: Tx, effect: LetGo, where: Where) -> None:
    await appointments.let_go(tx, effect)


async def _status(tx: Tx, effect: SetStatus, where: Where) -> None:
    await ruling.set_status(tx, where.conversation_id, effect)


async def _tag(tx: Tx, effect: SetTag, where: Where) -> None:
    await ruling.tag(tx, where.conversation_id, effect)


async def _priority(tx: Tx, effect: SetPriority, where: Where) -> None:
    await ruling.set_priority(tx, where.conversation_id, effect)


async def _assign(tx: Tx, effect: Assign, where: Where) -> None:
    await ruling.assign(tx, where.conversation_id, effect)


async def _tell(tx: Tx, effect: Tell, where: Where) -> None:
    await ruling.tell(tx, where.conversation_id, effect)


async def _fired(tx: Tx, effect: Fired, where: Where) -> None:
    await ruling.fired(tx, where.conversation_id, where.contact_id, where.turn_id, effect)


async def _wait(tx: Tx, effect: WaitThen, where: Where) -> None:
    await ruling.wait(tx, where.conversation_id, effect)


async def _webhook(tx: Tx, effect: CallWebhook, where: Where) -> None:
    data = {
        "conversation_id": where.conversation_id,
        "contact_id": where.contact_id,
        "values": dict(effect.data),
    }
    await webhooks.call_url(tx, effect.url, effect.event, data, where.conversation_id)


async def _send_code(tx: Tx, effect: SendCode, where: Where) -> None:
    await identities.send(tx, effect, where.conversation_id)


async def _move_money(tx: Tx, effect: MoveMoney, where: Where) -> None:
    await money.move(tx, effect, where.conversation_id)


async def _call_off_money(tx: Tx, effect: CallOffMoney, where: Where) -> None:
    await money.call_off(tx, effect)


async def _ask_payment(tx: Tx, effect: AskPayment, where: Where) -> None:
    await payments.ask(tx, effect, where.conversation_id)


async def _look_payment(tx: Tx, effect: LookPayment, where: Where) -> None:
    await payments.look(tx, effect)


async def _call_off_payment(tx: Tx, effect: CallOffPayment, where: Where) -> None:
    await payments.call_off(tx, effect)


async def _want_bank(tx: Tx, effect: WantBank, where: Where) -> None:
    await banks.want(tx, effect, where.conversation_id)


async def _drop_bank(tx: Tx, effect: DropBank, where: Where) -> None:
    await banks.drop(tx, effect)


async def _keep_home(tx: Tx, effect: KeepHome, where: Where) -> None:
    await shortlists.keep(tx, effect)


async def _let_home_go(tx: Tx, effect: LetHomeGo, where: Where) -> None:
    await shortlists.drop(tx, effect)


async def _join_waitlist(tx: Tx, effect: JoinWaitlist, where: Where) -> None:
    await waiting.join(tx, effect)


async def _leave_waitlist(tx: Tx, effect: LeaveWaitlist, where: Where) -> None:
    await waiting.leave(tx, effect)


async def _offer_time(tx: Tx, effect: OfferTime, where: Where) -> None:
    await waiting.offer(tx, effect)


async def _decline_offer(tx: Tx, effect: DeclineOffer, where: Where) -> None:
    await waiting.decline(tx, effect)


DOERS: dict[type[WorldEffect], Callable[[Tx, Any, Where], Awaitable[None]]] = {
    SaveRun: _save_run, HoldTime: _hold, BookTime: _book, MoveTime: _move, CancelTime: _cancel, LetGo: _let_go,
    ConfirmTime: _confirm, JoinWaitlist: _join_waitlist, LeaveWaitlist: _leave_waitlist, OfferTime: _offer_time,
    DeclineOffer: _decline_offer,
    SetStatus: _status, SetTag: _tag, SetPriority: _priority, Assign: _assign, Tell: _tell, Fired: _fired,
    WaitThen: _wait, CallWebhook: _webhook, SendCode: _send_code,
    KeepHome: _keep_home, LetHomeGo: _let_home_go,
    WantCallback: _want_callback, ChangeCallback: _change_callback, DropCallback: _drop_callback,
    CallAction: _call_action, DropReminders: _drop_reminders,
    MoveMoney: _move_money, CallOffMoney: _call_off_money, WantBank: _want_bank, DropBank: _drop_bank,
    AskPayment: _ask_payment, LookPayment: _look_payment, CallOffPayment: _call_off_payment,
}  # fmt: skip
_BY_NAME = {kind.__name__: TypeAdapter(kind) for kind in DOERS}


async def apply(tx: Tx, effects: Sequence[WorldEffect], where: Where) -> None:
    """In order. Raise Overtaken when the world has moved on: then nothing of the transaction may stay."""
    for effect in effects:
        await DOERS[type(effect)](tx, effect, where)


def write(effects: Sequence[WorldEffect]) -> str:
    return json.dumps(
        [[type(one).__name__, _BY_NAME[type(one).__name__].dump_python(one, mode="json")] for one in effects]
    )


def read(written: str) -> list[WorldEffect]:
    return [_BY_NAME[name].validate_python(value) for name, value in json.loads(written)]

"""What customers are asked to pay: asked for once, shown, called off. What becomes of it at the provider is in
store/settling.py."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.payment import (
    WAITS,
    AskPayment,
    CallOffPayment,
    LookPayment,
    Payment,
    PaymentItem,
    PaymentSettings,
    State,
    of_appointment,
)
from domain.skill import Overtaken
from store import audit, contacts, conversations, notifications, payment_pages, timers, workspaces
from store.db import Tx, new_id

NEWS = "payment_news"
"""The timer by which a customer is told what became of their payment."""
SHOWN = timedelta(days=90)
_THEIRS = "contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
COLUMNS = (
    "id, contact_id, conversation_id, appointment_id, item, amount, currency, body, requested_by, state, session_id,"
    " intent_id, paid, paid_currency, refunded, reason, expires_at, paid_at, ended_at, version, created_at, started_at,"
    " key_n, attempts, account"
)
_ADD = text(
    "insert into payment (workspace_id, id, contact_id, conversation_id, appointment_id, item, amount, currency, account,"
    " body, requested_by, state, next_at) values (:w, :id, :contact, :conversation, :appointment, :item, :amount, :currency,"
    " :account, :body, :by, 'asked', frontdesk_now()) on conflict do nothing returning id"
)
_WAITING = text(
    f"select {COLUMNS} from payment where {_THEIRS} and item = :item and state = any(:states)"  # noqa: S608
    " and appointment_id is not distinct from :appointment order by created_at desc limit 1"
)
_OF_CONTACT = text(
    f"select {COLUMNS} from payment where {_THEIRS} and (state = any(:states) or created_at > frontdesk_now() - :shown)"  # noqa: S608
    " order by created_at desc, id desc limit 50"
)
_ONE = text(f"select {COLUMNS} from payment where id = :id")  # noqa: S608
_HOLD_TALK = text(
    "select c.id from conversation c join payment p on p.workspace_id = c.workspace_id and p.conversation_id = c.id"
    " where p.id = :id for no key update of c"
)
_HOLD = text(f"select {COLUMNS} from payment where id = :id for update")  # noqa: S608
_IS_THEIRS = text(f"select exists (select from payment where id = :id and {_THEIRS})")  # noqa: S608
_PAGE = text(
    f"select {COLUMNS} from payment where (cast(:state as text) is null or state = :state)"  # noqa: S608
    f" and (cast(:item as text) is null or item = :item) and (cast(:contact as uuid) is null or {_THEIRS})"
    " and (cast(:before_at as timestamptz) is null or (created_at, id) < (:before_at, :before_id))"
    " order by created_at desc, id desc limit :limit"
)
_CREATED = text("select created_at from payment where id = :id")
_BOOKED = text("select id, service, contact_id from appointment where run_id = :run and state = 'booked'")
_STANDS = text("select exists (select from appointment where id = :id and state = 'booked')")
_OF_APPOINTMENT = text(f"select {COLUMNS} from payment where appointment_id = :appointment for update")  # noqa: S608
_CALL_OFF = text(
    "update payment set state = case when started_at is null then 'cancelled' else 'cancelling' end, reason = :reason,"
    " ended_at = case when started_at is null then frontdesk_now() end, attempts = 0,"
    " next_at = case when started_at is not null then frontdesk_now() end, version = version + 1 where id = :id"
)
_LOOK = text(
    "update payment set next_at = frontdesk_now(), attempts = 0 where id = :id and session_id is not null"
)
_RECEIVED = text(
    "insert into payment_event (workspace_id, id, payment_id, kind) values (:w, :id, :payment, :kind)"
    " on conflict (workspace_id, id) do nothing returning id"
)


async def ask(tx: Tx, effect: AskPayment, conversation_id: UUID) -> None:
    """The customer wants to pay. While one for the same waits, that one is shown to them again. Raise Overtaken when it
    costs something else by now, or nothing."""
    settings = await settings_of(tx)
    item = settings.item(effect.item) if settings else None
    if settings is None or item is None or (item.amount, item.currency) != (effect.amount, effect.currency):
        raise Overtaken("the business has changed what it costs")
    if effect.appointment_id and not (await tx.execute(_STANDS, {"id": effect.appointment_id})).scalar_one():
        raise Overtaken("the appointment is no more")
    same = await _waiting(tx, effect.contact_id, item.name, effect.appointment_id)
    if same is not None and same.state is State.OPEN:
        return await tell(tx, same, conversation_id)
    new: dict[str, Any] = {
        "id": effect.id,
        "contact": effect.contact_id,
        "conversation": conversation_id,
        "by": "customer",
    }
    new |= {"appointment": effect.appointment_id}
    if same is None and await _add(tx, settings, item, new):
        await audit.add(tx, "contact", "payment_asked_for", "payment", effect.id)


async def for_booking(tx: Tx, run_id: UUID, conversation_id: UUID) -> None:
    """What was just booked by this run may cost something; once for each appointment."""
    settings = await settings_of(tx)
    row = (await tx.execute(_BOOKED, {"run": run_id})).first() if settings else None
    item = settings.for_service(row.service) if settings and row else None
    if settings is None or row is None or item is None:
        return
    payment_id = of_appointment(row.id, item.name)
    new = {"id": payment_id, "contact": row.contact_id, "conversation": conversation_id, "by": "appointment"}
    if await _add(tx, settings, item, new | {"appointment": row.id}):
        await audit.add(tx, "ai", "payment_asked_for", "payment", payment_id)


async def by_person(tx: Tx, contact_id: UUID, name: str, person_id: UUID, actor: str) -> Payment:
    """Somebody of the business asks a customer for it. Raise NotFound, Invalid, or Conflict when one waits already."""
    settings = await settings_of(tx)
    if settings is None:
        raise Conflict("this workspace asks for no payments: it has no skills.payment", code="no_payments")
    item = settings.item(name)
    if item is None:
        known = ", ".join(one.name for one in settings.items)
        raise Invalid(
            "it is nothing that costs money here", errors=[FieldError("/item", f"there are {known}")]
        )
    who = await contacts.get(tx, contact_id)
    if who is None:
        raise NotFound("there is no such contact here")
    home, payment_id = who.root_id or who.id, new_id()
    talk = await conversations.open_of(tx, home)
    new = {"id": payment_id, "contact": home, "conversation": talk, "by": f"person:{person_id}"}
    same = await _waiting(tx, home, item.name, None)
    if same is not None or not await _add(tx, settings, item, new):
        raise Conflict("they are asked for it already; that link is still good", code="payment_waits")
    await audit.add(tx, actor, "payment_asked_for", "payment", payment_id)
    return await get(tx, payment_id)


async def call_off(tx: Tx, effect: CallOffPayment) -> None:
    """By its customer; what is on its way or paid stays. Raise Overtaken when it is not theirs."""
    mine = await _of_theirs(tx, effect.payment_id, effect.contact_id)
    if mine.state in (State.ASKED, State.OPEN):
        await _call_off(tx, mine, "the_customer", "contact")


async def cancel(tx: Tx, payment_id: UUID, actor: str, *, version: int | None = None) -> Payment:
    """By a person. Raise NotFound, or Conflict when it is too late."""
    mine = await take(tx, payment_id)
    if version is not None and version != mine.version:
        raise Conflict("it has changed since you read it", code="stale_version")
    if mine.state not in (State.ASKED, State.OPEN):
        raise Conflict(
            f"it is {mine.state}; only what is open can be called off", code=f"payment_{mine.state}"
        )
    await _call_off(tx, mine, "a_person", actor)
    return await get(tx, payment_id)


async def appointment_gone(tx: Tx, appointment_id: UUID) -> None:
    """Nobody is to pay for it any more; that it was paid already, people are told."""
    for row in (await tx.execute(_OF_APPOINTMENT, {"appointment": appointment_id})).all():
        mine = read(tx, row)
        if mine.state in (State.ASKED, State.OPEN):
            await _call_off(tx, mine, "appointment_cancelled", "system")
        elif mine.state in (State.PROCESSING, State.PAID):
            await notify(tx, mine, "payment_of_cancelled_appointment")


async def look(tx: Tx, effect: LookPayment) -> None:
    """Raise Overtaken when it is not theirs."""
    mine = await _of_theirs(tx, effect.payment_id, effect.contact_id)
    await look_now(tx, mine.id)


async def look_now(tx: Tx, payment_id: UUID) -> None:
    """Somebody says that there is news: the worker asks the provider now."""
    await tx.execute(_LOOK, {"id": payment_id})


async def received(tx: Tx, payment_id: UUID, event_id: str, kind: str) -> bool:
    """The receipt of a webhook: False when it was here before. Raise NotFound for a payment that is not here."""
    mine = await take(tx, payment_id)
    values = {"w": tx.workspace_id, "id": event_id, "payment": mine.id, "kind": kind}
    return (await tx.execute(_RECEIVED, values)).first() is not None


async def of_contact(tx: Tx, contact_id: UUID) -> Sequence[Payment]:
    """Theirs that wait, and those of the last months; the newest first."""
    values = {"contact": contact_id, "states": [str(one) for one in WAITS], "shown": SHOWN}
    return [read(tx, row) for row in await tx.execute(_OF_CONTACT, values)]


async def get(tx: Tx, payment_id: UUID) -> Payment:
    """Raise NotFound."""
    return _found(tx, (await tx.execute(_ONE, {"id": payment_id})).first())


async def take(tx: Tx, payment_id: UUID) -> Payment:
    """Locked until the transaction ends. Raise NotFound."""
    return read(tx, await hold(tx, payment_id))


async def hold(tx: Tx, payment_id: UUID) -> Any:
    """Its row, locked; its conversation before it, as by everybody who sets timers. Raise NotFound."""
    await tx.execute(_HOLD_TALK, {"id": payment_id})
    row = (await tx.execute(_HOLD, {"id": payment_id})).first()
    if row is None:
        raise NotFound("there is no such payment here")
    return row


async def page(
    tx: Tx, *, state: str | None, contact_id: UUID | None, item: str | None, before: UUID | None, limit: int
) -> Sequence[Payment]:
    """The newest first; `before` is the id of the last one seen."""
    at = (await tx.execute(_CREATED, {"id": before})).scalar_one_or_none() if before else None
    values = {"state": state, "contact": contact_id, "item": item, "limit": limit}
    rows = await tx.execute(_PAGE, values | {"before_at": at, "before_id": before})
    return [read(tx, row) for row in rows]


async def settings_of(tx: Tx) -> PaymentSettings | None:
    known = (await workspaces.get(tx)).profile.skills.get("payment")
    return PaymentSettings.model_validate(known) if known is not None else None


async def tell(tx: Tx, mine: Payment, conversation_id: UUID | None = None) -> None:
    """The customer is to hear of it as it is now, where they asked."""
    if (talk := conversation_id or mine.conversation_id) is not None:
        await timers.set_(tx, NEWS, talk, tx.now, mine.id, {"state": str(mine.state)})


async def notify(tx: Tx, mine: Payment, reason: str) -> None:
    await notifications.add(
        tx, notifications.Kind.MONEY, conversation_id=mine.conversation_id, subject_id=mine.id, reason=reason
    )


# --- rows ---


async def _add(tx: Tx, settings: PaymentSettings, item: PaymentItem, new: Mapping[str, Any]) -> bool:
    values = {"w": tx.workspace_id, "appointment": None, "item": item.name, "amount": item.amount, **new}
    values |= {
        "currency": item.currency,
        "account": settings.account,
        "body": sealed(tx, {"label": item.label}),
    }
    return (await tx.execute(_ADD, values)).first() is not None


async def _waiting(tx: Tx, contact_id: UUID, item: str, appointment_id: UUID | None) -> Payment | None:
    values = {"contact": contact_id, "item": item, "appointment": appointment_id}
    row = (await tx.execute(_WAITING, values | {"states": [str(one) for one in WAITS]})).first()
    return read(tx, row) if row is not None else None


async def _of_theirs(tx: Tx, payment_id: UUID, contact_id: UUID) -> Payment:
    mine = await take(tx, payment_id)
    if not (await tx.execute(_IS_THEIRS, {"id": payment_id, "contact": contact_id})).scalar_one():
        raise Overtaken("it is another customer's")
    return mine


async def _call_off(tx: Tx, mine: Payment, reason: str, actor: str) -> None:
    await tx.execute(_CALL_OFF, {"id": mine.id, "reason": reason})
    await audit.add(tx, actor, "payment_called_off", "payment", mine.id, reason=reason)


def sealed(tx: Tx, body: Mapping[str, Any]) -> bytes:
    return tx.vault.seal("payment.body", json.dumps(dict(body)))


def opened(tx: Tx, row: Any) -> dict[str, Any]:
    """{} when its customer was erased."""
    body = tx.vault.open_maybe("payment.body", row.body and bytes(row.body))
    return dict(json.loads(body)) if body else {}


def _found(tx: Tx, row: Any) -> Payment:
    if row is None:
        raise NotFound("there is no such payment here")
    return read(tx, row)


def read(tx: Tx, row: Any) -> Payment:
    body = opened(tx, row)
    language = str(body.get("language", "en"))
    return Payment(
        row.id, row.contact_id, row.conversation_id, row.item, Decimal(row.amount), row.currency, State(row.state),
        row.requested_by, payment_pages.address(tx, row.id), row.created_at, row.appointment_id,
        (body.get("label") or {}).get(language, row.item), language, body.get("url", ""), row.session_id, row.intent_id,
        row.paid, row.paid_currency, Decimal(row.refunded), row.reason, row.expires_at, row.paid_at, row.ended_at,
        row.version,
    )  # fmt: skip

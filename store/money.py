"""What clients have asked for and confirmed: stored once for each run, against limits, before people who approve it.
What becomes of it at the provider is in store/moving.py."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from domain.money import (
    CURRENCY,
    ON_ITS_WAY,
    Asked,
    Brokerage,
    CallOffMoney,
    Intent,
    Kind,
    MoneySettings,
    MoveMoney,
    Standing,
    State,
)
from domain.money_limits import objection
from domain.skill import Overtaken
from store import audit, banks, identities, notifications, positions, timers, workspaces
from store.db import Tx

NEWS = "money_news"
"""The timer by which a client is told what became of their money."""
SOURCE = "alpaca"
"""Accounts of this source can move money; others are only looked at."""
DAY = timedelta(days=1)
COUNTED = (*ON_ITS_WAY, State.COMPLETED, State.RETURNED)
"""What came back has moved all the same."""

_THEIRS = "contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
_COLUMNS = (
    "id, kind, run_id, contact_id, conversation_id, account_id, bank_id, direction, amount, fee, body, requested_by, state,"
    " needs, provider_id, provider_state, reason, confirmed_at, started_at, ended_at, version, (select"
    " coalesce(array_agg(a.person_id order by a.at), '{}') from money_approval a where a.workspace_id ="
    " money_intent.workspace_id and a.intent_id = money_intent.id and a.yes) as approved_by"
)
_ALONE = text("select pg_advisory_xact_lock(hashtextextended('money ' || frontdesk_workspace()::text, 0))")
_ADD = text(
    "insert into money_intent (workspace_id, id, kind, run_id, contact_id, conversation_id, account_id, bank_id, direction,"
    " amount, fee, currency, digest, body, requested_by, state, needs, confirmed_at, next_at) values (:w, :id, :kind, :run,"
    " :contact, :conversation, :account, :bank, :direction, :amount, :fee, :currency, :digest, :body, :by, :state, :needs,"
    " :confirmed, frontdesk_now() + :wait)"
)
_DIGEST = text("select digest from money_intent where id = :id")
_OF_CONTACT = text(
    f"select {_COLUMNS} from money_intent where {_THEIRS} and (state = any(:states)"  # noqa: S608
    " or created_at > frontdesk_now() - interval '90 days') order by created_at desc, id desc limit 200"
)
_SPENT = text(
    f"select coalesce(sum(amount) filter (where {_THEIRS}), 0) as own, coalesce(sum(amount), 0) as everybodys"  # noqa: S608
    " from money_intent where kind = 'transfer' and state = any(:states) and confirmed_at > frontdesk_now() - :day"
)
_ONE = text(f"select {_COLUMNS} from money_intent where id = :id")  # noqa: S608
_HOLD = text(f"select {_COLUMNS} from money_intent where id = :id for update")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS} from money_intent where kind = any(:kinds)"  # noqa: S608
    f" and (cast(:state as text) is null or state = :state) and (cast(:contact as uuid) is null or {_THEIRS})"
    " and (cast(:before_at as timestamptz) is null or (created_at, id) < (:before_at, :before_id))"
    " order by created_at desc, id desc limit :limit"
)
_CREATED = text("select created_at from money_intent where id = :id")
_APPROVE = text(
    "insert into money_approval (workspace_id, intent_id, person_id, yes) values (:w, :id, :person, :yes)"
    " on conflict (workspace_id, intent_id, person_id) do nothing returning person_id"
)
_SET = text(
    "update money_intent set state = :state, reason = :reason, next_at = case when cast(:state as text) = 'queued'"
    " then frontdesk_now() end, ended_at = case when cast(:state as text) <> 'queued' then frontdesk_now() end,"
    " lease_until = null, version = version + 1 where id = :id"
)


async def alone(tx: Tx) -> None:
    """Until the transaction ends nobody else asks for, decides about or sends money of this business."""
    await tx.execute(_ALONE)


async def standing(tx: Tx, contact_id: UUID) -> Standing:
    """All that counts for this client, as it is now."""
    states = {"contact": contact_id, "states": [str(one) for one in ON_ITS_WAY]}
    asked = [_asked(tx, row) for row in await tx.execute(_OF_CONTACT, states)]
    counted = {"contact": contact_id, "states": [str(one) for one in COUNTED], "day": DAY}
    spent = (await tx.execute(_SPENT, counted)).one()
    known = [one for one in await positions.of_contact(tx, contact_id) if one.source == SOURCE]
    accounts = [
        Brokerage(
            one.id, one.name, one.mask, one.cash, {held.symbol: held.quantity for held in one.positions}
        )
        for one in known
        if one.currency == CURRENCY
    ]
    return Standing(await banks.of_contact(tx, contact_id), accounts, asked, spent.own, spent.everybodys)


async def move(tx: Tx, effect: MoveMoney, conversation_id: UUID) -> None:
    """The client has said yes. Once for its run, whatever is tried. Raise Overtaken when the code was not for exactly
    this, or something stands against it by now."""
    await alone(tx)
    intent = effect.intent
    before = (await tx.execute(_DIGEST, {"id": intent.id})).scalar_one_or_none()
    if before is not None:
        if before != intent.digest:
            raise Overtaken("this run has asked for something else already")
        return
    if not await identities.proven(tx, intent.contact_id, intent.digest, effect.confirmed_at):
        raise Overtaken("no code was given for exactly this")
    settings = await settings_of(tx)
    if why := objection(intent, settings, await standing(tx, intent.contact_id), tx.now):
        raise Overtaken(f"something stands against it: {why}")
    authorised = {"words": effect.words, "at": effect.confirmed_at.isoformat(), "by": "code and yes"}
    await _add(tx, intent, settings, "customer", effect.confirmed_at, conversation_id, authorised)


async def ask(tx: Tx, intent: Intent, person_id: UUID, authorised: str) -> Asked:
    """Somebody of the business writes down what the client told them; other people approve it, one at least. Raise
    Conflict when something stands against it."""
    await alone(tx)
    settings = await settings_of(tx)
    if why := objection(intent, settings, await standing(tx, intent.contact_id), tx.now):
        raise Conflict(f"something stands against it: {why}", code=why)
    told = {"words": authorised, "at": tx.now.isoformat(), "by": f"person:{person_id}"}
    await _add(tx, intent, settings, f"person:{person_id}", tx.now, None, told)
    return await get(tx, intent.id)


async def _add(
    tx: Tx, intent: Intent, settings: MoneySettings, by: str, at: datetime, conversation_id: UUID | None,
    authorised: Mapping[str, str],
) -> None:  # fmt: skip
    needs = settings.needs(intent.kind, intent.amount)
    if by != "customer":
        needs = max(1, needs)
    state = State.APPROVAL if needs else State.QUEUED
    body = {"details": dict(intent.details), "authorised": dict(authorised)}
    await tx.execute(
        _ADD,
        {
            "w": tx.workspace_id, "id": intent.id, "kind": str(intent.kind), "run": intent.run_id,
            "contact": intent.contact_id, "conversation": conversation_id, "account": intent.account_id,
            "bank": intent.bank_id, "direction": intent.direction or None, "amount": intent.amount, "fee": intent.fee,
            "currency": CURRENCY, "digest": intent.digest, "needs": needs, "by": by, "state": str(state),
            "body": tx.vault.seal("money_intent.body", json.dumps(body)), "confirmed": at,
            "wait": settings.approve_within if needs else timedelta(0),
        },
    )  # fmt: skip
    if needs:
        await notifications.add(
            tx,
            notifications.Kind.MONEY,
            conversation_id=conversation_id,
            subject_id=intent.id,
            reason="money_approval",
        )
    await audit.add(
        tx, "contact" if by == "customer" else by, f"{intent.kind}_asked_for", "money_intent", intent.id
    )


async def decide(
    tx: Tx, intent_id: UUID, person_id: UUID, actor: str, *, yes: bool, version: int | None = None
) -> Asked:
    """One person's yes or no; a no ends it. Raise NotFound, or Conflict: it is decided, it was theirs to ask for, or
    they have said so before."""
    await alone(tx)
    mine = await take(tx, intent_id)
    if mine.state is not State.APPROVAL:
        raise Conflict(f"it is {mine.state} already", code=f"money_{mine.state}")
    if version is not None and version != mine.version:
        raise Conflict("it has changed since you read it", code="stale_version")
    if yes and mine.requested_by == f"person:{person_id}":
        raise Conflict("who asked for it cannot approve it", code="own_request")
    values = {"w": tx.workspace_id, "id": intent_id, "person": person_id, "yes": yes}
    if (await tx.execute(_APPROVE, values)).first() is None and yes:
        raise Conflict("you have approved it already; somebody else must", code="same_person")
    if not yes:
        await end(tx, mine, State.REFUSED, "a_person")
    elif len(mine.approved_by) + 1 >= mine.needs:
        await tx.execute(_SET, {"id": intent_id, "state": "queued", "reason": None})
        await notifications.settle(tx, notifications.Kind.MONEY, subject_id=intent_id)
    await audit.add(
        tx, actor, f"{mine.intent.kind}_{'approved' if yes else 'refused'}", "money_intent", intent_id
    )
    return await get(tx, intent_id)


async def call_off(tx: Tx, effect: CallOffMoney) -> None:
    """By its client. Raise Overtaken when it has left, or is not theirs."""
    mine = await take(tx, effect.intent_id)
    theirs = {one.id for one in (await standing(tx, effect.contact_id)).asked}
    if mine.id not in theirs or mine.state not in (State.APPROVAL, State.QUEUED):
        raise Overtaken("it cannot be called off any more")
    await end(tx, mine, State.CANCELLED, "the_client", told=False)
    await audit.add(tx, "contact", f"{mine.intent.kind}_cancelled", "money_intent", mine.id)


async def end(tx: Tx, mine: Asked, state: State, reason: str, *, told: bool = True) -> None:
    """It never left; nothing is on the books."""
    await tx.execute(_SET, {"id": mine.id, "state": str(state), "reason": reason})
    await notifications.settle(tx, notifications.Kind.MONEY, subject_id=mine.id)
    if told:
        await tell(tx, mine, state)


async def tell(tx: Tx, mine: Asked, state: State) -> None:
    """The client is to hear of it, where they asked."""
    if mine.conversation_id is not None:
        await timers.set_(tx, NEWS, mine.conversation_id, tx.now, mine.id, {"state": str(state)})


async def get(tx: Tx, intent_id: UUID) -> Asked:
    """Raise NotFound."""
    return _found(tx, (await tx.execute(_ONE, {"id": intent_id})).first())


async def take(tx: Tx, intent_id: UUID) -> Asked:
    """Locked until the transaction ends. Raise NotFound."""
    return _found(tx, (await tx.execute(_HOLD, {"id": intent_id})).first())


async def page(
    tx: Tx,
    kinds: Collection[Kind],
    *,
    state: str | None,
    contact_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Asked]:
    """The newest first; `before` is the id of the last one seen."""
    at = (await tx.execute(_CREATED, {"id": before})).scalar_one_or_none() if before else None
    values = {"kinds": [str(one) for one in kinds], "state": state, "contact": contact_id, "limit": limit}
    rows = await tx.execute(_PAGE, values | {"before_at": at, "before_id": before})
    return [_asked(tx, row) for row in rows]


async def settings_of(tx: Tx) -> MoneySettings:
    """Raise Conflict where money does not move."""
    known = (await workspaces.get(tx)).profile.skills.get("money")
    if known is None:
        raise Conflict("this workspace moves no money: it has no skills.money", code="no_money")
    return MoneySettings.model_validate(known)


def _found(tx: Tx, row: Any) -> Asked:
    if row is None:
        raise NotFound("there is nothing of that id here")
    return _asked(tx, row)


def _asked(tx: Tx, row: Any) -> Asked:
    body = tx.vault.open_maybe("money_intent.body", row.body and bytes(row.body))
    details = json.loads(body)["details"] if body else {}
    intent = Intent(
        Kind(row.kind), row.run_id, row.contact_id or UUID(int=0), row.account_id, Decimal(row.amount), Decimal(row.fee),
        row.bank_id, row.direction or "", details,
    )  # fmt: skip
    return Asked(
        row.id, intent, State(row.state), row.needs, row.requested_by, row.confirmed_at, tuple(row.approved_by),
        row.provider_id, row.provider_state, row.reason, row.conversation_id, row.version, row.started_at, row.ended_at,
    )  # fmt: skip

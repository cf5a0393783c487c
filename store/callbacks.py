"""Calls that customers wait for: asked for, changed and called off by them, taken and made by people. One at a time for each
customer, whoever asks how often."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.callback import (
    LIVE,
    MOST_TRIES,
    SKILL,
    Awaited,
    Callback,
    CallbackSettings,
    ChangeCallback,
    DropCallback,
    State,
    WantCallback,
)
from domain.errors import Conflict, NotFound
from domain.messages import Scheme
from domain.skill import RunState
from domain.workspace import Profile
from store import audit, contacts, notifications, skill_runs, timers
from store.db import Tx
from store.notifications import Kind

REMINDED_AGAIN = timedelta(days=1)
_COLUMNS = (
    "id, contact_id, conversation_id, state, reason, body, wanted_at, call_at, due_at, attempts, assignee_id, version,"
    " created_at, ended_at"
)
_WANT = text(
    "insert into callback (workspace_id, id, contact_id, conversation_id, reason, body, wanted_at, call_at, due_at)"
    " values (:w, :id, :contact, :conversation, :reason, :body, :wanted, :at, :due) on conflict do nothing returning id"
)
_ONE = text(f"select {_COLUMNS} from callback where id = :id")  # noqa: S608  (constant columns)
_HOLD = text(f"select {_COLUMNS} from callback where id = :id for update")  # noqa: S608
_LIVE = text(
    f"select {_COLUMNS} from callback b where b.state in ('open', 'taken') and b.contact_id in (select c.id from contact c"  # noqa: S608
    " where coalesce(c.root_id, c.id) = (select coalesce(root_id, id) from contact where id = :contact))"
    " order by b.created_at limit 1"
)
_CHANGE = text(
    "update callback set body = :body, wanted_at = :wanted, call_at = :at, due_at = :due, version = version + 1"
    " where id = :id and state in ('open', 'taken') returning id"
)
_SET = text(
    "update callback set state = :state, body = :body, assignee_id = :assignee, attempts = :attempts, call_at = :at,"
    " due_at = :due, version = version + 1, ended_at = case when :state in ('open', 'taken') then null"
    " else frontdesk_now() end where id = :id"
)
_OF_CONTACT = text(f"select {_COLUMNS} from callback where contact_id = :contact order by created_at, id")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS} from callback where (cast(:state as text) is null or state = :state)"  # noqa: S608
    " and (cast(:assignee as uuid) is null or assignee_id = :assignee)"
    " and (cast(:after as timestamptz) is null or (call_at, id) > (:after, :after_id))"
    " order by call_at, id limit :limit"
)


# --- what customers want ---


async def want(tx: Tx, effect: WantCallback, conversation_id: UUID) -> bool:
    """People are told, once. False when they wait for one already."""
    body = {"number": effect.number, "summary": effect.summary, "note": ""}
    values = {
        "w": tx.workspace_id, "id": effect.id, "contact": effect.contact_id, "conversation": conversation_id,
        "reason": effect.reason, "body": _sealed(tx, body), "wanted": effect.wanted_at, "at": effect.call_at,
        "due": effect.due_at,
    }  # fmt: skip
    if await live(tx, effect.contact_id) or (await tx.execute(_WANT, values)).first() is None:
        return False
    await timers.set_(tx, timers.CALLBACK_DUE, conversation_id, effect.due_at, effect.id)
    await _tell(tx, conversation_id, effect.id, effect.reason, effect.summary)
    await audit.add(tx, "ai", "callback_wanted", "callback", effect.id, reason=effect.reason)
    return True


async def change(tx: Tx, effect: ChangeCallback) -> None:
    mine = await hold(tx, effect.id)
    body = {"number": effect.number or mine.number, "summary": mine.summary, "note": mine.note}
    values = {"id": mine.id, "body": _sealed(tx, body), "wanted": effect.wanted_at, "at": effect.call_at}
    if (await tx.execute(_CHANGE, values | {"due": effect.due_at})).first() is None:
        return
    await _due(tx, mine, effect.due_at)
    await audit.add(tx, "ai", "callback_changed", "callback", mine.id)


async def drop(tx: Tx, effect: DropCallback) -> None:
    """They want none any more; nothing happens when there is none."""
    try:
        mine = await hold(tx, effect.id)
    except NotFound:
        return
    if mine.state in LIVE:
        await _set(tx, mine, State.CANCELLED, "ai")


async def standing(tx: Tx, contact_id: UUID) -> Awaited:
    who = await contacts.get(tx, contact_id)
    if who is not None and who.root_id is not None:
        who = await contacts.get(tx, who.root_id)
    rings = [
        one.value for one in (who.addresses if who else ())
        if one.scheme in (Scheme.TEL, Scheme.WHATSAPP) and one.value.startswith("+")
    ]  # fmt: skip
    return Awaited(await live(tx, contact_id), next(iter(rings), ""))


async def live(tx: Tx, contact_id: UUID) -> Callback | None:
    """The one that this customer waits for, under whichever of their contacts."""
    row = (await tx.execute(_LIVE, {"contact": contact_id})).first()
    return _callback(tx, row) if row else None


# --- conversations that nobody takes ---


async def expect(tx: Tx, conversation_id: UUID, reason: str, profile: Profile) -> None:
    """The conversation is anybody's of the business: if nobody takes it in time, it becomes a call."""
    if SKILL in profile.skills:
        within = CallbackSettings.model_validate(profile.skills[SKILL]).within
        await timers.set_(
            tx, timers.HANDOFF_WAITS, conversation_id, tx.now + within, details={"reason": reason}
        )


# --- what people do ---


async def page(
    tx: Tx, state: str | None, assignee_id: UUID | None, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[Callback]:  # fmt: skip
    """Who is to be called first, first."""
    values: dict[str, Any] = {"state": state, "assignee": assignee_id, "limit": limit}
    values |= {"after": after and after[0], "after_id": after and after[1]}
    return [_callback(tx, row) for row in await tx.execute(_PAGE, values)]


async def of_contact(tx: Tx, contact_id: UUID) -> list[Callback]:
    """All that this very contact has waited for, oldest first."""
    return [_callback(tx, row) for row in await tx.execute(_OF_CONTACT, {"contact": contact_id})]


async def get(tx: Tx, callback_id: UUID) -> Callback:
    """Raise NotFound."""
    return _found(tx, (await tx.execute(_ONE, {"id": callback_id})).first())


async def hold(tx: Tx, callback_id: UUID) -> Callback:
    """Until the transaction ends. Raise NotFound."""
    return _found(tx, (await tx.execute(_HOLD, {"id": callback_id})).first())


async def take(tx: Tx, mine: Callback, person_id: UUID | None, actor: str, note: str | None) -> None:
    """Theirs now; also when it was a colleague's. Raise Conflict when it is over."""
    _must_live(mine)
    await _set(tx, replace(mine, assignee_id=person_id), State.TAKEN, actor, note)


async def done(tx: Tx, mine: Callback, person_id: UUID | None, actor: str, note: str | None) -> None:
    _must_live(mine)
    await _set(tx, replace(mine, assignee_id=mine.assignee_id or person_id), State.DONE, actor, note)


async def not_reached(
    tx: Tx, mine: Callback, person_id: UUID | None, actor: str, note: str | None, again: datetime | None
) -> None:
    """Called in vain: again at that time, or not any more; after so many times not any more either way."""
    _must_live(mine)
    tried = replace(mine, attempts=mine.attempts + 1, assignee_id=mine.assignee_id or person_id)
    if again is None or tried.attempts >= MOST_TRIES:
        await _set(tx, tried, State.UNREACHED, actor, note)
        return
    due = again + (mine.due_at - mine.call_at)
    await _set(tx, replace(tried, call_at=again, due_at=due, assignee_id=None), State.OPEN, actor, note)
    await _due(tx, mine, due)


def _must_live(mine: Callback) -> None:
    if mine.state not in LIVE:
        raise Conflict(f"this call is over: it is {mine.state}", code="callback_over")


async def overdue(tx: Tx, callback_id: UUID) -> bool:
    """Its time is over: people are reminded, and again a day later. False when there is nothing to remind of."""
    try:
        mine = await hold(tx, callback_id)
    except NotFound:
        return False
    if mine.state not in LIVE or mine.due_at > tx.now:
        return False
    await _tell(tx, mine.conversation_id, mine.id, "callback_overdue", mine.summary)
    await timers.set_(tx, timers.CALLBACK_DUE, mine.conversation_id, tx.now + REMINDED_AGAIN, mine.id)
    return True


async def _set(tx: Tx, mine: Callback, state: State, actor: str, note: str | None = None) -> None:
    body = {"number": mine.number, "summary": mine.summary, "note": mine.note if note is None else note}
    values = {
        "id": mine.id, "state": str(state), "body": _sealed(tx, body), "assignee": mine.assignee_id,
        "attempts": mine.attempts, "at": mine.call_at, "due": mine.due_at,
    }  # fmt: skip
    await tx.execute(_SET, values)
    await audit.add(tx, actor, f"callback_{state}", "callback", mine.id, attempts=mine.attempts)
    if state is not State.OPEN:
        await notifications.settle(tx, Kind.CALLBACK, subject_id=mine.id)
    if state not in LIVE:
        await timers.cancel_of(tx, [timers.CALLBACK_DUE], mine.id)
        await _end_run(tx, mine)


async def _end_run(tx: Tx, mine: Callback) -> None:
    """The customer's next words about a call are about another."""
    found = await skill_runs.get(tx, mine.id)
    if found is not None and found[0].state is RunState.ACTIVE:
        ended = found[0].ended(RunState.DONE)
        await skill_runs.save(tx, mine.conversation_id, found[1], None, ended)


async def _due(tx: Tx, mine: Callback, due: datetime) -> None:
    await timers.cancel_of(tx, [timers.CALLBACK_DUE], mine.id)
    await timers.set_(tx, timers.CALLBACK_DUE, mine.conversation_id, due, mine.id)


async def _tell(tx: Tx, conversation_id: UUID, callback_id: UUID, reason: str, summary: str) -> None:
    await notifications.add(
        tx,
        Kind.CALLBACK,
        conversation_id=conversation_id,
        subject_id=callback_id,
        reason=reason,
        words=summary,
    )


def _sealed(tx: Tx, body: Mapping[str, str]) -> bytes:
    return tx.vault.seal("callback.body", json.dumps(dict(body)))


def _found(tx: Tx, row: Any) -> Callback:
    if row is None:
        raise NotFound("there is no such call here")
    return _callback(tx, row)


def _callback(tx: Tx, row: Any) -> Callback:
    body = json.loads(tx.vault.open("callback.body", bytes(row.body)))
    return Callback(
        row.id, row.contact_id, row.conversation_id, State(row.state), row.reason, body["number"], body["summary"],
        row.wanted_at, row.call_at, row.due_at, row.attempts, row.assignee_id, body["note"], row.version,
        row.created_at, row.ended_at,
    )  # fmt: skip

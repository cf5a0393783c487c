"""Other people's servers that are told what happens: their addresses, and every call with its attempts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import urandom
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, FieldError, NotFound
from domain.webhooks import SECRET_BYTES, secret_of, wanted
from store import events, notifications
from store.db import Dispatch, Tx, new_id
from store.events import Place

KEEP = timedelta(days=30)
AT_ONCE = 100

_ADD = text(
    "insert into webhook (workspace_id, id, url, url_hash, description, events, secret)"
    " values (:w, :id, :url, :hash, :description, :events, :secret)"
    " on conflict (workspace_id, url_hash) do nothing returning id"
)
_BY_URL = text("select id from webhook where url_hash = :hash")
_ALL = text(
    "select * from webhook where (cast(:after as uuid) is null or id > :after) order by id limit :limit"
)
_ONE = text("select * from webhook where id = :id")
_HOLD = text("select * from webhook where id = :id for update")
_SET = text(
    "update webhook set description = :description, events = :events, state = :state, reason = :reason,"
    " updated_at = frontdesk_now() where id = :id"
)
_SECRET = text("update webhook set secret = :secret, updated_at = frontdesk_now() where id = :id")
_REMOVE = text("delete from webhook where id = :id")
_LISTENERS = text("select id, events from webhook where state = 'active' and events <> '{}' order by id")
_CALL = text(
    "insert into webhook_call (workspace_id, id, webhook_id, event, body, conversation_id)"
    " values (:w, :id, :webhook, :event, :body, :conversation)"
)
_CLAIM = text(
    "update webhook_call set lease_until = frontdesk_now() + :lease where (workspace_id, id) in"
    " (select workspace_id, id from webhook_call where state = 'waiting' and next_attempt_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_attempt_at limit :limit for update skip locked) returning workspace_id, id"
)
_NEXT_DUE = text(
    "select extract(epoch from min(greatest(next_attempt_at, coalesce(lease_until, next_attempt_at)))"
    " - frontdesk_now())::float from webhook_call where state = 'waiting'"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
)
_BEGIN = text(
    "update webhook_call c set attempts = attempts + 1 from webhook h where c.id = :id and c.state = 'waiting'"
    " and h.workspace_id = c.workspace_id and h.id = c.webhook_id and h.state = 'active'"
    " returning c.id, c.webhook_id, h.url, h.secret, c.body, c.attempts, c.begun_at"
)
_END = text(
    "update webhook_call set state = :state, status = :status, reason = :reason, lease_until = null,"
    " next_attempt_at = coalesce(:next, next_attempt_at),"
    " done_at = case when :state = 'waiting' then null else frontdesk_now() end"
    " where id = :id and attempts = :attempts and state = 'waiting' returning id"
)
_CANCEL = text(
    "update webhook_call set state = 'cancelled', lease_until = null, done_at = frontdesk_now()"
    " where webhook_id = :webhook and state = 'waiting'"
)
_CALLS = text(
    "select id, event, conversation_id, state, attempts, next_attempt_at, status, reason, created_at, done_at"
    " from webhook_call where webhook_id = :webhook and (cast(:state as text) is null or state = :state)"
    " and (cast(:before as uuid) is null or id < :before) order by id desc limit :limit"
)
_ONE_CALL = text("select *, body as sealed from webhook_call where webhook_id = :webhook and id = :id")
_REPLAY = text(
    "update webhook_call set state = 'waiting', attempts = 0, next_attempt_at = frontdesk_now(),"
    " begun_at = frontdesk_now(), lease_until = null, status = null, reason = null, done_at = null"
    " where webhook_id = :webhook and id = :id and state <> 'waiting' returning id"
)
_PRUNE = text(
    "delete from webhook_call where webhook_id = :webhook and state <> 'waiting'"
    " and created_at < frontdesk_now() - cast(:keep as interval)"
)
_FOLLOW = text(
    "insert into webhook_cursor (workspace_id, tx, n) values (:w, :tx, :n) on conflict (workspace_id) do nothing"
)
_UNFOLLOW = text("delete from webhook_cursor")
_FOLLOWERS = text(
    "select workspace_id, tx, n from webhook_cursor where cast(:only as uuid) is null or workspace_id = :only"
)
_HOLD_PLACE = text("select tx, n from webhook_cursor for update skip locked")
_MOVE_PLACE = text("update webhook_cursor set tx = :tx, n = :n")


@dataclass(frozen=True, slots=True)
class Webhook:
    """`events` is empty for one that only rules call."""

    id: UUID
    url: str
    description: str
    events: tuple[str, ...]
    secret: str
    active: bool
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call, to be made now."""

    id: UUID
    webhook_id: UUID
    url: str
    secret: str
    body: str
    number: int
    begun_at: datetime


async def add(tx: Tx, url: str, description: str, kinds: Sequence[str]) -> Webhook:
    """Raise Conflict when the address is known."""
    webhook_id = await _insert(tx, url, description, kinds)
    if webhook_id is None:
        wrong = FieldError("/url", "there is a webhook with this address; change that one")
        raise Conflict("there is a webhook with this address", code="webhook_exists", errors=[wrong])
    await _follow(tx)
    return await get(tx, webhook_id)


async def _insert(tx: Tx, url: str, description: str, kinds: Sequence[str]) -> UUID | None:
    values = {"w": tx.workspace_id, "id": new_id(), "url": tx.vault.seal("webhook.url", url)}
    values |= {"hash": tx.vault.hash("webhook", url), "description": description, "events": list(kinds)}
    secret = tx.vault.seal("webhook.secret", secret_of(urandom(SECRET_BYTES)))
    found: UUID | None = (await tx.execute(_ADD, values | {"secret": secret})).scalar_one_or_none()
    return found


async def page(tx: Tx, after: UUID | None, limit: int) -> list[Webhook]:
    return [_webhook(tx, row) for row in await tx.execute(_ALL, {"after": after, "limit": limit})]


async def get(tx: Tx, webhook_id: UUID) -> Webhook:
    """Raise NotFound."""
    row = (await tx.execute(_ONE, {"id": webhook_id})).first()
    if row is None:
        raise NotFound("there is no such webhook here")
    return _webhook(tx, row)


async def hold(tx: Tx, webhook_id: UUID) -> Webhook:
    """Until the transaction ends. Raise NotFound."""
    await tx.execute(_HOLD, {"id": webhook_id})
    return await get(tx, webhook_id)


async def change(
    tx: Tx,
    webhook_id: UUID,
    *,
    description: str,
    kinds: Sequence[str],
    active: bool,
    reason: str | None = None,
) -> None:
    """What waits for one that is switched off is not sent."""
    values = {"id": webhook_id, "description": description, "events": list(kinds), "reason": reason}
    await tx.execute(_SET, values | {"state": "active" if active else "disabled"})
    if not active:
        await tx.execute(_CANCEL, {"webhook": webhook_id})
    await _follow(tx)


async def new_secret(tx: Tx, webhook_id: UUID) -> None:
    await tx.execute(
        _SECRET,
        {"id": webhook_id, "secret": tx.vault.seal("webhook.secret", secret_of(urandom(SECRET_BYTES)))},
    )


async def remove(tx: Tx, webhook_id: UUID) -> None:
    """With its calls."""
    await tx.execute(_REMOVE, {"id": webhook_id})
    await _follow(tx)


async def call_url(
    tx: Tx, url: str, event: str, data: Mapping[str, Any], conversation_id: UUID | None
) -> None:
    """A rule calls this address: it becomes a webhook of its own at the first call, so that it has a secret. One that
    is switched off is not called."""
    webhook_id = await _insert(tx, url, "called by rules", ())
    if webhook_id is None:
        webhook_id = (await tx.execute(_BY_URL, {"hash": tx.vault.hash("webhook", url)})).scalar_one()
    if (await get(tx, webhook_id)).active:
        await call(tx, webhook_id, event, tx.now, data, conversation_id)


async def of_action_server(tx: Tx, url: str) -> Webhook:
    """The secret of an action server is that of the webhook with its address, which is there from its first use on."""
    webhook_id = await _insert(tx, url, "action server", ())
    if webhook_id is None:
        webhook_id = (await tx.execute(_BY_URL, {"hash": tx.vault.hash("webhook", url)})).scalar_one()
    return await get(tx, webhook_id)


async def call(
    tx: Tx, webhook_id: UUID, event: str, at: datetime, data: Mapping[str, Any], conversation_id: UUID | None
) -> UUID:
    """To be made soon; there if and only if this transaction commits."""
    body = json.dumps({"type": event, "timestamp": at.isoformat(), "data": dict(data)}, default=str)
    call_id = new_id()
    values = {"w": tx.workspace_id, "id": call_id, "webhook": webhook_id, "event": event}
    await tx.execute(
        _CALL, values | {"body": tx.vault.seal("webhook_call.body", body), "conversation": conversation_id}
    )
    return call_id


# --- calls that are due ---


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None
) -> list[tuple[UUID, UUID]]:
    """(workspace, call) pairs, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def next_due_s(dispatch: Dispatch, only: UUID | None) -> float | None:
    found: float | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return found


async def begin(tx: Tx, call_id: UUID) -> Attempt | None:
    """None when it is not to be made any more."""
    row = (await tx.execute(_BEGIN, {"id": call_id})).first()
    if row is None:
        return None
    opened = {name: tx.vault.open(f"webhook.{name}", bytes(getattr(row, name))) for name in ("url", "secret")}
    body = tx.vault.open("webhook_call.body", bytes(row.body))
    return Attempt(row.id, row.webhook_id, opened["url"], opened["secret"], body, row.attempts, row.begun_at)


async def succeeded(tx: Tx, one: Attempt, status: int) -> None:
    await _end(tx, one, "done", status, None)
    await tx.execute(_PRUNE, {"webhook": one.webhook_id, "keep": KEEP})


async def failed(tx: Tx, one: Attempt, status: int | None, reason: str, again: datetime | None) -> None:
    """`again` is None when it is dead; then people are told."""
    ours = await _end(tx, one, "waiting" if again else "dead", status, reason, again)
    if ours and again is None:
        await _tell(tx, one.webhook_id, "webhook_dead")


async def gone(tx: Tx, one: Attempt, status: int) -> None:
    """The receiver says that it wants no more: nothing is sent there until a person switches it on again."""
    held = await hold(tx, one.webhook_id)
    await _end(tx, one, "cancelled", status, "gone")
    await change(tx, held.id, description=held.description, kinds=held.events, active=False, reason="gone")
    await _tell(tx, held.id, "webhook_gone")


async def _end(
    tx: Tx, one: Attempt, state: str, status: int | None, reason: str | None, next_: datetime | None = None
) -> bool:
    """False when somebody else has made a later attempt, or it was replayed."""
    values = {
        "id": one.id,
        "attempts": one.number,
        "state": state,
        "status": status,
        "reason": reason,
        "next": next_,
    }
    return (await tx.execute(_END, values)).first() is not None


async def _tell(tx: Tx, webhook_id: UUID, reason: str) -> None:
    kind, roles = notifications.Kind.RULE, notifications.RUNNING
    await notifications.add(tx, kind, subject_id=webhook_id, reason=reason, roles=roles)


# --- what became of them ---


async def calls(
    tx: Tx, webhook_id: UUID, state: str | None, before: UUID | None, limit: int
) -> Sequence[Any]:
    """Newest first."""
    values = {"webhook": webhook_id, "state": state, "before": before, "limit": limit}
    return (await tx.execute(_CALLS, values)).all()


async def one_call(tx: Tx, webhook_id: UUID, call_id: UUID) -> tuple[Any, dict[str, Any]]:
    """The call and its body. Raise NotFound."""
    row = (await tx.execute(_ONE_CALL, {"webhook": webhook_id, "id": call_id})).first()
    if row is None:
        raise NotFound("there is no such call here")
    body: dict[str, Any] = json.loads(tx.vault.open("webhook_call.body", bytes(row.sealed)))
    return row, body


async def replay(tx: Tx, webhook_id: UUID, call_id: UUID) -> None:
    """Once more, with the same id, from the first attempt on. Raise NotFound; raise Conflict while it waits."""
    await one_call(tx, webhook_id, call_id)
    if not (await get(tx, webhook_id)).active:
        raise Conflict("this webhook is switched off; switch it on first", code="webhook_disabled")
    if (await tx.execute(_REPLAY, {"webhook": webhook_id, "id": call_id})).first() is None:
        raise Conflict("it is under way already", code="webhook_waiting")


# --- the log of events ---


async def _follow(tx: Tx) -> None:
    """They hear what happens from now on."""
    if (await tx.execute(_LISTENERS)).first() is None:
        await tx.execute(_UNFOLLOW)
        return
    place = await events.now(tx)
    await tx.execute(_FOLLOW, {"w": tx.workspace_id, "tx": place.tx, "n": place.n})


async def followers(dispatch: Dispatch, only: UUID | None) -> dict[UUID, Place]:
    rows = await dispatch.db.execute(_FOLLOWERS, {"only": only})
    return {row.workspace_id: Place(row.tx, row.n) for row in rows}


async def read_on(tx: Tx) -> bool:
    """The next events made into calls, in one transaction with how far was read. False when there was nothing, or
    somebody else is reading."""
    row = (await tx.execute(_HOLD_PLACE)).first()
    found = await events.after(tx, Place(row.tx, row.n), AT_ONCE) if row else []
    if not found:
        return False
    listeners = (await tx.execute(_LISTENERS)).all()
    for event in found:
        data: dict[str, Any] = {
            "workspace_id": tx.workspace_id, "conversation_id": event.conversation_id, "subject_id": event.subject_id,
            "details": event.details,
        }  # fmt: skip
        for one in listeners:
            if wanted(one.events, event.kind):
                await call(tx, one.id, event.kind, event.at, data, event.conversation_id)
    place = found[-1].place
    await tx.execute(_MOVE_PLACE, {"tx": place.tx, "n": place.n})
    return True


def _webhook(tx: Tx, row: Any) -> Webhook:
    return Webhook(
        row.id, tx.vault.open("webhook.url", bytes(row.url)), row.description, tuple(row.events),
        tx.vault.open("webhook.secret", bytes(row.secret)), row.state == "active", row.reason, row.created_at,
        row.updated_at,
    )  # fmt: skip

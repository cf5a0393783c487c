"""Contacts and their other halves in a CRM: who is due, what both sides agreed on.

That somebody is due is written by the database itself, with the change (migration 0026).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.crm import Base, Sending, State, StopBase, TagBase
from domain.errors import Conflict, NotFound
from store.db import Dispatch, Tx

_CLAIM = text(
    "update crm_contact set lease_until = frontdesk_now() + :lease where (workspace_id, link_id, contact_id) in ("
    " select e.workspace_id, e.link_id, e.contact_id from crm_contact e join crm_link l"
    " on l.workspace_id = e.workspace_id and l.id = e.link_id where e.state = 'due' and l.state = 'connected'"
    " and (l.rests_until is null or l.rests_until <= frontdesk_now()) and e.next_attempt_at <= frontdesk_now()"
    " and (e.lease_until is null or e.lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or e.workspace_id = :only)"
    " order by e.next_attempt_at limit :limit for update of e skip locked)"
    " returning workspace_id, link_id, contact_id"
)
_COLUMNS = "contact_id, state, change, external_id, body, sending, gone, there_at, attempts, reason"
_BEGIN = text(
    "update crm_contact set attempts = attempts + 1 where link_id = :link and contact_id = :contact and state = 'due'"  # noqa: S608
    f" returning {_COLUMNS}"
)
_HOLD = text(
    f"select {_COLUMNS} from crm_contact where link_id = :link and contact_id = :contact for update"  # noqa: S608
)
_MINE = "link_id = :link and contact_id = :contact"
_SENDING = text(
    f"update crm_contact set sending = :sending, external_id = coalesce(:external, external_id) where {_MINE}"  # noqa: S608
)
# With notes to write it is not done, and still ours.
_NOTES = (
    "exists (select from crm_note n where n.workspace_id = crm_contact.workspace_id and n.link_id = :link"
    " and n.contact_id = :contact and n.state = 'due')"
)
_SETTLE = text(
    "update crm_contact set external_id = :external, body = :body, sending = null, there_at = :there,"  # noqa: S608
    f" attempts = 0, reason = null, synced_at = frontdesk_now(), updated_at = frontdesk_now(), state = case when :clean"
    f" and not {_NOTES} then 'done' else 'due' end,"
    f" lease_until = case when :clean and {_NOTES} then lease_until end where {_MINE}"
)
_FINISH = text(
    "update crm_contact set lease_until = null, state = case when change = :change then 'done' else state end"  # noqa: S608
    f" where {_MINE} and state = 'due'"
)
_LATER = text(
    "update crm_contact set lease_until = null, next_attempt_at = frontdesk_now() + :rest, reason = :reason"  # noqa: S608
    f" where {_MINE}"
)
_END = text(
    "update crm_contact set state = :state, reason = :reason, lease_until = null, updated_at = frontdesk_now(),"  # noqa: S608
    f" external_id = case when :forget then null else external_id end where {_MINE} and change = :change"
)
_HEARD = text(
    "update crm_contact set state = 'due', change = change + 1, next_attempt_at = frontdesk_now(), attempts = 0"
    " where link_id = :link and external_id = :external and state in ('done', 'failed', 'due')"
    " and (cast(:at as timestamptz) is null or there_at is distinct from :at) returning contact_id"
)
_KNOWN = text("select external_id from crm_contact where link_id = :link and external_id = any(:ids)")
_TAKEN = text(
    "select contact_id from crm_contact where link_id = :link and external_id = :external and contact_id <> :contact"
)
_RELEASE = text(
    "update crm_contact e set external_id = null, state = 'left', reason = 'merged' from contact c"
    " where e.link_id = :link and e.external_id = :external and c.workspace_id = e.workspace_id and c.id = e.contact_id"
    " and c.root_id = :contact"
)
_ADOPT = text(
    "insert into crm_contact (workspace_id, link_id, contact_id, external_id) values (:w, :link, :contact, :external)"
    " on conflict (workspace_id, link_id, contact_id) do update set state = 'due', change = crm_contact.change + 1,"
    " external_id = coalesce(crm_contact.external_id, excluded.external_id), next_attempt_at = frontdesk_now(),"
    " attempts = 0, reason = null where crm_contact.state <> 'left' or crm_contact.reason = 'merged'"
)
_COUNTS = text("select state, count(*) as n from crm_contact where link_id = :link group by state")
_LAG = text(
    "select min(next_attempt_at) as since from crm_contact where link_id = :link and state = 'due'"
    " and next_attempt_at <= frontdesk_now()"
)
_PAGE = text(
    "select contact_id, state, external_id, reason, attempts, next_attempt_at, synced_at, updated_at from crm_contact"
    " where link_id = :link and (cast(:state as text) is null or state = :state)"
    " and (cast(:before_at as timestamptz) is null or (updated_at, contact_id) < (:before_at, :before_id))"
    " order by updated_at desc, contact_id desc limit :limit"
)
_RETRY = text(
    "update crm_contact set state = 'due', reason = null, change = change + 1, attempts = 0,"
    " next_attempt_at = frontdesk_now(),"
    " external_id = case when reason = 'deleted_there' then null else external_id end,"
    " body = case when reason = 'deleted_there' then null else body end"
    " where link_id = :link and contact_id = :contact"
    " and (state = 'failed' or (state = 'left' and reason = 'deleted_there')) returning contact_id"
)
_RETRY_NOTES = text(
    "update crm_note set state = 'due', change = change + 1, reason = null where link_id = :link and contact_id = :contact"
    " and state = 'failed'"
)


@dataclass(frozen=True, slots=True)
class Half:
    """A contact and what is known of its other half."""

    link_id: UUID
    contact_id: UUID
    state: str
    change: int
    external_id: str | None
    agreed: State
    sending: Sending | None
    gone: bool
    there_at: datetime | None
    attempts: int
    reason: str | None


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID, UUID]]:
    """(workspace, link, contact), ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.link_id, row.contact_id) for row in rows]


async def begin(tx: Tx, link_id: UUID, contact_id: UUID) -> Half | None:
    """None when it is not due any more."""
    row = (await tx.execute(_BEGIN, {"link": link_id, "contact": contact_id})).first()
    return _half(tx, link_id, row) if row else None


async def hold(tx: Tx, link_id: UUID, contact_id: UUID) -> Half | None:
    """Until the transaction ends. The caller holds address and conversation, if it touches them, before."""
    row = (await tx.execute(_HOLD, {"link": link_id, "contact": contact_id})).first()
    return _half(tx, link_id, row) if row else None


async def set_sending(tx: Tx, half: Half, external_id: str | None, sending: Sending) -> None:
    """Before it is sent. `external_id` is known once the contact is."""
    body = tx.vault.seal("crm_contact.sending", json.dumps(asdict(_plain_sending(sending)), default=str))
    values = {"link": half.link_id, "contact": half.contact_id, "sending": body, "external": external_id}
    await tx.execute(_SENDING, values)


async def settle(
    tx: Tx, half: Half, external_id: str | None, agreed: State, there_at: datetime | None, *, clean: bool
) -> None:
    """Both sides say the same now. Not `clean`: something has changed meanwhile, and it is due still. The row is held."""
    body = tx.vault.seal("crm_contact.body", json.dumps(_plain_state(agreed), default=str))
    values = {"link": half.link_id, "contact": half.contact_id, "external": external_id, "body": body}
    await tx.execute(_SETTLE, values | {"there": there_at, "clean": clean})


async def finish(tx: Tx, half: Half) -> None:
    """Its notes are written too. What changed meanwhile is due still."""
    values = {"link": half.link_id, "contact": half.contact_id, "change": half.change}
    await tx.execute(_FINISH, values)


async def later(tx: Tx, half: Half, reason: str, rest: timedelta) -> None:
    values = {"link": half.link_id, "contact": half.contact_id, "reason": reason, "rest": rest}
    await tx.execute(_LATER, values)


async def end(tx: Tx, half: Half, state: str, reason: str | None, *, forget: bool = False) -> None:
    """failed: not again, unless something changes or a person says so. left: not at all. done: there was nothing to do."""
    values = {"link": half.link_id, "contact": half.contact_id, "state": state, "reason": reason}
    await tx.execute(_END, values | {"change": half.change, "forget": forget})


async def free_for(tx: Tx, link_id: UUID, external_id: str, contact_id: UUID) -> bool:
    """Whether this contact may have that other half. One that was merged into it gives up its own."""
    values = {"link": link_id, "external": external_id, "contact": contact_id}
    await tx.execute(_RELEASE, values)
    return (await tx.execute(_TAKEN, values)).first() is None


async def heard(tx: Tx, link_id: UUID, external_id: str, at: datetime | None = None) -> bool:
    """It changed there: it is looked at. `at`: when it changed, if that is known; what we have seen already is nothing
    new. False when it is nobody's other half."""
    values = {"link": link_id, "external": external_id, "at": at}
    if (await tx.execute(_HEARD, values)).first() is not None:
        return True
    return bool(await known(tx, link_id, [external_id]))


async def known(tx: Tx, link_id: UUID, external_ids: Collection[str]) -> set[str]:
    rows = await tx.execute(_KNOWN, {"link": link_id, "ids": list(external_ids)})
    return {row.external_id for row in rows}


async def adopt(tx: Tx, link_id: UUID, contact_id: UUID, external_id: str) -> None:
    """Somebody there is somebody here: both are brought together soon."""
    if await free_for(tx, link_id, external_id, contact_id):
        values = {"w": tx.workspace_id, "link": link_id, "contact": contact_id, "external": external_id}
        await tx.execute(_ADOPT, values)


async def counts(tx: Tx, link_id: UUID) -> dict[str, int]:
    """How many are due, done, failed, left."""
    return {row.state: row.n for row in await tx.execute(_COUNTS, {"link": link_id})}


async def waiting_since(tx: Tx, link_id: UUID) -> datetime | None:
    """Since when the oldest that could go waits."""
    found: datetime | None = (await tx.execute(_LAG, {"link": link_id})).scalar_one()
    return found


async def page(
    tx: Tx, link_id: UUID, state: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Any]:
    """The last touched first."""
    before_at, before_id = before or (None, None)
    values = {"link": link_id, "state": state, "before_at": before_at, "before_id": before_id, "limit": limit}
    return (await tx.execute(_PAGE, values)).all()


async def retry(tx: Tx, link_id: UUID, contact_id: UUID) -> None:
    """A person says: once more. Who was deleted there is made anew. Raise NotFound; raise Conflict for one that has not
    failed."""
    values = {"link": link_id, "contact": contact_id}
    if (await tx.execute(_RETRY, values)).first() is None:
        if (await tx.execute(_HOLD, values)).first() is None:
            raise NotFound("this contact was never brought to the CRM")
        raise Conflict("it has not failed", code="crm_not_failed")
    await tx.execute(_RETRY_NOTES, values)


# --- as it is kept ---


@dataclass(frozen=True, slots=True)
class _PlainSending:
    fields: dict[str, Any]
    add: list[str]
    remove: list[str]
    stop: bool | None


def _plain_sending(sending: Sending) -> _PlainSending:
    fields = {name: asdict(base) for name, base in sending.fields.items()}
    return _PlainSending(fields, list(sending.add), list(sending.remove), sending.stop)


def _plain_state(state: State) -> dict[str, Any]:
    return {
        "fields": {name: asdict(base) for name, base in state.fields.items()}, "tags": asdict(state.tags),
        "stop": asdict(state.stop), "talk": state.talk,
    }  # fmt: skip


def _half(tx: Tx, link_id: UUID, row: Any) -> Half:
    body = tx.vault.open_maybe("crm_contact.body", row.body and bytes(row.body))
    sending = tx.vault.open_maybe("crm_contact.sending", row.sending and bytes(row.sending))
    return Half(
        link_id, row.contact_id, row.state, row.change, row.external_id, _state(json.loads(body)) if body else State(),
        _sending(json.loads(sending)) if sending else None, row.gone, row.there_at, row.attempts, row.reason,
    )  # fmt: skip


def _state(kept: Mapping[str, Any]) -> State:
    fields = {name: Base(**one) for name, one in kept["fields"].items()}
    tags = TagBase(tuple(kept["tags"]["ours"]), tuple(kept["tags"]["theirs"]))
    return State(fields, tags, StopBase(**kept["stop"]), kept["talk"])


def _sending(kept: Mapping[str, Any]) -> Sending:
    fields = {name: Base(**one) for name, one in kept["fields"].items()}
    return Sending(fields, tuple(kept["add"]), tuple(kept["remove"]), kept["stop"])

"""Bank accounts of clients: linked by Plaid or by hand, driven on by a worker, shown by their mask."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from domain.money import Bank, BankState, DropBank, WantBank
from domain.skill import Overtaken
from store import audit, notifications, timers
from store.db import Dispatch, Tx, new_id

NEWS = "bank_news"
"""The timer by which a client is told what became of their link."""
MOST_WANTED = 5
"""Links that one client may ask for in a day."""
_THEIRS = "contact_id in (select c.id from contact c where c.id = :contact or c.root_id = :contact)"
_COLUMNS = (
    "id, contact_id, conversation_id, account_id, kind, state, body, entered_by, reason, ready_at, attempts, version,"
    " created_at"
)
_OVER = "('failed', 'removed')"
_ADD = text(
    "insert into bank_link (workspace_id, id, contact_id, conversation_id, account_id, kind, state, body, number_hash,"  # noqa: S608
    " entered_by, next_at) values (:w, :id, :contact, :conversation, :account, :kind, :state, :body, :hash, :person,"
    " case when :state = 'wanted' then frontdesk_now() end) on conflict (workspace_id, contact_id, account_id, number_hash)"
    f" where state not in {_OVER} do nothing returning id"
)
_SAME = text(
    f"select exists (select from bank_link where {_THEIRS} and account_id = :account and number_hash = :hash"  # noqa: S608
    f" and id <> :id and state not in {_OVER})"
)
_OF_CONTACT = text(
    f"select {_COLUMNS} from bank_link where {_THEIRS} and state not in {_OVER} order by created_at, id"  # noqa: S608
)
_ONE = text(f"select {_COLUMNS} from bank_link where id = :id")  # noqa: S608
_HOLD = text(f"select {_COLUMNS} from bank_link where id = :id for update")  # noqa: S608
_PAGE = text(
    f"select {_COLUMNS} from bank_link where (cast(:state as text) is null or state = :state)"  # noqa: S608
    f" and (cast(:contact as uuid) is null or {_THEIRS}) and (cast(:before as uuid) is null or id < :before)"
    " order by id desc limit :limit"
)
_IS_THEIRS = text(f"select exists (select from bank_link where id = :id and {_THEIRS})")  # noqa: S608
_WANTED = text(
    f"select count(*) from bank_link where {_THEIRS} and kind = 'plaid' and created_at > frontdesk_now() - :day"  # noqa: S608
)
_SET = text(
    "update bank_link set state = :state, body = :body, reason = :reason, next_at = :next, lease_until = null,"
    " attempts = :attempts, number_hash = coalesce(:hash, number_hash), version = version + 1,"
    " ready_at = case when :state = 'ready' then coalesce(ready_at, frontdesk_now()) else ready_at end where id = :id"
)
_WITH_ITEM = text(f"select {_COLUMNS} from bank_link where state not in {_OVER} and kind = 'plaid'")  # noqa: S608
_LOOK = text(
    "update bank_link set next_at = frontdesk_now() where id = :id and state in ('offered', 'checking')"
)
_CLAIM = text(
    "update bank_link set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from bank_link where next_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_at limit :limit for update skip locked) returning workspace_id, id"
)


@dataclass(frozen=True, slots=True)
class Linked:
    """A bank account with all that is known of it. `secrets` go to Plaid and to the broker, and nowhere else."""

    bank: Bank
    contact_id: UUID
    conversation_id: UUID | None
    entered_by: UUID | None
    reason: str | None
    attempts: int
    version: int
    created_at: datetime
    secrets: Mapping[str, str]


async def want(tx: Tx, effect: WantBank, conversation_id: UUID) -> None:
    """The client asked for a link; the same run asks once. Raise Overtaken when they have asked for too many."""
    if (await tx.execute(_ONE, {"id": effect.id})).first() is not None:
        return
    values = {"contact": effect.contact_id, "day": timedelta(days=1)}
    if (await tx.execute(_WANTED, values)).scalar_one() >= MOST_WANTED:
        raise Overtaken("too many links were asked for today")
    new = {"id": effect.id, "contact": effect.contact_id, "conversation": conversation_id}
    await _add(tx, new | {"account": effect.account_id, "kind": "plaid", "state": "wanted"}, {})
    await audit.add(tx, "contact", "bank_link_wanted", "bank_link", effect.id)


async def by_hand(
    tx: Tx, contact_id: UUID, account_id: UUID, person_id: UUID, told: Mapping[str, str], actor: str
) -> Linked:
    """Typed by somebody of the business: `told` has name, holder, type, routing and account. A second person vouches
    for it. Raise Conflict when this client has it already."""
    link_id = new_id()
    new = {
        "id": link_id,
        "contact": contact_id,
        "account": account_id,
        "kind": "manual",
        "state": "vouching",
    }
    number = tx.vault.hash("bank", f"{told['routing']}:{told['account']}")
    body = {**told, "mask": told["account"][-4:]}
    if not await _add(tx, new | {"hash": number, "person": person_id}, body):
        raise Conflict("this bank account is linked already", code="bank_linked_already")
    await notifications.add(tx, notifications.Kind.MONEY, subject_id=link_id, reason="bank_vouching")
    await audit.add(tx, actor, "bank_link_entered", "bank_link", link_id)
    return await get(tx, link_id)


async def vouch(tx: Tx, link_id: UUID, person_id: UUID, actor: str) -> Linked:
    """A second person has seen the client's own paper. Raise NotFound, or Conflict."""
    mine = await take(tx, link_id)
    if mine.bank.state is not BankState.VOUCHING:
        raise Conflict(f"this bank account is {mine.bank.state}", code=f"bank_{mine.bank.state}")
    if mine.entered_by == person_id:
        raise Conflict("somebody else than who typed it must vouch for it", code="same_person")
    await set_(tx, mine, BankState.LINKING, tx.now)
    await notifications.settle(tx, notifications.Kind.MONEY, subject_id=link_id)
    await audit.add(tx, actor, "bank_link_vouched_for", "bank_link", link_id)
    return await get(tx, link_id)


async def drop(tx: Tx, effect: DropBank) -> None:
    """By its client. Raise Overtaken when it is not theirs."""
    mine = await take(tx, effect.bank_id)
    values = {"id": effect.bank_id, "contact": effect.contact_id}
    if not (await tx.execute(_IS_THEIRS, values)).scalar_one():
        raise Overtaken("it is another client's")
    await remove(tx, mine, "contact")


async def remove(tx: Tx, mine: Linked, actor: str) -> Linked:
    """From now on no money moves by it; the worker takes it back at the broker and at Plaid."""
    if mine.bank.state is not BankState.REMOVED:
        await set_(tx, mine, BankState.REMOVED, tx.now)
        await notifications.settle(tx, notifications.Kind.MONEY, subject_id=mine.bank.id)
        await audit.add(tx, actor, "bank_link_removed", "bank_link", mine.bank.id)
    return await get(tx, mine.bank.id)


async def set_(
    tx: Tx, mine: Linked, state: BankState, next_at: datetime | None, *, reason: str | None = None,
    attempts: int = 0, number: str = "", told: bool = False, known: Mapping[str, str] = MappingProxyType({}),
) -> bool:  # fmt: skip
    """Where it stands now, with what became known of it ("" takes it away). `number` tells the account from others:
    False, and nothing is written, when this client has it already. `told`: the client is to hear of it."""
    hashed = tx.vault.hash("bank", number) if number else None
    values: dict[str, Any] = {"id": mine.bank.id, "account": mine.bank.account_id, "contact": mine.contact_id}
    if hashed and (await tx.execute(_SAME, values | {"hash": hashed})).scalar_one():
        return False
    kept = {name: value for name, value in {**mine.secrets, **known}.items() if value}
    await tx.execute(
        _SET,
        {
            "id": mine.bank.id, "state": str(state), "body": _sealed(tx, kept), "reason": reason, "next": next_at,
            "attempts": attempts, "hash": hashed,
        },
    )  # fmt: skip
    if told and mine.conversation_id is not None:
        await timers.set_(tx, NEWS, mine.conversation_id, tx.now, mine.bank.id, {"state": str(state)})
    return True


async def of_contact(tx: Tx, contact_id: UUID) -> list[Bank]:
    """Those that are, or may become, usable."""
    return [_linked(tx, row).bank for row in await tx.execute(_OF_CONTACT, {"contact": contact_id})]


async def get(tx: Tx, link_id: UUID) -> Linked:
    """Raise NotFound."""
    return _found(tx, (await tx.execute(_ONE, {"id": link_id})).first())


async def take(tx: Tx, link_id: UUID) -> Linked:
    """Locked until the transaction ends. Raise NotFound."""
    return _found(tx, (await tx.execute(_HOLD, {"id": link_id})).first())


async def page(
    tx: Tx, *, state: str | None, contact_id: UUID | None, before: UUID | None, limit: int
) -> list[Linked]:
    """Newest first."""
    values = {"state": state, "contact": contact_id, "before": before, "limit": limit}
    return [_linked(tx, row) for row in await tx.execute(_PAGE, values)]


async def with_item(tx: Tx, name: str, value: str) -> Linked | None:
    """The link whose `name` (item_id, link_token) at Plaid is this. They are few, and sealed: each is opened."""
    found = (_linked(tx, row) for row in await tx.execute(_WITH_ITEM))
    return next((one for one in found if one.secrets.get(name) == value), None)


async def look(tx: Tx, link_id: UUID) -> None:
    """Somebody says that there is news: the worker looks now."""
    await tx.execute(_LOOK, {"id": link_id})


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, link) pairs that are due, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def _add(tx: Tx, new: Mapping[str, Any], body: Mapping[str, str]) -> bool:
    values = {"w": tx.workspace_id, "conversation": None, "hash": None, "person": None, **new}
    return (await tx.execute(_ADD, values | {"body": _sealed(tx, body)})).first() is not None


def _sealed(tx: Tx, body: Mapping[str, str]) -> bytes:
    return tx.vault.seal("bank_link.body", json.dumps(dict(body)))


def _found(tx: Tx, row: Any) -> Linked:
    if row is None:
        raise NotFound("there is no such bank account here")
    return _linked(tx, row)


def _linked(tx: Tx, row: Any) -> Linked:
    body = json.loads(tx.vault.open("bank_link.body", bytes(row.body)))
    bank = Bank(
        row.id, row.account_id, body.get("name", ""), body.get("mask", ""), body.get("type", "checking"),
        BankState(row.state), row.kind, row.ready_at,
    )  # fmt: skip
    return Linked(
        bank, row.contact_id, row.conversation_id, row.entered_by, row.reason, row.attempts, row.version, row.created_at,
        body,
    )  # fmt: skip

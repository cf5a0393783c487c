"""Everything that is kept of one person: told to them, or taken away. What stays of an erased one is an opt-out, as
a keyed hash, and the audit's ids."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import NotFound
from domain.messages import Address
from store import audit, contacts, conversations, drafts, events, summaries, turns
from store.db import Tx

_FIND = text("select contact_id from contact_address where scheme = :scheme and value_hash = :hash")
_WHO = text(
    "with recursive who as (select id from contact where id = :id"
    " union select c.id from contact c join who on c.merged_into = who.id) select id from who"
)
_HOLD = (
    text(
        "select id, scheme, value_hash, opted_out_at from contact_address where contact_id = any(:who) for update"
    ),
    text("select id from conversation where contact_id = any(:who) order by id for update"),
)
_CONVERSATIONS = text("select * from conversation where contact_id = any(:who) order by id")
_CONSENT = text(
    "select at, purpose, state, source, wording from consent where address_id = any(:addresses) order by n"
)
_CONTEXT = text(
    "select field, value, source, at from context_value where conversation_id = :conversation order by n"
)
_FILES = text(
    "select a.path from attachment a join message m on m.workspace_id = a.workspace_id and m.id = a.message_id"
    " where m.conversation_id = any(:conversations) and a.path is not null"
    " union select f.path from visitor_file f where f.message_id in (select id from message"
    "   where conversation_id = any(:conversations))"
    " or f.key in (select key from visitor where address_id = any(:addresses))"
)
# What a visitor uploaded and has not sent; visitors, their lines and what was sent go with address and message.
_UPLOADS = text(
    "delete from visitor_file where key in (select key from visitor where address_id = any(:addresses))"
)
_PROVIDER_IDS = text(
    "select provider_id from delivery where conversation_id = any(:conversations) and provider_id is not null"
    " union select a.provider_id from delivery_attempt a join delivery d on d.workspace_id = a.workspace_id"
    " and d.id = a.delivery_id where d.conversation_id = any(:conversations) and a.provider_id is not null"
)
_RECEIPTS = text(
    "select id, payload from inbound_receipt where kind <> 'status' and id > :after order by id limit 1000"
)
_ANSWERS = text("select key, body from idempotency")
_IDS = text(
    "select id::text from message where conversation_id = any(:conversations)"
    " union all select id::text from draft where conversation_id = any(:conversations)"
)
_KEEP_OPT_OUT = text(
    "insert into suppression (workspace_id, scheme, value_hash, opted_out_at) values (:w, :scheme, :hash, :at)"
    " on conflict (workspace_id, scheme, value_hash) do update set opted_out_at = excluded.opted_out_at"
)
_DROP_OPT_OUT = text("delete from suppression where scheme = :scheme and value_hash = :hash")
_ROLE = text("select set_config('role', :role, true)")
_OF_MESSAGES = "in (select id from message where conversation_id = any(:conversations))"
_OF_DELIVERIES = "in (select id from delivery where conversation_id = any(:conversations))"
_DELETE = {
    name: text(f"delete from {name} where {condition}")  # noqa: S608  (constant names)
    for name, condition in (
        ("event", "conversation_id = any(:conversations) or subject_id = any(:who)"),
        ("notification", "conversation_id = any(:conversations)"),
        ("timer", "conversation_id = any(:conversations)"),
        ("context_value", "conversation_id = any(:conversations)"),
        ("attachment", f"message_id {_OF_MESSAGES}"),
        ("delivery_event", f"delivery_id {_OF_DELIVERIES} or provider_id = any(:provider_ids)"),
        ("delivery_attempt", f"delivery_id {_OF_DELIVERIES}"),
        ("delivery", "conversation_id = any(:conversations)"),
        ("message", "conversation_id = any(:conversations)"),
        ("draft", "conversation_id = any(:conversations)"),
        ("turn", "conversation_id = any(:conversations)"),
        ("thread", "conversation_id = any(:conversations)"),
        ("conversation", "id = any(:conversations)"),
        ("consent", "address_id = any(:addresses)"),
        ("contact_address", "id = any(:addresses)"),
        ("contact", "id = any(:who)"),
        (
            "inbound_receipt",
            "id = any(:receipts) or (kind = 'status' and split_part(provider_event_id, ':', 1) = any(:provider_ids))",
        ),
        ("idempotency", "key = any(:answers)"),
    )
}
"""In this order: what points comes before what it points at."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went, by table, and which files are to go, from the data directory."""

    rows: dict[str, int]
    files: tuple[str, ...]
    opt_outs_kept: int


async def find(tx: Tx, address: Address) -> UUID | None:
    values = {"scheme": address.scheme.value, "hash": tx.vault.hash(address.scheme, address.value)}
    found: UUID | None = (await tx.execute(_FIND, values)).scalar_one_or_none()
    return found


async def everything(tx: Tx, contact_id: UUID) -> dict[str, Any]:
    """All that is kept of this person, readable. Raise NotFound."""
    who = await _who(tx, contact_id)
    people = [one for key in who if (one := await contacts.get(tx, key)) is not None]
    addresses = [row.id for row in await tx.execute(_HOLD[0], {"who": who})]
    consent = [
        {
            "at": row.at, "purpose": row.purpose, "state": row.state, "source": row.source,
            "wording": tx.vault.open_maybe("consent.wording", row.wording and bytes(row.wording)),
        }
        for row in await tx.execute(_CONSENT, {"addresses": addresses})
    ]  # fmt: skip
    rows = (await tx.execute(_CONVERSATIONS, {"who": who})).all()
    return {
        "contacts": people,
        "consent": consent,
        "conversations": [await _conversation(tx, row) for row in rows],
    }


async def _conversation(tx: Tx, row: Any) -> dict[str, Any]:
    told = [one async for one in _all_turns(tx, row.id)]
    kept = await tx.execute(_CONTEXT, {"conversation": row.id})
    summary = await summaries.get(tx, row.id)
    return {
        "id": row.id, "state": row.state, "created_at": row.created_at,
        "messages": await _all_messages(tx, row.id),
        "context": [
            {
                "field": one.field, "source": one.source, "at": one.at,
                "value": json.loads(tx.vault.open("context_value.value", bytes(one.value))),
            }
            for one in kept
        ],
        "drafts": await drafts.page(tx, state=None, conversation_id=row.id, before=None, limit=10_000),
        "turns": told,
        "summary": summary and summary.text,
    }  # fmt: skip


async def _all_messages(tx: Tx, conversation_id: UUID) -> list[Any]:
    found: list[Any] = []
    while page := await conversations.messages(tx, conversation_id, found[-1].seq if found else None, 500):
        found += page
    return found


async def _all_turns(tx: Tx, conversation_id: UUID) -> Any:
    before: UUID | None = None
    while page := await turns.told(tx, conversation_id, before, 200):
        for one in page:
            yield one
        before = page[-1].id


async def erase(tx: Tx, contact_id: UUID, actor: str) -> Erased:
    """Take everything of this person away, in every table. The caller removes the files before it commits. Raise
    NotFound."""
    who = await _who(tx, contact_id)
    addresses = (await tx.execute(_HOLD[0], {"who": who})).all()
    held = [row.id for row in await tx.execute(_HOLD[1], {"who": who})]
    values: dict[str, Any] = {
        "who": who, "addresses": [row.id for row in addresses], "conversations": held,
        "provider_ids": [row.provider_id for row in await tx.execute(_PROVIDER_IDS, {"conversations": held})],
        "receipts": await _receipts(tx, {(row.scheme, bytes(row.value_hash)) for row in addresses}),
        "answers": await _answers(tx, who, held),
    }  # fmt: skip
    files = tuple(row.path for row in await tx.execute(_FILES, values))
    kept = await _keep_opt_outs(tx, addresses)
    await tx.execute(_UPLOADS, values)
    await tx.execute(_ROLE, {"role": "frontdesk_eraser"})
    rows = {name: (await tx.execute(sql, values)).rowcount for name, sql in _DELETE.items()}
    await tx.execute(_ROLE, {"role": "frontdesk_app"})
    await events.add(tx, "contact.erased", None, contact_id)
    await audit.add(
        tx, actor, "contact_erased", "contact", contact_id, rows=sum(rows.values()), files=len(files)
    )
    return Erased({name: count for name, count in rows.items() if count}, files, kept)


async def _who(tx: Tx, contact_id: UUID) -> list[UUID]:
    """This contact and those that were merged into it."""
    who = [row.id for row in await tx.execute(_WHO, {"id": contact_id})]
    if not who:
        raise NotFound("there is no such contact here")
    return who


async def _receipts(tx: Tx, addresses: set[tuple[str, bytes]]) -> list[UUID]:
    """Receipts of what this person sent. They are found by opening each: a rare act may take long."""
    found, after = list[UUID](), UUID(int=0)
    while rows := (await tx.execute(_RECEIPTS, {"after": after})).all():
        after = rows[-1].id
        for row in rows:
            payload = json.loads(tx.vault.open("inbound_receipt.payload", bytes(row.payload)))
            sender = payload.get("from") if isinstance(payload, dict) else None
            if sender and (str(sender[0]), tx.vault.hash(str(sender[0]), str(sender[1]))) in addresses:
                found.append(row.id)
    return found


async def _answers(tx: Tx, who: list[UUID], conversations_: list[UUID]) -> list[str]:
    """Kept answers of the API that speak of this person."""
    ids = [str(one) for one in (*who, *conversations_)]
    ids += [row.id for row in await tx.execute(_IDS, {"conversations": conversations_})]
    kept = (await tx.execute(_ANSWERS)).all()
    opened = [(row.key, tx.vault.open("idempotency.body", bytes(row.body))) for row in kept]
    return [key for key, body in opened if any(one in body for one in ids)]


async def _keep_opt_outs(tx: Tx, addresses: Any) -> int:
    """Who has opted out stays so when they are known again; who has come back since, is."""
    kept = 0
    for row in addresses:
        values = {"w": tx.workspace_id, "scheme": row.scheme, "hash": row.value_hash, "at": row.opted_out_at}
        await tx.execute(_KEEP_OPT_OUT if row.opted_out_at else _DROP_OPT_OUT, values)
        kept += row.opted_out_at is not None
    return kept

"""Everything that is kept of one person: told to them, or taken away. What stays of an erased one is an opt-out, as
a keyed hash, and the audit's ids."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict
from domain.messages import Address
from domain.payment import Payment
from store import (
    audit,
    callbacks,
    contacts,
    conversations,
    crm_changes,
    drafts,
    events,
    merges,
    payments,
    positions,
    shortlists,
    suggestions,
    summaries,
    turns,
)
from store.db import Tx

_FIND = text(
    "select coalesce(root_id, contact_id) from contact_address where scheme = :scheme and value_hash = :hash"
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
    " where (m.conversation_id = any(:conversations) or m.thread_id in (select id from thread"
    "   where address_id = any(:addresses))) and a.path is not null"
    " union select f.path from visitor_file f where f.message_id in (select id from message"
    "   where conversation_id = any(:conversations))"
    " or f.key in (select key from visitor where address_id = any(:addresses))"
)
# What a visitor uploaded and has not sent; visitors, their lines and what was sent go with address and message.
_UPLOADS = text(
    "delete from visitor_file where key in (select key from visitor where address_id = any(:addresses))"
)
_PROVIDER_IDS = text(
    "select provider_id from delivery where provider_id is not null"
    " and (conversation_id = any(:conversations) or address_id = any(:addresses))"
    " union select a.provider_id from delivery_attempt a join delivery d on d.workspace_id = a.workspace_id"
    " and d.id = a.delivery_id where a.provider_id is not null"
    " and (d.conversation_id = any(:conversations) or d.address_id = any(:addresses))"
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
# What went to and from their addresses while they were taken for somebody else stands in that one's conversations.
_THEIRS = "thread_id in (select id from thread where address_id = any(:addresses))"
_BLANK = text(
    "update turn u set explanation = null where not u.conversation_id = any(:conversations)"  # noqa: S608
    " and exists (select from message m"
    f" where m.workspace_id = u.workspace_id and m.conversation_id = u.conversation_id and {_THEIRS}"
    " and (m.turn_id = u.id or m.seq between u.first_seq and u.base_seq))"
)
_UNTIE = text(
    "update message set draft_id = null where not conversation_id = any(:conversations)"  # noqa: S608
    f" and draft_id in (select id from draft where {_THEIRS}) and not {_THEIRS}"
)
_MONEY_MOVES = text(
    "select exists (select from money_intent where contact_id = any(:who)"
    " and state in ('approval', 'queued', 'sending', 'unknown', 'sent'))"
)
# That money moved stays on the books; whose it was does not.
_NAMELESS = text("update money_intent set body = null, conversation_id = null where contact_id = any(:who)")
# A page that is open is closed first; what was paid stays on the books.
_UNPAID = text(
    "update payment set body = null, conversation_id = null, version = version + 1,"
    " state = case when state = 'asked' and started_at is null then 'cancelled' when state in ('asked', 'open')"
    " then 'cancelling' else state end, next_at = case when state = 'asked' and started_at is null then null"
    " when state in ('asked', 'open') then frontdesk_now() else next_at end where contact_id = any(:who)"
)
_ROLE = text("select set_config('role', :role, true)")
_ABOUT_THEM = f"(conversation_id = any(:conversations) or {_THEIRS})"
_OF_MESSAGES = f"in (select id from message where {_ABOUT_THEM})"  # noqa: S608
_OF_DELIVERIES = f"in (select id from delivery where {_ABOUT_THEM})"  # noqa: S608
_DELETE = {
    name: text(f"delete from {name} where {condition}")  # noqa: S608  (constant names)
    for name, condition in (
        ("event", "conversation_id = any(:conversations) or subject_id = any(:who)"),
        ("notification", "conversation_id = any(:conversations)"),
        ("webhook_call", "conversation_id = any(:conversations)"),
        ("rule_run", "conversation_id = any(:conversations)"),
        ("appointment", "contact_id = any(:who)"),
        ("waitlist", "contact_id = any(:who)"),
        ("callback", "contact_id = any(:who)"),
        ("bank_link", "contact_id = any(:who)"),
        ("portfolio_account", "contact_id = any(:who)"),
        ("shortlisted", "contact_id = any(:who)"),
        ("identity_code", "contact_id = any(:who) or conversation_id = any(:conversations)"),
        ("skill_run", "conversation_id = any(:conversations)"),
        ("timer", "conversation_id = any(:conversations)"),
        (
            "field_suggestion",
            "conversation_id = any(:conversations) or exists (select from message m"
            " where m.workspace_id = field_suggestion.workspace_id"
            " and m.conversation_id = field_suggestion.conversation_id"
            f" and m.seq = field_suggestion.evidence_seq and {_THEIRS})",
        ),
        (
            "context_value",
            "conversation_id = any(:conversations) or exists (select from message m"
            " where m.workspace_id = context_value.workspace_id and m.conversation_id = context_value.conversation_id"
            f" and m.seq = context_value.evidence_seq and {_THEIRS})",
        ),
        ("attachment", f"message_id {_OF_MESSAGES}"),
        ("delivery_event", f"delivery_id {_OF_DELIVERIES} or provider_id = any(:provider_ids)"),
        ("delivery_attempt", f"delivery_id {_OF_DELIVERIES}"),
        ("delivery", _ABOUT_THEM),
        ("message", _ABOUT_THEM),
        ("draft", _ABOUT_THEM),
        ("turn", "conversation_id = any(:conversations)"),
        ("thread", "conversation_id = any(:conversations) or address_id = any(:addresses)"),
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
    people = [_person(one) for one in (await contacts.all_of(tx, who)).values()]
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
        "portfolio": await positions.of_contact(tx, contact_id),
        "callbacks": [one for contact in who for one in await callbacks.of_contact(tx, contact)],
        "shortlist": [one.address for one in await shortlists.of_contact(tx, contact_id)],
        "crm": [one for contact in who for one in await crm_changes.history(tx, contact, None, 1_000)],
        "payments": [_paid(one) for one in await payments.of_contact(tx, contact_id)],
    }


def _paid(one: Payment) -> dict[str, Any]:
    return {
        "id": one.id, "item": one.item, "amount": str(one.amount), "currency": one.currency, "state": one.state,
        "refunded": str(one.refunded), "created_at": one.created_at, "paid_at": one.paid_at,
    }  # fmt: skip


def _person(contact: contacts.Contact) -> dict[str, Any]:
    """One contact with its own addresses: merged ones are told beside it."""
    return {
        "id": contact.id, "name": contact.name, "language": contact.language, "created_at": contact.created_at,
        "merged_into": contact.merged_into,
        "addresses": [
            {"scheme": one.address.scheme, "value": one.address.value}
            for one in contact.known
            if one.contact_id == contact.id
        ],
    }  # fmt: skip


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
        "suggestions": await suggestions.page(tx, state=None, conversation_id=row.id, before=None, limit=10_000),
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
    """Take everything of this person away, in every table, whichever of their contacts is named. The caller removes
    the files before it commits. Raise NotFound."""
    await merges.alone(tx)
    who = await _who(tx, contact_id)
    if (await tx.execute(_MONEY_MOVES, {"who": who})).scalar_one():
        raise Conflict("money of theirs is under way; erase them when it has arrived", code="money_moves")
    addresses = (await tx.execute(_HOLD[0], {"who": who})).all()
    held = [row.id for row in await tx.execute(_HOLD[1], {"who": who})]
    values: dict[str, Any] = {
        "who": who, "addresses": [row.id for row in addresses], "conversations": held,
        "provider_ids": [],
        "receipts": await _receipts(tx, {(row.scheme, bytes(row.value_hash)) for row in addresses}),
        "answers": await _answers(tx, who, held),
    }  # fmt: skip
    values["provider_ids"] = [row.provider_id for row in await tx.execute(_PROVIDER_IDS, values)]
    files = tuple(row.path for row in await tx.execute(_FILES, values))
    kept = await _keep_opt_outs(tx, addresses)
    for statement in (_UPLOADS, _BLANK, _UNTIE, _NAMELESS, _UNPAID):
        await tx.execute(statement, values)
    await tx.execute(_ROLE, {"role": "frontdesk_eraser"})
    rows = {name: (await tx.execute(sql, values)).rowcount for name, sql in _DELETE.items()}
    await tx.execute(_ROLE, {"role": "frontdesk_app"})
    await events.add(tx, "contact.erased", None, contact_id)
    await audit.add(
        tx, actor, "contact_erased", "contact", contact_id, rows=sum(rows.values()), files=len(files)
    )
    return Erased({name: count for name, count in rows.items() if count}, files, kept)


async def _who(tx: Tx, contact_id: UUID) -> list[UUID]:
    """Everybody whom this contact is made of, or is a part of. Raise NotFound."""
    return await merges.below(tx, await merges.root(tx, contact_id))


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

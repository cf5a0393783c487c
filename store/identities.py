"""One-time codes between two addresses of one contact: sent to the one, typed at the other. A try is counted with the
turn's own load, once for each message, so that a turn that runs again tries nothing twice."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.identity import ATTEMPTS, CODE_LIFE, PROVEN, Heard, Identity, Proof, SendCode, Way, typed
from domain.skill import Overtaken
from store import audit, channels, contacts, outbox, reaching
from store.db import Tx, new_id
from store.outbox import NewMessage

CARRIER = "twilio_sms"
"""What carries a code. WhatsApp does not: outside of its window it wants a template of its own category."""
REMEMBERED = timedelta(days=1)
AFTER_FAILURE = timedelta(hours=1)
"""Who guessed too often gets no other code for so long."""
LIMITS = (
    ("contact", 4, timedelta(minutes=10)), ("contact", 12, timedelta(days=1)),
    ("address", 4, timedelta(minutes=30)), ("address", 12, timedelta(days=1)),
    ("workspace", 100, timedelta(hours=1)),
)  # fmt: skip

_OF = text(
    "select id, purpose, code_hash, heard, state, expires_at, proven_until from identity_code"
    " where contact_id = :contact and from_address_id = (select address_id from thread where id = :thread)"
    " and created_at > frontdesk_now() - :remembered order by created_at, id for update"
)
_SAME_ADDRESS = text(
    "select id from thread where id = any(:threads) and address_id = (select address_id from thread where id = :thread)"
)
_TRIED = text(
    "update identity_code set heard = array_append(heard, :message), state = :state,"
    " proven_until = case when :state = 'used' then frontdesk_now() + :proven end where id = :id"
)
_WAY = text(
    "select a.id, a.scheme, a.value from contact_address a where coalesce(a.root_id, a.contact_id) = :contact"
    " and a.scheme = 'tel' and a.verified_at is not null and a.opted_out_at is null and a.suppressed is null"
    " and a.id <> (select address_id from thread where id = :thread) order by a.verified_at, a.id limit 1"
)
_COUNT = text(
    "select (select count(*) from identity_code where created_at > frontdesk_now() - :span"
    " and (cast(:contact as uuid) is null or contact_id = :contact)"
    " and (cast(:address as uuid) is null or address_id = :address))"
    " + (select count(*) from verification where cast(:address as uuid) is not null and address_id = :address"
    " and created_at > frontdesk_now() - :span)"
)
_FAILED = text(
    "select exists (select from identity_code where contact_id = :contact and state = 'failed'"
    " and created_at > frontdesk_now() - :span)"
)
_REPLACE = text(
    "update identity_code set state = 'replaced' where contact_id = :contact and state = 'pending'"
    " and from_address_id = (select address_id from thread where id = :thread)"
)
_ADD = text(
    "insert into identity_code (workspace_id, id, contact_id, conversation_id, from_address_id, address_id, purpose,"
    " code_hash, expires_at) select :w, :id, :contact, :conversation, t.address_id, :address, :purpose, :hash,"
    " frontdesk_now() + :life from thread t where t.id = :thread"
)
_PROVEN = text(
    "select exists (select from identity_code where contact_id = :contact and purpose = :purpose and state = 'used'"
    " and proven_until > :at)"
)


async def listen(
    tx: Tx, contact_id: UUID, thread_id: UUID, burst: Sequence[tuple[UUID, UUID, str]]
) -> Identity:
    """What the contact has shown at this thread's address, after trying the codes of the burst: (message, thread,
    words), oldest first. Words that came from another address prove nothing here."""
    threads = [one for _, one, _ in burst]
    here = {row.id for row in await tx.execute(_SAME_ADDRESS, {"threads": threads, "thread": thread_id})}
    rows = [_Row(row) for row in await tx.execute(_OF, _of(contact_id, thread_id))]
    heard: Heard | None = None
    for message, thread, words in burst:
        for code in typed(words) if thread in here else ():
            heard = await _try(tx, rows, message, code) or heard
    waits = next((one for one in rows if one.state == "pending" and one.expires_at > tx.now), None)
    return Identity(
        tuple(Proof(one.purpose, one.proven_until) for one in rows if one.proven_until),
        heard,
        waits.purpose if waits else None,
        ATTEMPTS - len(waits.heard) if waits else 0,
    )


class _Row:
    def __init__(self, row: Any) -> None:
        self.id, self.purpose, self.hash = row.id, row.purpose, bytes(row.code_hash)
        self.heard, self.state = list(row.heard), row.state
        self.expires_at, self.proven_until = row.expires_at, row.proven_until


async def _try(tx: Tx, rows: list[_Row], message: UUID, code: str) -> Heard | None:
    """None when no code was ever asked for here."""
    if tried := next((one for one in rows if message in one.heard), None):
        return (
            Heard.GIVEN if tried.state == "used" else Heard.SPENT if tried.state == "failed" else Heard.WRONG
        )
    open_ = next((one for one in rows if one.state == "pending"), None)
    replayed = any(one.state != "pending" and _is(tx, one, code) for one in rows)
    if open_ is None:
        return Heard.SPENT if replayed else None
    right = not replayed and open_.expires_at > tx.now and _is(tx, open_, code)
    last = len(open_.heard) + 1 >= ATTEMPTS or replayed or open_.expires_at <= tx.now
    open_.state = "used" if right else "failed" if last else "pending"
    open_.heard.append(message)
    values = {"id": open_.id, "message": message, "state": open_.state, "proven": PROVEN}
    await tx.execute(_TRIED, values)
    if right:
        open_.proven_until = tx.now + PROVEN
        return Heard.GIVEN
    if last:
        await audit.add(tx, "system", "identity_failed", "identity_code", open_.id)
        return Heard.SPENT
    return Heard.WRONG


def _is(tx: Tx, row: _Row, code: str) -> bool:
    return hmac.compare_digest(row.hash, _hash(tx, row.id, code))


async def way(tx: Tx, contact_id: UUID, thread_id: UUID) -> Way | None:
    """Where a code can be sent now; None when nowhere, or when too many were. Which of the two is nobody's business."""
    row = (await tx.execute(_WAY, {"contact": contact_id, "thread": thread_id})).first()
    channel = next((one for one in await channels.listed(tx) if one.kind == CARRIER and one.active), None)
    if row is None or channel is None or not await _allowed(tx, contact_id, row.id):
        return None
    number = tx.vault.open("contact_address.value", bytes(row.value))
    return Way(row.id, channel.id, number[-2:])


async def send(tx: Tx, effect: SendCode, conversation_id: UUID) -> None:
    """A new code; an older one that waits is void. Raise Overtaken when none may be sent any more."""
    held = await contacts.hold(tx, await contacts.address(tx, effect.address_id))
    if held.contact_id != effect.contact_id or held.opted_out_at is not None:
        raise Overtaken("the address is this contact's no longer")
    if not await _allowed(tx, effect.contact_id, held.id):
        raise Overtaken("too many codes were asked for")
    asked: dict[str, Any] = {"contact": effect.contact_id, "thread": effect.thread_id}
    await tx.execute(_REPLACE, asked)
    code_id, code = new_id(), f"{secrets.randbelow(1_000_000):06d}"
    values: dict[str, Any] = {
        "w": tx.workspace_id,
        "id": code_id,
        "conversation": conversation_id,
        "address": held.id,
    }
    values |= {"purpose": effect.purpose, "hash": _hash(tx, code_id, code), "life": CODE_LIFE}
    await tx.execute(_ADD, asked | values)
    talk, thread_id = await reaching.thread_to(tx, held.contact_id, held.id, effect.channel_id)
    new = NewMessage(talk, thread_id, "system", "code", effect.kept)
    await outbox.put(tx, new, lambda kind, kept: [effect.words.replace("{code}", code)])
    await audit.add(tx, "system", "identity_code_sent", "contact", effect.contact_id)


async def proven(tx: Tx, contact_id: UUID, purpose: str, at: datetime) -> bool:
    """Whether this contact had typed the code of exactly this purpose, not long before `at`."""
    values = {"contact": contact_id, "purpose": purpose, "at": at}
    found: bool = (await tx.execute(_PROVEN, values)).scalar_one()
    return found


async def _allowed(tx: Tx, contact_id: UUID, address_id: UUID) -> bool:
    if (await tx.execute(_FAILED, {"contact": contact_id, "span": AFTER_FAILURE})).scalar_one():
        return False
    for whose, most, span in LIMITS:
        values = {"contact": contact_id if whose == "contact" else None, "span": span}
        values["address"] = address_id if whose == "address" else None
        if (await tx.execute(_COUNT, values)).scalar_one() >= most:
            return False
    return True


def _of(contact_id: UUID, thread_id: UUID) -> dict[str, Any]:
    return {"contact": contact_id, "thread": thread_id, "remembered": REMEMBERED}


def _hash(tx: Tx, code_id: UUID, code: str) -> bytes:
    return tx.vault.hash("code", f"{code_id}:{code}")

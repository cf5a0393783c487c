"""A visitor of the web chat shows that a telephone number or e-mail is theirs: by a one-time code, sent there through
the same gate as everything. What is answered never depends on whether anybody is known by it. ADR 17."""

import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text

from domain.errors import TooMany
from domain.messages import Address, Scheme
from store import audit, contacts, merges, outbox, reaching
from store.db import Tx, new_id
from store.outbox import NewMessage

LIFE, ATTEMPTS = timedelta(minutes=10), 5
PER_VISITOR = ((3, timedelta(minutes=10)), (10, timedelta(days=1)))
PER_ADDRESS = ((3, timedelta(minutes=30)), (6, timedelta(days=1)))
PER_WORKSPACE = ((100, timedelta(hours=1)),)
"""How many codes, in how long. Visitors cost nothing to make up: it is the address's limit that keeps a stranger's
telephone quiet and a code from being guessed, and the workspace's that keeps a bill small."""

_COUNT = text(
    "select count(*) filter (where created_at > frontdesk_now() - :span) as n, extract(epoch from"
    " min(created_at) filter (where created_at > frontdesk_now() - :span) + :span - frontdesk_now()) as wait"
    " from verification where created_at > frontdesk_now() - :span"
    " and (cast(:visitor as bytea) is null or visitor_key = :visitor)"
    " and (cast(:addresses as uuid[]) is null or address_id = any(:addresses))"
)
_REPLACE = text(
    "update verification set state = 'replaced' where visitor_key = :visitor and state = 'pending'"
)
_ADD = text(
    "insert into verification (workspace_id, id, visitor_key, address_id, code_hash, expires_at)"
    " values (:w, :id, :visitor, :address, :hash, frontdesk_now() + :life)"
)
_HOLD = text(
    "select id, address_id, code_hash, attempts, expires_at > frontdesk_now() as fresh from verification"
    " where visitor_key = :visitor and state = 'pending' order by created_at desc, id desc limit 1 for update"
)
_TRIED = text("update verification set attempts = attempts + 1, state = :state where id = :id")
_VERIFIED = text("update contact_address set verified_at = frontdesk_now() where id = any(:ids)")
_OWN = text(
    "select a.contact_id, coalesce(a.root_id, a.contact_id) as root, c.merged_into from contact_address a"
    " join contact c on c.workspace_id = a.workspace_id and c.id = a.contact_id where a.id = :id"
)


class Proof(StrEnum):
    GIVEN = "given"
    WRONG = "wrong_code"
    GONE = "code_expired"  # too old, tried too often, used, or never asked for


async def ask(
    tx: Tx, visitor: str, address: Address, channel_id: UUID, words: Callable[[str], str], kept: str
) -> None:
    """Send a new code to this address, over this channel; any other of this visitor's is void. `words` are what is
    sent, `kept` is what stands in the conversation: no code. Raise TooMany."""
    key = tx.vault.hash(Scheme.WEBCHAT, visitor)
    await _check(tx, PER_WORKSPACE, None, None)
    await _check(tx, PER_VISITOR, key, None)
    held = await contacts.hold(tx, address)
    await _check(tx, PER_ADDRESS, None, await contacts.of_number(tx, held.id))
    await tx.execute(_REPLACE, {"visitor": key})
    challenge, code = new_id(), f"{secrets.randbelow(1_000_000):06d}"
    values = {"w": tx.workspace_id, "id": challenge, "visitor": key, "address": held.id, "life": LIFE}
    await tx.execute(_ADD, values | {"hash": _hash(tx, challenge, code)})
    thread = await reaching.thread_to(tx, held.contact_id, held.id, channel_id)
    new = NewMessage(thread[0], thread[1], "system", "code", kept)
    await outbox.put(tx, new, lambda kind, text_: [words(code)])


async def prove(tx: Tx, visitor: str, code: str) -> Proof:
    """Whether this is the code. Then the visitor is whoever that address is, and both addresses are verified. The
    caller commits whatever the answer is: a wrong try counts."""
    key = tx.vault.hash(Scheme.WEBCHAT, visitor)
    row = (await tx.execute(_HOLD, {"visitor": key})).first()
    if row is None or not row.fresh:
        return Proof.GONE
    right = hmac.compare_digest(bytes(row.code_hash), _hash(tx, row.id, code))
    last = row.attempts + 1 >= ATTEMPTS
    state = "used" if right else "failed" if last else "pending"
    await tx.execute(_TRIED, {"id": row.id, "state": state})
    if not right:
        return Proof.GONE if last else Proof.WRONG
    await _join(tx, visitor, row.address_id)
    return Proof.GIVEN


async def _check(
    tx: Tx, limits: tuple[tuple[int, timedelta], ...], visitor: bytes | None, addresses: list[UUID] | None
) -> None:
    for most, span in limits:
        found = (await tx.execute(_COUNT, {"span": span, "visitor": visitor, "addresses": addresses})).one()
        if found.n >= most:
            raise TooMany("too many codes were asked for; try again later", max(1, round(float(found.wait))))


async def _join(tx: Tx, visitor: str, address_id: UUID) -> None:
    """Who proves another number than before was somebody else until now: a browser that two people use."""
    await merges.alone(tx)
    proven = await contacts.address(tx, address_id)
    seen = Address(Scheme.WEBCHAT, visitor)
    held = await contacts.hold_all(tx, dict.fromkeys((seen, proven)))
    await tx.execute(_VERIFIED, {"ids": [one.id for one in held.values()]})
    own = (await tx.execute(_OWN, {"id": held[seen].id})).one()
    await audit.add(tx, "system", "address_verified", "contact_address", address_id)
    if own.root == held[proven].contact_id:
        return
    if own.merged_into is not None:
        await merges.unmerge(tx, own.contact_id, "system")
    await merges.merge(tx, own.contact_id, held[proven].contact_id, "system", "verified")


def _hash(tx: Tx, challenge: UUID, code: str) -> bytes:
    return tx.vault.hash("code", f"{challenge}:{code}")

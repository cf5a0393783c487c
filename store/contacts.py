"""Customers and the addresses by which they reach us; what they said about being written to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.messages import Address, Keyword, Scheme
from store.db import Tx, new_id

# `no key`: a sender's share lock waits for it, the foreign key of somebody who only inserts a delivery does not.
# Sorted, so that two transactions that hold several never wait for each other.
_LOCK = text(
    "select a.id, a.contact_id, a.opted_out_at, a.scheme, a.value_hash from contact_address a"
    " where (a.scheme, a.value_hash) in (select * from unnest(cast(:schemes as text[]), cast(:hashes as bytea[])))"
    " order by a.scheme, a.value_hash for no key update"
)
# Two first messages at once: the second finds the first one's address, and makes no contact for it.
_ADD = text(
    "with item as (select * from unnest(cast(:ids as uuid[]), cast(:contacts as uuid[]), cast(:names as bytea[]),"
    " cast(:schemes as text[]), cast(:sealed as bytea[]), cast(:hashes as bytea[]))"
    " as i (id, contact, name, scheme, value, hash)),"
    " added as (insert into contact_address (workspace_id, id, contact_id, scheme, value, value_hash, opted_out_at)"
    " select :w, id, contact, scheme, value, hash,"  # an opt-out outlives an erasure
    " (select s.opted_out_at from suppression s where s.scheme = item.scheme and s.value_hash = item.hash) from item"
    " on conflict do nothing returning contact_id)"
    " insert into contact (workspace_id, id, name) select :w, contact, name from item"
    " where contact in (select contact_id from added)"
)
_OPT_OUT = text(
    "update contact_address set opted_out_at = frontdesk_now(), opted_in_at = null where id = :id"
)
_OPT_IN = text("update contact_address set opted_out_at = null, opted_in_at = frontdesk_now() where id = :id")
_SUPPRESS = text("update contact_address set suppressed = :reason where id = :id")
_ADD_CONSENT = text(
    "insert into consent (workspace_id, id, address_id, state, source, wording, message_id)"
    " values (:w, :id, :address, :state, :source, :wording, :message)"
)
_CONSENT_OF = text(
    "select opted_out_at, opted_in_at from contact_address where scheme = :scheme and value_hash = :hash"
)
_NAME = text("update contact set name = :name, version = version + 1 where id = :id")
_LANGUAGE = text("update contact set language = :language, version = version + 1 where id = :id")
_GET = text("select id, name, language, created_at from contact where id = :id")
_ADDRESSES = text("select scheme, value from contact_address where contact_id = :id order by created_at")


@dataclass(frozen=True, slots=True)
class Held:
    """A customer's address, its row locked until the transaction ends: nothing can be sent to it meanwhile."""

    id: UUID
    contact_id: UUID
    opted_out_at: datetime | None
    first_seen: bool


@dataclass(frozen=True, slots=True)
class Contact:
    id: UUID
    name: str | None
    language: str | None
    addresses: tuple[Address, ...]
    created_at: datetime


async def hold(tx: Tx, address: Address, name: str | None = None) -> Held:
    """The address with its contact, both created when they are new."""
    return (await hold_all(tx, {address: name}))[address]


async def hold_all(tx: Tx, names: Mapping[Address, str | None]) -> dict[Address, Held]:
    """These addresses, each with the name by which it is called, if one is known."""
    wanted = {(one.scheme.value, tx.vault.hash(one.scheme, one.value)): one for one in names}
    found = await _lock(tx, wanted)
    new = {key: one for key, one in wanted.items() if one not in found}
    if new:
        await _add(tx, new, names)
        found |= await _lock(tx, new, first_seen=True)
    return found


Key = tuple[str, bytes]
"""Scheme and keyed hash: by this an address is found."""


async def _lock(tx: Tx, wanted: Mapping[Key, Address], *, first_seen: bool = False) -> dict[Address, Held]:
    rows = await tx.execute(_LOCK, _split(wanted))
    return {
        wanted[row.scheme, bytes(row.value_hash)]: Held(row.id, row.contact_id, row.opted_out_at, first_seen)
        for row in rows
    }


async def _add(tx: Tx, new: Mapping[Key, Address], names: Mapping[Address, str | None]) -> None:
    values = {
        "w": tx.workspace_id, "ids": [new_id() for _ in new], "contacts": [new_id() for _ in new],
        "names": [tx.vault.seal_maybe("contact.name", names[one]) for one in new.values()],
        "sealed": [tx.vault.seal("contact_address.value", one.value) for one in new.values()],
    }  # fmt: skip
    await tx.execute(_ADD, values | _split(new))


def _split(keys: Iterable[Key]) -> dict[str, Any]:
    ordered = list(keys)
    return {"schemes": [scheme for scheme, _ in ordered], "hashes": [hash_ for _, hash_ in ordered]}


async def record_consent(
    tx: Tx, address_id: UUID, keyword: Keyword, source: str, wording: str, message_id: UUID | None
) -> None:
    """STOP or START, in the customer's own words, effective with this transaction."""
    await tx.execute(_OPT_OUT if keyword is Keyword.STOP else _OPT_IN, {"id": address_id})
    state = "out" if keyword is Keyword.STOP else "in"
    sealed = tx.vault.seal("consent.wording", wording[:500])
    values = {"w": tx.workspace_id, "id": new_id(), "address": address_id, "state": state}
    await tx.execute(_ADD_CONSENT, values | {"source": source, "wording": sealed, "message": message_id})


async def suppress(tx: Tx, address_id: UUID, reason: str) -> None:
    """The provider says that nothing can arrive there."""
    await tx.execute(_SUPPRESS, {"id": address_id, "reason": reason})


async def rename(tx: Tx, contact_id: UUID, name: str) -> None:
    await tx.execute(_NAME, {"id": contact_id, "name": tx.vault.seal("contact.name", name)})


async def set_language(tx: Tx, contact_id: UUID, language: str) -> None:
    await tx.execute(_LANGUAGE, {"id": contact_id, "language": language})


async def get(tx: Tx, contact_id: UUID) -> Contact | None:
    row = (await tx.execute(_GET, {"id": contact_id})).first()
    if row is None:
        return None
    addresses = [
        Address(Scheme(line.scheme), tx.vault.open("contact_address.value", bytes(line.value)))
        for line in await tx.execute(_ADDRESSES, {"id": contact_id})
    ]
    name = tx.vault.open_maybe("contact.name", row.name and bytes(row.name))
    return Contact(row.id, name, row.language, tuple(addresses), row.created_at)


async def consent_of(tx: Tx, address: Address) -> str:
    """opted_in, opted_out or none: what this address last said."""
    values = {"scheme": address.scheme.value, "hash": tx.vault.hash(address.scheme, address.value)}
    row = (await tx.execute(_CONSENT_OF, values)).first()
    if row is None or (row.opted_out_at is None and row.opted_in_at is None):
        return "none"
    return "opted_out" if row.opted_out_at is not None else "opted_in"

"""Customers and the addresses by which they reach us; what they said about being written to."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import Conflict, NotFound
from domain.messages import Address, Keyword, Scheme
from store import audit, likely
from store.db import Tx, new_id
from store.roots import root_of

# `no key`: a sender's share lock waits for it, the foreign key of somebody who only inserts a delivery does not.
# Sorted, so that two transactions that hold several never wait for each other.
_LOCK = text(
    "select a.id, a.contact_id, a.root_id, a.opted_out_at, a.scheme, a.value_hash from contact_address a"
    " where (a.scheme, a.value_hash) in (select * from unnest(cast(:schemes as text[]), cast(:hashes as bytea[])))"
    " order by a.scheme, a.value_hash for no key update"
)
# Nobody else may just be making the contact to which the same number belongs.
_ALONE = text(
    "select pg_advisory_xact_lock(hashtextextended('number ' || frontdesk_workspace()::text || n, 0))"
    " from unnest(cast(:numbers as text[])) as n order by n"
)
# Two first messages at once: the second finds the first one's address, and makes no contact for it.
_ADD = text(
    "with item as (select * from unnest(cast(:ids as uuid[]), cast(:contacts as uuid[]), cast(:roots as uuid[]),"
    " cast(:fresh as bool[]), cast(:names as bytea[]), cast(:schemes as text[]), cast(:sealed as bytea[]),"
    " cast(:hashes as bytea[]), cast(:siblings as text[]), cast(:sibling_hashes as bytea[]), cast(:outs as timestamptz[]))"
    " as i (id, contact, root, fresh, name, scheme, value, hash, sibling, sibling_hash, out)),"
    " added as (insert into contact_address (workspace_id, id, contact_id, root_id, scheme, value, value_hash,"
    " opted_out_at) select :w, id, contact, root, scheme, value, hash, coalesce(out,"  # an opt-out outlives an erasure
    " (select max(s.opted_out_at) from suppression s where (s.scheme, s.value_hash)"
    " in ((item.scheme, item.hash), (item.sibling, item.sibling_hash)))) from item"
    " on conflict do nothing returning contact_id),"
    " made as (insert into contact (workspace_id, id, name) select distinct on (contact) :w, contact, name from item"
    " where fresh and contact in (select contact_id from added) order by contact, name nulls last returning id)"
    " update contact c set name = i.name, version = version + 1 from item i where not i.fresh and c.id = i.contact"
    " and c.name is null and i.name is not null"
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
# Not twice: who is out stays out since then.
_OPT_OUT_TOO = text(
    "update contact_address set opted_out_at = frontdesk_now(), opted_in_at = null where scheme = :scheme"
    " and value_hash = :hash and opted_out_at is null returning id"
)
_ADDRESS = text("select scheme, value from contact_address where id = :id")
# Whom a person has named, they alone rename.
_NAME = text(
    "update contact set name = :name, version = version + 1, name_by = :by,"
    " name_at = case when cast(:by as text) is null then name_at else frontdesk_now() end"
    " where id = :id and (name_by is null or cast(:by as text) is not null)"
)
_LANGUAGE = text("update contact set language = :language, version = version + 1 where id = :id")
# What the contact itself does not say, one that was merged into it may: nothing is copied, so nothing has to be undone.
_TOLD_BY_ONE = (
    "coalesce(c.{0}, (select m.{0} from contact m where m.workspace_id = c.workspace_id and m.root_id = c.id"
    " and m.{0} is not null order by m.created_at, m.id limit 1)) as {0}"
)
_COLUMNS = (
    f"c.id, {_TOLD_BY_ONE.format('name')}, {_TOLD_BY_ONE.format('language')}, c.created_at, c.version, c.merged_into,"
    " c.root_id"
)
_GET = text(f"select {_COLUMNS} from contact c where c.id = :id")  # noqa: S608  (constant columns)
_ALL = text(f"select {_COLUMNS} from contact c where c.id = any(:ids)")  # noqa: S608  (constant text)
_NAMES = text(
    f"select o.id as asked, {_TOLD_BY_ONE.format('name')} from contact o join contact c"  # noqa: S608  (constant text)
    f" on c.workspace_id = o.workspace_id and c.id = {root_of('o')} where o.id = any(:ids)"
)
_PAGE = text(
    f"select {_COLUMNS} from contact c where c.merged_into is null"  # noqa: S608  (constant text)
    " and (cast(:before_at as timestamptz) is null or (c.created_at, c.id) < (:before_at, :before_id))"
    " order by c.created_at desc, c.id desc limit :limit"
)
_ADDRESSES = text(
    "select id, scheme, value, contact_id, coalesce(root_id, contact_id) as root, verified_at, last_inbound_at, opted_in_at,"
    " opted_out_at, suppressed, created_at from contact_address where contact_id = any(:ids) or root_id = any(:ids)"
    " order by created_at, id"
)
_HOLD = text("select version from contact where id = :id for update")
_CHANGE = text(
    "update contact set name = case when :named then :name else name end,"
    " name_by = case when :named then 'human' else name_by end,"
    " name_at = case when :named then frontdesk_now() else name_at end,"
    " language = case when :speaks then :language else language end, version = version + 1,"
    " updated_at = frontdesk_now() where id = :id"
)
_OUT = text("select opted_out_at from contact_address where id = :id")
_HISTORY = text(
    "select s.address_id, s.purpose, s.state, s.source, s.wording, s.message_id, s.at from consent s"
    " join contact_address a on a.workspace_id = s.workspace_id and a.id = s.address_id"
    " where a.contact_id = :id or a.root_id = :id order by s.n desc limit 500"
)
_THESE = text(
    "select id from contact_address where (scheme, value_hash)"
    " in (select * from unnest(cast(:schemes as text[]), cast(:hashes as bytea[])))"
)
_FIND = text(
    "select coalesce(root_id, contact_id) as id from contact_address where (scheme, value_hash)"
    " in (select * from unnest(cast(:schemes as text[]), cast(:hashes as bytea[])))"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A customer's address, its row locked until the transaction ends: nothing can be sent to it meanwhile."""

    id: UUID
    contact_id: UUID
    """Whose it is now: the contact into which its own was merged, if it was."""
    opted_out_at: datetime | None
    first_seen: bool


@dataclass(frozen=True, slots=True)
class Known:
    """An address with what was said and is known about it. `contact_id` is its own contact, merged or not."""

    id: UUID
    contact_id: UUID
    address: Address
    verified_at: datetime | None
    last_inbound_at: datetime | None
    opted_in_at: datetime | None
    opted_out_at: datetime | None
    suppressed: str | None
    created_at: datetime

    @property
    def consent(self) -> str:
        """opted_in, opted_out or none."""
        if self.opted_out_at is not None:
            return "opted_out"
        return "opted_in" if self.opted_in_at is not None else "none"


@dataclass(frozen=True, slots=True)
class Consent:
    """One thing that was said about being written to. `wording` as it was said."""

    address_id: UUID
    purpose: str
    state: str
    source: str
    wording: str | None
    message_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """`known` are the addresses by which they reach us now, those of contacts that were merged into this one too."""

    id: UUID
    name: str | None
    language: str | None
    known: tuple[Known, ...]
    created_at: datetime
    version: int
    merged_into: UUID | None
    root_id: UUID | None
    """Who this is now; None: itself."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(one.address for one in self.known)


async def hold(tx: Tx, address: Address, name: str | None = None) -> Held:
    """The address with its contact, both created when they are new."""
    return (await hold_all(tx, {address: name}))[address]


async def hold_all(
    tx: Tx, names: Mapping[Address, str | None], home: UUID | None = None
) -> dict[Address, Held]:
    """These addresses, each with the name by which it is called, if one is known. A telephone number is the same
    contact's whichever way it comes. With `home`, all that are new are this new
    contact's."""
    wanted = {_key(tx, one): one for one in names}
    rows = await _lock(tx, wanted)
    new = {key: one for key, one in wanted.items() if key not in rows}
    if new:
        rows = await _add(tx, new, names, rows, home)
    return {
        one: Held(rows[key].id, rows[key].root_id or rows[key].contact_id, rows[key].opted_out_at, key in new)
        for key, one in wanted.items()
    }


Key = tuple[str, bytes]
"""Scheme and keyed hash: by this an address is found."""
_SIBLINGS = {Scheme.TEL: Scheme.WHATSAPP, Scheme.WHATSAPP: Scheme.TEL}


def sibling(address: Address) -> Address | None:
    """The other address of the same telephone number. Somebody on WhatsApp who shows no number has none, and a short
    code is a sender, not a telephone."""
    other = _SIBLINGS.get(address.scheme)
    return Address(other, address.value) if other and address.value.startswith("+") else None


def _key(tx: Tx, address: Address) -> Key:
    return address.scheme.value, tx.vault.hash(address.scheme, address.value)


def _with_siblings(tx: Tx, addresses: Iterable[Address]) -> list[Key]:
    given = list(addresses)
    others = [other for one in given if (other := sibling(one)) is not None]
    return list(dict.fromkeys(_key(tx, one) for one in (*given, *others)))


async def _lock(tx: Tx, keys: Iterable[Key]) -> dict[Key, Any]:
    rows = await tx.execute(_LOCK, _split(keys))
    return {(row.scheme, bytes(row.value_hash)): row for row in rows}


async def _add(
    tx: Tx,
    new: Mapping[Key, Address],
    names: Mapping[Address, str | None],
    rows: dict[Key, Any],
    home: UUID | None,
) -> dict[Key, Any]:
    """The rows of these addresses and of their siblings, after adding what is not there."""
    numbers = sorted({one.value for one in new.values() if sibling(one) is not None})
    if numbers:
        hashes = [tx.vault.hash("number", one).hex() for one in numbers]
        await tx.execute(_ALONE, {"numbers": hashes})
        rows |= await _lock(tx, _with_siblings(tx, new.values()))
    homes: dict[str, UUID | None] = dict.fromkeys((one.value for one in new.values()), home) if home else {}
    items = [_item(tx, one, names[one], rows, homes) for key, one in new.items() if key not in rows]
    columns = {name: [item[name] for item in items] for name in items[0]} if items else {}
    if items:
        await tx.execute(_ADD, {"w": tx.workspace_id} | columns)
    return rows | await _lock(tx, new)


def _item(
    tx: Tx, address: Address, name: str | None, rows: Mapping[Key, Any], homes: dict[str, UUID | None]
) -> dict[str, Any]:
    """A new address, with its contact: that of its number, or one of its own. `homes` are the contacts that this batch
    makes, by number, so that both ways to a new number that come together share one."""
    other = sibling(address)
    found = rows.get(_key(tx, other)) if other else None
    own = homes.setdefault(address.value, new_id()) if other else homes.get(address.value) or new_id()
    scheme, hash_ = _key(tx, address)
    sibling_scheme, sibling_hash = _key(tx, other) if other else (None, None)
    return {
        "ids": new_id(), "contacts": found.contact_id if found else own, "roots": found and found.root_id,
        "fresh": found is None, "names": tx.vault.seal_maybe("contact.name", name), "schemes": scheme,
        "sealed": tx.vault.seal("contact_address.value", address.value), "hashes": hash_,
        "siblings": sibling_scheme, "sibling_hashes": sibling_hash, "outs": found and found.opted_out_at,
    }  # fmt: skip


def _split(keys: Iterable[Key]) -> dict[str, Any]:
    ordered = list(keys)
    return {"schemes": [scheme for scheme, _ in ordered], "hashes": [hash_ for _, hash_ in ordered]}


async def hold_number(tx: Tx, one: Address) -> None:
    """Lock this address, and the other one of the same number, those that are known, in the order of everybody:
    before a STOP, which is for both."""
    await _lock(tx, _with_siblings(tx, [one]))


async def of_number(tx: Tx, address_id: UUID) -> list[UUID]:
    """This address, and the other one of the same number if we know it."""
    keys = _with_siblings(tx, [await address(tx, address_id)])
    return [row.id for row in await tx.execute(_THESE, _split(keys))]


async def address(tx: Tx, address_id: UUID) -> Address:
    row = (await tx.execute(_ADDRESS, {"id": address_id})).one()
    return Address(Scheme(row.scheme), tx.vault.open("contact_address.value", bytes(row.value)))


async def record_consent(
    tx: Tx, address_id: UUID, keyword: Keyword, source: str, wording: str, message_id: UUID | None
) -> None:
    """STOP or START, in the customer's own words, effective with this transaction. A STOP is meant for the telephone:
    it counts for text messages and WhatsApp of that number. A START counts where it was said. ADR 17."""
    await tx.execute(_OPT_OUT if keyword is Keyword.STOP else _OPT_IN, {"id": address_id})
    await _add_consent(tx, address_id, keyword, source, wording, message_id)
    if keyword is not Keyword.STOP or (other := sibling(await address(tx, address_id))) is None:
        return
    scheme, hash_ = _key(tx, other)
    row = (await tx.execute(_OPT_OUT_TOO, {"scheme": scheme, "hash": hash_})).first()
    if row is not None:
        await _add_consent(tx, row.id, keyword, "same_number", wording, message_id)


async def _add_consent(
    tx: Tx, address_id: UUID, keyword: Keyword, source: str, wording: str, message_id: UUID | None
) -> None:
    state = "out" if keyword is Keyword.STOP else "in"
    sealed = tx.vault.seal("consent.wording", wording[:500])
    values = {"w": tx.workspace_id, "id": new_id(), "address": address_id, "state": state}
    await tx.execute(_ADD_CONSENT, values | {"source": source, "wording": sealed, "message": message_id})


async def suppress(tx: Tx, address_id: UUID, reason: str) -> None:
    """The provider says that nothing can arrive there."""
    await tx.execute(_SUPPRESS, {"id": address_id, "reason": reason})


async def create(
    tx: Tx, addresses: Collection[Address], name: str | None, language: str | None, actor: str
) -> UUID:
    """Somebody who has not written yet. Raise Conflict when one of the addresses, or the other way to its number, is
    somebody's."""
    if await find(tx, [other for one in addresses for other in (one, sibling(one)) if other]):
        raise Conflict("one of these addresses is another contact's", code="address_known")
    home = new_id()
    held = await hold_all(tx, dict.fromkeys(addresses), home)
    if any(one.contact_id != home for one in held.values()):  # somebody was faster
        raise Conflict("one of these addresses is another contact's", code="address_known")
    if name:
        await rename(tx, home, name, by="human")
    if language:
        await set_language(tx, home, language)
    await audit.add(tx, actor, "contact_created", "contact", home, addresses=len(addresses))
    return home


async def change(
    tx: Tx, contact_id: UUID, told: Mapping[str, str | None], actor: str, is_current: Callable[[int], bool]
) -> None:
    """`told`: name, language, or both. Raise NotFound, or Conflict (stale_version)."""
    row = (await tx.execute(_HOLD, {"id": contact_id})).first()
    if row is None:
        raise NotFound("there is no such contact here")
    if not is_current(row.version):
        raise Conflict(f"it is at version {row.version} now; read it again", code="stale_version")
    values = {"id": contact_id, "named": "name" in told, "speaks": "language" in told}
    name = told.get("name")
    values |= {"name": tx.vault.seal_maybe("contact.name", name), "language": told.get("language")}
    await tx.execute(_CHANGE, values)
    if name:
        await likely.named(tx, contact_id, name)
    await audit.add(tx, actor, "contact_changed", "contact", contact_id, fields=sorted(told))


async def history(tx: Tx, contact_id: UUID) -> list[Consent]:
    """What was said about being written to, the newest first, of all addresses that are theirs now."""
    return [
        Consent(
            row.address_id, row.purpose, row.state, row.source,
            tx.vault.open_maybe("consent.wording", row.wording and bytes(row.wording)), row.message_id, row.at,
        )
        for row in await tx.execute(_HISTORY, {"id": contact_id})
    ]  # fmt: skip


async def person_recorded(
    tx: Tx, contact_id: UUID, address_id: UUID, keyword: Keyword, source: str, wording: str, actor: str
) -> None:
    """A person writes down what a customer told them elsewhere. Who has opted out comes back by a START of their own
    only. Raise NotFound, Conflict (needs_start)."""
    theirs = await get(tx, contact_id)
    if theirs is None or address_id not in {one.id for one in theirs.known}:
        raise NotFound("this contact has no such address")
    await hold_number(tx, await address(tx, address_id))
    row = (await tx.execute(_OUT, {"id": address_id})).one()
    if keyword is not Keyword.STOP and row.opted_out_at is not None:
        raise Conflict("this customer opted out; only their own START opts them in again", code="needs_start")
    await record_consent(tx, address_id, keyword, source, wording, None)
    await audit.add(
        tx, actor, "consent_recorded", "contact_address", address_id,
        state="out" if keyword is Keyword.STOP else "in", source=source,
    )  # fmt: skip


async def rename(tx: Tx, contact_id: UUID, name: str, by: str | None = None) -> None:
    """`by` is human or crm; without it the assistant understood it, and what a person said stays."""
    await likely.named(tx, contact_id, name)
    await tx.execute(_NAME, {"id": contact_id, "name": tx.vault.seal("contact.name", name), "by": by})


async def set_language(tx: Tx, contact_id: UUID, language: str) -> None:
    await tx.execute(_LANGUAGE, {"id": contact_id, "language": language})


async def get(tx: Tx, contact_id: UUID) -> Contact | None:
    """As it was asked for, also when it was merged: then its `root_id` says who that is now."""
    row = (await tx.execute(_GET, {"id": contact_id})).first()
    return (await _contacts(tx, [row]))[0] if row else None


async def all_of(tx: Tx, contact_ids: Iterable[UUID]) -> dict[UUID, Contact]:
    """By id, those that exist."""
    rows = (await tx.execute(_ALL, {"ids": list(contact_ids)})).all()
    return {one.id: one for one in await _contacts(tx, rows)}


async def names(tx: Tx, contact_ids: Iterable[UUID]) -> dict[UUID, str | None]:
    """What each of these is called, by who they are now."""
    rows = await tx.execute(_NAMES, {"ids": list(contact_ids)})
    return {row.asked: tx.vault.open_maybe("contact.name", row.name and bytes(row.name)) for row in rows}


async def page(tx: Tx, before: tuple[datetime, UUID] | None, limit: int) -> list[Contact]:
    """The newest first, without those that were merged into others."""
    before_at, before_id = before or (None, None)
    values = {"before_at": before_at, "before_id": before_id, "limit": limit}
    return await _contacts(tx, (await tx.execute(_PAGE, values)).all())


async def find(tx: Tx, addresses: Iterable[Address]) -> list[Contact]:
    """Who can be reached at one of exactly these addresses."""
    ids = {row.id for row in await tx.execute(_FIND, _split(_key(tx, one) for one in addresses))}
    return list((await all_of(tx, ids)).values())


async def _contacts(tx: Tx, rows: Sequence[Any]) -> list[Contact]:
    lines = (await tx.execute(_ADDRESSES, {"ids": [row.id for row in rows]})).all() if rows else []
    return [
        Contact(
            row.id, tx.vault.open_maybe("contact.name", row.name and bytes(row.name)), row.language,
            tuple(_known(tx, line) for line in lines if row.id in (line.root, line.contact_id)),
            row.created_at, row.version, row.merged_into, row.root_id,
        )
        for row in rows
    ]  # fmt: skip


def _known(tx: Tx, row: Any) -> Known:
    value = tx.vault.open("contact_address.value", bytes(row.value))
    return Known(
        row.id, row.contact_id, Address(Scheme(row.scheme), value), row.verified_at, row.last_inbound_at,
        row.opted_in_at, row.opted_out_at, row.suppressed, row.created_at,
    )  # fmt: skip


async def consent_of(tx: Tx, address: Address) -> str:
    """opted_in, opted_out or none: what this address last said."""
    values = {"scheme": address.scheme.value, "hash": tx.vault.hash(address.scheme, address.value)}
    row = (await tx.execute(_CONSENT_OF, values)).first()
    if row is None or (row.opted_out_at is None and row.opted_in_at is None):
        return "none"
    return "opted_out" if row.opted_out_at is not None else "opted_in"

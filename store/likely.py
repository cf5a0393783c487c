"""Who may be the same person: found by keyed hashes of what people told of themselves, decided by a person."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.errors import NotFound
from domain.messages import Scheme
from store import audit
from store.db import Tx

# Whose words it was: the address that they came from, whoever that is now.
_TOLD_BY = text(
    "select coalesce((select a.contact_id from message m join thread t on t.workspace_id = m.workspace_id"
    " and t.id = m.thread_id join contact_address a on a.workspace_id = t.workspace_id and a.id = t.address_id"
    " where m.conversation_id = :conversation and m.seq = :seq),"
    " (select contact_id from conversation where id = :conversation))"
)
_ADD = text(
    "insert into contact_signal (workspace_id, contact_id, kind, hash) values (:w, :contact, :kind, :hash)"
    " on conflict do nothing"
)
_PAIRS = text(
    "with s as (select s.kind, s.hash, coalesce(c.root_id, c.id) as root from contact_signal s"
    "   join contact c on c.workspace_id = s.workspace_id and c.id = s.contact_id),"
    " mine as (select * from s where cast(:contact as uuid) is null or root = :contact),"
    " found as ("
    "   select m.root as one, coalesce(a.root_id, a.contact_id) as other, 'told_address' as reason from mine m"
    "     join contact_address a on a.value_hash = m.hash and a.scheme = m.kind"
    "   union select coalesce(a.root_id, a.contact_id), s.root, 'told_address' from contact_address a"
    "     join s on s.hash = a.value_hash and s.kind = a.scheme where coalesce(a.root_id, a.contact_id) = :contact"
    "   union select m.root, s.root, 'same_told' from mine m join s on s.hash = m.hash and s.kind = m.kind"
    "     and m.kind in ('tel', 'email')"
    "   union select m.root, s.root, 'same_name' from mine m join s on s.hash = m.hash"
    "     and m.kind = 'name' and s.kind = 'name'"
    "     where exists (select from s x join s y on y.hash = x.hash and y.kind = x.kind where x.kind like 'field:%'"
    "     and x.root = m.root and y.root = s.root)),"
    " pairs as (select least(one, other) as one, greatest(one, other) as other, reason from found where one <> other)"
    " select one, other, array_agg(distinct reason order by reason) as reasons from pairs p where not exists ("
    "   select from contact_distinct d join contact a on a.workspace_id = d.workspace_id and a.id = d.contact_id"
    "   join contact b on b.workspace_id = d.workspace_id and b.id = d.other_id"
    "   where least(coalesce(a.root_id, a.id), coalesce(b.root_id, b.id)) = p.one"
    "   and greatest(coalesce(a.root_id, a.id), coalesce(b.root_id, b.id)) = p.other)"
    " group by one, other order by one desc, other desc limit :limit"
)
_DISTINCT = text(
    "insert into contact_distinct (workspace_id, contact_id, other_id, actor)"
    " select :w, least(cast(:one as uuid), :other), greatest(cast(:one as uuid), :other), :actor"
    " on conflict do nothing returning contact_id"
)
_ROOT = text("select coalesce(root_id, id) from contact where id = :id")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORTEST = 5
"""Characters of a value that says something when two have told the same."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two who may be one. `reasons`: told_address (one told an address of the other's), same_told (both told the same
    number or e-mail), same_name (the same full name, and the same value of a field)."""

    one: UUID
    other: UUID
    reasons: tuple[str, ...]


async def told(tx: Tx, conversation_id: UUID, seq: int, field: str, value: Any) -> None:
    """A customer has told this of themselves."""
    signals = _signals(field, value)
    if not signals:
        return
    asked = {"conversation": conversation_id, "seq": seq}
    contact_id = (await tx.execute(_TOLD_BY, asked)).scalar_one()
    await _add(tx, contact_id, signals)


async def named(tx: Tx, contact_id: UUID, name: str) -> None:
    """Only a name of two words or more says something."""
    plain = _plain(name)
    if " " in plain:
        await _add(tx, contact_id, [("name", plain)])


async def pairs(tx: Tx, contact_id: UUID | None = None, limit: int = 50) -> list[Pair]:
    """Of this contact, or of all; what a person said no to does not come again, whoever they were merged with since."""
    asked = {"contact": contact_id and await _root(tx, contact_id), "limit": limit}
    return [Pair(row.one, row.other, tuple(row.reasons)) for row in await tx.execute(_PAIRS, asked)]


async def are_two(tx: Tx, one: UUID, other: UUID, actor: str) -> None:
    """A person says so. Raise NotFound."""
    a, b = await _root(tx, one), await _root(tx, other)
    values = {"w": tx.workspace_id, "one": a, "other": b, "actor": actor}
    if a != b and (await tx.execute(_DISTINCT, values)).first() is not None:
        await audit.add(tx, actor, "contacts_told_apart", "contact", a, other=str(b))


async def _root(tx: Tx, contact_id: UUID) -> UUID:
    found: UUID | None = (await tx.execute(_ROOT, {"id": contact_id})).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such contact here")
    return found


async def _add(tx: Tx, contact_id: UUID, signals: Collection[tuple[str, str]]) -> None:
    for kind, value in signals:
        values = {
            "w": tx.workspace_id,
            "contact": contact_id,
            "kind": kind,
            "hash": tx.vault.hash(kind, value),
        }
        await tx.execute(_ADD, values)


def _signals(field: str, value: Any) -> list[tuple[str, str]]:
    """(kind, value). Addresses are hashed as addresses are, so that they meet; a number by both of its ways."""
    if not isinstance(value, str):
        return []
    if _NUMBER.fullmatch(value):
        return [(Scheme.TEL.value, value), (Scheme.WHATSAPP.value, value)]
    if "@" in value and " " not in value.strip():
        return [(Scheme.EMAIL.value, value.strip().lower())]
    plain = _plain(value)
    return [(f"field:{field}", plain)] if len(plain) >= _SHORTEST else []


def _plain(words: str) -> str:
    """Without case, accents and doubled spaces."""
    parts = unicodedata.normalize("NFKD", words.casefold())
    return " ".join("".join(one for one in parts if not unicodedata.combining(one)).split())

"""Live contexts brought to schemas that have changed: what the new version reads as another value becomes that, what it
does not take leaves the context, and both stand in the history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.fields import Complaint, Here, accept
from domain.workspace import Field_, Profile, Schema
from store import contexts
from store.contexts import Origin
from store.db import Tx

_AFFECTED = text(
    "select distinct on (v.conversation_id, v.field) v.conversation_id, v.field, v.value, c.schema_name"
    " from context_value v join conversation c on c.workspace_id = v.workspace_id and c.id = v.conversation_id"
    " where c.state <> 'closed' and v.field <> '$schema' and (c.schema_name = any(:changed)"
    "   or (:first and (c.schema_name is null or not c.schema_name = any(:known))))"
    " order by v.conversation_id, v.field, v.n desc"
)
_RENAME = text("update conversation set schema_name = :new where schema_name = :old")
_OPEN_WITH = text(
    "select id from conversation where schema_name = any(:gone) and state <> 'closed' order by id"
)
_FORGET = text(
    "update conversation set schema_name = null, schema_source = null where schema_name = any(:gone)"
)


@dataclass(frozen=True, slots=True)
class Unkept:
    """A value that the schema does not take any more."""

    conversation_id: UUID
    field: str
    reason: str


async def refit(
    tx: Tx,
    before: Profile,
    after: Profile,
    person_id: UUID | None = None,
    renamed: Mapping[str, str] | None = None,
) -> list[Unkept]:
    """Of the open conversations whose schema is another one now. `renamed` is new name → old name. A conversation whose
    schema was taken out fills the first."""
    new_names = {was: now for now, was in (renamed or {}).items()}
    for name, now in new_names.items():
        await tx.execute(_RENAME, {"old": name, "new": now})
    was = {new_names.get(one.name, one.name): one for one in before.schemas}
    await _forget(tx, [name for name in was if after.schema_named(name) is None], person_id)
    if not after.schemas or not before.schemas or after.schemas == before.schemas:
        return []
    found, here = list[Unkept](), _here(tx, after)
    for row in (await tx.execute(_AFFECTED, _affected(was, after))).all():
        value = contexts.opened(tx, row.value)
        if value is None:
            continue
        old = was.get(row.schema_name) or next(iter(was.values()))
        new = after.using(row.schema_name or "").schemas[0]
        same = was.get(new.name) is old
        kept = _kept(value, row.field, old, new, here, same=same)
        if isinstance(kept, Complaint):
            found.append(Unkept(row.conversation_id, row.field, kept.detail))
        if kept != value:
            why = f"schema {new.name} was changed" if same else f"schema {old.name} became {new.name}"
            origin = Origin("import", person_id=person_id, why=why, left_with=None if same else old.name)
            after_it = None if isinstance(kept, Complaint) else kept
            await contexts.add(tx, row.conversation_id, row.field, after_it, origin)
    return found


def _affected(was: Mapping[str, Schema], after: Profile) -> dict[str, Any]:
    """Chosen schemas whose fields are others now; whether that is so of the first, which fills whoever chose none."""
    known = [one.name for one in after.schemas if one.name in was]
    changed = [one.name for one in after.schemas if one.name in was and one.fields != was[one.name].fields]
    first = next(iter(was.values())).fields != after.schemas[0].fields
    return {"changed": changed, "first": first, "known": known}


async def _forget(tx: Tx, gone: list[str], person_id: UUID | None) -> None:
    for row in (await tx.execute(_OPEN_WITH, {"gone": gone})).all() if gone else ():
        origin = Origin("import", person_id=person_id, why="the schema was taken out")
        await contexts.add(tx, row.id, contexts.SCHEMA, None, origin)
    if gone:
        await tx.execute(_FORGET, {"gone": gone})


def _kept(value: Any, name: str, old: Schema, new: Schema, here: Here, *, same: bool) -> Any:
    """The value as the new schema has it, or a Complaint. Of another schema's field only the type and the value count."""
    before, after = _field(old, name), _field(new, name)
    if after is None:
        return Complaint("removed", "there is no such field any more")
    if before is not None and not same and before.type != after.type:
        return Complaint("other_type", f"it is a {after.type} there")
    return accept(value, after, here)


def _field(schema: Schema, name: str) -> Field_ | None:
    return next((field for field in schema.fields if field.name == name), None)


def _here(tx: Tx, profile: Profile) -> Here:
    return Here(tx.now.astimezone(ZoneInfo(profile.workspace.timezone)), profile.assistant.languages[0])


def told(unkept: list[Unkept]) -> Iterator[str]:
    """One line a field and reason, for people who apply a file."""
    counted: dict[tuple[str, str], set[UUID]] = {}
    for one in unkept:
        counted.setdefault((one.field, one.reason), set()).add(one.conversation_id)
    for (field, reason), talks in sorted(counted.items()):
        yield f"contexts.{field}: could not be kept in {len(talks)} open conversations: {reason}"

"""How schemas and rules are changed: checked as in their file, in one transaction, by whoever read the last version."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from admin_api import versions
from admin_api.auth import Here
from domain.errors import Conflict, FieldError, Invalid
from domain.workspace import Profile
from runtime import checking, mistakes
from store import audit, parts, workspaces
from store.db import Tx
from store.parts import Kind, Version
from store.refitting import Unkept, refit

DEEPEST = 30
_PLACE = {Kind.SCHEMA: "schemas", Kind.RULE: "rules"}
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """The workspace, held, and its schemas or rules in their order."""

    profile: Profile
    kind: Kind
    parts: Mapping[str, Version]

    def body(self, name: str) -> dict[str, Any]:
        return dict(parts.bodies(self.profile, self.kind)[name])


@dataclass(frozen=True, slots=True)
class Wished:
    """What shall stand: bodies in their order. `at` is the place of the one that was sent, to say where it is wrong."""

    bodies: tuple[Body, ...]
    at: int | None
    verb: str
    part_id: UUID | None = None
    renamed: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The workspace as it is now, and what open conversations could not keep."""

    profile: Profile
    parts: Mapping[str, Version]
    unkept: Sequence[Unkept] = ()


async def standing(tx: Tx, kind: Kind) -> dict[str, Version]:
    return await parts.standing(tx, (await workspaces.get(tx)).profile, kind)


async def held(tx: Tx, kind: Kind) -> Standing:
    await workspaces.hold(tx)
    profile = (await workspaces.get(tx)).profile
    return Standing(profile, kind, await parts.standing(tx, profile, kind))


async def found(tx: Tx, before: Standing, named: str, if_match: str | None) -> Version:
    """Raise NotFound; raise Conflict with pointers to what changed since the version that was read."""
    one = parts.find(before.parts, named)
    if not versions.is_current(if_match, one.n):
        known = versions.named(if_match) or []
        told = await parts.versions(tx, before.kind, one.id, None, 1_000) if known else []
        read = next((old.body for old in told if old.n == max(known)), None)
        raise versions.stale(one.n, list(differences(read, one.body or {})) if read is not None else ())
    return one


def added(before: Standing, body: Body, position: int | None) -> Wished:
    """Raise Conflict when there is one of this name."""
    _check_name(before, body, None)
    place = len(before.parts) if position is None else min(position, len(before.parts))
    bodies = [one.body or {} for one in before.parts.values()]
    bodies.insert(place, body)
    return Wished(tuple(bodies), place, f"{before.kind}_added")


def replaced(before: Standing, one: Version, body: Body, position: int | None = None) -> Wished:
    _check_name(before, body, one.name)
    names = [name for name in before.parts if name != one.name]
    place = list(before.parts).index(one.name) if position is None else min(position, len(names))
    bodies = [before.parts[name].body or {} for name in names]
    bodies.insert(place, body)
    name = body.get("name")
    renamed = {str(name): one.name} if name != one.name else None
    return Wished(tuple(bodies), place, f"{before.kind}_changed", one.id, renamed)


def removed(before: Standing, one: Version) -> Wished:
    left = tuple(part.body or {} for part in before.parts.values() if part.id != one.id)
    return Wished(left, None, f"{before.kind}_removed", one.id)


async def make(tx: Tx, here: Here, before: Standing, wished: Wished) -> Made:
    """Raise Invalid, with a pointer for each mistake; then nothing has changed."""
    if wished.at is not None:
        check_readable(wished.bodies[wished.at])
    after = _profile(before, wished)
    if after == before.profile:
        return Made(after, dict(before.parts))
    version = await workspaces.replace_profile(tx, after, here.caller.actor, wished.renamed)
    unkept = list[Unkept]()
    if before.kind is Kind.SCHEMA:
        unkept = await refit(tx, before.profile, after, here.caller.person_id, wished.renamed)
    now = await parts.standing(tx, after, before.kind)
    name = wished.bodies[wished.at]["name"] if wished.at is not None else None
    part_id = now[name].id if name is not None else wished.part_id
    told = {"version": version} | ({"part_version": now[name].n} if name is not None else {})
    await audit.add(tx, here.caller.actor, wished.verb, before.kind, part_id, **told)
    return Made(after, now, unkept)


def _profile(before: Standing, wished: Wished) -> Profile:
    place = _PLACE[before.kind]
    data = before.profile.model_dump(mode="json") | {place: [dict(one) for one in wished.bodies]}
    try:
        after = Profile.model_validate(data)
        wrong = list(checking.complaints(after))
    except ValidationError as error:
        wrong = [dict(one) for one in error.errors()]
    if wrong:
        raise Invalid("it is not valid as it is", errors=[_mistake(one, place, wished.at) for one in wrong])
    return after


def _mistake(wrong: Mapping[str, Any], place: str, at: int | None) -> FieldError:
    """A pointer into the body that was sent; what is wrong elsewhere because of it has none, and says where."""
    where = list(wrong["loc"])
    if at is not None and where[:2] == [place, at]:
        return FieldError("".join(f"/{_escaped(part)}" for part in where[2:]), mistakes.said(wrong))
    return FieldError("", f"{'.'.join(map(str, where))}: {mistakes.said(wrong)}")


def _check_name(before: Standing, body: Body, own: str | None) -> None:
    name = body.get("name")
    if name != own and name in before.parts:
        wrong = FieldError("/name", f"there is a {before.kind} with this name; choose another")
        raise Conflict(f"there is a {before.kind} with this name", code="name_taken", errors=[wrong])


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, wish in patch.items():
        if wish is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), wish)
    return kept


def check_readable(body: Any, at: str = "") -> None:
    """What the database cannot keep: NUL, halves of characters, endless numbers, and what is nested without end."""
    wrong = [FieldError(pointer, said) for pointer, said in _unreadable(body, at, 0)]
    if wrong:
        raise Invalid("a value is not acceptable", errors=wrong)


def _unreadable(value: Any, at: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        yield at, f"it is nested more than {DEEPEST} deep"
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            yield at, "it contains a NUL character or half of a character"
    elif isinstance(value, float) and not math.isfinite(value):
        yield at, "it is not a number"
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _unreadable(str(name), at, depth)
            yield from _unreadable(one, f"{at}/{_escaped(name)}", depth + 1)
    elif isinstance(value, list | tuple):
        for n, one in enumerate(value):
            yield from _unreadable(one, f"{at}/{n}", depth + 1)


def differences(was: Any, now: Any, at: str = "") -> Iterator[str]:
    """Pointers into `now` to what is different; of what is gone, to where it was. Things in a list that have names go
    by them, wherever they stand."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*now, *was)):
            yield from _if_other(was.get(name), now.get(name), f"{at}/{_escaped(name)}")
    elif _named(was) and _named(now):
        old, new = ({one["name"]: one for one in value} for value in (was, now))
        if [name for name in old if name in new] != [
            name for name in new if name in old
        ] or old.keys() - new.keys():
            yield at
        for n, one in enumerate(now):
            yield from _if_other(old.get(one["name"]), one, f"{at}/{n}")
    else:
        yield at


def _if_other(was: Any, now: Any, at: str) -> Iterator[str]:
    if was != now:
        yield from differences(was, now, at)


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "name" in one for one in value)


def _escaped(part: Any) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")

"""How two sides that both change come to say the same: pure, one field or set of tags at a time. ADR 33.

Each side is compared with what it was when both agreed last. Whatever arrives twice, late, out of order or as an echo
of our own is then no change at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from domain.crm_settings import Direction, Tags


@dataclass(frozen=True, slots=True)
class Ours:
    """A value of ours. `person`: one of the business set it. `cleared`: a person took it away, which is not the same as
    its never having been there."""

    value: Any = None
    person: bool = False
    at: datetime | None = None
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """What a field was on both sides when they agreed last. `person`: theirs was set by a person there."""

    ours: Any = None
    theirs: Any = None
    person: bool = False


@dataclass(frozen=True, slots=True)
class Theirs:
    """A value of theirs. `read` is what ours would be if it were taken; None beside a value: it cannot be read."""

    value: Any = None
    read: Any = None
    at: datetime | None = None


class Verdict(StrEnum):
    SAME = "same"  # nothing to do
    SEND = "sent"
    TAKE = "taken"
    KEEP_OURS = "kept_ours"  # ours goes before theirs, and does not go there
    KEEP_THEIRS = "kept_theirs"  # theirs goes before ours, and is not taken
    UNREADABLE = "unreadable"  # theirs goes before ours, and is none of our values


def decide(direction: Direction, ours: Ours, theirs: Theirs, base: Base) -> Verdict:
    """What a person set goes before what the assistant took, on whichever side; of two persons the later one's counts."""
    if _empty(ours.value) and _empty(theirs.value):
        return Verdict.SAME
    if theirs.read is not None and theirs.read == ours.value:
        return Verdict.SAME
    moved = ours.value != base.ours and not (_empty(ours.value) and not ours.cleared)
    moved_there = theirs.value != base.theirs
    if direction is Direction.IN and _empty(ours.value) and not ours.cleared and theirs.read is not None:
        return Verdict.TAKE  # a new conversation knows what the CRM knows
    if not moved and not moved_there:
        return Verdict.SAME
    if moved and (ours_win(ours, theirs, base) if moved_there else not _protected(ours, theirs, base)):
        return Verdict.SEND if direction.sends else Verdict.KEEP_OURS
    return _theirs(direction, theirs)


def ours_win(ours: Ours, theirs: Theirs, base: Base) -> bool:
    """When both have moved."""
    if _empty(theirs.value) and _empty(base.theirs):
        return True
    return ours.person and ours.at is not None and theirs.at is not None and ours.at > theirs.at


def settled(verdict: Verdict, ours: Ours, theirs: Theirs, base: Base, answered: Any = None) -> Base:
    """What both are agreed on from now on. `answered`: as the CRM has it after we sent it."""
    moved_there = theirs.value != base.theirs
    match verdict:
        case Verdict.SEND:
            return Base(ours.value, answered, person=False)
        case Verdict.TAKE:
            return Base(theirs.read, theirs.value, person=True)
        case Verdict.SAME:
            agreed = theirs.read is not None and theirs.read == ours.value
            return Base(ours.value, theirs.value, base.person or (moved_there and not agreed))
    return Base(ours.value, theirs.value, base.person or moved_there)


def arrived(base: Base, sent: Base, theirs: Any) -> Base:
    """What we sent and never heard of: it is there, and so no word of anybody's."""
    return Base(sent.ours, theirs) if theirs == sent.theirs and theirs != base.theirs else base


def _protected(ours: Ours, theirs: Theirs, base: Base) -> bool:
    """A person set it there; what only the assistant understood does not go over it."""
    return base.person and not ours.person and not _empty(theirs.value)


def _theirs(direction: Direction, theirs: Theirs) -> Verdict:
    if not direction.takes:
        return Verdict.KEEP_THEIRS
    return Verdict.UNREADABLE if not _empty(theirs.value) and theirs.read is None else Verdict.TAKE


def _empty(value: Any) -> bool:
    return value is None or value in ("", [])


# --- tags ---


@dataclass(frozen=True, slots=True)
class TagBase:
    """By the alphabet, in small letters: the CRM has no others."""

    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagPlan:
    """What is to be done on each side, in small letters."""

    add_there: tuple[str, ...] = ()
    remove_there: tuple[str, ...] = ()
    add_here: tuple[str, ...] = ()
    remove_here: tuple[str, ...] = ()
    base: TagBase = TagBase()

    @property
    def sends(self) -> bool:
        return bool(self.add_there or self.remove_there)


def plan_tags(
    rule: Tags, ours: Collection[str], theirs: Collection[str], base: TagBase, *, same_talk: bool
) -> TagPlan:
    """What was added or taken off on one side is on the other. A new conversation (not `same_talk`) begins without tags:
    it takes none off, and has those that the customer has there."""
    concerned = None if rule.only is None else {plain(one) for one in rule.only}
    always = {plain(one) for one in rule.always}
    o = _concerned(ours, concerned) - always
    t_all = {plain(one) for one in theirs}
    t = _concerned(theirs, concerned) - always
    before = set(base.ours) if same_talk else set()
    known = set(base.theirs)
    add_there = (o - before - t) if rule.direction.sends else set()
    remove_there = ((before - o) & t) if rule.direction.sends else set()
    add_here = (t - (known if same_talk else set()) - o - remove_there) if rule.direction.takes else set()
    remove_here = ((known - t) & o & before) if rule.direction.takes else set()
    if rule.direction.sends:
        add_there = (add_there - remove_here) | (always - known - t_all)
    after = TagBase(
        _sorted((o | add_here) - remove_here), _sorted((t | (t_all & always) | add_there) - remove_there)
    )
    return TagPlan(_sorted(add_there), _sorted(remove_there), _sorted(add_here), _sorted(remove_here), after)


def plain(tag: str) -> str:
    return " ".join(tag.split()).casefold()


def _concerned(tags: Collection[str], only: Collection[str] | None) -> set[str]:
    found = {plain(one) for one in tags}
    return found if only is None else found & set(only)


def _sorted(tags: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(tags))


# --- whether they may be written to ---


class Stop(StrEnum):
    SAME = "same"
    SEND = "send"
    LIFT = "lift"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class StopBase:
    ours: bool = False
    theirs: bool = False


def decide_stop(ours: bool, theirs: bool, base: StopBase) -> Stop:
    """Whoever is out on either side is out on both; only the customer's own START, after both were agreed, lifts it."""
    if ours == theirs:
        return Stop.SAME
    if ours:
        return Stop.SEND
    return Stop.LIFT if base.ours and base.theirs else Stop.TAKE


# --- all of a contact ---


@dataclass(frozen=True, slots=True)
class State:
    """What both agreed on last, of one contact. `talk` is the conversation whose values these were."""

    fields: Mapping[str, Base] = field(default_factory=lambda: MappingProxyType({}))
    tags: TagBase = TagBase()
    stop: StopBase = StopBase()
    talk: str = ""

    def in_talk(self, talk: str, attributes: Collection[str]) -> "State":
        """As seen from another conversation: what the old one held is not what this one lost."""
        if talk == self.talk:
            return self
        seen = {
            name: base if name in attributes else replace(base, ours=None)
            for name, base in self.fields.items()
        }
        return replace(self, fields=seen)


@dataclass(frozen=True, slots=True)
class Sending:
    """What is on its way there: field → (ours, theirs), tags, and whether they may be written to."""

    fields: Mapping[str, Base] = field(default_factory=lambda: MappingProxyType({}))
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    stop: bool | None = None

    def arrived_in(
        self, state: State, there: Mapping[str, Any], tags: Collection[str], *, stop: bool
    ) -> State:
        """The state as it is if this came there although nobody said so."""
        fields = dict(state.fields)
        for name, sent in self.fields.items():
            fields[name] = arrived(fields.get(name, Base()), sent, there.get(name))
        has = {plain(one) for one in tags}
        added, removed = set(self.add) & has, set(self.remove) - has
        known = TagBase(
            _sorted((set(state.tags.ours) | added) - removed),
            _sorted((set(state.tags.theirs) | added) - removed),
        )
        stopped = StopBase(stop, stop) if self.stop is not None and stop is self.stop else state.stop
        return replace(state, fields=fields, tags=known, stop=stopped)

"""What is to be done on each side so that both say the same. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain import crm
from domain.crm import Base, Sending, State, Stop, StopBase, TagPlan, Theirs, Verdict
from domain.crm_settings import CUSTOM, Mapped
from integrations.gohighlevel_answers import There
from store.crm_changes import Passed
from workers.crm_view import View

NOBODY = There("", {}, (), stopped=False, updated_at=None)
"""Whom they do not have."""


@dataclass(frozen=True, slots=True)
class Decided:
    mapped: Mapped
    verdict: Verdict
    theirs: Theirs
    base: Base


@dataclass(frozen=True, slots=True)
class Plan:
    view: View
    there: There
    agreed: State
    decided: tuple[Decided, ...]
    tags: TagPlan
    stop: Stop

    @property
    def body(self) -> Mapping[str, Any]:
        """What is sent, by their names."""
        return {one.mapped.theirs: self.view.told(one.mapped) for one in self._of(Verdict.SEND)}

    @property
    def stops(self) -> bool | None:
        return {Stop.SEND: True, Stop.LIFT: False}.get(self.stop)

    @property
    def sends(self) -> bool:
        return bool(self.body) or self.tags.sends or self.stops is not None

    @property
    def sending(self) -> Sending:
        told = self.body
        ours = self.view.values
        fields = {
            one.mapped.theirs: Base(ours[one.mapped.ours].value, told[one.mapped.theirs])
            for one in self._of(Verdict.SEND)
        }
        return Sending(fields, self.tags.add_there, self.tags.remove_there, self.stops)

    @property
    def taken(self) -> Mapping[str, Any]:
        """By our names."""
        return {one.mapped.ours: one.theirs.read for one in self._of(Verdict.TAKE)}

    @property
    def takes(self) -> bool:
        return bool(self.taken or self.tags.add_here or self.tags.remove_here or self.stop is Stop.TAKE)

    @property
    def passed(self) -> list[Passed]:
        """For the history: everything that was different."""
        found = [
            Passed(one.mapped.ours, one.verdict, self.view.values[one.mapped.ours].value, one.theirs.value)
            for one in self.decided
            if one.verdict is not Verdict.SAME
        ]
        stops = {Stop.SEND: "sent", Stop.LIFT: "sent", Stop.TAKE: "taken"}
        if self.stop in stops:
            found.append(Passed("consent", stops[self.stop], self.view.standing.is_out, self.there.stopped))
        if self.tags.sends:
            found.append(Passed("tags", "sent", sorted(self.tags.base.ours), sorted(self.there.tags)))
        if self.tags.add_here or self.tags.remove_here:
            found.append(Passed("tags", "taken", sorted(self.tags.base.ours), sorted(self.there.tags)))
        return found

    def state(self, answered: There | None, *, took: bool) -> State:
        """What both are agreed on now. `answered`: as the CRM has it after what we sent. Not `took`: what was to be taken
        is not, and comes again."""
        fields = dict(self.agreed.fields)
        for one in self.decided:
            if one.verdict is Verdict.TAKE and not took:
                continue
            name = one.mapped.theirs
            told = self.sending.fields[name].theirs if one.verdict is Verdict.SEND else None
            stands = answered.fields.get(name, told) if answered else told
            fields[name] = crm.settled(
                one.verdict, self.view.values[one.mapped.ours], one.theirs, one.base, stands or told
            )
        tags = self.tags.base
        if not took and (self.tags.add_here or self.tags.remove_here):
            known = set(self.agreed.tags.theirs) | set(self.tags.add_there)
            tags = replace(self.agreed.tags, theirs=tuple(sorted(known - set(self.tags.remove_there))))
        return State(fields, tags, self._stopped(took=took), self.view.talk_key)

    def _stopped(self, *, took: bool) -> StopBase:
        match self.stop:
            case Stop.SEND:
                return StopBase(ours=True, theirs=True)
            case Stop.LIFT:
                return StopBase()
            case Stop.TAKE if took:
                return StopBase(ours=True, theirs=True)
            case Stop.TAKE:
                return self.agreed.stop
        if not self.view.standing.has_number:
            return self.agreed.stop
        return StopBase(self.view.standing.is_out, self.there.stopped)

    def _of(self, verdict: Verdict) -> list[Decided]:
        return [one for one in self.decided if one.verdict is verdict]


def plan(view: View, there: There | None, agreed: State, missing: Collection[str]) -> Plan:
    """`there` is None for whom they do not have."""
    stands = there or NOBODY
    seen = view.agreed(agreed)
    decided = tuple(
        _decide(view, one, stands, seen)
        for one in view.settings.fields
        if one.theirs.removeprefix(CUSTOM) not in missing or not one.theirs.startswith(CUSTOM)
    )
    decided = tuple(one for one in decided if one.verdict is not Verdict.TAKE or view.can_take(one.mapped))
    talk, rule = view.standing.talk, view.settings.tags
    tags = TagPlan(base=seen.tags)
    if rule is not None:
        ours = talk.tags if talk is not None else ()
        same = view.talk_key == agreed.talk
        tags = crm.plan_tags(rule, ours, stands.tags, seen.tags, same_talk=same)
        if talk is None or not talk.is_open:
            tags = replace(tags, add_here=(), remove_here=(), base=replace(tags.base, ours=_plain(ours)))
    standing = view.standing
    stop = Stop.SAME
    if standing.has_number:
        stop = crm.decide_stop(standing.is_out, stands.stopped, seen.stop)
    return Plan(view, stands, seen, decided, tags, stop)


def _decide(view: View, one: Mapped, there: There, agreed: State) -> Decided:
    value = there.fields.get(one.theirs)
    theirs = Theirs(value, view.read(one, value), there.updated_at)
    base = agreed.fields.get(one.theirs, Base())
    verdict = crm.decide(one.direction, view.values[one.ours], theirs, base)
    if verdict is Verdict.TAKE and theirs.read is None and one.ours in ("contact.name", "contact.language"):
        verdict = Verdict.KEEP_OURS  # a name taken off there is no reason to forget it here
    return Decided(one, verdict, theirs, base)


def _plain(tags: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({crm.plain(one) for one in tags}))

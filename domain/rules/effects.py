"""What rules and workflows want done in the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.skill import WorldEffect


@dataclass(frozen=True, slots=True)
class Tell(WorldEffect):
    """People of these roles, or those of these e-mail addresses, are told. `rule` tells two apart."""

    roles: tuple[str, ...]
    people: tuple[str, ...]
    words: str
    rule: str


@dataclass(frozen=True, slots=True)
class SetStatus(WorldEffect):
    """`before` must still be so, else nothing happens. `again` are the times after which the workflow is looked at."""

    status: str
    before: str
    why: str
    again: tuple[timedelta, ...] = ()
    actor: str = "system"


@dataclass(frozen=True, slots=True)
class SetTag(WorldEffect):
    tag: str
    on: bool


@dataclass(frozen=True, slots=True)
class SetPriority(WorldEffect):
    priority: str


@dataclass(frozen=True, slots=True)
class Assign(WorldEffect):
    """To a person by e-mail address, or to a role: the active person of it who has the fewest open conversations."""

    to: str


@dataclass(frozen=True, slots=True)
class CallWebhook(WorldEffect):
    url: str
    event: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fired(WorldEffect):
    """A rule did something: for its statistics, for `once`, and for people who ask why."""

    rule: str
    trigger: str
    did: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class WaitThen(WorldEffect):
    """The rule's actions from `step` on come after `wait`, if its conditions hold then."""

    rule: str
    step: int
    wait: timedelta

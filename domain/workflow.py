"""Statuses of a context and how it moves between them: guarded, on an event, after a time. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from domain.errors import Conflict
from domain.rules.actions import Action
from domain.rules.conditions import Facts, When, holds
from domain.workspace import Duration, Model, Name


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Status(Model):
    """A name, or a name with what happens when a context comes to it or leaves it."""

    name: Name
    enter: tuple[Action, ...] = ()
    leave: tuple[Action, ...] = ()


class Transition(Model):
    """Moves by itself when `when` holds, at the event `on`, or `after` a time in the status; with none of these only a
    person or a rule makes it."""

    from_: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(alias="from")
    to: str
    when: When | None = None
    on: str | None = None
    after: Duration | None = None

    @property
    def by_itself(self) -> bool:
        return self.when is not None or self.on is not None or self.after is not None


class Workflow(Model):
    """`initial` is the status of every new context."""

    initial: str
    statuses: tuple[Annotated[Status, BeforeValidator(_named)], ...]
    transitions: tuple[Transition, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> "Workflow":
        names = [status.name for status in self.statuses]
        if len(set(names)) != len(names):
            raise ValueError("two statuses have the same name")
        used = [self.initial, *(name for one in self.transitions for name in (*one.from_, one.to))]
        if unknown := sorted(set(used) - set(names)):
            raise ValueError(f"{', '.join(unknown)} is no status; there are {', '.join(names)}")
        return self

    def status(self, name: str) -> Status | None:
        return next((one for one in self.statuses if one.name == name), None)


def read(given: Mapping[str, Any]) -> Workflow | None:
    """A schema's `workflow`, None when it has none."""
    return Workflow.model_validate(given) if given else None


def following(workflow: Workflow, status: str, facts: Facts, happened: Iterable[str]) -> Transition | None:
    """The first transition, as written, that is due by itself. What waits for a time is due when `status` is older
    than it; a condition beside the event or the time must hold too."""
    events = frozenset(happened)
    for one in workflow.transitions:
        if status not in one.from_ or one.to == status or not one.by_itself:
            continue
        if one.on is not None and one.on not in events:
            continue
        if one.after is not None and not _older(facts, one.after):
            continue
        if one.when is None or holds(one.when, facts):
            return one
    return None


def legal(workflow: Workflow, status: str) -> tuple[str, ...]:
    """Where it may go from here, in the order of the file."""
    return tuple(
        dict.fromkeys(one.to for one in workflow.transitions if status in one.from_ and one.to != status)
    )


def check(workflow: Workflow, status: str, to: str) -> None:
    """Raise Conflict with the legal ones named. A person may make any transition that is written, its conditions and
    events apart."""
    allowed = legal(workflow, status)
    if to not in allowed:
        there = (
            f"from {status} it can go to {', '.join(allowed)}"
            if allowed
            else f"nothing leads on from {status}"
        )
        raise Conflict(f"{status} cannot become {to}: {there}", code="illegal_transition")


def timeouts(workflow: Workflow, status: str) -> tuple[timedelta, ...]:
    """After which times in this status something may be due, shortest first."""
    return tuple(
        sorted({one.after for one in workflow.transitions if status in one.from_ and one.after is not None})
    )


def _older(facts: Facts, than: timedelta) -> bool:
    since = facts.since.get("status")
    return since is not None and facts.now - since >= than

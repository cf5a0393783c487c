"""What each action of a rule comes to: effects, words for the customer, or a wish for the stages that follow. One
function an action; a test fails when one is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from domain.rules import Action, Facts, Rule
from domain.rules.effects import Assign, CallWebhook, SetPriority, SetTag, Tell
from domain.skill import WorldEffect

LONGEST = 1600


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one action. `wait` and `stop` end the rule for now; `status` is where the workflow shall go, `schema` what the
    conversation shall fill."""

    effects: tuple[WorldEffect, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    hand_off: str = ""
    skill: tuple[str, str] | None = None
    status: str = ""
    schema: str = ""
    wait: timedelta | None = None
    stop: bool = False


def do(action: Action, rule: Rule, facts: Facts) -> Outcome:
    return DOERS[action.kind](action.told, rule, facts)


def fill(words: str, facts: Facts) -> str:
    """{{contact.name}}, {{message.text}}, {{budget}}: what is not known is left empty. The template is a person's of
    the business; it can reach the facts and nothing else. One that cannot be filled is said as it stands."""
    try:
        return _template(words).render(_tree(facts.values)).strip()[:LONGEST]
    except TemplateError:
        return words


def broken(words: str) -> str | None:
    """What is wrong with a template, for people who write one."""
    try:
        _sandbox.parse(words)
    except TemplateError as error:
        return f"{words!r} cannot be filled in: {error}"
    return None


_sandbox = SandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)  # text, not HTML


@cache
def _template(words: str) -> Template:
    return _sandbox.from_string(words)


def _tree(values: Mapping[str, Any]) -> dict[str, Any]:
    """ "contact.name" as contact → name."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        head, _, rest = name.partition(".")
        shown = "" if value is None else value
        if rest:
            inner = tree.get(head)
            tree[head] = _Named(inner) if not isinstance(inner, _Named) else inner
            tree[head][rest] = shown
        elif isinstance(tree.get(head), _Named):
            tree[head].said = shown
        else:
            tree[head] = shown
    return tree


class _Named(dict[str, Any]):
    """A fact that has others below it: {{sentiment}} and {{sentiment.score}}."""

    def __init__(self, said: Any = "") -> None:
        super().__init__()
        self.said = "" if said is None else said

    def __str__(self) -> str:
        return str(self.said)


def _notify(told: Any, rule: Rule, facts: Facts) -> Outcome:
    return Outcome((Tell(told.roles, told.people, fill(told.text, facts), rule.name),))


def _set_field(told: Any, rule: Rule, facts: Facts) -> Outcome:
    value = fill(told.value, facts) if isinstance(told.value, str) else told.value
    return Outcome(fields={told.field: value})


def _webhook(told: Any, rule: Rule, facts: Facts) -> Outcome:
    return Outcome(
        (CallWebhook(told.url, f"rule.{rule.name}", {k: fill(v, facts) for k, v in told.data.items()}),)
    )


Doer = Callable[[Any, Rule, Facts], Outcome]
DOERS: dict[str, Doer] = {
    "notify": _notify,
    "set_field": _set_field,
    "set_status": lambda told, rule, facts: Outcome(status=told),
    "set_schema": lambda told, rule, facts: Outcome(schema=told),
    "add_tag": lambda told, rule, facts: Outcome((SetTag(told, True),)),
    "remove_tag": lambda told, rule, facts: Outcome((SetTag(told, False),)),
    "set_priority": lambda told, rule, facts: Outcome((SetPriority(told),)),
    "assign": lambda told, rule, facts: Outcome((Assign(told),)),
    "reply": lambda told, rule, facts: Outcome(words=fill(told, facts)),
    "run_skill": lambda told, rule, facts: Outcome(skill=(told.skill, told.goal)),
    "hand_off": lambda told, rule, facts: Outcome(hand_off=told.reason, words=fill(told.text, facts)),
    "webhook": _webhook,
    "wait": lambda told, rule, facts: Outcome(wait=told),
    "stop": lambda told, rule, facts: Outcome(stop=bool(told)),
}

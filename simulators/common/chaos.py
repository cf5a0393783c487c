"""Which trouble a request meets: rules, matched in order, by route, number, count and chance. A simulator names its
routes, so that a rule that would never be met is refused."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

# What happens to the answer; one at most per request.
WIRE = frozenset(
    ["status", "unauthorized", "hang", "drop_before", "drop_after", "html_error", "slow_body", "bad_json"],
)
# What happens to a message or call afterwards; several may hold at once.
AFTER = frozenset(
    [
        "duplicate_callbacks",
        "reorder_callbacks",
        "delay_callbacks",
        "drop_callbacks",
        "callback_before_response",
        "fail_with",
    ],
)
FIELDS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "route": str,
    "to": str,
    "count": int,
    "probability": (int, float),
    "status": int,
    "retry_after": (int, float),
    "seconds": (int, float),
    "effect": str,
    "times": int,
    "statuses": list,
    "code": int,
}


@dataclass
class Rule:
    """`kind` and what it needs; without `route` it meets every REST request (AFTER kinds: every create)."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    left: int | None = None
    met: int = 0

    def fits(self, route: str, to: str) -> bool:
        if self.left == 0 or (self.kind in AFTER and not route.endswith(".create")):
            return False
        wanted_route, wanted_to = self.settings.get("route"), self.settings.get("to")
        return wanted_route in (None, route) and wanted_to in (None, to)

    def seconds(self, default: float) -> float:
        return float(self.settings.get("seconds", default))

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.settings, "left": self.left, "met": self.met}


@dataclass(frozen=True)
class Plan:
    """What awaits one request."""

    wire: Rule | None = None
    after: dict[str, Rule] = field(default_factory=dict)


class Chaos:
    """The rules now in force, with randomness of their own, so that a seed repeats a run."""

    def __init__(self, seed: int, routes: frozenset[str]) -> None:
        self.seed, self.routes = seed, routes
        self.reset()

    def reset(self) -> None:
        self.rules: list[Rule] = []
        self.random = random.Random(self.seed)  # noqa: S311 - not for secrets

    def load(self, rules: list[dict[str, Any]]) -> None:
        """Replaces all rules; ValueError on a rule that would silently never do anything."""
        self.rules = [_parse(rule, self.routes) for rule in rules]

    def plan(self, route: str, to: str) -> Plan:
        wire: Rule | None = None
        after: dict[str, Rule] = {}
        for rule in self.rules:
            taken = (wire is not None) if rule.kind in WIRE else rule.kind in after
            if taken or not rule.fits(route, to) or not self._happens(rule):
                continue
            if rule.kind in WIRE:
                wire = rule
            else:
                after[rule.kind] = rule
        return Plan(wire, after)

    def _happens(self, rule: Rule) -> bool:
        if self.random.random() >= rule.settings.get("probability", 1):
            return False
        rule.met += 1
        if rule.left is not None:
            rule.left -= 1
        return True


def _parse(raw: dict[str, Any], routes: frozenset[str]) -> Rule:
    for name, value in raw.items():
        if name not in FIELDS or not isinstance(value, FIELDS[name]):
            raise ValueError(f"chaos rule: {name}={value!r} is not understood")
    if raw.get("route", "messages.create") not in routes:
        raise ValueError(f"chaos rule: unknown route {raw['route']!r}")
    settings = dict(raw)
    kind = settings.pop("kind", "")
    if kind not in WIRE | AFTER:
        raise ValueError(f"chaos rule: unknown kind {kind!r}")
    if kind == "fail_with" and "code" not in settings:
        raise ValueError("chaos rule: fail_with needs a code")
    if settings.get("effect", "before") not in ("before", "after", "none"):
        raise ValueError("chaos rule: effect is before, after or none")
    return Rule(kind, settings, settings.pop("count", None))

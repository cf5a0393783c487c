"""Conditions: nested all / any / not over facts, and every operator. Evaluation never raises and says why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import re2
from pydantic import Field, model_validator

from domain.rules.values import comparable, empty, same, texts
from domain.workspace import Model, read_duration

OPERATORS = (
    "eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "not_in", "contains", "not_contains", "starts_with",
    "ends_with", "matches", "is_set", "is_empty", "changed", "changed_to", "older_than", "within",
)  # fmt: skip
_WITHOUT_VALUE = frozenset({"is_set", "is_empty", "changed"})
_LISTS = frozenset({"in", "not_in"})
DEEPEST = 8


class When(Model):
    """One of: {all: [...]}, {any: [...]}, {not: {...}}, or {field, op, value}. Nothing at all always holds."""

    all: tuple["When", ...] | None = None
    any: tuple["When", ...] | None = None
    not_: "When | None" = Field(default=None, alias="not")
    filled: tuple[str, ...] | None = None
    """Short for: each of these fields is set."""
    field: str | None = None
    op: str | None = None
    value: Any = None

    @model_validator(mode="after")
    def _one_form(self) -> "When":
        forms = [
            name for name in ("all", "any", "not_", "filled", "field") if getattr(self, name) is not None
        ]
        if len(forms) > 1:
            raise ValueError(f"give one of all, any, not, filled or field, not {' and '.join(forms)}")
        if self.field is None and (self.op is not None or self.value is not None):
            raise ValueError("op and value need a field")
        if self.field is not None:
            _check(self.field, self.op, self.value)
        if _depth(self) > DEEPEST:
            raise ValueError(f"conditions may be nested {DEEPEST} deep")
        return self


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so when a rule looks. `values` by name: `message.text`, `intent`, `status`, a context field's name.
    `before` holds what changed, as it was; `since` when each value was last set; `now` is aware."""

    values: Mapping[str, Any]
    now: datetime
    before: Mapping[str, Any] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    later: bool = False
    """A rule that waited is looked at again: what had changed then counts as changed."""

    def get(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        return self.values.get(name.removeprefix("context."))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it holds and why: a tree that has the conditions' own shape. A branch that was not needed to decide is
    evaluated all the same, so that a person who asks sees everything."""

    holds: bool
    why: str
    parts: tuple["Verdict", ...] = ()


def evaluate(when: When, facts: Facts) -> Verdict:
    if when.all is not None:
        parts = tuple(evaluate(one, facts) for one in when.all)
        return Verdict(all(part.holds for part in parts), "all of", parts)
    if when.any is not None:
        parts = tuple(evaluate(one, facts) for one in when.any)
        return Verdict(any(part.holds for part in parts), "any of", parts)
    if when.not_ is not None:
        part = evaluate(when.not_, facts)
        return Verdict(not part.holds, "not", (part,))
    if when.filled is not None:
        parts = tuple(_verdict(name, "is_set", None, facts) for name in when.filled)
        return Verdict(all(part.holds for part in parts), "filled", parts)
    if when.field is None:
        return Verdict(True, "always")
    return _verdict(when.field, when.op or "eq", when.value, facts)


def holds(when: When, facts: Facts) -> bool:
    """The same verdict without its reasons, and without looking further than needed."""
    if when.all is not None:
        return all(holds(one, facts) for one in when.all)
    if when.any is not None:
        return any(holds(one, facts) for one in when.any)
    if when.not_ is not None:
        return not holds(when.not_, facts)
    if when.filled is not None:
        return all(not empty(facts.get(name)) for name in when.filled)
    return when.field is None or _TESTS[when.op or "eq"](when.field, when.value, facts)


def test_of(when: When) -> Callable[[Facts], bool]:
    """`holds`, with the looking up of what kind of condition it is done once: for conditions that are looked at with
    every message."""
    if when.all is not None:
        every = tuple(map(test_of, sorted(when.all, key=_cost)))
        return lambda facts: all(test(facts) for test in every)
    if when.any is not None:
        some = tuple(map(test_of, sorted(when.any, key=_cost)))
        return lambda facts: any(test(facts) for test in some)
    if when.not_ is not None:
        inner = test_of(when.not_)
        return lambda facts: not inner(facts)
    if when.field is not None:
        test, name, value = _TESTS[when.op or "eq"], when.field, when.value
        return lambda facts: test(name, value, facts)
    return lambda facts: holds(when, facts)


def _cost(when: When) -> int:
    """What decides soonest is looked at first: nothing that is looked at changes anything."""
    inner = [*(when.all or ()), *(when.any or ()), *((when.not_,) if when.not_ else ())]
    return sum(map(_cost, inner)) + (10 if when.op == "matches" else 1)


def fields_of(when: When) -> frozenset[str]:
    """Every fact that it looks at."""
    own = {when.field} if when.field else set(when.filled or ())
    inner = [*(when.all or ()), *(when.any or ()), *((when.not_,) if when.not_ else ())]
    return frozenset(own).union(*(fields_of(one) for one in inner))


def _verdict(name: str, op: str, value: Any, facts: Facts) -> Verdict:
    got = facts.get(name)
    wanted = "" if op in _WITHOUT_VALUE else f" {_shown(value)}"
    return Verdict(_TESTS[op](name, value, facts), f"{name} ({_shown(got)}) {op}{wanted}")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[str, Any, Facts], bool]:
    def test(name: str, value: Any, facts: Facts) -> bool:
        pair = comparable(facts.get(name), value)
        return pair is not None and compare(*pair)

    return test


def _between(name: str, value: Any, facts: Facts) -> bool:
    low, high = value
    below, above = comparable(low, facts.get(name)), comparable(facts.get(name), high)
    return below is not None and above is not None and below[0] <= below[1] and above[0] <= above[1]


def _equal(name: str, value: Any, facts: Facts) -> bool:
    return same(facts.get(name), value)


def _in(name: str, value: Any, facts: Facts) -> bool:
    got = facts.get(name)
    held = got if isinstance(got, list | tuple) else [got]
    return any(same(one, wanted) for one in held for wanted in value)


def _contains(name: str, value: Any, facts: Facts) -> bool:
    got = facts.get(name)
    wanted = value if isinstance(value, list | tuple) else [value]
    if isinstance(got, list | tuple):
        return any(same(one, want) for one in got for want in wanted)
    return any(str(want).casefold() in one for one in texts(got) for want in wanted)


def _starts(name: str, value: Any, facts: Facts) -> bool:
    return any(one.startswith(str(value).casefold()) for one in texts(facts.get(name)))


def _ends(name: str, value: Any, facts: Facts) -> bool:
    return any(one.endswith(str(value).casefold()) for one in texts(facts.get(name)))


def _matches(name: str, value: Any, facts: Facts) -> bool:
    """In time linear in the text, whatever the pattern: customers write the text, a person wrote the pattern."""
    got = facts.get(name)
    held = got if isinstance(got, list | tuple) else [got]
    pattern = _pattern(str(value))
    return any(bool(pattern.search(str(one))) for one in held if one is not None)


@lru_cache(maxsize=10_000)
def _pattern(written: str) -> Any:
    """re2 itself keeps 128; a business may have more."""
    return re2.compile(written)


def _changed(name: str, value: Any, facts: Facts) -> bool:
    return facts.later or (name in facts.before and not same(facts.before[name], facts.get(name)))


def _changed_to(name: str, value: Any, facts: Facts) -> bool:
    return _changed(name, value, facts) and same(facts.get(name), value)


def _age(name: str, facts: Facts) -> timedelta | None:
    """How long ago it was set, or, for a moment, how long ago it is (negative: how long until then)."""
    got = facts.get(name)
    if isinstance(got, datetime) and got.tzinfo:
        return facts.now - got
    if isinstance(got, str) and "T" in got:
        try:
            moment = datetime.fromisoformat(got)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo:
            return facts.now - moment
    return facts.now - facts.since[name] if name in facts.since else None


def _older(name: str, value: Any, facts: Facts) -> bool:
    age = _age(name, facts)
    return age is not None and age > _span(value)


def _within(name: str, value: Any, facts: Facts) -> bool:
    """No longer ago, and no further ahead, than this."""
    age = _age(name, facts)
    return age is not None and abs(age) <= _span(value)


def _span(value: Any) -> timedelta:
    read = read_duration(value)
    return read if isinstance(read, timedelta) else timedelta(seconds=float(read))


def _not(test: Callable[[str, Any, Facts], bool]) -> Callable[[str, Any, Facts], bool]:
    return lambda name, value, facts: not test(name, value, facts)


_TESTS: dict[str, Callable[[str, Any, Facts], bool]] = {
    "eq": _equal, "ne": _not(_equal),
    "gt": _ordered(lambda a, b: a > b), "gte": _ordered(lambda a, b: a >= b),
    "lt": _ordered(lambda a, b: a < b), "lte": _ordered(lambda a, b: a <= b),
    "between": _between, "in": _in, "not_in": _not(_in), "contains": _contains, "not_contains": _not(_contains),
    "starts_with": _starts, "ends_with": _ends, "matches": _matches,
    "is_set": lambda name, value, facts: not empty(facts.get(name)),
    "is_empty": lambda name, value, facts: empty(facts.get(name)),
    "changed": _changed, "changed_to": _changed_to, "older_than": _older, "within": _within,
}  # fmt: skip


def _check(name: str, op: str | None, value: Any) -> None:
    """What is wrong with a comparison, in words."""
    if op is None:
        raise ValueError(f"field {name!r} needs an op: {', '.join(OPERATORS)}")
    if op not in OPERATORS:
        raise ValueError(f"{op!r} is no operator; use one of {', '.join(OPERATORS)}")
    if op in _WITHOUT_VALUE:
        if value is not None:
            raise ValueError(f"{op} takes no value")
        return
    if value is None:
        raise ValueError(f"{op} needs a value")
    if (op in _LISTS and not isinstance(value, Sequence)) or (op in _LISTS and isinstance(value, str)):
        raise ValueError(f"{op} needs a list of values")
    if op == "between" and not (isinstance(value, list | tuple) and len(value) == 2):
        raise ValueError("between needs a list of two values: [lowest, highest]")
    if op == "matches":
        _check_pattern(str(value))
    if op in ("older_than", "within"):
        try:
            _span(value)
        except (ValueError, TypeError):
            raise ValueError(f"{value!r} is not a duration; write 90s, 15m, 8h or 14d") from None


def _check_pattern(pattern: str) -> None:
    try:
        re2.compile(pattern)
    except re2.error as error:
        raise ValueError(f"{pattern!r} is no regular expression that RE2 reads: {error}") from None


def _depth(when: When) -> int:
    inner = [*(when.all or ()), *(when.any or ()), *((when.not_,) if when.not_ else ())]
    return 1 + max((_depth(one) for one in inner), default=0)

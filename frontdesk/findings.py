"""What a check found: one line of ok, or of what is wrong and what to do."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import typer

State = Literal["ok", "note", "wrong"]
_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`note` is no failure: something is missing and done another way meanwhile."""

    check: str
    state: State
    said: str
    todo: str = ""


def ok(check: str, said: str) -> Finding:
    return Finding(check, "ok", said)


def note(check: str, said: str, todo: str = "") -> Finding:
    return Finding(check, "note", said, todo)


def wrong(check: str, said: str, todo: str) -> Finding:
    return Finding(check, "wrong", said, todo)


def tell(findings: Sequence[Finding], as_json: bool) -> int:
    """Print them; return how many are wrong."""
    failures = sum(1 for one in findings if one.state == "wrong")
    if as_json:
        typer.echo(json.dumps({"failures": failures, "checks": [asdict(one) for one in findings]}))
        return failures
    width = max((len(one.check) for one in findings), default=0)
    for one in findings:
        todo = f" → {one.todo}" if one.todo else ""
        typer.echo(f"{_MARKS[one.state]} {one.check:<{width}}  {one.said}{todo}")
    return failures

"""What checks found, told: one line each, or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from runtime.findings import Finding

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


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

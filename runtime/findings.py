"""What a check found: ok, or what is wrong and what to do."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong"]


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

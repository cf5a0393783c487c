"""Versions of things that two people may change at once: `ETag`, and `If-Match` to change only what one has read."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Header

from domain.errors import Conflict, FieldError

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="Its `ETag`: change only the version that you have read; else 412."),
]


def etag(version: int) -> str:
    return f'"{version}"'


def named(if_match: str | None) -> list[int] | None:
    """The versions that would do; None: any. A weak tag, or one that is none of ours, names nothing (RFC 9110, 13.1.1)."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [int(one) for one in re.findall(r'(?<!\S)"(\d{1,9})"', if_match.replace(",", " "))]


def is_current(if_match: str | None, version: int) -> bool:
    wanted = named(if_match)
    return wanted is None or version in wanted


def stale(version: int, changed: Sequence[str] = ()) -> Conflict:
    """412. `changed` are pointers to what is different now."""
    told = [FieldError(pointer, "it has changed since") for pointer in changed]
    return Conflict(f"it is at version {version} now; read it again", code="stale_version", errors=told)

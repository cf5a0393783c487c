"""What GoHighLevel answers, as it concerns us: a contact, a change, a refusal and its reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import httpx2

from domain.errors import FrontdeskError
from integrations.pace import Pace

CUSTOM = "custom."
_OUT = frozenset({"active", "permanent"})
CHANNELS = ("SMS", "WhatsApp")
_WORDS = re.compile(r"[\w .,:'()-]{1,120}")


class Fault(StrEnum):
    REVOKED = "revoked"  # the token is not taken: only a person can give another
    FORBIDDEN = "forbidden"  # it lacks a scope, or is another location's
    MISSING = "missing"  # there is no such contact
    BUSY = "busy"  # too many calls in these seconds
    SPENT = "daily_limit"  # too many calls today
    AWAY = "away"  # no answer, or none that can be used: nobody knows what became of it
    BAD = "refused"  # they do not take what we send


class CrmFailed(FrontdeskError):
    """GoHighLevel gave no answer that can be used; `detail` is its own words where those are no customer's, `after_s` how
    long it wants to be left alone."""

    def __init__(self, fault: Fault, detail: str = "", after_s: float = 0.0) -> None:
        super().__init__(f"GoHighLevel: {fault}{f' ({detail})' if detail else ''}")
        self.fault, self.detail, self.code, self.after_s = fault, detail[:120], fault.value, after_s


@dataclass(frozen=True, slots=True)
class There:
    """A contact as far as it concerns us. `fields` by name, a custom one as `custom.KEY`; "" and [] are None."""

    id: str
    fields: Mapping[str, Any] = field(repr=False)
    tags: tuple[str, ...]
    stopped: bool
    """Text messages or WhatsApp must not be sent to them."""
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Changed:
    id: str
    updated_at: datetime


def refused(reply: httpx2.Response, pace: Pace) -> CrmFailed:
    status = reply.status_code
    if status == 429:
        fault = Fault.SPENT if pace.daily_left == 0 else Fault.BUSY
        return CrmFailed(fault, "429", _seconds(reply.headers.get("retry-after")))
    known = {401: Fault.REVOKED, 403: Fault.FORBIDDEN, 404: Fault.MISSING}
    if status in (400, 409, 422):
        said = _said(reply)
        missing = status == 400 and "not found" in said.lower()
        return CrmFailed(Fault.MISSING if missing else Fault.BAD, f"{status} {said}".strip())
    return CrmFailed(known.get(status, Fault.AWAY), str(status))


def _said(reply: httpx2.Response) -> str:
    """Its own words, unless they may hold a customer's: it repeats values in quotes, and numbers."""
    try:
        message = reply.json().get("message")
    except (ValueError, AttributeError):
        return ""
    words = "; ".join(map(str, message)) if isinstance(message, list) else str(message or "")
    return words[:120] if _WORDS.fullmatch(words[:120]) and not re.search(r"\d{4}|@", words) else ""


def _seconds(said: str | None) -> float:
    try:
        return min(max(float(said or 0), 0.0), 3600.0)
    except ValueError:
        return 0.0


def is_stopped(contact: Mapping[str, Any]) -> bool:
    if contact.get("dnd") is True:
        return True
    settings = contact.get("dndSettings")
    if not isinstance(settings, dict):
        return False
    return any(
        isinstance(one := settings.get(channel), dict) and one.get("status") in _OUT for channel in CHANNELS
    )


def kept(value: Any) -> Any:
    if isinstance(value, list):
        return [str(one) for one in value] or None
    if isinstance(value, str):
        return value.strip() or None
    return value if isinstance(value, int | float) else None


def needed(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, str) or not value:
        raise CrmFailed(Fault.AWAY, f"no {name}")
    return value


def moment(said: Any) -> datetime:
    found = maybe_moment(said)
    if found is None:
        raise CrmFailed(Fault.AWAY, "a time that is none")
    return found


def maybe_moment(said: Any) -> datetime | None:
    try:
        if isinstance(said, int | float) and not isinstance(said, bool):
            return datetime.fromtimestamp(said / 1000, UTC)
        found = datetime.fromisoformat(str(said))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)

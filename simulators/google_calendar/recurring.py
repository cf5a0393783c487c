"""What `singleEvents` makes of a recurring event: its instances within the asked time, each with an id of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from simulators.google_calendar.state import Json

MOST = 800


def instances(event: Json, zone: str, window: tuple[str, str]) -> list[Json]:
    first, last = (_moment(one) for one in window)
    rules = [one for one in event.get("recurrence", []) if one.startswith("RRULE")]
    if not rules:
        start, end = _when(event["start"], zone), _when(event["end"], zone)
        inside = (first is None or end > first) and (last is None or start < last)
        return [event] if inside or event["status"] == "cancelled" else []
    start, end = (_local(event[name], zone) for name in ("start", "end"))
    found: list[Json] = []
    for at in islice(rrulestr(rules[0], dtstart=start), MOST):
        one = _instance(event, at, at + (end - start), zone)
        begins, ends = _when(one["start"], zone), _when(one["end"], zone)
        if last is not None and begins >= last:
            break
        if first is None or ends > first:
            found.append(one)
    return found


def _instance(event: Json, start: datetime, end: datetime, zone: str) -> Json:
    whole = "date" in event["start"]
    stamp = start.strftime("%Y%m%d") if whole else _utc(start, zone).strftime("%Y%m%dT%H%M%SZ")
    shown: dict[str, Any] = {name: value for name, value in event.items() if name != "recurrence"}
    shown |= {"id": f"{event['id']}_{stamp}", "recurringEventId": event["id"]}
    for name, at in (("start", start), ("end", end)):
        shown[name] = {"date": at.date().isoformat()} if whole else {"dateTime": _utc(at, zone).isoformat()}
    return shown


def _local(said: Json, zone: str) -> datetime:
    """On the calendar's clock, without its zone: a rule goes by the clock."""
    if "date" in said:
        return datetime.fromisoformat(said["date"])
    return datetime.fromisoformat(said["dateTime"]).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _when(said: Json, zone: str) -> datetime:
    if "date" in said:
        return datetime.fromisoformat(said["date"]).replace(tzinfo=ZoneInfo(zone))
    return datetime.fromisoformat(said["dateTime"])


def _utc(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _moment(said: str) -> datetime | None:
    return datetime.fromisoformat(said) if said else None

"""What the simulator remembers: accounts, tokens, calendars with their history, channels, and troubles ordered."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from simulators.common import simulation

Json = dict[str, Any]
ROUTES = frozenset(
    {
        "oauth.token", "oauth.revoke", "events.insert", "events.get", "events.patch", "events.delete", "events.list",
        "events.watch", "channels.stop", "messages.create",
    }
)  # fmt: skip
SCOPE = "https://www.googleapis.com/auth/calendar.events"
ACCESS_LASTS = timedelta(hours=1)
CHANNEL_LASTS = timedelta(days=7)


@dataclass(frozen=True)
class Config:
    client_id: str = "simulated.apps.googleusercontent.example"
    client_secret: str = "simulated"  # noqa: S105  (of nobody)
    clock: simulation.Clock = simulation.utcnow
    seed: int = 1
    consent: str = "given"
    """given | denied | without_calendar"""


@dataclass
class Grant:
    """A refresh token's."""

    account: str
    scope: str
    revoked: bool = False


@dataclass
class Calendar:
    id: str
    zone: str = "America/Chicago"
    role: str = "owner"
    events: dict[str, Json] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """Ids in the order of their changes: a sync token is a place in it."""
    oldest: int = 0
    """Tokens from before this place are no longer valid."""


@dataclass
class Channel:
    id: str
    address: str
    token: str
    calendar: str
    resource: str
    until: datetime
    sent: int = 0


class Simulation(simulation.Simulation):
    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.codes: dict[str, Json] = {}
        self.grants: dict[str, Grant] = {}
        self.access: dict[str, tuple[str, datetime]] = {}
        """Access token → (refresh token, until)."""
        self.calendars: dict[str, Calendar] = {}
        self.channels: dict[str, Channel] = {}
        self.requests: list[Json] = []
        self.pushes: list[Json] = []
        self.lose_pushes = False

    # --- accounts and tokens ---

    def add_account(self, address: str, zone: str = "America/Chicago") -> Calendar:
        return self.calendars.setdefault(address, Calendar(address, zone))

    def grant(self, account: str, scope: str = SCOPE) -> str:
        """A refresh token, as a consent would give it."""
        token = "1//" + secrets.token_urlsafe(24)
        self.grants[token] = Grant(account, scope)
        self.add_account(account)
        return token

    def revoke(self, account: str) -> None:
        """The account's owner takes the consent back, in their own settings."""
        for grant in self.grants.values():
            grant.revoked |= grant.account == account

    def expire_access(self) -> None:
        self.access.clear()

    # --- calendars ---

    def write(self, calendar: Calendar, event: Json, *, quietly: bool = False) -> Json:
        """A change: whoever follows the calendar hears of it."""
        calendar.log.append(event["id"])
        event["sequence"] = int(event.get("sequence", -1)) + 1
        event["updated"] = self.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
        event["etag"] = f'"{len(calendar.log):016d}"'
        calendar.events[event["id"]] = event
        if not quietly:
            self._push(calendar)
        return event

    def add_event(self, account: str, start: datetime, end: datetime, /, **more: Any) -> Json:
        """A person makes one in their own calendar."""
        event = {
            "kind": "calendar#event", "id": secrets.token_hex(13), "status": "confirmed", "summary": "Private",
            "start": {"dateTime": start.isoformat()}, "end": {"dateTime": end.isoformat()}, **more,
        }  # fmt: skip
        return self.write(self.add_account(account), event)

    def change_event(self, account: str, event_id: str, /, **changes: Any) -> Json:
        """A person changes one in their own calendar."""
        calendar = self.calendars[account]
        return self.write(calendar, {**calendar.events[event_id], **changes})

    def delete_event(self, account: str, event_id: str) -> None:
        self.change_event(account, event_id, status="cancelled")

    def forget_tokens(self, account: str) -> None:
        """Every sync token of the calendar ends: 410 to whoever brings one."""
        calendar = self.calendars[account]
        calendar.oldest = len(calendar.log) + 1
        calendar.log.append(next(iter(calendar.events), ""))

    def there(self, account: str) -> list[Json]:
        """What stands in the calendar."""
        return [one for one in self.calendars[account].events.values() if one["status"] != "cancelled"]

    # --- push ---

    def _push(self, calendar: Calendar) -> None:
        for channel in list(self.channels.values()):
            if channel.calendar == calendar.id and channel.until > self.now():
                self.push(channel, "exists")

    def push(self, channel: Channel, state: str) -> None:
        channel.sent += 1
        if not self.lose_pushes:
            self.spawn(self._post(channel, state, channel.sent))

    async def _post(self, channel: Channel, state: str, number: int) -> None:
        if self.client is None:
            self.client = httpx2.AsyncClient(trust_env=False, timeout=5)  # noqa: TID251
        headers = {
            "X-Goog-Channel-ID": channel.id, "X-Goog-Channel-Token": channel.token,
            "X-Goog-Resource-ID": channel.resource, "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(number), "X-Goog-Channel-Expiration": channel.until.isoformat(),
        }  # fmt: skip
        status = 0
        with contextlib.suppress(httpx2.HTTPError):
            status = (await self.client.post(channel.address, headers=headers)).status_code
        self.pushes.append({"channel": channel.id, "state": state, "number": number, "status": status})

"""Google's calendars, opened by the consents that people gave."""

from uuid import UUID

from integrations import google_consent
from integrations.google_calendar import Addresses, CalendarFailed, GoogleCalendar, addresses
from runtime.http import Client
from runtime.settings import GOOGLE_URL, Settings
from store.calendars import Link

KEPT = 200
"""Opened at once: each holds a connection and an access token."""


class Calendars:
    def __init__(self, settings: Settings, http: Client) -> None:
        assert settings.google is not None
        self._at: Addresses = addresses(None if settings.google_url == GOOGLE_URL else settings.google_url)
        self._client, self._http, self._public = settings.google, http, settings.public_url
        self._open: dict[tuple[UUID, str], GoogleCalendar] = {}
        self._pushed = settings.public_url.startswith("https://") or settings.google_url != GOOGLE_URL

    @property
    def pushed(self) -> bool:
        """Whether Google can call us: only over HTTPS."""
        return self._pushed

    @property
    def callback(self) -> str:
        """Where people come back; it stands in the OAuth client's settings at Google."""
        return f"{self._public}/calendars/google/callback"

    def push_url(self, workspace_id: UUID, link_id: UUID) -> str:
        return f"{self._public}/calendars/google/push/{workspace_id}/{link_id}"

    def consent_url(self, state: str, verifier: str, calendar: str) -> str:
        return google_consent.url(self._at, self._client[0], self.callback, state, verifier, calendar)

    async def exchange(self, code: str, verifier: str) -> str:
        """The refresh token. Raise CalendarFailed."""
        return await google_consent.exchange(
            self._http, self._at, self._client, code, self.callback, verifier
        )

    async def give_back(self, link: Link) -> bool:
        """Nothing is asked there any more, and no push comes. False when Google could not be told of all of it."""
        told = True
        if link.channel_id is not None:
            try:
                await self.open(link).stop(link.channel_id, link.channel_resource)
            except CalendarFailed:
                told = False
        if opened := self._open.pop((link.id, link.refresh_token), None):
            await opened.close()
        return await google_consent.give_back(self._http, self._at, link.refresh_token) and told

    def open(self, link: Link) -> GoogleCalendar:
        """The same one for the same consent, so that its access token is used until it ends."""
        key = (link.id, link.refresh_token)
        if key not in self._open:
            if len(self._open) >= KEPT:
                self._open.pop(next(iter(self._open)))  # whoever uses it still, may
            self._open[key] = GoogleCalendar(self._at, self._client, link.refresh_token)
        return self._open[key]

    async def close(self) -> None:
        for one in self._open.values():
            await one.close()
        self._open.clear()


def open_calendars(settings: Settings, http: Client) -> Calendars | None:
    """None where the installation has no OAuth client: nothing can be connected."""
    return Calendars(settings, http) if settings.google else None

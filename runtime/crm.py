"""The CRMs of businesses, opened by the tokens that they gave; and whether what comes from one is signed."""

from uuid import UUID

from integrations import gohighlevel_hooks
from integrations.gohighlevel import GoHighLevel
from integrations.gohighlevel_hooks import Hook
from integrations.pace import Pace
from runtime.http import Client
from runtime.settings import Settings
from store.crm_links import Link

KEPT = 500
"""Opened at once: each remembers how fast it may call and which custom fields there are."""


class Crms:
    def __init__(self, settings: Settings, http: Client) -> None:
        self._url, self._http = settings.ghl_url, http
        self._keys = gohighlevel_hooks.public_keys(settings.ghl_webhook_keys)
        self._open: dict[tuple[UUID, str], GoHighLevel] = {}
        self._paces: dict[str, Pace] = {}

    def open(self, link: Link) -> GoHighLevel:
        """The same one for the same token."""
        key = (link.id, link.token)
        if key not in self._open:
            if len(self._open) >= KEPT:
                self._open.pop(next(iter(self._open)))  # whoever uses it still, may
            self._open[key] = self.trial(link.location, link.token)
        return self._open[key]

    def trial(self, location: str, token: str) -> GoHighLevel:
        """One that nobody has connected yet. The limit is the location's, whoever calls."""
        if len(self._paces) >= KEPT:
            self._paces.pop(next(iter(self._paces)))
        pace = self._paces.setdefault(location, Pace())
        return GoHighLevel(self._http, self._url, location, token, pace)

    def verify(self, signature: str, body: bytes) -> Hook | None:
        """None for what is no matter of ours. Raise BadSignature."""
        return gohighlevel_hooks.verify(self._keys, signature, body)

"""Google's Calendar API v3 and its OAuth on loopback: consent, tokens that expire, events, sync tokens, push and chaos.

Whoever is sent to /o/oauth2/v2/auth consents at once (or as `Config.consent` says: denied, or without the calendar);
`login_hint` chooses the account. Every account has one calendar, "primary", also known by the account's address.
"""

from simulators.google_calendar.app import create_app
from simulators.google_calendar.serving import Running, serve
from simulators.google_calendar.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "create_app", "serve"]

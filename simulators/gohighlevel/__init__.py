"""GoHighLevel's API v2 on loopback, one location: contacts, tags, notes, DND, custom fields, its rate limit, webhooks that
come signed, twice and in any order, and chaos."""

from simulators.gohighlevel.serving import Running, serve
from simulators.gohighlevel.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "serve"]

"""Meta's WhatsApp Cloud API on loopback: messages, media, templates, signed webhooks, windows and chaos.

Magic receivers (any other number simply receives, reads nothing, and answers nothing):

    refused at once            15005550001  131026 undeliverable    15005550002  131050 opted out of marketing
                               15005550003  131056 pair rate        15005550004  130429 throughput
    accepted, then failed      15005553001  131026 undeliverable    15005553002  131049 ecosystem
                               15005553003  131053 media            15005553004  131048 called spam
    accepted, never finished   15005553000  stays "sent"

Free text outside the 24 hours after the customer's last message is accepted and then fails with 131047, as at
Meta; with `refuse_outside_window` it is refused at once.
"""

from simulators.meta.app import create_app
from simulators.meta.serving import Running, serve
from simulators.meta.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "create_app", "serve"]

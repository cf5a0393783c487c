"""Twilio's messaging and voice REST API on loopback, with phones, signed webhooks, opt-outs and chaos.

Magic receivers (any other valid E.164 number simply receives):

    refused at create          +15005550001  21211 invalid To       +15005550002  21612 cannot be routed
                               +15005550003  21408 geo not enabled  +15005550004  21610 recipient stopped
                               +15005550009  21614 not a mobile     +15005551429  20429 rate (HTTP 429)
    accepted, then undelivered +15005553003  30003 unreachable      +15005553004  30004 blocked
                               +15005553005  30005 unknown          +15005553006  30006 landline
                               +15005553007  30007 filtered         +15005553008  30008 unknown error
    accepted, then failed      +15005553001  30001 queue overflow
    accepted, never finished   +15005553000  stays "sent"
    calls                      +15005552001  busy                   +15005552002  no-answer
                               +15005552003  failed                 +15005552004  rings until canceled
    senders, owned by nobody   +15005550006  valid                  +15005550007  21606 not owned
                               +15005550008  21611 queue full

The 50055500xx ones are Twilio's own test numbers; the others are ours.
"""

from simulators.twilio.app import create_app
from simulators.twilio.serving import Running, serve
from simulators.twilio.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "create_app", "serve"]

"""Twilio's default handling of STOP, START and HELP: single-word bodies only, per pair of numbers or service.

Source: https://help.twilio.com/articles/223134027. Assumed where the page is silent: a second STOP, and a YES
or START from someone who had not stopped, get no reply.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.twilio.state import Simulation

STOP = frozenset(["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"])
START = frozenset(["START", "YES", "UNSTOP"])
HELP = frozenset(["HELP", "INFO"])
WORDS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


@dataclass(frozen=True)
class Choice:
    """`kind` goes into OptOutType; `reply` is what Twilio itself answers, if anything."""

    kind: str
    reply: str | None


def apply(simulation: Simulation, number: str, handset: str, body: str) -> Choice | None:
    """Changes the block list as the word says; None for ordinary words, and for WhatsApp always."""
    if number.startswith("whatsapp:"):
        return None
    word, pairs = body.strip().upper(), {(one, handset) for one in simulation.senders_alike(number)}
    stopped = (number, handset) in simulation.stops
    if word in STOP:
        simulation.stops |= pairs
        return Choice("STOP", None if stopped else WORDS["STOP"])
    if word in START and stopped:
        simulation.stops -= pairs
        return Choice("START", WORDS["START"])
    if word in HELP:
        return Choice("HELP", None if stopped else WORDS["HELP"])
    return None
